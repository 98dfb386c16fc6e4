"""Does a pattern's match hold? True, false or unknown, per group, with the queries that say so.

It works through the `Telemetry` interface, so over a recording and over a live system alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from compass.adapters.telemetry.answer import Telemetry
from compass.model.match import Match, Truth, parse_duration
from compass.model.recording import RecordingInfo
from compass.replay.signals import Evidence, Observer, Track

MAX_GROUPS: Final = 500
MOMENTS: Final = 60.0
MAX_MOMENTS: Final = 500


@dataclass(frozen=True)
class SignalResult:
    """One signal at the moment told: its truth, and since when it was true (unix seconds)."""

    name: str
    truth: Truth
    since: float | None = None


@dataclass(frozen=True)
class GroupResult:
    """The match for one group of labels; `share` is the weight of its true signals, from 0 to 1.

    `ordered` is None where fewer than two of the ordered signals were true.
    """

    group: Mapping[str, str]
    at: float
    truth: Truth
    condition: Truth
    ordered: Truth
    share: float
    signals: tuple[SignalResult, ...]

    @property
    def rank(self) -> tuple[int, float]:
        """Of groups: true before unknown before false, then by share."""
        return _ORDER[self.truth], self.share

    @property
    def nearness(self) -> tuple[bool, float, int]:
        """Of moments: true first, then by share; where data has not yet come together, a later moment tells more."""
        return self.truth is True, self.share, -sum(signal.truth is None for signal in self.signals)


@dataclass(frozen=True)
class MatchResult:
    """The verdict over all groups: true if it holds for one, unknown if it may hold for one.

    `groups` are sorted, best first; `evidence` are the queries asked; `partial` repeats the match's own flag: a signal
    was dropped from it, so that a positive answer says less.
    """

    truth: Truth
    groups: tuple[GroupResult, ...]
    evidence: tuple[Evidence, ...]
    partial: bool

    @property
    def best(self) -> GroupResult:
        """The group that fits best; there is always one."""
        return self.groups[0]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Signals of the best group for which there is no data."""
        return tuple(signal.name for signal in self.best.signals if signal.truth is None)


_ORDER: Final[Mapping[Truth, int]] = {True: 2, None: 1, False: 0}


def evaluate(match: Match, telemetry: Telemetry, at: float, since: float | None = None) -> MatchResult:
    """The match at the moment `at` (unix seconds), or at any whole minute from `since` up to `at`.

    Of several moments each group keeps the first at which it holds, else the one that comes nearest.
    Nothing is raised for a failed query: its signal is unknown, and the evidence says why.
    """
    start = at if since is None else since
    observer = Observer(telemetry, start, at, parse_duration(match.window).total_seconds(), match.exclude)
    tracks = {name: observer.track(name, signal) for name, signal in match.signals.items()}
    labels = tuple(label.replace(".", "_") for label in match.group_by)
    groups = [_best(match, tracks, group, _moments(start, at)) for group in _groups(tracks.values(), labels)]
    groups.sort(key=lambda group: (tuple(-part for part in group.rank), sorted(group.group.items())))
    return MatchResult(groups[0].truth, tuple(groups), tuple(observer.evidence), match.partial)


def evaluate_recording(match: Match, telemetry: Telemetry, info: RecordingInfo) -> MatchResult:
    """The match at any minute of the recording's window."""
    start, end = info.window.seconds
    return evaluate(match, telemetry, end, start)


def _moments(start: float, end: float) -> Sequence[float]:
    step = max(MOMENTS, (end - start) / MAX_MOMENTS)
    count = int((end - start) // step)
    return [end - step * index for index in range(count, -1, -1)]


def _groups(tracks: Iterable[Track], labels: tuple[str, ...]) -> list[dict[str, str]]:
    """Every combination of the group's labels that occurs on one item; one empty group where none does."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for track in tracks:
        for item in track.items:
            if labels and all(label in item.labels for label in labels):
                key = tuple(item.labels[label] for label in labels)
                found.setdefault(key, dict(zip(labels, key, strict=True)))
    return [found[key] for key in sorted(found)[:MAX_GROUPS]] or [{}]


def _best(
    match: Match, tracks: Mapping[str, Track], group: dict[str, str], moments: Sequence[float]
) -> GroupResult:
    best: GroupResult | None = None
    mine = {name: track.within(group) for name, track in tracks.items()}
    for moment in moments:
        result = _at(match, mine, group, moment)
        if best is None or result.nearness > best.nearness:
            best = result
        if result.truth is True:
            break
    if best is None:
        raise ValueError("a match is evaluated at one moment at least")
    return best


def _at(match: Match, tracks: Mapping[str, Track], group: dict[str, str], moment: float) -> GroupResult:
    signals = tuple(SignalResult(name, *track.at(moment)) for name, track in tracks.items())
    known = {signal.name: signal.truth for signal in signals}
    condition = match.parsed.evaluate(known)
    ordered = _in_order(match.order, {signal.name: signal.since for signal in signals if signal.truth})
    truth = False if ordered is False else condition
    return GroupResult(group, moment, truth, condition, ordered, _share(match, known), signals)


def _in_order(order: Sequence[str], since: Mapping[str, float | None]) -> Truth:
    """Whether the signals that are true began in the order told; those that are not true say nothing."""
    times = [time for name in order if (time := since.get(name)) is not None]
    return None if len(times) < 2 else times == sorted(times)


def _share(match: Match, known: Mapping[str, Truth]) -> float:
    """The weight of the true signals; without weights all count the same."""
    weights = match.weights or dict.fromkeys(match.signals, 1.0)
    total = sum(weights.values())
    return sum(weight for name, weight in weights.items() if known[name]) / total if total else 0.0
