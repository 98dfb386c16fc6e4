"""PromQL in, a tree out: the part of the language that replay evaluates (own recursive descent)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from compass.replay.lexer import MAX_DEPTH, Tokens
from compass.replay.matchers import CannotEvaluateError, Matcher

MAX_OPERATORS: Final = 200
COMPARISONS: Final = frozenset({"==", "!=", ">", ">=", "<", "<="})
LEVELS: Final = (COMPARISONS, frozenset({"+", "-"}), frozenset({"*", "/", "%"}))
AGGREGATIONS: Final = frozenset({"sum", "avg", "max", "min", "count"})
FUNCTIONS: Final = frozenset(
    {
        "rate",
        "increase",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "sum_over_time",
        "count_over_time",
    }
)
KEYWORDS: Final = frozenset(
    {"and", "or", "unless", "atan2", "offset", "bool", "on", "ignoring", "group_left", "group_right"}
)


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: float


@dataclass(frozen=True, slots=True)
class Selector:
    """Series by their labels; a range selector has `range_ms`; `offset_ms` looks back further."""

    matchers: tuple[Matcher, ...]
    range_ms: int | None = None
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one range selector."""

    function: str
    argument: Selector


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One value per group of series; `labels` are kept, or with `without` dropped."""

    op: str
    labels: tuple[str, ...]
    without: bool
    inner: Expr


@dataclass(frozen=True, slots=True)
class Matching:
    """Which labels pair the series of two vectors; `on` uses only these, otherwise all but these."""

    on: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic or comparison; with `as_bool` a comparison gives 0 or 1 instead of filtering."""

    op: str
    left: Expr
    right: Expr
    as_bool: bool = False
    matching: Matching = Matching()


@dataclass(frozen=True, slots=True)
class Negation:
    """A minus sign in front."""

    inner: Expr


Expr = Number | Selector | Call | Aggregate | Binary | Negation


def parse(query: str) -> Expr:
    """The tree of a query; CannotEvaluateError for what is wrong or not supported."""
    parser = _Parser(Tokens(query))
    expr = parser.binary(0, 0)
    parser.tokens.end()
    return expr


