"""TraceQL over stored spans: one set of conditions joined by `&&`, and `select`, which names what to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from compass.model.recording import Span
from compass.replay.lexer import Token, Tokens
from compass.replay.matchers import CannotEvaluateError, regex

UNITS_NS: Final = {
    "ns": 1,
    "us": 1000,
    "µs": 1000,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
TEXT_FIELDS: Final[dict[str, Callable[[Span], str]]] = {
    "resource.service.name": lambda span: span.service,
    ".service.name": lambda span: span.service,
    "name": lambda span: span.name,
    "span:name": lambda span: span.name,
    "span:id": lambda span: span.span,
    "span:parentID": lambda span: span.parent,
    "trace:id": lambda span: span.trace,
}
STATUS: Final = frozenset({"ok", "error", "unset"})
Test = Callable[[Span], bool]


class TraceQuery(NamedTuple):
    """What a span must fit, and which fields are shown with it."""

    fits: Test
    shown: tuple[str, ...]


def parse(query: str) -> TraceQuery:
    """The query's meaning; CannotEvaluateError for what is wrong or not supported."""
    tokens = Tokens(query)
    tokens.expect("{")
    tests: list[Test] = []
    while not tokens.take("}"):
        tests.append(_condition(tokens))
        if tokens.now.text == "||":
            raise CannotEvaluateError("|| is not supported in TraceQL")
        if not tokens.take("&&"):
            tokens.expect("}")
            break
    shown: tuple[str, ...] = ()
    while tokens.take("|"):
        if not tokens.take("select"):
            raise CannotEvaluateError("of TraceQL's pipelines only select is supported")
        shown += _selected(tokens)
    tokens.end()
    return TraceQuery(lambda span: all(test(span) for test in tests), shown)


def _selected(tokens: Tokens) -> tuple[str, ...]:
    tokens.expect("(")
    shown: list[str] = []
    while not tokens.take(")"):
        shown.append(_field(tokens))
        if not tokens.take(","):
            tokens.expect(")")
            break
    return tuple(shown)


def _field(tokens: Tokens) -> str:
    """`resource.service.name`, `.service.name`, `span:parentID`, `status`: words joined by dots."""
    parts: list[str] = []
    if tokens.take("."):
        parts.append("")
    parts.append(tokens.kind("name", "a field such as resource.service.name"))
    while tokens.take("."):
        parts.append(tokens.kind("name", "a field such as resource.service.name"))
    return ".".join(parts)


def _condition(tokens: Tokens) -> Test:
    field = _field(tokens)
    op = tokens.next().text
    if field in {"status", "span:status"}:
        return _status(tokens, op)
    if field in {"duration", "span:duration"}:
        return _duration(tokens, op)
    if field not in TEXT_FIELDS:
        raise CannotEvaluateError(f"the field {field!r} is not recorded, so it cannot be asked for")
    read, wanted = TEXT_FIELDS[field], tokens.string()
    if op == "=":
        return lambda span: read(span) == wanted
    if op == "!=":
        return lambda span: read(span) != wanted
    if op not in {"=~", "!~"}:
        raise CannotEvaluateError(f"{op!r} does not compare texts")
    fits = regex(wanted, anchored=True)
    return (lambda span: fits(read(span))) if op == "=~" else (lambda span: not fits(read(span)))


def _status(tokens: Tokens, op: str) -> Test:
    wanted = tokens.kind("name", "ok, error or unset")
    if wanted not in STATUS or op not in {"=", "!="}:
        raise CannotEvaluateError("a status is compared by = or != with ok, error or unset")
    return lambda span: ((span.status or "unset") == wanted) == (op == "=")


def _duration(tokens: Tokens, op: str) -> Test:
    limit = _nanoseconds(tokens)
    tests: dict[str, Test] = {
        ">": lambda span: span.end_ns - span.start_ns > limit,
        ">=": lambda span: span.end_ns - span.start_ns >= limit,
        "<": lambda span: span.end_ns - span.start_ns < limit,
        "<=": lambda span: span.end_ns - span.start_ns <= limit,
        "=": lambda span: span.end_ns - span.start_ns == limit,
        "!=": lambda span: span.end_ns - span.start_ns != limit,
    }
    if op not in tests:
        raise CannotEvaluateError(f"{op!r} does not compare durations")
    return tests[op]


def _nanoseconds(tokens: Tokens) -> int:
    token: Token = tokens.next()
    for unit in sorted(UNITS_NS, key=len, reverse=True):
        number = token.text.removesuffix(unit)
        if number != token.text:
            try:
                return round(float(number) * UNITS_NS[unit])
            except (ValueError, OverflowError):
                break
    raise CannotEvaluateError(f"{token.text[:40]!r} is no duration such as 500ms or 2s")
