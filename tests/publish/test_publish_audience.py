"""Who may read what, failing closed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from published import SHARED, team, tribe

from compass.errors import UsageError
from compass.library import Library, Mount, load
from compass.model.catalog import Entity, PrivateNames
from compass.model.scope import Level, Repository, Team, Teams
from compass.publish.audience import cut


def mounted(identifier: str, level: Level, share: str | None = None, distance: int = 0) -> Mount:
    """A mount without files."""
    config = Repository.model_validate({"schema": 1, "level": level, "id": identifier, "share": share})
    return Mount(
        id=identifier, level=level, root=Path(), git=None, commit=None, config=config, distance=distance
    )


PAYMENTS = mounted("team/payments", Level.TEAM)
SHARING = mounted("team/payments", Level.TEAM, "tribe")
PRODUCT = mounted("tribe/product", Level.TRIBE, distance=1)
PLATFORM = mounted("tribe/platform", Level.TRIBE, distance=1)
FOR_PRODUCT = mounted("hub-for/product", Level.HUB_FOR, distance=2)
HUB = mounted("hub", Level.HUB, distance=2)
ORG = mounted("org", Level.ORG, distance=2)
MINE = mounted("personal/me", Level.PERSONAL, distance=1)
KNOWN = Teams(
    schema_version=1,
    teams=(
        Team(id="payments", tribe="product", members=(), leads=()),
        Team(id="kubernetes", tribe="platform", members=(), leads=()),
    ),
    tribes=(),
)


@pytest.mark.parametrize(
    ("mounts", "audience", "kept"),
    [
        ((PAYMENTS, PRODUCT, HUB, ORG), None, ("team/payments", "tribe/product", "hub", "org")),
        ((PAYMENTS, PRODUCT, FOR_PRODUCT), None, ("team/payments", "tribe/product", "hub-for/product")),
        ((PAYMENTS, PLATFORM, HUB), None, ("team/payments", "hub")),
        ((SHARING, PRODUCT, HUB), Level.TRIBE, ("team/payments", "tribe/product", "hub")),
        ((PRODUCT, SHARING), None, ("tribe/product", "team/payments")),
        ((PRODUCT, PAYMENTS), None, ("tribe/product",)),
        ((PLATFORM, SHARING), None, ("tribe/platform",)),
        ((PRODUCT, PLATFORM, HUB), None, ("tribe/product", "hub")),
        ((HUB, PRODUCT, SHARING, ORG), None, ("hub", "org")),
        ((PAYMENTS, MINE), None, ("team/payments",)),
        ((MINE, PAYMENTS), None, ("personal/me",)),
    ],
)
def test_a_repository_is_kept_only_if_the_whole_audience_may_read_it(
    mounts: tuple[Mount, ...], audience: Level | None, kept: tuple[str, ...]
) -> None:
    found = cut(Library(mounts=mounts, teams=KNOWN), audience)
    assert tuple(mount.id for mount in found.library.mounts) == kept
    assert set(found.left_out) == {mount.id for mount in mounts} - set(kept)


def test_without_the_organizations_list_the_nearest_tribe_is_the_teams_own() -> None:
    found = cut(Library(mounts=(PAYMENTS, PRODUCT, PLATFORM)))
    assert [mount.id for mount in found.library.mounts] == ["team/payments", "tribe/product"]


@pytest.mark.parametrize(
    ("mount", "audience"),
    [
        (PAYMENTS, Level.TRIBE),
        (PAYMENTS, Level.HUB),
        (SHARING, Level.HUB),
        (PRODUCT, Level.HUB),
        (MINE, Level.TEAM),
        (FOR_PRODUCT, Level.HUB),
    ],
)
def test_a_wider_audience_than_the_repositorys_own_is_refused(mount: Mount, audience: Level) -> None:
    with pytest.raises(UsageError, match="may be read by its"):
        cut(Library(mounts=(mount,)), audience)


@pytest.mark.parametrize(
    ("mount", "audience"), [(HUB, Level.TRIBE), (HUB, Level.TEAM), (PRODUCT, Level.TEAM)]
)
def test_a_narrower_audience_is_refused_since_it_would_hide_nothing(mount: Mount, audience: Level) -> None:
    with pytest.raises(UsageError, match="hide nothing"):
        cut(Library(mounts=(mount,)), audience)


def test_entries_of_a_repository_that_is_left_out_are_gone(tmp_path: Path) -> None:
    tribe(tmp_path)
    library = load(team(tmp_path, parents="parents: [../product]\n"), parents=True)
    assert SHARED in {one.id for one in library.entries}
    other = replace(
        library,
        teams=Teams(
            schema_version=1, teams=(Team(id="payments", tribe="platform", members=(), leads=()),), tribes=()
        ),
    )
    assert SHARED not in {one.id for one in cut(other).library.entries}


def test_private_names_people_and_recordings_never_reach_the_pages() -> None:
    library = Library(
        mounts=(PAYMENTS,),
        private=PrivateNames(customers=("a customer",)),
        teams=KNOWN,
        recordings={"a": Path()},
    )
    found = cut(library).library
    assert found.private == PrivateNames()
    assert found.people is None
    assert found.teams is None
    assert not found.recordings


def test_one_hidden_repository_hides_the_catalog_since_it_may_have_come_from_there() -> None:
    entity = Entity.model_validate(
        {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "x"}}
    )
    library = Library(mounts=(PAYMENTS, PRODUCT, PLATFORM), entities={entity.ref: entity}, teams=KNOWN)
    assert not cut(library).library.entities
    assert cut(replace(library, mounts=(PAYMENTS, PRODUCT))).library.entities
