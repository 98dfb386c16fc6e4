"""A system too large to be read series by series: its server sums each metric for each component, within bounds."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from compass.adapters.telemetry.answer import Answer, Telemetry
from compass.investigate.series import STATUSES
from compass.investigate.summed import Sum
from compass.model.recording import Series
from compass.workflows.live.choosing import Asked, Choice, Survey, chosen, crowded, metrics_of
from compass.workflows.live.neighbours import Pair, as_series, nearest, pairs
from compass.workflows.recording.ask_metrics import (
    NAMES_AT_ONCE,
    USUAL_STEP,
    Group,
    named,
)
from compass.workflows.recording.request import Notes, Patience, Told, counted, listed

POINTS: Final = 120
"""Samples of a series in a window or a baseline."""
MOST_QUERIES: Final = 200
MOST_SECONDS: Final = 35.0
SAMPLES_AT_ONCE: Final = 200_000
"""Of one answer: Grafana's MCP server takes none of more than ten megabytes."""
WORK_AT_ONCE: Final = 10_000_000
"""Samples that the server computes for one answer."""
COUNTERS_AT_ONCE: Final = 10
_WITHIN: Final = 600
_LEAST_RATE: Final = 60
_OF: Final = "of"
"""The label that tells the sums of one answer apart; a metric's own name would not, since `or` does not look at it."""


class Stretch(NamedTuple):
    """From when to when, in unix seconds."""

    start: float
    end: float


class _Batch(NamedTuple):
    """What one query asks for: sums of the same sort, and the matcher of their components."""

    matcher: str
    sums: tuple[Sum, ...]

    @property
    def query(self) -> str:
        first = self.sums[0]
        if not first.seconds:
            names = named(
                [one.name for one in self.sums], ",".join(filter(None, (self.matcher, first.others)))
            )
            return f"sum by (__name__, {first.label}) ({names})"
        if len(self.sums) == 1:
            return first.of(self.matcher)
        return " or ".join(
            f'label_replace({one.of(self.matcher)}, "{_OF}", "{at}", "", "")'
            for at, one in enumerate(self.sums)
        )

    def sum_of(self, one: Series) -> Sum:
        """Which of the sums a series of the answer belongs to; KeyError or ValueError where to none."""
        if not self.sums[0].seconds:
            return {each.name: each for each in self.sums}[one.name]
        return self.sums[int(one.labels.get(_OF, "0"))]

    def split(self, most: int) -> list[_Batch]:
        """The same in batches of so many sums."""
        return [_Batch(self.matcher, self.sums[at : at + most]) for at in range(0, len(self.sums), most)]


