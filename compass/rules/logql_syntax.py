"""Whether a text is LogQL, all of it: a validating parser that evaluates nothing.

Grammar: https://grafana.com/docs/loki/latest/query/ (selectors, pipelines, metric queries).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""(?P<space>(?:\s+|\#[^\n]*)+)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    |(?P<number>\d(?:[eE][+-]?\d|[\w.µ])*)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<flag>--[a-z-]+)
    |(?P<sign>\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[{}()\[\],|=<>+*/%^-])""",
    re.VERBOSE,
)
_NUMBER: Final = re.compile(
    r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|0[xX][0-9a-fA-F]+"
    r"|(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w|y))+"
    r"|\d+(?:\.\d+)?[kKmMgGtTpPeE]?i?[bB]"
)
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w|y))+")
_MATCHERS: Final = frozenset({"=", "!=", "=~", "!~"})
_LINE_FILTERS: Final = frozenset({"|=", "!=", "|~", "!~", "|>", "!>"})
_LABEL_OPERATORS: Final = _MATCHERS | {"==", ">", ">=", "<", "<="}
_BINARY: Final = frozenset(
    {"+", "-", "*", "/", "%", "^", "==", "!=", ">", ">=", "<", "<=", "and", "or", "unless"}
)
_RANGE: Final = frozenset(
    [
        "absent_over_time",
        "approx_topk_over_time",
        "avg_over_time",
        "bytes_over_time",
        "bytes_rate",
        "count_over_time",
        "first_over_time",
        "last_over_time",
        "max_over_time",
        "min_over_time",
        "quantile_over_time",
        "rate",
        "rate_counter",
        "stddev_over_time",
        "stdvar_over_time",
        "sum_over_time",
    ]
)
_VECTOR: Final = frozenset(
    [
        "approx_topk",
        "avg",
        "bottomk",
        "count",
        "max",
        "min",
        "sort",
        "sort_desc",
        "stddev",
        "stdvar",
        "sum",
        "topk",
    ]
)
_BARE: Final = frozenset({"unpack", "decolorize"})
_TEXT: Final = frozenset({"regexp", "pattern", "line_format"})
_MOST: Final = 100  # a query that nests deeper is refused before Python's stack is


class Fault(NamedTuple):
    """What is wrong, and at which character (from 0)."""

    message: str
    offset: int


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


class _Wrong(Exception):  # noqa: N818  # never leaves this module
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.fault = Fault(message, offset)


def logql_fault(query: str) -> Fault | None:
    """The first thing that Loki would refuse in `query`; None when there is none."""
    try:
        _Parser(_tokens(query)).whole()
    except _Wrong as wrong:
        return wrong.fault
    return None


