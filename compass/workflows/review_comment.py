"""The one comment that stands under a proposal: what changed, what is wrong with it, and what a reviewer would look up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from compass.anonymize import Boundary, Pseudonyms, anonymize_text
from compass.anonymize.known import catalog_of
from compass.federation.comment import ENTRIES, REPLAYED, Reviewed, code, comment, replay_lines
from compass.library import Library, LoadedEntry
from compass.model.proposal import Replaced
from compass.model.scope import Level
from compass.rules.base import Context
from compass.rules.duplicates import look_alikes
from compass.rules.replays import Replays
from compass.workflows.anonymizing import allowed_words
from compass.workflows.check import Examined

_NEXT: Final[Mapping[Level, Boundary]] = {Level.TEAM: Boundary.TRIBE, Level.TRIBE: Boundary.HUB}


def review_comment(found: Examined) -> str:
    """The comment on the entries that a change touched, or (without a base) on all of them."""
    library, base = found.library, found.base
    entries = [
        loaded
        for loaded in library.entries
        if loaded.mount.distance == 0 and (base is None or loaded.path in base.changed)
    ]
    paths = {loaded.path for loaded in entries}
    before = base.entries if base else {}
    context = Context(library, found.today)
    reviewed = [
        Reviewed(
            loaded,
            [one for one in found.report.problems if one.path == loaded.path],
            list(_replaced(library, loaded)) if number < ENTRIES else (),
            list(_sections(context, loaded, before.get(loaded.id))) if number < ENTRIES else (),
        )
        for number, loaded in enumerate(entries)
    ]
    return comment(reviewed, [one for one in found.report.problems if one.path not in paths])


def _replaced(library: Library, loaded: LoadedEntry) -> Iterator[Replaced]:
    """What would be replaced if the entry went one level up, by class and rule."""
    boundary = _NEXT.get(library.main.level)
    if boundary is None:
        return
    redacted = anonymize_text(
        loaded.text, catalog_of(library), Pseudonyms(), boundary, allowed_words(library.main.root).allowed
    )
    for (label, rule), count in sorted(Counter((one.label, one.rule) for one in redacted.spans).items()):
        yield Replaced.model_validate({"class": label, "rule": rule, "count": count})


def _sections(
    context: Context, loaded: LoadedEntry, before: LoadedEntry | None
) -> Iterator[tuple[str, list[str]]]:
    library = context.library
    like = [
        f"{code(one.id)} at {code(one.place)}, {one.score:.2f}: {code(one.title)}"
        for one in look_alikes(loaded, context)
    ]
    yield "Looks like", like
    if loaded.kind != "pattern" or not library.recordings:
        return
    replays = Replays(library.recordings)
    was = replays.outcomes([before] if before else [])
    yield REPLAYED, replay_lines(loaded, replays.outcomes([loaded]), was)
