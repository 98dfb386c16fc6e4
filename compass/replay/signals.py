"""Each signal of a match, asked of telemetry once, as moments at which it was true and whether data was there."""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from compass.adapters.telemetry.answer import Answer, Telemetry
from compass.model.match import (
    MATCHER,
    AlertSignal,
    ChangeSignal,
    LogSignal,
    MetricSignal,
    Signal,
    Truth,
    parse_duration,
)
from compass.model.recording import Series
from compass.replay.lexer import unquoted
from compass.replay.matchers import Matcher, predicate
from compass.replay.template import line_filter

MAX_STEPS: Final = 5000
STEP: Final = 15
MAX_EXCERPT: Final = 4000
ANY_STREAM: Final = Matcher("service_name", "=~", ".+")
COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "ne": operator.ne,
}


class Evidence(NamedTuple):
    """A query that was really asked, and what came back; `observed` is an excerpt of 4 kB at most."""

    signal: str
    type: str
    query: str
    start: float
    end: float
    observed: str
    digest: str
    error: str | None
    truncated: bool


@dataclass(frozen=True)
class Item:
    """One thing that a signal looks at, with its labels: a series, an alert, a stream, a change.

    `hits` are the moments (unix seconds, ascending) that count; `seen` the moments with data, None for all of them.
    `begins` says when each hit began, where it had to last to count.
    """

    labels: Mapping[str, str]
    hits: Sequence[float]
    seen: Sequence[float] | None = None
    begins: Sequence[float] = ()


@dataclass(frozen=True)
class Track:
    """A signal over time: within `reach` seconds before a moment, `needed` hits make it true.

    `observed` says whether this sort of telemetry is collected, so that no hit means "false" and not "unknown";
    with `always` that goes for every group, otherwise for those that an item with data belongs to.
    """

    name: str
    items: tuple[Item, ...]
    reach: float
    observed: bool
    needed: int = 1
    hold: float = 0.0
    complete: bool = True
    always: bool = False

    def within(self, group: Mapping[str, str]) -> Track:
        """The same for one group of labels; an item without one of the labels belongs to every group."""
        mine = tuple(item for item in self.items if all(item.labels.get(k, v) == v for k, v in group.items()))
        return replace(self, items=mine)

    def at(self, moment: float) -> tuple[Truth, float | None]:
        """Truth at a moment, and when what makes it true began."""
        hits = 0
        began: list[float] = []
        for item in self.items:
            first, last = bisect_right(item.hits, moment - self.reach), bisect_right(item.hits, moment)
            if first < last:
                hits += last - first
                began.append((item.begins or item.hits)[first])
        if hits >= self.needed:
            return True, min(began)
        if not self.observed or not self.complete:
            return None, None
        return (False if self._covered(moment) else None), None

    def _covered(self, moment: float) -> bool:
        """Whether there was enough data up to this moment to say no."""
        if self.always or any(item.seen is None for item in self.items):
            return True
        start = moment - self.reach - self.hold
        for item in self.items:
            seen = item.seen or ()
            first, last = bisect_right(seen, start), bisect_right(seen, moment)
            if first < last and seen[last - 1] - seen[first] >= self.hold:
                return True
        return False


