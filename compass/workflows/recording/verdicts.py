"""Whether patterns say of a copy what they say of its original, once the same new names stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compass.library import Library
from compass.model.entry import Pattern
from compass.model.match import Match, MetricSignal, Truth
from compass.model.recording import Recording, RecordingInfo
from compass.replay.direct import direct
from compass.replay.evaluate import MatchResult, evaluate_recording
from compass.workflows.recording.renamed import Renaming, metrics_in
from compass.workflows.recording.request import Gathered, listed

_WORDS: Final = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True)
class Verdict:
    """One pattern of the original and, renamed, of the copy; `changed` are the signals whose truth differs."""

    entry: str
    title: str
    original: Truth
    copy: Truth
    changed: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether a match of the original is one of the copy, and nothing became one."""
        return (self.original is True) is (self.copy is True)

    def told(self, whole: str = "the original", part: str = "the copy") -> str:
        """In words."""
        if not self.kept:
            signals = f" ({listed(self.changed)})" if self.changed else ""
            return f"{self.entry} is {_WORDS[self.original]} of {whole} and {_WORDS[self.copy]} of {part}{signals}"
        return f"{self.entry} is {_WORDS[self.copy]} of {part}, as of {whole}"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "entry": self.entry,
            "title": self.title,
            "original": self.original,
            "copy": self.copy,
            "changed": list(self.changed),
        }


def matches(library: Library) -> tuple[tuple[str, str, Match], ...]:
    """Id, title and match of every pattern that has one."""
    return tuple(
        (one.id, one.entry.title, one.entry.match)
        for one in library.entries
        if isinstance(one.entry, Pattern) and one.entry.match is not None
    )


def brought_together(patterns: Iterable[tuple[str, str, Match]]) -> tuple[frozenset[str], ...]:
    """The metrics of each query of each pattern."""
    queries = (
        signal.promql
        for _, _, match in patterns
        for signal in match.signals.values()
        if isinstance(signal, MetricSignal)
    )
    return tuple(found for query in queries if len(found := metrics_in(query)) > 1)


def asked(
    patterns: Sequence[tuple[str, str, Match]], info: RecordingInfo, part: Gathered
) -> list[MatchResult]:
    """Each pattern over the window of one recording."""
    with direct(Recording(info, Path(), part.own, part.past)) as telemetry:
        return [evaluate_recording(match, telemetry, info) for _, _, match in patterns]


def compared(
    patterns: Sequence[tuple[str, str, Match]],
    original: Sequence[MatchResult],
    info: RecordingInfo,
    copy: Gathered,
    renaming: Renaming | None = None,
) -> tuple[Verdict, ...]:
    """A verdict for each pattern, under new names if there are some."""
    renamed = (
        [(entry, title, renaming.match(match)) for entry, title, match in patterns] if renaming else patterns
    )
    found = []
    for (entry, title, _), before, after in zip(patterns, original, asked(renamed, info, copy), strict=True):
        was = {one.name: one.truth for one in before.best.signals}
        changed = tuple(one.name for one in after.best.signals if was[one.name] is not one.truth)
        found.append(Verdict(entry, title, before.truth, after.truth, changed))
    return tuple(found)
