"""What to record, and what came back: the plain values that the steps of a recording hand on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from compass.errors import UsageError
from compass.model.recording import RecordedTelemetry, Symptom, Window
from compass.replay.matchers import CannotEvaluateError
from compass.replay.save import moment
from compass.replay.times import nanoseconds

Told = Callable[[str], None]

_SIZE: Final = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*([kKmM]?)i?[bB]?")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
MOST_NOTES: Final = 60


@dataclass(frozen=True)
class Request:
    """The window and what was noticed, which series and lines to take, and how large the folder may become.

    Without `metrics` every series that names its component is taken; `logs` is a stream selector, or empty for all.
    """

    name: str
    window: Window
    detected: float
    symptom: Symptom
    history: Window | None = None
    metrics: tuple[str, ...] = ()
    logs: str = ""
    limit: int = 300_000


@dataclass
class Notes:
    """What was not recorded, or only in part: one sentence each, each told at once and once."""

    told: Told = lambda _: None
    lines: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """Remember a sentence, on one line and of bounded length."""
        line = " ".join(sentence.split())[:400]
        if line not in self.lines:
            self.lines.append(line)
            self.told(line)

    def bounded(self) -> tuple[str, ...]:
        """The sentences, so many that the description stays readable."""
        if len(self.lines) <= MOST_NOTES:
            return tuple(self.lines)
        rest = len(self.lines) - MOST_NOTES
        return (*self.lines[:MOST_NOTES], f"and {rest} more notes of this sort")


@dataclass
class Patience:
    """Answers of one kind of telemetry: after so many failures in a row a dead server is asked no more."""

    kind: str
    notes: Notes
    most: int = 2
    answered: bool = False
    _failed: int = 0

    def kept(self) -> None:
        """An answer came."""
        self.answered, self._failed = True, 0

    def lost(self, error: str, left: str) -> bool:
        """None came, which is noted; True if it is given up, and then so is what is `left`."""
        self.notes.add(f"{self.kind}: {error}")
        self._failed += 1
        if self._failed >= self.most:
            self.notes.add(f"{self.kind}: given up, {left}")
        return self._failed >= self.most


@dataclass(frozen=True)
class Gathered:
    """A recording's telemetry before it is written, and that of a fault-free time, if it was asked for."""

    own: RecordedTelemetry
    past: RecordedTelemetry | None = None

    @property
    def rows(self) -> int:
        """How many series, lines and so on there are."""
        return sum(
            len(rows)
            for one in self.parts()
            for rows in (one.series, one.logs, one.spans, one.alerts, one.changes, one.edges)
        )

    def parts(self) -> Iterator[RecordedTelemetry]:
        """Both, or the one there is."""
        yield self.own
        if self.past is not None:
            yield self.past

    def changed(self, change: Callable[[RecordedTelemetry], RecordedTelemetry]) -> Gathered:
        """The same with both parts changed."""
        return replace(self, own=change(self.own), past=None if self.past is None else change(self.past))


def bytes_of(text: str) -> int:
    """`300kB`, `1.5 MB` or `300000` as bytes (1 kB is 1,000); UsageError for anything else."""
    found = _SIZE.fullmatch(text.strip())
    size = round(float(found[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2].lower()]) if found else 0
    if not 0 < size <= 50_000_000:
        raise UsageError(f"--limit {text[:40]!r} is no size", "for example 300kB, or 1MB; 50MB at most")
    return size


def name_of(text: str) -> str:
    """The name of a recording, which is its id and its folder; UsageError if it cannot be one."""
    if not _NAME.fullmatch(text):
        hint = "small letters, digits, '.', '_' and '-', a letter or digit first, 100 characters at most"
        raise UsageError(f"{text[:120]!r} cannot be the name of a recording", hint)
    return text


def moment_of(option: str, text: str, now: float) -> float:
    """Unix seconds of `2026-05-01T12:00:00Z`, `now` or `now-1h`; a time without a zone is UTC."""
    try:
        return nanoseconds(text.strip(), round(now * 1000)) / 1e9
    except CannotEvaluateError as refusal:
        hint = "for example 2026-05-01T12:00:00Z, or now-1h"
        raise UsageError(f"{option} {text[:60]!r} is no time", hint) from refusal


def window_of(option: str, start: float, end: float) -> Window:
    """A window, or a UsageError that names the option."""
    try:
        return Window.model_validate({"from": moment(start), "to": moment(end)})
    except ValueError as problem:
        raise UsageError(
            f"{option}: a window ends after it begins", "is one of the two times mistyped?"
        ) from problem


def history_of(text: str | None, now: float) -> Window | None:
    """The fault-free time of `FROM/TO`, if there is one; UsageError for anything else."""
    if text is None:
        return None
    first, slash, last = text.partition("/")
    if not slash:
        raise UsageError(f"--history {text[:80]!r} is no stretch of time", "write FROM/TO")
    return window_of("--history", moment_of("--history", first, now), moment_of("--history", last, now))


def counted(count: int, thing: str) -> str:
    """`1 line`, `2,000 lines`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def listed(words: Iterable[Any], most: int = 5) -> str:
    """The first few, and how many more."""
    found = [str(word) for word in words]
    rest = len(found) - most
    return ", ".join(found[:most]) + (f" and {rest} more" if rest > 0 else "")
