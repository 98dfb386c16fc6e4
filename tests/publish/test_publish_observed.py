"""A page that is not drawn again is the page that would be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import commit_all
from full_entries import write_repository
from published import DRAIN, GONE, INCIDENT, LOCK, POOL, TODAY, pattern, team, write
from test_publish_build import contents
from test_publish_cache import CHANGES

from compass.errors import NegativeAnswerError
from compass.library import Library, load
from compass.publish import preview as previewing
from compass.publish.edition import Edition
from compass.publish.entry import EntryPage
from compass.publish.markup import Markup
from compass.publish.observed import Observed
from compass.publish.preview import Preview


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return team(tmp_path)


def read(root: Path) -> Library:
    return load(root, revision=None)


def watched(edition: Edition) -> Observed:
    """An edition of which every page was drawn."""
    observed = Observed(edition)
    for loaded in edition.pages.values():
        with observed.watching(loaded.id, loaded):
            EntryPage(observed.edition, Markup(observed.edition)).draw(loaded)
    return observed


def anew(before: Observed, edition: Edition) -> set[str]:
    """Entries whose pages have to be drawn again."""
    after = Observed(edition)
    return {one for one in edition.pages if not after.same(one, before)}


def test_nothing_is_drawn_again_when_nothing_has_changed(root: Path) -> None:
    assert anew(watched(Edition(read(root), TODAY)), Edition(read(root), TODAY)) == set()
    assert anew(Observed(Edition(read(root), TODAY)), Edition(read(root), TODAY)) == set(read(root).by_id)


def test_a_new_title_is_drawn_wherever_it_is_shown(root: Path) -> None:
    before = watched(Edition(read(root), TODAY))
    write(
        root, "patterns/lock.md", pattern(LOCK, "Another title", mitigations=[]), "## Symptoms\n\nIt waits.\n"
    )
    assert {LOCK, POOL} <= anew(before, Edition(read(root), TODAY))
    assert INCIDENT not in anew(before, Edition(read(root), TODAY))


def test_what_appears_and_what_goes_is_drawn_where_it_is_linked(root: Path) -> None:
    write(
        root,
        "runbooks/drain.md",
        {**_front(root, "runbooks/drain.md")},
        f"See [[{GONE}]] and [[pat-9k3x9q2m4t]].\n",
    )
    before = watched(Edition(read(root), TODAY))
    write(root, "patterns/new.md", pattern("pat-9k3x9q2m4t", "New", mitigations=[]))
    (root / "patterns" / "gone.md").unlink()
    assert {DRAIN, "pat-9k3x9q2m4t"} <= anew(before, Edition(read(root), TODAY))


def _front(root: Path, path: str) -> dict[str, Any]:
    loaded = next(one for one in read(root).entries if one.path == path)
    return loaded.entry.model_dump(mode="json", by_alias=True, exclude_unset=True)


def test_a_day_later_those_that_became_overdue_are_drawn(root: Path) -> None:
    before = watched(Edition(read(root), TODAY))
    assert POOL in anew(before, Edition(read(root), TODAY + timedelta(days=1)))
    assert anew(before, Edition(read(root), TODAY)) == set()


@dataclass(frozen=True)
class Stranger(Edition):
    """An edition that has something to ask which nobody knew of."""

    facts: Mapping[str, Any] = field(default_factory=dict)

    def told(self, name: str) -> Any:
        return self.facts[name]


@pytest.mark.parametrize(
    ("ask", "other", "again"),
    [
        (lambda edition: edition.facts["a"], {"a": 2, "b": 1}, True),
        (lambda edition: edition.facts["a"], {"a": 1, "b": 2}, False),
        (lambda edition: edition.facts.get("c"), {"a": 1, "b": 1, "c": 1}, True),
        (lambda edition: "c" in edition.facts, {"a": 1, "b": 1, "c": 1}, True),
        (lambda edition: "a" in edition.facts, {"a": 2}, False),
        (lambda edition: list(edition.facts), {"a": 1, "b": 1}, True),
        (lambda edition: len(edition.facts), {"a": 1, "b": 1}, True),
        (lambda edition: edition.told("a"), {"a": 2}, True),
        (lambda edition: edition.told("a"), {"a": 1}, False),
        (lambda edition: edition.today, {}, False),
        (lambda edition: edition.library.main.id, {}, False),
        (lambda edition: "x" in edition.facts["set"], {"set": frozenset("x")}, True),
    ],
)
def test_any_question_is_asked_again(root: Path, ask: Any, other: dict[str, Any], *, again: bool) -> None:
    library = read(root)
    facts = {"a": 1, "b": 1, "set": {1: 2}}
    before = Observed(Stranger(library, TODAY, facts=facts))
    with before.watching(POOL, library.by_id[POOL]):
        ask(before.edition)
    after = Observed(Stranger(library, TODAY, facts=other))
    assert after.same(POOL, before) is not again


def test_a_page_that_could_not_be_drawn_is_not_remembered(root: Path) -> None:
    library = read(root)
    before = Observed(Edition(library, TODAY))
    with pytest.raises(ZeroDivisionError), before.watching(POOL, library.by_id[POOL]):
        raise ZeroDivisionError
    assert not Observed(Edition(library, TODAY)).same(POOL, before)


@pytest.mark.slow
def test_after_every_sort_of_change_the_preview_is_what_a_first_look_would_show(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    write_repository(root, 45)
    commit_all(root)
    preview = Preview(tmp_path / "kept", lambda: TODAY)
    drawn = []
    for change in (None, *CHANGES):
        if change:
            change(root)
        drawn.append(preview.update(read(root)).pages)
        assert preview.finish()
        fresh = Preview(tmp_path / f"fresh-{len(drawn)}", lambda: TODAY)
        fresh.update(read(root))
        fresh.finish()
        assert contents(preview.site) == contents(fresh.site), change
    assert drawn[0] == 45
    assert all(0 < pages < 20 for pages in drawn[1:4])


def test_what_can_wait_is_given_up_and_made_later(root: Path, tmp_path: Path) -> None:
    preview = Preview(tmp_path / "kept", lambda: TODAY)
    preview.update(read(root))
    assert not preview.finish(lambda: True)
    assert not (preview.site / "patterns" / "index.html").exists()
    assert preview.finish()
    assert (preview.site / "patterns" / "index.html").exists()


def test_another_name_for_the_repository_is_on_every_page(root: Path, tmp_path: Path) -> None:
    preview = Preview(tmp_path / "kept", lambda: TODAY)
    preview.update(read(root))
    preview.finish()
    config = root / "compass.yaml"
    config.write_text(config.read_text("utf-8").replace("team/payments", "team/renamed"), "utf-8")
    preview.update(read(root))
    preview.finish()
    for page in preview.site.rglob("*.html"):
        assert "team/payments" not in page.read_text("utf-8"), page


def test_a_page_that_fails_its_inspection_is_not_shown(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = Preview(tmp_path / "kept", lambda: TODAY)
    preview.update(read(root))
    before = contents(preview.site)
    write(root, "patterns/lock.md", pattern(LOCK, "Another title", mitigations=[]))
    monkeypatch.setattr(previewing, "inspect", lambda *_: ["it asks for https://example.com"])
    with pytest.raises(NegativeAnswerError, match="inspection"):
        preview.update(read(root))
    assert contents(preview.site) == before
    monkeypatch.undo()
    preview.update(read(root))
    assert "Another title" in (preview.site / "patterns" / f"{LOCK}.html").read_text("utf-8")


def test_only_what_readers_of_the_preview_may_read_is_in_it(root: Path, tmp_path: Path) -> None:
    library = read(root)
    preview = Preview(tmp_path / "kept", lambda: TODAY)
    hidden = replace(library.mounts[0], id="team/other", distance=1)
    both = replace(
        library,
        mounts=(*library.mounts, hidden),
        entries=tuple(replace(one, mount=hidden) if one.id == LOCK else one for one in library.entries),
    )
    assert preview.update(both).not_for_them == ("team/other",)
    assert not (preview.site / "patterns" / f"{LOCK}.html").exists()
