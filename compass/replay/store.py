"""A recording laid out for queries: series by name, log lines by time, spans by trace, changes as annotations."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from compass.model.recording import Alert, Change, LogLine, RecordedTelemetry, Recording, Series, Span
from compass.replay.matchers import Matcher, predicate
from compass.replay.promql import MAX_POINTS, Stored

RULE_INTERVAL_MS: Final = 15_000
FIRING_MS: Final = 86_400_000
"""How long before the window, and after it, an alert is still seen to fire: some are said to fire since 1970."""
GRAPH_INTERVAL_MS: Final = 60_000
GRAPH_METRIC: Final = "traces_service_graph_request_total"


class Trace(NamedTuple):
    """The spans of one trace, by start."""

    trace: str
    start_ns: int
    spans: list[Span]

    @property
    def root(self) -> Span:
        """The span without a parent, else the first."""
        return next((span for span in self.spans if not span.parent), self.spans[0])


class Store:
    """What the replay server answers from; `now` is the end of the recording's window.

    Fault-free history is served from the same store at its own times; where both have a sample of one moment, the
    recording's own counts.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.now_ms = round(recording.info.window.end.timestamp() * 1000)
        own, past = recording.telemetry, recording.history or RecordedTelemetry()
        self.present = own.present
        self.series = [*_merged(past.series, own.series), *self._alerts(own.alerts), *self._graph(own.edges)]
        self.by_name: dict[str, list[Stored]] = {}
        for series in self.series:
            self.by_name.setdefault(series.labels.get("__name__", ""), []).append(series)
        self.lines: Sequence[LogLine] = sorted([*past.logs, *own.logs], key=lambda line: line.time_ns)
        self.line_times = [line.time_ns for line in self.lines]
        self.traces = _traces([*past.spans, *own.spans])
        self.trace_starts = [trace.start_ns for trace in self.traces]
        self.changes: Sequence[Change] = sorted([*past.changes, *own.changes], key=lambda change: change.time)

    def select(self, matchers: tuple[Matcher, ...]) -> Sequence[Stored]:
        """The series that fit all matchers."""
        fits = predicate(matchers)
        named = next((matcher.value for matcher in matchers if matcher[:2] == ("__name__", "=")), None)
        candidates = self.series if named is None else self.by_name.get(named, [])
        return [series for series in candidates if fits(series.labels)]

    def streams(self, matchers: tuple[Matcher, ...]) -> Callable[[Mapping[str, str]], bool]:
        """Whether a log line's labels fit; lines of a stream share their labels, so each is looked at once."""
        fits = predicate(matchers)
        known: dict[int, bool] = {}

        def check(labels: Mapping[str, str]) -> bool:
            found = known.get(id(labels))
            if found is None:
                found = known[id(labels)] = fits(labels)
            return found

        return check

    def lines_between(self, start_ns: int, end_ns: int) -> Sequence[LogLine]:
        """Lines from start (included) to end (excluded)."""
        return self.lines[bisect_left(self.line_times, start_ns) : bisect_left(self.line_times, end_ns)]

    def traces_between(self, start_ns: int, end_ns: int) -> Sequence[Trace]:
        """Traces that begin from start (included) to end (excluded), oldest first."""
        return self.traces[bisect_left(self.trace_starts, start_ns) : bisect_left(self.trace_starts, end_ns)]

    def _alerts(self, alerts: Iterable[Alert]) -> Iterator[Stored]:
        """Alerts as Prometheus keeps them: a sample at each evaluation while they fire, then stale."""
        firing: dict[frozenset[tuple[str, str]], dict[int, float]] = {}
        first = round(self.recording.info.window.start.timestamp() * 1000) - FIRING_MS
        for alert in alerts:
            labels = {**alert.labels, "__name__": "ALERTS", "alertname": alert.name, "alertstate": "firing"}
            samples = firing.setdefault(frozenset(labels.items()), {})
            start = round(alert.starts * 1000)
            end = self.now_ms + 1 if alert.ends is None else round(alert.ends * 1000)
            late = max(0, -((start - first) // RULE_INTERVAL_MS)) * RULE_INTERVAL_MS
            seen = range(start + late, min(end, self.now_ms + FIRING_MS), RULE_INTERVAL_MS)
            samples.update((time, 1.0) for time in seen)
            if alert.ends is not None:
                samples.setdefault(end, math.nan)
        for identity, samples in firing.items():
            times = sorted(samples)
            yield Stored(dict(identity), times, [samples[time] for time in times])

    def _graph(self, edges: Iterable[tuple[str, str]]) -> Iterator[Stored]:
        """Calls between components as the service graph of Tempo names them; how many is not recorded, hence 1."""
        start = round(self.recording.info.window.start.timestamp() * 1000)
        step = max(GRAPH_INTERVAL_MS, (self.now_ms - start) // MAX_POINTS)
        times = list(range(start, self.now_ms + 1, step))
        for caller, callee in edges:
            labels = {"__name__": GRAPH_METRIC, "client": caller, "server": callee}
            yield Stored(labels, times, [1.0] * len(times))


def _merged(past: Sequence[Series], own: Sequence[Series]) -> Iterator[Stored]:
    known: dict[int, list[int]] = {}

    def in_ms(times: Sequence[float]) -> list[int]:
        # Columns without gaps share their times; converting them once is most of the work saved.
        found = known.get(id(times))
        if found is None:
            found = known[id(times)] = [round(time * 1000) for time in times]
        return found

    before = {frozenset(series.labels.items()): series for series in past}
    for series in own:
        earlier = before.pop(frozenset(series.labels.items()), None)
        if earlier is None or not earlier.times:
            yield Stored(series.labels, in_ms(series.times), series.values)
            continue
        samples = dict(zip(in_ms(earlier.times), earlier.values, strict=True))
        samples.update(zip(in_ms(series.times), series.values, strict=True))
        times = sorted(samples)
        yield Stored(series.labels, times, [samples[time] for time in times])
    for series in before.values():
        yield Stored(series.labels, in_ms(series.times), series.values)


def _traces(spans: Iterable[Span]) -> list[Trace]:
    grouped: dict[str, list[Span]] = {}
    for span in spans:
        grouped.setdefault(span.trace, []).append(span)
    traces = []
    for trace, members in grouped.items():
        members.sort(key=lambda span: (span.start_ns, span.span))
        traces.append(Trace(trace, members[0].start_ns, members))
    return sorted(traces, key=lambda trace: (trace.start_ns, trace.trace))
