"""PromQL over stored series, with the semantics of Prometheus 3: lookback, staleness, extrapolated rates.

Sources: Prometheus' documentation of querying (basics, operators, functions), and for `rate` and `increase` the
extrapolation described in its function reference.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from compass.replay.matchers import CannotEvaluateError, Matcher
from compass.replay.promql_syntax import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Expr,
    Matching,
    Negation,
    Number,
    Selector,
    parse,
)

LOOKBACK_MS: Final = 300_000
MAX_POINTS: Final = 11_000
MAX_WORK: Final = 20_000_000


class Stored(NamedTuple):
    """A series in store: times in milliseconds, ascending; a NaN marks the moment it became stale."""

    labels: Mapping[str, str]
    times: Sequence[int]
    values: Sequence[float]


class Source(Protocol):
    """Where selectors find their series."""

    def select(self, matchers: tuple[Matcher, ...]) -> Sequence[Stored]:
        """The series that fit all matchers."""
        ...


class Sample(NamedTuple):
    """One element of an instant vector."""

    labels: Mapping[str, str]
    value: float


class Point(NamedTuple):
    """One series of an answer: times in milliseconds."""

    labels: Mapping[str, str]
    times: list[int]
    values: list[float]


Vector = list[Sample]


class Result(NamedTuple):
    """An answer: `kind` is scalar, vector or matrix; a scalar is one series without labels."""

    kind: str
    series: list[Point]


def instant(source: Source, query: str, at_ms: int) -> Result:
    """The query at one moment; a range selector by itself gives its raw samples."""
    expr = parse(query)
    if isinstance(expr, Selector) and expr.range_ms is not None:
        found = [
            Point(series.labels, *_within(series, expr, at_ms)) for series in source.select(expr.matchers)
        ]
        return Result("matrix", _sorted(point for point in found if point.times))
    value = _Evaluation(source).at(expr, at_ms)
    if isinstance(value, float):
        return Result("scalar", [Point({}, [at_ms], [value])])
    return Result("vector", _sorted(Point(labels, [at_ms], [number]) for labels, number in value))


def over_range(source: Source, query: str, start_ms: int, end_ms: int, step_ms: int) -> Result:
    """The query at every step from start to end, both included."""
    expr = parse(query)
    if isinstance(expr, Selector) and expr.range_ms is not None:
        raise CannotEvaluateError("a range query takes an instant vector or a scalar, not a range selector")
    if step_ms <= 0 or end_ms < start_ms:
        raise CannotEvaluateError(
            "a range query needs a step above zero and an end that is not before its start"
        )
    if (end_ms - start_ms) // step_ms >= MAX_POINTS:
        raise CannotEvaluateError(f"more than {MAX_POINTS} points per series; use a larger step")
    evaluation = _Evaluation(source)
    found: dict[frozenset[tuple[str, str]], Point] = {}
    for at_ms in range(start_ms, end_ms + 1, step_ms):
        value = evaluation.at(expr, at_ms)
        for labels, number in [Sample({}, value)] if isinstance(value, float) else value:
            identity = frozenset(labels.items())
            point = found.get(identity)
            if point is None:
                point = found[identity] = Point(labels, [], [])
            elif point.times[-1] == at_ms:
                raise CannotEvaluateError("the answer holds two series with the same labels")
            point.times.append(at_ms)
            point.values.append(number)
    return Result("matrix", _sorted(found.values()))


class _Evaluation:
    """One query's state: the series each selector found, and how much work was done."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.selected: dict[tuple[Matcher, ...], Sequence[Stored]] = {}
        self.work = 0

    def at(self, expr: Expr, at_ms: int) -> float | Vector:
        match expr:
            case Number():
                value: float | Vector = expr.value
            case Selector():
                value = self.instant(expr, at_ms)
            case Call():
                value = self.call(expr, at_ms)
            case Aggregate():
                value = _aggregated(expr, self.vector(expr.inner, at_ms))
            case Negation():
                value = _negated(self.at(expr.inner, at_ms))
            case Binary():
                value = self.binary(expr, at_ms)
        return value

    def vector(self, expr: Expr, at_ms: int) -> Vector:
        value = self.at(expr, at_ms)
        if isinstance(value, float):
            raise CannotEvaluateError("a vector was expected, not a scalar")
        return value

    def series(self, matchers: tuple[Matcher, ...]) -> Sequence[Stored]:
        if matchers not in self.selected:
            self.selected[matchers] = self.source.select(matchers)
        found = self.selected[matchers]
        self.work += len(found)
        if self.work > MAX_WORK:
            raise CannotEvaluateError("the query touches too many samples; narrow it or use a larger step")
        return found

    def instant(self, selector: Selector, at_ms: int) -> Vector:
        moment = at_ms - selector.offset_ms
        found: Vector = []
        for series in self.series(selector.matchers):
            index = bisect_right(series.times, moment) - 1
            # The window is open on its left: a sample exactly five minutes old is gone (Prometheus 3).
            if index >= 0 and series.times[index] > moment - LOOKBACK_MS:
                value = series.values[index]
                if not math.isnan(value):
                    found.append(Sample(series.labels, value))
        return found

    def call(self, call: Call, at_ms: int) -> Vector:
        found: Vector = []
        for series in self.series(call.argument.matchers):
            times, values = _within(series, call.argument, at_ms)
            self.work += len(times)
            value = _over_time(call, times, values, at_ms)
            if value is not None:
                found.append(Sample(_nameless(series.labels), value))
        return _unique(found)

    def binary(self, expr: Binary, at_ms: int) -> float | Vector:
        left, right = self.at(expr.left, at_ms), self.at(expr.right, at_ms)
        compute = _OPERATORS[expr.op]
        if isinstance(left, float) and isinstance(right, float):
            return compute(left, right)
        if isinstance(left, float) or isinstance(right, float):
            return _with_scalar(expr, left, right)
        return _paired(expr, left, right)


