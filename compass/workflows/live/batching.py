"""Many sums in few queries, and the answers as the series of components that they are."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from compass.investigate.summed import Sum
from compass.model.recording import Series
from compass.workflows.live.choosing import Asked
from compass.workflows.recording.ask_metrics import NAMES_AT_ONCE, named

GAUGES_AT_ONCE: Final = NAMES_AT_ONCE
COUNTERS_AT_ONCE: Final = 10
SAMPLES_AT_ONCE: Final = 200_000
"""Of one answer: Grafana's MCP server takes none of more than ten megabytes."""
WORK_AT_ONCE: Final = 10_000_000
"""Samples that the server computes for one answer."""
_OF: Final = "of"
"""The label that tells the sums of one answer apart; a metric's own name would not, since `or` does not look at it."""


@dataclass(frozen=True)
class Batch:
    """What one query asks for: sums of gauges, or rates of counters, of up to `width` components that fit a matcher."""

    matcher: str
    sums: tuple[Sum, ...]
    width: int

    @property
    def rate(self) -> bool:
        """Whether it asks for rates."""
        return self.sums[0].seconds > 0

    @property
    def query(self) -> str:
        """The PromQL."""
        first = self.sums[0]
        if not self.rate:
            inner = ",".join(filter(None, (self.matcher, first.others)))
            return f"sum by (__name__, {first.label}) ({named([one.name for one in self.sums], inner)})"
        if len(self.sums) == 1:
            return first.of(self.matcher)
        return " or ".join(
            f'label_replace({one.of(self.matcher)}, "{_OF}", "{at}", "", "")'
            for at, one in enumerate(self.sums)
        )

    def split(self, most: int) -> list[Batch]:
        """The same in batches of so many sums."""
        return [replace(self, sums=self.sums[at : at + most]) for at in range(0, len(self.sums), most)]

    def pieces(self, points: int) -> int:
        """In how many pieces of time it has to be asked for, so that each answer stays small."""
        return max(1, math.ceil(self.width * len(self.sums) * points / SAMPLES_AT_ONCE))

    def sum_of(self, row: Series) -> Sum | None:
        """Which of the sums a row of the answer is; None where it is none of them."""
        if not self.rate:
            return self._by_name.get(row.name)
        place = row.labels.get(_OF, "0")
        return self.sums[int(place)] if place.isdecimal() and int(place) < len(self.sums) else None

    @cached_property
    def _by_name(self) -> Mapping[str, Sum]:
        return {one.name: one for one in self.sums}

    def series(self, rows: Iterable[Series], step: float) -> Iterator[Series]:
        """The answer as series of the component alone.

        Rates become the counter that they are of, which never starts anew: whoever compares series makes rates again.
        """
        for row in rows:
            one = self.sum_of(row)
            component = row.labels.get(one.label) if one else None
            if one is None or not component or not row.times:
                continue
            status = {one.status: "5xx"} if one.status else {}
            labels = {"__name__": one.name, one.label: component, **status}
            times, values = array("d", row.times), array("d", row.values)
            if self.rate:
                times, values = _counter(times, values, step)
            yield Series(labels, times, values, one.of_component(component))


def batches(asked: Iterable[Asked], points: float) -> Iterator[Batch]:
    """Queries for series of so many `points`, the most telling first; each gives, and costs the server, only so much."""
    waiting: dict[tuple[str, str, str, bool], list[Asked]] = {}
    for one in asked:
        first = one.metric.sums[0]
        rate = first.seconds > 0
        batch = waiting.setdefault((one.matcher, first.label, "" if rate else first.others, rate), [])
        if batch and not _fit([*batch, one], points):
            yield _batch(batch)
            batch.clear()
        batch.append(one)
    yield from (_batch(batch) for batch in waiting.values() if batch)


def _fit(batch: Sequence[Asked], points: float) -> bool:
    most = COUNTERS_AT_ONCE if batch[0].metric.sums[0].seconds else GAUGES_AT_ONCE
    return (
        sum(one.width * len(one.metric.sums) for one in batch) * points <= SAMPLES_AT_ONCE
        and sum(one.metric.series for one in batch) * points <= WORK_AT_ONCE
        and sum(len(one.metric.sums) for one in batch) <= most
    )


def _batch(asked: Sequence[Asked]) -> Batch:
    sums = tuple(each for one in asked for each in one.metric.sums)
    return Batch(asked[0].matcher, sums, max(one.width for one in asked))


def _counter(
    times: Sequence[float], rates: Sequence[float], step: float
) -> tuple[array[float], array[float]]:
    moments, total = array("d", [times[0] - step]), array("d", [0.0])
    for time, rate in zip(times, rates, strict=True):
        if math.isfinite(rate):
            total.append(total[-1] + rate * (time - moments[-1]))
            moments.append(time)
    return moments, total