class _Parser:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.operators = 0

    def binary(self, level: int, depth: int) -> Expr:
        """Left-associative operators, loosest first."""
        if level == len(LEVELS):
            return self.unary(depth)
        left = self.binary(level + 1, depth)
        while self.tokens.now.kind == "op" and self.tokens.now.text in LEVELS[level]:
            op = self.tokens.next().text
            as_bool, matching = self.modifiers(op)
            left = Binary(op, left, self.binary(level + 1, depth), as_bool, matching)
            self.operands_fit(left)
        if level == 0 and self.tokens.now.text in {"and", "or", "unless", "atan2"}:
            raise CannotEvaluateError(f"the operator {self.tokens.now.text!r} is not supported")
        return left

    def modifiers(self, op: str) -> tuple[bool, Matching]:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise CannotEvaluateError(f"a query has {MAX_OPERATORS} operators at most")
        as_bool = self.tokens.take("bool")
        if as_bool and op not in COMPARISONS:
            raise CannotEvaluateError("bool belongs to comparisons only")
        matching = Matching()
        if self.tokens.now.text in {"on", "ignoring"} and self.tokens.peek().text == "(":
            matching = Matching(self.tokens.next().text == "on", self.tokens.labels())
        if self.tokens.now.text in {"group_left", "group_right"}:
            raise CannotEvaluateError(f"{self.tokens.now.text} (matching one to many) is not supported")
        return as_bool, matching

    @staticmethod
    def operands_fit(expr: Binary) -> None:
        plain = is_scalar(expr.left) and is_scalar(expr.right)
        if plain and expr.op in COMPARISONS and not expr.as_bool:
            raise CannotEvaluateError("comparisons between scalars must use bool")
        if expr.matching.labels and (is_scalar(expr.left) or is_scalar(expr.right)):
            raise CannotEvaluateError("on and ignoring belong between two vectors, and one side is a scalar")
        for side in (expr.left, expr.right):
            if isinstance(side, Selector) and side.range_ms is not None:
                raise CannotEvaluateError("an operator takes no range selector; use a function such as rate")

    def unary(self, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            raise CannotEvaluateError("the query is nested too deeply")
        if self.tokens.take("-"):
            return Negation(self.instant(self.unary(depth + 1)))
        if self.tokens.take("+"):
            return self.unary(depth + 1)
        base = self.primary(depth)
        if self.tokens.now.text == "^" and self.tokens.take("^"):
            as_bool, matching = self.modifiers("^")
            power = Binary("^", base, self.unary(depth + 1), as_bool, matching)
            self.operands_fit(power)
            return power
        return base

    def primary(self, depth: int) -> Expr:
        expr = self.atom(depth)
        if self.tokens.now.text == "[":
            raise CannotEvaluateError(
                "subqueries are not supported; a range selector follows a metric's name"
            )
        return expr

    def atom(self, depth: int) -> Expr:
        token = self.tokens.now
        if token.kind == "number":
            self.tokens.next()
            return Number(float(int(token.text, 16)) if token.text[:2].lower() == "0x" else float(token.text))
        if self.tokens.take("("):
            inner = self.binary(0, depth + 1)
            self.tokens.expect(")")
            return inner
        if token.kind == "name":
            return self.named(depth)
        if token.text == "{":
            return self.selector(None)
        raise self.tokens.wrong("an expression was expected")

    def named(self, depth: int) -> Expr:
        name = self.tokens.now.text
        if name.lower() in {"inf", "nan"}:
            self.tokens.next()
            return Number(float(name))
        follows = self.tokens.peek().text
        if name in AGGREGATIONS and follows in {"(", "by", "without"}:
            return self.aggregate(depth)
        if follows == "(":
            if name not in FUNCTIONS:
                raise CannotEvaluateError(f"the function {name!r} is not supported")
            self.tokens.next()
            return self.call(name)
        if name in KEYWORDS:
            raise self.tokens.wrong("an expression was expected")
        self.tokens.next()
        return self.selector(name)

    def call(self, name: str) -> Call:
        self.tokens.expect("(")
        argument = self.primary(0)
        self.tokens.expect(")")
        if not isinstance(argument, Selector) or argument.range_ms is None:
            raise CannotEvaluateError(f"{name} takes a range selector such as requests_total[5m]")
        return Call(name, argument)

    def aggregate(self, depth: int) -> Aggregate:
        op = self.tokens.next().text
        grouping = self.grouping()
        self.tokens.expect("(")
        inner = self.instant(self.binary(0, depth + 1))
        self.tokens.expect(")")
        if is_scalar(inner):
            raise CannotEvaluateError(f"{op} takes a vector, not a scalar")
        without, labels = grouping or self.grouping() or (False, ())
        return Aggregate(op, labels, without, inner)

    def grouping(self) -> tuple[bool, tuple[str, ...]] | None:
        if self.tokens.now.text in {"by", "without"}:
            return self.tokens.next().text == "without", self.tokens.labels()
        return None

    def selector(self, name: str | None) -> Selector:
        matchers: tuple[Matcher, ...] = (Matcher("__name__", "=", name),) if name else ()
        if self.tokens.now.text == "{":
            matchers += self.tokens.matchers()
        if all(matcher.test()("") for matcher in matchers):
            raise CannotEvaluateError(
                "a selector needs at least one matcher that does not fit the empty text"
            )
        range_ms = None
        if self.tokens.take("["):
            range_ms = self.tokens.duration()
            if self.tokens.now.text.startswith(":"):
                raise CannotEvaluateError("subqueries are not supported")
            self.tokens.expect("]")
            if range_ms <= 0:
                raise CannotEvaluateError("a range is longer than nothing")
        offset = 0
        if self.tokens.take("offset"):
            sign = -1 if self.tokens.take("-") else 1
            offset = sign * self.tokens.duration()
        if self.tokens.now.text == "@":
            raise CannotEvaluateError("the modifier @ is not supported")
        return Selector(matchers, range_ms, offset)

    @staticmethod
    def instant(expr: Expr) -> Expr:
        if isinstance(expr, Selector) and expr.range_ms is not None:
            raise CannotEvaluateError("a range selector belongs into a function such as rate")
        return expr


def is_scalar(expr: Expr) -> bool:
    """Whether the expression is one number and no vector."""
    if isinstance(expr, Negation):
        return is_scalar(expr.inner)
    if isinstance(expr, Binary):
        return is_scalar(expr.left) and is_scalar(expr.right)
    return isinstance(expr, Number)
