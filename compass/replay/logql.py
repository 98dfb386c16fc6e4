"""LogQL over stored lines: stream selectors, line filters, `count_over_time` and `sum by` of it.

A log query covers its start and not its end; a range is open on its left, as in Loki.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from compass.model.recording import LogLine
from compass.replay.lexer import Tokens
from compass.replay.matchers import CannotEvaluateError, Matcher, regex
from compass.replay.promql import MAX_WORK, Point
from compass.replay.store import Store

FILTERS: Final = ("|=", "!=", "|~", "!~")


@dataclass(frozen=True, slots=True)
class Filter:
    """One line filter."""

    op: str
    text: str

    def test(self) -> Callable[[str], bool]:
        """Whether a line passes."""
        wanted = self.text
        if self.op == "|=":
            return lambda line: wanted in line
        if self.op == "!=":
            return lambda line: wanted not in line
        fits = regex(wanted, anchored=False)
        return fits if self.op == "|~" else lambda line: not fits(line)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Lines of some streams that pass all filters."""

    matchers: tuple[Matcher, ...]
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class CountQuery:
    """How many lines in the range before each moment; `labels` None counts each stream, else `sum by (labels)`."""

    lines: LogQuery
    range_ms: int
    labels: tuple[str, ...] | None = None


def parse(query: str) -> LogQuery | CountQuery:
    """The query's meaning; CannotEvaluateError for what is wrong or not supported."""
    tokens = Tokens(query)
    if any(token.kind == "string" and token.text.startswith("'") for token in tokens.tokens):
        raise CannotEvaluateError("LogQL has no single quotes; use double quotes or backticks")
    parsed = _lines(tokens) if tokens.now.text == "{" else _counts(tokens)
    tokens.end()
    return parsed


def _lines(tokens: Tokens) -> LogQuery:
    matchers = tokens.matchers()
    if all(matcher.test()("") for matcher in matchers):
        raise CannotEvaluateError(
            "a stream selector needs at least one matcher that does not fit the empty text"
        )
    filters: list[Filter] = []
    while tokens.now.text in FILTERS:
        op = tokens.next().text
        filters.append(Filter(op, tokens.string()))
        filters[-1].test()  # a filter that cannot be one is refused even where there are no lines
        if tokens.now.text == "or":
            raise CannotEvaluateError("alternatives in a line filter are not supported")
    if tokens.now.text == "|":
        raise CannotEvaluateError("parsers and label filters (|) are not supported")
    return LogQuery(matchers, tuple(filters))


def _counts(tokens: Tokens) -> CountQuery:
    name = tokens.kind("name", "a stream selector, count_over_time or sum")
    if name == "count_over_time":
        tokens.expect("(")
        lines = _lines(tokens)
        tokens.expect("[")
        range_ms = tokens.duration()
        tokens.expect("]")
        tokens.expect(")")
        return CountQuery(lines, range_ms)
    if name != "sum":
        raise CannotEvaluateError(f"{name!r} is not supported in LogQL")
    before = _by(tokens)
    tokens.expect("(")
    inner = _counts(tokens)
    tokens.expect(")")
    if inner.labels is not None:
        raise CannotEvaluateError("a sum of a sum is not supported")
    return CountQuery(inner.lines, inner.range_ms, before if before is not None else _by(tokens) or ())


def _by(tokens: Tokens) -> tuple[str, ...] | None:
    if tokens.now.text == "without":
        raise CannotEvaluateError("sum without is not supported in LogQL")
    return tokens.labels() if tokens.take("by") else None


def lines(store: Store, query: LogQuery, start_ns: int, end_ns: int) -> list[LogLine]:
    """The lines from start (included) to end (excluded), oldest first."""
    stream = store.streams(query.matchers)
    tests = [one.test() for one in query.filters]
    found = [line for line in store.lines_between(start_ns, end_ns) if stream(line.labels)]
    for test in tests:
        found = [line for line in found if test(line.message)]
    return found


def counts(store: Store, query: CountQuery, moments_ms: range) -> list[Point]:
    """A point for each moment at which a group has lines, as Loki answers: no lines, no point."""
    if not moments_ms:
        return []
    reach = query.range_ms * 1_000_000
    first, last = moments_ms[0] * 1_000_000, moments_ms[-1] * 1_000_000
    # A range holds its end and not its start, so both edges move by one nanosecond.
    found = lines(store, query.lines, first - reach + 1, last + 1)
    times = [line.time_ns for line in found]
    groups = [_group(line, query.labels) for line in found]
    points: dict[frozenset[tuple[str, str]], Point] = {}
    work = 0
    for moment in moments_ms:
        end = moment * 1_000_000
        begin, stop = bisect_right(times, end - reach), bisect_right(times, end)
        work += stop - begin
        if work > MAX_WORK:
            raise CannotEvaluateError("the query touches too many lines; narrow it or use a larger step")
        tally = Counter(groups[begin:stop])
        for key, count in tally.items():
            point = points.setdefault(key, Point(dict(key), [], []))
            point.times.append(moment)
            point.values.append(float(count))
    return sorted(points.values(), key=lambda point: sorted(point.labels.items()))


def _group(line: LogLine, labels: tuple[str, ...] | None) -> frozenset[tuple[str, str]]:
    if labels is None:
        return frozenset(line.labels.items())
    return frozenset((name, line.labels[name]) for name in labels if name in line.labels)
