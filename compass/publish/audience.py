"""Who may read what: a library cut down to one audience, failing closed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from compass.errors import UsageError
from compass.library import Library, Mount
from compass.model.catalog import PrivateNames
from compass.model.scope import Level

_WIDTH: Final = {
    Level.PERSONAL: 0,
    Level.TEAM: 1,
    Level.TRIBE: 2,
    Level.HUB_FOR: 2,
    Level.HUB: 3,
    Level.ORG: 3,
}


@dataclass(frozen=True)
class Cut:
    """A library that its audience may read whole, and the ids of the repositories that were left out."""

    library: Library
    audience: Level
    left_out: tuple[str, ...] = ()


def cut(library: Library, audience: Level | None = None) -> Cut:
    """Keep what readers of `audience` (default: the main repository's own) may read; UsageError when that is not given.

    Audience = repository: a wider audience than the repository's own is refused, unless it is a team that shares
    with its tribe; so is a narrower one, since nothing finer than a repository is promised.
    """
    main = library.main
    wanted = audience or main.level
    own = _WIDTH[main.level]
    if _WIDTH[wanted] > own and not (wanted is Level.TRIBE and _shared(main)):
        readers = "team and tribe" if _shared(main) else main.level.value
        share = main.level is Level.TEAM and wanted is Level.TRIBE
        raise UsageError(
            f"{main.id} may be read by its {readers} only, not by the audience '{wanted.value}'",
            "set `share: tribe` in its compass.yaml to let the tribe read all of it, or leave out --audience"
            if share
            else f"leave out --audience, or promote entries and build the {wanted.value}'s own repository",
        )
    if _WIDTH[wanted] < own:
        raise UsageError(
            f"everyone who reads {main.id} reads all of it, so a site for the audience '{wanted.value}' would hide nothing",
            f"leave out --audience, or build the {wanted.value}'s own repository",
        )
    kept = tuple(mount for mount in library.mounts if mount is main or _readable(mount, wanted, library))
    left = tuple(mount.id for mount in library.mounts if mount not in kept)
    ids = {mount.id for mount in kept}
    return Cut(
        replace(
            library,
            mounts=kept,
            entries=tuple(one for one in library.entries if one.mount.id in ids),
            # The catalog does not say which repository an entity came from, so one hidden repository hides it all.
            entities={} if left else library.entities,
            private=PrivateNames(),
            people=None,
            teams=None,
            recordings={},
            problems=(),
        ),
        wanted,
        left,
    )


def _shared(mount: Mount) -> bool:
    return mount.level is Level.TEAM and mount.config.share == "tribe"


def _tribe_of(mount: Mount, library: Library) -> str | None:
    """The tribe whose members read the mount: from its id, or for a team from the organization's list."""
    sort, _, name = mount.id.partition("/")
    if sort in {"tribe", "hub-for"}:
        return name
    teams = library.teams.teams if library.teams else ()
    return next((team.tribe for team in teams if sort == "team" and team.id == name), None)


def _readable(mount: Mount, audience: Level, library: Library) -> bool:
    """Whether everyone in `audience` (of the main repository) may read another repository."""
    if mount.level in {Level.HUB, Level.ORG}:
        return True
    if audience is Level.HUB or mount.level is Level.PERSONAL:
        return False
    tribe = _tribe_of(library.main, library) or _nearest_tribe(library)
    same = tribe is not None and _tribe_of(mount, library) == tribe
    return same and (mount.level in {Level.TRIBE, Level.HUB_FOR} or _shared(mount))


def _nearest_tribe(library: Library) -> str | None:
    """Without the organization's list, the nearest tribe among the parents is taken for the repository's own."""
    return next((_tribe_of(mount, library) for mount in library.mounts if mount.level is Level.TRIBE), None)
