"""What a change of patterns does to the stored recordings: rightly, wrongly, unknown, nearly, and what is new."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from compass.library import Library, LoadedEntry
from compass.model.entry import Pattern
from compass.model.replay import Change, Judgement, PatternReplay, Replayed, ReplayReport, SignalTruth
from compass.rules.replays import Outcome, Replays

Outcomes = Mapping[tuple[str, str], Outcome]
"""By the pattern's id and the recording's name."""

_NEARLY: Final = 0.5
_NONE: Final[Outcomes] = MappingProxyType({})


def replay_report(head: Library, base: Library, cache: Path | None = None) -> ReplayReport:
    """The own patterns of `head` whose text is not that of `base`, over the recordings of `head`.

    The pattern as it was runs over the same recordings, so that a difference is the pattern's and not the data's.
    """
    before = _patterns(base)
    changed = [
        one
        for key, one in sorted(_patterns(head).items())
        if key not in before or before[key].blob != one.blob
    ]
    old = [before[one.id] for one in changed if one.id in before]
    replays = Replays(head.recordings, cache)
    return report_of(changed, replays.outcomes(changed), replays.outcomes(old))


def report_of(patterns: list[LoadedEntry], now: Outcomes, before: Outcomes = _NONE) -> ReplayReport:
    """The same from outcomes that are there already."""
    found = [_replayed(one, now, before) for one in patterns if _matching(one)]
    return ReplayReport(patterns=tuple(one for one in found if one.recordings))


def _patterns(library: Library) -> dict[str, LoadedEntry]:
    return {one.id: one for one in library.entries if one.mount.distance == 0 and _matching(one)}


def _matching(loaded: LoadedEntry) -> bool:
    return loaded.kind == "pattern" and isinstance(loaded.entry, Pattern) and loaded.entry.match is not None


def _replayed(loaded: LoadedEntry, now: Outcomes, before: Outcomes) -> PatternReplay:
    rows = [
        Replayed(
            recording=name,
            listed=any(_expected(loaded, name)),
            judgement=_judged(loaded, name, outcome),
            truth=outcome.truth,
            share=outcome.share,
            signals=tuple(SignalTruth(name=signal, truth=truth) for signal, truth in outcome.signals),
            told=outcome.told(),
            change=_changed(outcome, before.get((entry, name))),
        )
        for (entry, name), outcome in sorted(now.items())
        if entry == loaded.id
    ]
    return PatternReplay(entry=loaded.id, title=loaded.title, path=loaded.path, recordings=tuple(rows))


def _changed(now: Outcome, before: Outcome | None) -> Change | None:
    if before is None or (now.truth is True) == (before.truth is True):
        return None
    return Change.NEWLY if now.truth is True else Change.NO_LONGER


def _judged(loaded: LoadedEntry, name: str, outcome: Outcome) -> Judgement:
    must, must_not = _expected(loaded, name)
    if outcome.truth is True:
        return Judgement.RIGHTLY if must else Judgement.WRONGLY if must_not else Judgement.UNLISTED
    if not must and not must_not and outcome.share >= _NEARLY:
        return Judgement.NEARLY
    if outcome.truth is None:
        return Judgement.UNKNOWN
    return Judgement.MISSED if must else Judgement.SILENT if must_not else Judgement.APART


def _expected(loaded: LoadedEntry, name: str) -> tuple[bool, bool]:
    """Whether the pattern's tests say that it must match the recording, and that it must not."""
    tests = loaded.entry.tests if isinstance(loaded.entry, Pattern) else None
    return (name in tests.must_match, name in tests.must_not_match) if tests else (False, False)