@dataclass
class Summing:
    """What is asked of one large system: chosen when its window is asked for, and the same of its baseline.

    `service` is the one that the incident names, `known` are calls that are known from elsewhere. After
    `MOST_SECONDS` by the `clock`, or `MOST_QUERIES`, nothing more is asked, and what is missing is noted.
    """

    telemetry: Telemetry
    service: str | None
    known: Sequence[Pair]
    clock: Callable[[], float]
    told: Told
    queries: int = 0
    samples: int = 0
    _began: float | None = None
    _choice: Choice | None = None
    _edges: list[Series] = field(default_factory=list)
    _interval: int = USUAL_STEP
    _most: dict[bool, int] = field(default_factory=lambda: {False: NAMES_AT_ONCE, True: COUNTERS_AT_ONCE})

    def read(self, groups: Sequence[Group], stretch: Stretch, notes: Notes) -> tuple[Series, ...] | None:
        """The sums, and who calls whom as series of the service graph; None where nothing could be read."""
        if self._began is None:
            self._began = self.clock()
        if self._choice is None:
            self._choice = self._chosen(groups, stretch, notes)
        found = self._sums(self._choice, stretch, notes)
        return None if found is None else (*found, *self._edges)

    def _chosen(self, groups: Sequence[Group], stretch: Stretch, notes: Notes) -> Choice:
        """What to ask, from a few questions that count on the server's side."""

        def ask(query: str) -> Answer[tuple[Series, ...]]:
            step = max(1.0, (stretch.end - stretch.start) // 2)
            return self._ask(query, stretch, step, notes)

        self.told("metrics: looking over a large system")
        there = [group for group in groups if group.names]
        widths = {
            (group.label, one.name): int(max(one.values, default=0))
            for group in there
            for one in ask(
                f"count by (__name__) (count by (__name__, {group.label}) ({{{group.inner}}}))"
            ).data
        }
        statuses = {
            one.name: status
            for status in reversed(STATUSES)
            for one in ask(f'count by (__name__) ({{{status}=~"5.*"}})').data
        }
        edges = pairs(ask, there)
        self._edges = as_series(edges, stretch.start)
        self._interval = self._scraped(there, widths, stretch, notes)
        seconds = max(_LEAST_RATE, 4 * self._interval)
        metrics = metrics_of(Survey(there, widths, statuses, seconds))
        near = nearest(self.service, {*edges, *self.known}) if crowded(metrics) else []
        components = {
            group.label: frozenset(
                one.labels.get(group.label, "")
                for one in ask(f"count by ({group.label}) ({{{group.inner}}})").data
            )
            for group in there
            if near
        }
        choice = chosen(metrics, near, components)
        self._note(there, choice, seconds, notes)
        return choice

    def _scraped(
        self, groups: Sequence[Group], widths: dict[tuple[str, str], int], stretch: Stretch, notes: Notes
    ) -> int:
        """Seconds between the samples of a series, by the metric that most components have; rather too many than too few."""
        if not widths:
            return USUAL_STEP
        label, name = max(widths, key=lambda key: (widths[key], key))
        inner = next(group.inner for group in groups if group.label == label)
        query = f"avg by ({label}) (count_over_time({name}{{{inner}}}[{_WITHIN}s]))"
        answer = self._ask(query, Stretch(stretch.end, stretch.end), 1.0, notes)
        counts = sorted(one.values[-1] for one in answer.data if one.values and one.values[-1] > 0)
        if not counts:
            return USUAL_STEP
        return max(1, math.ceil(_WITHIN / (counts[len(counts) // 10] + 0.5)))

    def _sums(self, choice: Choice, stretch: Stretch, notes: Notes) -> list[Series] | None:
        span = stretch.end - stretch.start
        step = self._interval * max(1, math.ceil(span / POINTS / self._interval))
        first = stretch.end - step * int(span // step)
        patience = Patience("metrics", notes)
        waiting = list(self._batches(choice.asked, span / step))
        whole = len(waiting)
        found: list[Series] = []
        while waiting:
            if self._over():
                unasked = [one.name for batch in waiting for one in batch.sums]
                notes.add(
                    f"metrics: after {self.queries} questions in {self.clock() - (self._began or 0):.0f} s nothing more was asked,"
                    f" and {counted(len(unasked), 'metric')} of these are missing: {listed(dict.fromkeys(unasked))}"
                )
                break
            batch = waiting.pop(0)
            self.told(f"metrics: sums, {len(waiting)} of {whole} queries to go")
            answer = self._ask(batch.query, Stretch(first, stretch.end), step)
            if answer.error is None:
                patience.kept()
                found += _series(batch, answer.data, step)
                continue
            if len(batch.sums) > 1 and not self._late():
                # It may be the joint question that is refused, or too much.
                rate = batch.sums[0].seconds > 0
                self._most[rate] = max(1, min(self._most[rate], len(batch.sums)) // 4)
                waiting = [part for each in (batch, *waiting) for part in self._again(each, rate=rate)]
                continue
            left = f"{len(waiting)} of {whole} queries were not asked"
            if patience.lost(f"{answer.error} (asked for {batch.query[:120]})", left):
                break
        self.samples += sum(len(one.times) for one in found)
        return found if patience.answered or not whole else None

    def _again(self, batch: _Batch, *, rate: bool) -> list[_Batch]:
        return batch.split(self._most[rate]) if (batch.sums[0].seconds > 0) is rate else [batch]

    def _batches(self, asked: Iterable[Asked], points: float) -> Iterator[_Batch]:
        """Queries, the most telling first; what one answers stays small, and what the server computes for it bounded."""
        waiting: dict[tuple[str, str, str, bool], list[Asked]] = {}
        for one in asked:
            first = one.metric.sums[0]
            rate = first.seconds > 0
            key = (one.matcher, first.label, "" if rate else first.others, rate)
            batch = waiting.setdefault(key, [])
            if batch and not self._fits([*batch, one], points):
                yield _batch(batch)
                batch.clear()
            batch.append(one)
        for batch in waiting.values():
            if batch:
                yield _batch(batch)

    def _fits(self, batch: Sequence[Asked], points: float) -> bool:
        rate = batch[0].metric.sums[0].seconds > 0
        return (
            sum(one.metric.cost for one in batch) * points <= SAMPLES_AT_ONCE
            and sum(one.metric.series for one in batch) * points <= WORK_AT_ONCE
            and sum(len(one.metric.sums) for one in batch) <= self._most[rate]
        )

    def _ask(
        self, query: str, stretch: Stretch, step: float, notes: Notes | None = None
    ) -> Answer[tuple[Series, ...]]:
        self.queries += 1
        answer = self.telemetry.range_query(query, stretch.start, stretch.end, step)
        if answer.error is not None and notes is not None:
            notes.add(f"metrics: {answer.error} (asked for {query[:120]})")
        return answer

    def _over(self) -> bool:
        return self.queries >= MOST_QUERIES or self._late()

    def _late(self) -> bool:
        return self._began is not None and self.clock() - self._began > MOST_SECONDS

    def _note(self, groups: Sequence[Group], choice: Choice, seconds: int, notes: Notes) -> None:
        total = sum(count for group in groups for _, count in group.names)
        notes.add(
            f"metrics: {total:,} series are too many to be read one by one, so the server summed them for each component:"
            f" gauges as they are, counters as rates over {seconds} s; what tells the parts of a component apart is not seen"
        )
        if choice.near:
            notes.add(
                f"metrics: the {counted(len(choice.near), 'component')} nearest to {self.service} by calls came first;"
                f" of the others {counted(len(set(choice.apart)), 'metric')} were left out: {listed(dict.fromkeys(choice.apart))}"
            )
        for what, names in (
            ("there was no room for, which tell least", choice.left_out),
            ("have more series than a server is asked to sum", choice.too_large),
        ):
            if names:
                notes.add(f"metrics: {counted(len(names), 'metric')} {what}: {listed(names)}")


def _batch(asked: Sequence[Asked]) -> _Batch:
    return _Batch(asked[0].matcher, tuple(each for one in asked for each in one.metric.sums))


def _series(batch: _Batch, rows: Iterable[Series], step: float) -> Iterator[Series]:
    """The answer as series of the component alone; rates as a counter that never starts anew, which is what they are of."""
    for row in rows:
        one = batch.sum_of(row)
        component = row.labels.get(one.label)
        if not component or not row.times:
            continue
        labels = {"__name__": one.name, one.label: component}
        if one.status:
            labels[one.status] = "5xx"
        times, values = array("d", row.times), array("d", row.values)
        if one.seconds:
            times, values = _counter(times, values, step)
        yield Series(labels, times, values, one.of_component(component))


def _counter(
    times: Sequence[float], rates: Sequence[float], step: float
) -> tuple[array[float], array[float]]:
    moments, total = array("d", [times[0] - step]), array("d", [0.0])
    for time, rate in zip(times, rates, strict=True):
        if math.isfinite(rate):
            total.append(total[-1] + rate * (time - moments[-1]))
            moments.append(time)
    return moments, total
