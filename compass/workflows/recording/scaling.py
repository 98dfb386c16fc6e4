"""Numbers that tell as much as before and give no amount away: one hidden factor for each family of metrics.

Families are dimensions (time, amounts of memory, everything that is counted), because a query divides and compares what
is of one dimension: `in_use / size`, `errors / requests` are what they were. Dimensions that one query of a pattern
brings together share their factor. Buckets, sums and counts of a histogram are all counted, since their bounds stay.
Shares from 0 to 1, and percentages, are bent by a hidden power, which keeps 0, 1 and their order.
0 and 1 stay as they are; a metric that is a moment moves with the time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from compass.anonymize.spans import PLACEHOLDER
from compass.model.recording import Series
from compass.workflows.recording.request import Gathered

TIME: Final = frozenset({
    "seconds", "second", "milliseconds", "microseconds", "nanoseconds", "ms", "us", "ns", "minutes", "hours", "duration",
    "latency", "age", "lag",
})  # fmt: skip
MEMORY: Final = frozenset(
    {
        "bytes",
        "byte",
        "kb",
        "mb",
        "gb",
        "kib",
        "mib",
        "gib",
        "kilobytes",
        "megabytes",
        "gigabytes",
        "memory",
        "heap",
    }
)
SHARE: Final = frozenset({
    "ratio", "fraction", "utilization", "utilisation", "share", "saturation", "percent", "pct", "percentage",
    "probability", "availability",
})  # fmt: skip
DIMENSIONS: Final = ("time", "memory", "count")
DIGITS: Final = 6
NEAR: Final = 3e8
"""Seconds around the window in which a number as large as a moment is one."""
_NUMBER: Final = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)(\s?(?:%|(?:ms|us|µs|ns|s|secs?|seconds?|m|mins?|minutes?|h|hours?|[kmgt]i?b|bytes?)\b))?(?!\w)",
    re.IGNORECASE,
)
_STATUS_BEFORE: Final = re.compile(
    r"(?:status|code|http(?:/\d(?:\.\d)?)?)[\"']?\s{0,2}[=: ]\s{0,2}[\"']?$", re.IGNORECASE
)


@dataclass(frozen=True)
class Metric:
    """What the scaling has to know of one metric: `family` is a dimension, share, percent, moment or plain."""

    family: str
    unit: float = 1.0


def metrics_of(gathered: Gathered, start: float, together: Iterable[frozenset[str]]) -> dict[str, Metric]:
    """The family of each metric, from its name and from the values of all its series."""
    joined = {name for names in together if len(names) > 1 for name in names}
    values: dict[str, list[float]] = {}
    for part in gathered.parts():
        for series in part.series:
            values.setdefault(series.name, []).extend(filter(math.isfinite, series.values))
    return {name: _metric(name, found, start, paired=name in joined) for name, found in values.items()}


def _metric(name: str, values: list[float], start: float, *, paired: bool) -> Metric:
    words = name.lower().split("_")
    high, low = max(values, default=0.0), min(values, default=0.0)
    if set(values) <= {0.0, 1.0}:
        return Metric("plain")
    for unit in (1.0, 1000.0):
        if low > 0 and abs(low / unit - start) < NEAR and abs(high / unit - start) < NEAR:
            return Metric("moment", unit)
    return Metric(_family(words, low, high, paired=paired))


def _family(words: list[str], low: float, high: float, *, paired: bool) -> str:
    """A share, a percentage or a dimension; a bare number from 0 to 1 that no query sets against another is a share."""
    if words[-1] in {"bucket", "sum", "count"}:
        return "count"
    found = set(words) - ({"second", "seconds"} if "per" in words else set())
    percent = bool(found & {"percent", "pct", "percentage"})
    if found & SHARE and low >= 0 and high <= (100 if percent else 1):
        return "percent" if percent else "share"
    if found & TIME or found & MEMORY:
        return "time" if found & TIME else "memory"
    bare = low >= 0 and high <= 1 and not {"per", "total"} & found and not paired
    return "share" if bare else "count"


@dataclass(frozen=True)
class Scaling:
    """The hidden numbers of one copy: a factor for each dimension, a power for shares, and how far time moves."""

    metrics: Mapping[str, Metric]
    factors: Mapping[str, float]
    power: float
    shift: float

    @classmethod
    def drawn(
        cls, metrics: Mapping[str, Metric], together: Iterable[frozenset[str]], shift: float, random: Random
    ) -> Scaling:
        """Drawn anew; dimensions that a query brings together get one factor."""
        factors = {name: _away_from_one(random, 0.55, 0.85, 1.2, 1.9) for name in DIMENSIONS}
        for names in together:
            families = sorted({metrics[name].family for name in names if name in metrics} & set(DIMENSIONS))
            for family in families[1:]:
                former = factors[family]
                factors = {
                    name: factors[families[0]] if value == former else value
                    for name, value in factors.items()
                }
        return cls(metrics, factors, _away_from_one(random, 0.88, 0.96, 1.04, 1.12), shift)

    def series(self, series: Series) -> Series:
        """The samples of a series under its original name, scaled; times are left to the caller."""
        metric = self.metrics[series.name]
        return series._replace(values=[self._value(value, metric) for value in series.values])

    def _value(self, value: float, metric: Metric) -> float:
        if metric.family == "moment":
            return value - self.shift * metric.unit
        if metric.family == "plain":
            return value
        return float(f"{self._scaled(value, metric.family):.{DIGITS}g}")

    def _scaled(self, value: float, family: str) -> float:
        if family in {"share", "percent"}:
            whole = 100.0 if family == "percent" else 1.0
            return (
                whole * (value / whole) ** self.power
                if 0 <= value <= whole
                else value * self.factors["count"]
            )
        return value * self.factors[family]

    def text(self, text: str) -> str:
        """A text with its numbers scaled, by their units; 0, 1 and a status of HTTP stay."""
        parts: list[str] = []
        at = 0
        for kept in PLACEHOLDER.finditer(text):
            parts += [_NUMBER.sub(self._number, text[at : kept.start()]), kept[0]]
            at = kept.end()
        return "".join([*parts, _NUMBER.sub(self._number, text[at:])])

    def _number(self, found: re.Match[str]) -> str:
        digits, unit = found[1], found[2] or ""
        value = float(digits)
        status = 100 <= value <= 599 and "." not in digits and not unit
        if value in {0.0, 1.0} or (
            status and _STATUS_BEFORE.search(found.string[max(0, found.start() - 20) : found.start()])
        ):
            return found[0]
        new = self._scaled(value, _of_unit(unit))
        places = len(digits.partition(".")[2])
        text = f"{new:.{places}f}"
        if text == digits:
            text = f"{value + 10**-places:.{places}f}"
        return text + unit


def _of_unit(unit: str) -> str:
    word = unit.strip().lower()
    if word == "%":
        return "percent"
    return "count" if not word else "memory" if "b" in word else "time"


def _away_from_one(random: Random, *bounds: float) -> float:
    low, below, above, high = bounds
    return random.uniform(low, below) if random.random() < 0.5 else random.uniform(above, high)