def _negated(value: float | Vector) -> float | Vector:
    if isinstance(value, float):
        return -value
    return _unique([Sample(_nameless(labels), -number) for labels, number in value])


def _with_scalar(expr: Binary, left: float | Vector, right: float | Vector) -> Vector:
    compute = _OPERATORS[expr.op]
    filters = expr.op in COMPARISONS and not expr.as_bool
    found: Vector = []
    for labels, number in left if isinstance(right, float) else right:  # type: ignore[union-attr]  # one is a vector
        value = compute(number, right) if isinstance(right, float) else compute(left, number)  # type: ignore[arg-type]  # see above
        if not filters:
            found.append(Sample(_nameless(labels), value))
        elif value:
            found.append(Sample(labels, number))
    return found if filters else _unique(found)


def _paired(expr: Binary, left: Vector, right: Vector) -> Vector:
    """One-to-one matching, as Prometheus does it."""
    if not left or not right:
        return []
    compute = _OPERATORS[expr.op]
    comparison = expr.op in COMPARISONS
    partners: dict[frozenset[tuple[str, str]], Sample] = {}
    for sample in right:
        key = _signature(sample.labels, expr.matching)
        if key in partners:
            raise CannotEvaluateError(
                f"several series on the right of {expr.op!r} share their matching labels"
            )
        partners[key] = sample
    found: Vector = []
    used: set[frozenset[tuple[str, str]]] = set()
    for sample in left:
        key = _signature(sample.labels, expr.matching)
        partner = partners.get(key)
        if partner is None:
            continue
        value = compute(sample.value, partner.value)
        if comparison and not expr.as_bool and not value:
            continue
        if key in used:
            raise CannotEvaluateError(
                f"several series on the left of {expr.op!r} share their matching labels"
            )
        used.add(key)
        keep_name = comparison and not expr.as_bool
        labels = sample.labels if keep_name else _nameless(sample.labels)
        if expr.matching.on:
            labels = {name: text for name, text in labels.items() if name in expr.matching.labels}
        elif expr.matching.labels:
            labels = {name: text for name, text in labels.items() if name not in expr.matching.labels}
        found.append(Sample(labels, sample.value if keep_name else value))
    return _unique(found)


def _signature(labels: Mapping[str, str], matching: Matching) -> frozenset[tuple[str, str]]:
    if matching.on:
        return frozenset((name, labels[name]) for name in matching.labels if labels.get(name))
    return frozenset((n, text) for n, text in labels.items() if n != "__name__" and n not in matching.labels)


