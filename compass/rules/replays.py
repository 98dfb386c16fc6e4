"""What each pattern says of each stored recording; remembered by the pattern's text and the recording's bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from compass.adapters.telemetry.queries import ToolTelemetry
from compass.errors import CompassError
from compass.library import LoadedEntry
from compass.library.cache import ParseCache, version_of
from compass.model.entry import Pattern
from compass.model.match import Truth
from compass.model.recording import RecordingInfo
from compass.replay.direct import direct
from compass.replay.evaluate import evaluate_recording
from compass.replay.load import digest, load

_WORDS: Final[Mapping[Truth, str]] = {True: "true", False: "false", None: "unknown"}
_CODE: Final = (
    "compass.replay",
    "compass.model.match",
    "compass.model.recording",
    "compass.adapters.telemetry",
)


class Outcome(NamedTuple):
    """A match over a whole recording: its truth, the weight of its true signals from 0 to 1, each signal's truth, for
    which group of labels that is, and why it could not be evaluated at all.
    """

    truth: Truth
    share: float = 0.0
    signals: tuple[tuple[str, Truth], ...] = ()
    group: tuple[tuple[str, str], ...] = ()
    error: str = ""

    @property
    def unknown(self) -> tuple[str, ...]:
        """The signals for which the recording has no data."""
        return tuple(name for name, truth in self.signals if truth is None)

    def told(self) -> str:
        """In words: `slow true, pool false; 40 % of the weight, for service_name=payments`."""
        if self.error:
            return self.error
        signals = ", ".join(f"{name} {_WORDS[truth]}" for name, truth in self.signals)
        where = ", ".join(f"{name}={value}" for name, value in self.group)
        return f"{signals}; {self.share:.0%} of the weight" + (f", for {where}" if where else "")


@dataclass
class Replays:
    """The recordings of one repository, each read once and only when it is asked about; `cache` is a folder."""

    recordings: Mapping[str, Path]
    cache: Path | None = None
    _open: dict[str, tuple[ToolTelemetry, RecordingInfo] | str] = field(default_factory=dict, repr=False)
    _digests: dict[str, str] = field(default_factory=dict, repr=False)

    def outcomes(self, patterns: list[LoadedEntry]) -> dict[tuple[str, str], Outcome]:
        """The outcome of every pattern that has a match, by its id and the recording's name."""
        pairs = {
            (loaded.id, name): f"{loaded.blob} {self._digest(name)}"
            for loaded in patterns
            for name in self.recordings
        }
        by_id = {loaded.id: loaded for loaded in patterns}
        found: dict[tuple[str, str], Outcome] = {}
        with ParseCache(self.cache, f"replays-{version_of(*_CODE)}") as stored:
            known = stored.find(pairs.values())
            # Recording by recording, so that no more than one is held at a time.
            for (entry, name), key in sorted(pairs.items(), key=lambda pair: pair[0][1]):
                if key in known:
                    found[entry, name] = _loaded(known[key])
                    continue
                outcome = self._outcome(by_id[entry], name)
                found[entry, name] = outcome
                stored.remember(key, json.dumps(outcome))
        self._open.clear()
        return found

    def _outcome(self, loaded: LoadedEntry, name: str) -> Outcome:
        if name not in self._open:
            self._open.clear()
            self._open[name] = _opened(self.recordings[name])
        there = self._open[name]
        pattern = loaded.entry
        if isinstance(there, str) or not isinstance(pattern, Pattern) or pattern.match is None:
            return Outcome(None, error=there if isinstance(there, str) else "the pattern has no match")
        best = (result := evaluate_recording(pattern.match, *there)).best
        signals = tuple((signal.name, signal.truth) for signal in best.signals)
        return Outcome(result.truth, round(best.share, 4), signals, tuple(sorted(best.group.items())))

    def _digest(self, name: str) -> str:
        if name not in self._digests:
            self._digests[name] = digest(self.recordings[name])
        return self._digests[name]


def _opened(folder: Path) -> tuple[ToolTelemetry, RecordingInfo] | str:
    try:
        recording = load(folder, history=False)
    except CompassError as error:
        return f"the recording cannot be read: {error.message}"
    return direct(recording), recording.info


def _loaded(row: str) -> Outcome:
    truth, share, signals, group, error = json.loads(row)
    return Outcome(
        truth,
        share,
        tuple((name, one) for name, one in signals),
        tuple((name, value) for name, value in group),
        error,
    )