class Observer:
    """Asks telemetry about signals from `start` to `end` and keeps every answer as evidence."""

    def __init__(
        self, telemetry: Telemetry, start: float, end: float, window: float, exclude: Sequence[str]
    ) -> None:
        self.telemetry = telemetry
        self.start, self.end, self.window = start, end, window
        self.evidence: list[Evidence] = []
        self.excluded = list(map(matcher, exclude))

    def track(self, name: str, signal: Signal) -> Track:
        """The signal over the observed time."""
        match signal:
            case AlertSignal():
                return self._alert(name, signal)
            case LogSignal():
                return self._log(name, signal)
            case MetricSignal():
                return self._metric(name, signal)
            case ChangeSignal():
                return self._change(name, signal)

    def _alert(self, name: str, signal: AlertSignal) -> Track:
        matchers = [Matcher("alertstate", "=", "firing"), *map(matcher, signal.matchers)]
        selector = f"ALERTS{{{','.join(map(str, matchers))}}}"
        answer = self.telemetry.raw(selector, self.start - self.window, self.end)
        series = self._kept(answer.data)
        names = [
            f"{one.labels.get('alertname', '')} {_plain(one.labels)} from {one.times[0]:.0f}"
            for one in series
            if one.times
        ]
        self._note(name, "alert", answer, "; ".join(names) or "no such alert fired")
        items = tuple(Item(one.labels, one.times) for one in series)
        observed = answer.ok and (bool(answer.data) or self.telemetry.observes("alerts"))
        return Track(name, items, self.window, observed, always=True)

    def _log(self, name: str, signal: LogSignal) -> Track:
        matchers = tuple(map(matcher, signal.matchers)) or (ANY_STREAM,)
        stream = f"{{{','.join(map(str, matchers))}}}"
        query = f"{stream} {line_filter(signal.template)}"
        answer = self.telemetry.logs(query, self.start - self.window, self.end + 0.001)
        lines = self._kept(answer.data)
        excerpt = "\n".join(f"{line.service}: {line.message[:400]}" for line in lines[:5])
        self._note(name, "log", answer, f"{len(lines)} lines fit\n{excerpt}" if lines else "no line fits")
        hits: dict[tuple[tuple[str, str], ...], list[float]] = {}
        for line in lines:
            hits.setdefault(tuple(sorted(line.labels.items())), []).append(line.time_ns / 1e9)
        items = [Item(dict(labels), times, ()) for labels, times in hits.items()]
        streams, silent = self._streams(name, stream)
        items += [Item(labels, ()) for labels in streams]
        observed = answer.ok and not silent
        return Track(
            name, tuple(items), self.window, observed, signal.count.gte, complete=not answer.truncated
        )

    def _streams(self, name: str, stream: str) -> tuple[list[Mapping[str, str]], bool]:
        """Which services wrote anything at all there, so that silence and health are told apart; True if none did."""
        span = max(1, math.ceil(self.end - self.start + self.window))
        query = f"sum by (service_name) (count_over_time({stream}[{span}s]))"
        answer = self.telemetry.log_counts(query, self.end)
        found = [one for one in answer.data if one.values]
        written = ", ".join(f"{one.service} {one.values[-1]:.0f}" for one in found[:50])
        self._note(name, "log", answer, f"lines written by each service: {written or 'none'}")
        return [one.labels for one in found], not found

    def _metric(self, name: str, signal: MetricSignal) -> Track:
        hold = parse_duration(signal.hold).total_seconds()
        begin = self.start - self.window - hold
        step = max(STEP, math.ceil((self.end - begin) / MAX_STEPS))
        # The last step falls on the end, because that is the moment asked about.
        begin = self.end - step * math.ceil((self.end - begin) / step)
        answer = self.telemetry.range_query(signal.promql, begin, self.end, step)
        series = self._kept(answer.data)
        compare = COMPARE[signal.op]
        items = tuple(_held(one, lambda value: compare(value, signal.value), hold, step) for one in series)
        extremes = [
            f"{_plain(one.labels)} {min(one.values):g}..{max(one.values):g}"
            for one in series[:40]
            if one.values
        ]
        self._note(name, "metric", answer, "; ".join(extremes) or "no samples")
        return Track(name, items, self.window, answer.ok and bool(series), hold=max(0.0, hold - step))

    def _change(self, name: str, signal: ChangeSignal) -> Track:
        reach = parse_duration(signal.within).total_seconds()
        answer = self.telemetry.annotations(self.start - reach, self.end, (signal.change,))
        fits = predicate(tuple(map(matcher, signal.matchers)))
        items: list[Item] = []
        told: list[str] = []
        for change in answer.data:
            labels = {**change.labels, "service_name": change.service} if change.service else change.labels
            if change.type == signal.change and fits(labels) and not self._out(labels):
                items.append(Item(labels, (change.time,)))
                told.append(f"{change.type} of {change.service} at {change.time:.0f}: {change.summary[:300]}")
        self._note(name, "change", answer, "; ".join(told) or "no such change")
        return Track(name, tuple(items), reach, answer.ok and self.telemetry.observes("changes"), always=True)

    def _kept(self, rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if not self._out(row.labels)]

    def _out(self, labels: Mapping[str, str]) -> bool:
        """Whether `exclude` names these labels; a label that is not there is not named."""
        return any(one.label in labels and one.test()(labels[one.label]) for one in self.excluded)

    def _note(self, name: str, kind: str, answer: Answer[Any], observed: str) -> None:
        text = f"failed: {answer.error}" if answer.error else observed[:MAX_EXCERPT]
        window = (answer.query, answer.start, answer.end)
        self.evidence.append(
            Evidence(name, kind, *window, text, answer.digest, answer.error, answer.truncated)
        )


def matcher(text: str) -> Matcher:
    """`service.name="x"` as written in a match; in queries the label is `service_name`."""
    found = MATCHER.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no matcher")
    label, op, value = found.groups()
    return Matcher(label.replace(".", "_"), op, unquoted(f'"{value}"'))


def _held(series: Series, true: Callable[[float], bool], hold: float, step: float) -> Item:
    """The moments at which the comparison has held for long enough without a gap."""
    hits: list[float] = []
    begins: list[float] = []
    run: float | None = None
    before = -math.inf
    seen: list[float] = []
    for time, value in zip(series.times, series.values, strict=True):
        if math.isnan(value):
            continue
        seen.append(time)
        if not true(value):
            run = None
        elif run is None or time - before > step * 1.5:
            run = time
        before = time
        if run is not None and time - run >= hold:
            hits.append(time)
            begins.append(run)
    return Item(series.labels, hits, seen, begins)


def _plain(labels: Mapping[str, str]) -> str:
    hidden = {"__name__", "alertname", "alertstate"}
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in hidden)