def _aggregated(expr: Aggregate, vector: Vector) -> Vector:
    groups: dict[frozenset[tuple[str, str]], list[float]] = {}
    for labels, value in vector:
        if expr.without:
            kept = ((n, text) for n, text in labels.items() if n != "__name__" and n not in expr.labels)
        else:
            kept = ((n, labels[n]) for n in expr.labels if labels.get(n))
        groups.setdefault(frozenset(kept), []).append(value)
    compute = _AGGREGATES[expr.op]
    return [Sample(dict(key), compute(values)) for key, values in groups.items()]


def _within(series: Stored, selector: Selector, at_ms: int) -> tuple[list[int], list[float]]:
    """The samples in the range that ends at this moment; open on its left, stale markers left out."""
    end = at_ms - selector.offset_ms
    first = bisect_right(series.times, end - (selector.range_ms or 0))
    last = bisect_right(series.times, end)
    times, values = list(series.times[first:last]), list(series.values[first:last])
    if any(map(math.isnan, values)):
        pairs = [pair for pair in zip(times, values, strict=True) if not math.isnan(pair[1])]
        times, values = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return times, values


def _over_time(call: Call, times: list[int], values: list[float], at_ms: int) -> float | None:
    if not times:
        return None
    if call.function in {"rate", "increase"}:
        end = at_ms - call.argument.offset_ms
        return _increase(call, times, values, end)
    return _OVER_TIME[call.function](values)


def _increase(call: Call, times: list[int], values: list[float], end_ms: int) -> float | None:
    """A counter's growth, extrapolated to the edges of the range, never below zero."""
    if len(times) < 2:
        return None
    range_ms = call.argument.range_ms or 0
    growth = values[-1] - values[0]
    # In Prometheus' order, here and below: with huge values each rounding shows.
    for before, after in pairwise(values):
        if after < before:
            growth += before
    sampled = (times[-1] - times[0]) / 1000
    between = sampled / (len(times) - 1)
    to_start = (times[0] - (end_ms - range_ms)) / 1000
    to_end = (end_ms - times[-1]) / 1000
    if to_start >= between * 1.1:
        to_start = between / 2
    if growth > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / growth))
    if to_end >= between * 1.1:
        to_end = between / 2
    factor = (sampled + to_start + to_end) / sampled
    return growth * (factor / (range_ms / 1000) if call.function == "rate" else factor)


def _nameless(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in labels.items() if name != "__name__"}


def _unique(vector: Vector) -> Vector:
    if len({frozenset(sample.labels.items()) for sample in vector}) < len(vector):
        raise CannotEvaluateError("the answer holds two series with the same labels")
    return vector


def _sorted(points: Iterable[Point]) -> list[Point]:
    return sorted(points, key=lambda point: sorted(point.labels.items()))


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def _modulo(left: float, right: float) -> float:
    return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    except ValueError:
        # Python complains where IEEE 754 (and Go) answers.
        return math.nan if left else math.inf


def _truth(test: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda left, right: 1.0 if test(left, right) else 0.0


def _extreme(better: Callable[[float, float], bool]) -> Callable[[list[float]], float]:
    def choose(values: list[float]) -> float:
        best = values[0]
        for value in values[1:]:
            if better(value, best) or math.isnan(best):
                best = value
        return best

    return choose


def _total(values: list[float]) -> float:
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


_OPERATORS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _modulo,
    "^": _power,
    "==": _truth(operator.eq),
    "!=": _truth(operator.ne),
    ">": _truth(operator.gt),
    ">=": _truth(operator.ge),
    "<": _truth(operator.lt),
    "<=": _truth(operator.le),
}
_AGGREGATES: Final[dict[str, Callable[[list[float]], float]]] = {
    "sum": _total,
    "avg": lambda values: _total(values) / len(values),
    "max": _extreme(operator.gt),
    "min": _extreme(operator.lt),
    "count": lambda values: float(len(values)),
}
_OVER_TIME: Final[dict[str, Callable[[list[float]], float]]] = {
    "sum_over_time": _AGGREGATES["sum"],
    "avg_over_time": _AGGREGATES["avg"],
    "max_over_time": _AGGREGATES["max"],
    "min_over_time": _AGGREGATES["min"],
    "count_over_time": _AGGREGATES["count"],
}