def _tokens(query: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(query):
        token = _TOKEN.match(query, at)
        if not token:
            quoted = query[at] in '"`'
            raise _Wrong("a quote is not closed" if quoted else f"{query[at]!r} cannot stand here", at)
        if token.lastgroup and token.lastgroup != "space":
            found.append(_Token(token.lastgroup, token[0], at))
        at = token.end()
    return [*found, _Token("end", "", len(query))]


class _Parser:
    """Recursive descent; every method leaves `at` behind what it read."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def whole(self) -> None:
        self.expression()
        if self.now.kind != "end":
            raise self.wrong("the end")

    def wrong(self, wanted: str) -> _Wrong:
        there = "the query ends" if self.now.kind == "end" else f"{self.now.text!r} stands"
        return _Wrong(f"{there} where {wanted} was expected", self.now.offset)

    def sees(self, *texts: str) -> bool:
        return self.now.kind in {"sign", "name", "flag"} and self.now.text in texts

    def took(self, *texts: str) -> bool:
        found = self.sees(*texts)
        self.at += found
        return found

    def need(self, text: str) -> None:
        if not self.took(text):
            raise self.wrong(repr(text))

    def kind(self, kind: str, wanted: str) -> str:
        if self.now.kind != kind:
            raise self.wrong(wanted)
        self.at += 1
        return self.tokens[self.at - 1].text

    def number(self, *, duration: bool = False) -> None:
        token = self.now
        form, wanted = (_DURATION, "a duration such as 5m") if duration else (_NUMBER, "a number")
        if not form.fullmatch(self.kind("number", wanted)):
            raise _Wrong(f"{token.text!r} is not {wanted}", token.offset)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _MOST:
            raise _Wrong("it nests too deeply", self.now.offset)

    # Metric queries

    def expression(self) -> bool:
        """An expression; whether it gives log lines instead of numbers."""
        self.deeper()
        lines = self.operand()
        while self.now.text in _BINARY and self.now.kind in {"sign", "name"}:
            operator = self.now
            self.at += 1
            self.modifiers()
            if self.operand() or lines:
                raise _Wrong(f"{operator.text!r} joins numbers, and a log query gives lines", operator.offset)
        self.depth -= 1
        return lines

    def modifiers(self) -> None:
        self.took("bool")
        if self.took("on", "ignoring"):
            self.names()
            if self.took("group_left", "group_right") and self.sees("("):
                self.names()

    def operand(self) -> bool:
        while self.took("-", "+"):
            pass
        if self.now.kind == "number":
            self.number()
            return False
        if self.sees("{"):
            self.log_query()
            return True
        if self.took("("):
            lines = self.expression()
            self.need(")")
            if lines:
                self.pipeline()
            return lines
        self.function()
        return False

    def function(self) -> None:
        token = self.now
        name = self.kind("name", 'a selector such as {service_name="payments"} or a function')
        if name in _VECTOR:
            self.aggregation()
        elif name in _RANGE:
            self.range_function()
        elif name in {"vector", "label_replace"}:
            self.need("(")
            if name == "vector":
                self.number()
            else:
                self.expression()
                for _ in range(4):
                    self.need(",")
                    self.kind("text", "a quoted text")
            self.need(")")
        else:
            raise _Wrong(f"{name!r} is no function of LogQL", token.offset)

    def grouping(self) -> bool:
        if not self.took("by", "without"):
            return False
        self.names()
        return True

    def aggregation(self) -> None:
        before = self.grouping()
        self.need("(")
        self.parameter()
        start = self.now.offset
        if self.expression():
            raise _Wrong("an aggregation needs numbers, such as those of count_over_time", start)
        self.need(")")
        if not before:
            self.grouping()

    def parameter(self) -> None:
        if self.now.kind == "number" and self.tokens[self.at + 1].text == ",":
            self.number()
            self.need(",")

    def range_function(self) -> None:
        self.need("(")
        self.parameter()
        if not self.ranged():
            raise self.wrong("a range such as [5m]")
        self.need(")")
        self.grouping()

    def ranged(self) -> bool:
        """Selector, pipeline and a range in any order that Loki takes; whether there was a range."""
        self.deeper()
        if self.took("("):
            found = self.ranged()
            self.need(")")
        else:
            self.selector()
            found = False
        found = self.duration_range() or found
        self.pipeline(unwrap=True)
        self.depth -= 1
        return (not found and self.duration_range()) or found

    def duration_range(self) -> bool:
        if not self.took("["):
            return False
        self.number(duration=True)
        self.need("]")
        if self.took("offset"):
            self.took("-")
            self.number(duration=True)
        return True

    # Log queries

    def log_query(self) -> None:
        self.selector()
        self.pipeline()

    def selector(self) -> None:
        self.need("{")
        while not self.sees("}"):
            self.kind("name", "a label")
            if not self.took(*_MATCHERS):
                raise self.wrong("one of = != =~ !~")
            self.kind("text", "a value in double quotes or backticks")
            if not self.took(","):
                break
        self.need("}")

    def pipeline(self, *, unwrap: bool = False) -> None:
        while self.sees("|", *_LINE_FILTERS):
            if self.took("|"):
                self.stage(unwrap=unwrap)
            else:
                self.line_filter()

    def line_filter(self) -> None:
        self.at += 1
        self.pattern()
        while self.took("or"):
            self.pattern()

    def pattern(self) -> None:
        if self.took("ip"):
            self.need("(")
            self.kind("text", "an address in quotes")
            self.need(")")
        else:
            self.kind("text", "a text in double quotes or backticks")

    def stage(self, *, unwrap: bool) -> None:
        token = self.now
        word = token.text if self.tokens[self.at + 1].text not in _LABEL_OPERATORS else ""
        if word in _BARE:
            self.at += 1
        elif word in _TEXT:
            self.at += 1
            self.kind("text", "a quoted text")
        elif word in {"json", "logfmt"}:
            self.at += 1
            while word == "logfmt" and self.took("--strict", "--keep-empty"):
                pass
            if self.now.kind == "name":
                self.assignments(bare=True)
        elif word == "label_format":
            self.at += 1
            self.assignments(bare=False)
        elif word in {"drop", "keep", "distinct"}:
            self.at += 1
            self.labels()
        elif word == "unwrap":
            if not unwrap:
                raise _Wrong("unwrap works only inside a function over a range", token.offset)
            self.at += 1
            self.unwrapped()
        else:
            self.label_filter()

    def assignments(self, *, bare: bool) -> None:
        while True:
            self.kind("name", "a label")
            if self.took("="):
                if self.now.kind not in ({"text"} if bare else {"text", "name"}):
                    raise self.wrong("a quoted text")
                self.at += 1
            elif not bare:
                raise self.wrong("'='")
            if not self.took(","):
                return

    def labels(self) -> None:
        while True:
            self.kind("name", "a label")
            if self.took(*_MATCHERS):
                self.kind("text", "a quoted text")
            if not self.took(","):
                return

    def unwrapped(self) -> None:
        name = self.kind("name", "a label")
        if name in {"duration", "duration_seconds", "bytes"} and self.took("("):
            self.kind("name", "a label")
            self.need(")")

    def label_filter(self) -> None:
        self.deeper()
        while True:
            if self.took("("):
                self.label_filter()
                self.need(")")
            else:
                self.comparison()
            if not (self.took("and", "or", ",") or self.now.kind == "name" or self.sees("(")):
                break
        self.depth -= 1

    def comparison(self) -> None:
        self.kind("name", "a stage such as json or a label to compare")
        if not self.took(*_LABEL_OPERATORS):
            raise self.wrong("a comparison")
        if self.now.kind == "number" or self.sees("-", "+"):
            self.took("-", "+")
            self.number()
        else:
            self.pattern()

    def names(self) -> None:
        self.need("(")
        while not self.sees(")"):
            self.kind("name", "a label")
            if not self.took(","):
                break
        self.need(")")
