"""What changed patterns say of the stored recordings, in the JSON shape that programs outside read."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from pydantic import Field

from compass.model.base import Model
from compass.model.match import Truth


class Judgement(StrEnum):
    """What a match over one recording means in the light of the pattern's tests."""

    RIGHTLY = "matches_rightly"
    WRONGLY = "matches_wrongly"
    UNLISTED = "matches_unlisted"
    MISSED = "missed"
    SILENT = "rightly_silent"
    UNKNOWN = "unknown"
    NEARLY = "nearly_matches"
    APART = "does_not_match"


class Change(StrEnum):
    """How a match differs from the one before the change."""

    NEWLY = "newly_matching"
    NO_LONGER = "no_longer_matching"


class SignalTruth(Model):
    """One signal; its truth is null where the recording has no data for it."""

    name: str
    truth: Truth


class Replayed(Model):
    """One pattern over one recording; `share` is the weight of its true signals, from 0 to 1."""

    recording: str
    listed: bool = Field(description="whether the pattern's tests name the recording")
    judgement: Judgement
    truth: Truth
    share: float
    signals: tuple[SignalTruth, ...] = ()
    told: str = Field(description="the signals and the share in words, or why it could not be evaluated")
    change: Change | None = Field(default=None, description="against the base, for a pattern it has")

    @property
    def telling(self) -> bool:
        """Whether a reviewer should read of it: it was expected, it matches or nearly so, or it is a change."""
        return self.listed or self.change is not None or self.judgement not in _QUIET


_QUIET: Final = frozenset({Judgement.APART, Judgement.UNKNOWN})


class PatternReplay(Model):
    """A changed or added pattern over every stored recording."""

    entry: str
    title: str
    path: str
    recordings: tuple[Replayed, ...]


class ReplayReport(Model):
    """Every changed or added pattern that has a match."""

    patterns: tuple[PatternReplay, ...] = ()

    def lines(self) -> Iterator[str]:
        """In words, a line for each recording that a reviewer should know of, and how many others there are."""
        for pattern in self.patterns:
            shown = [one for one in pattern.recordings if one.telling]
            for one in shown:
                change = f"; {one.change.value.replace('_', ' ')}" if one.change else ""
                yield f"{one.recording}: {one.judgement.value.replace('_', ' ')} ({one.told}){change}"
            others = [one for one in pattern.recordings if not one.telling]
            unknown = sum(one.judgement is Judgement.UNKNOWN for one in others)
            if others:
                yield f"recordings that its tests do not name and it does not match: {len(others)}, {unknown} of them unknown"
