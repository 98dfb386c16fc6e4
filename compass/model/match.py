"""What a machine can decide about a pattern: named signals and a condition with three truth values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from compass.model.base import Model

Truth = bool | None
"""True, False, or None for unknown: a signal without data is unknown and never counts as a match."""

_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_TOKEN: Final = re.compile(r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)|([()])|(\S))")


def parse_duration(text: str) -> timedelta:
    """`1d2h3m4s` in any prefix order of units; ValueError otherwise."""
    found = _DURATION.fullmatch(text)
    if not text or not found:
        raise ValueError(f"{text!r} is not a duration such as 15m or 1h30m")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _matcher(text: str) -> str:
    if not MATCHER.fullmatch(text):
        raise ValueError(
            f'{text!r} is not a matcher such as alertname="HighLatency" or severity=~"page|critical"'
        )
    return text


MATCHER: Final = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
Duration = Annotated[str, AfterValidator(_duration)]
LabelMatcher = Annotated[str, AfterValidator(_matcher)]
SignalName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]


class Count(Model):
    """How many log lines make the signal true."""

    gte: Annotated[int, Field(ge=1)] = 1


class AlertSignal(Model):
    """True while an alert with these labels fires."""

    type: Literal["alert"]
    matchers: Annotated[tuple[LabelMatcher, ...], Field(min_length=1)]


class LogSignal(Model):
    """True when enough log lines fit the template, in which `<*>` stands for anything."""

    type: Literal["log"]
    template: Annotated[str, StringConstraints(min_length=1)]
    matchers: tuple[LabelMatcher, ...] = ()
    count: Count = Count()


class MetricSignal(Model):
    """True when the expression compares so, without a gap, for the given time."""

    type: Literal["metric"]
    promql: Annotated[str, StringConstraints(min_length=1)]
    op: Literal["gt", "gte", "lt", "lte", "eq", "ne"]
    value: float
    hold: Duration = Field(default="0s", alias="for")


class ChangeSignal(Model):
    """True when a change of this type happened within the given time before the end of the window."""

    type: Literal["change"]
    change: Annotated[str, StringConstraints(min_length=1)]
    matchers: tuple[LabelMatcher, ...] = ()
    within: Duration


Signal = Annotated[AlertSignal | LogSignal | MetricSignal | ChangeSignal, Field(discriminator="type")]


class Match(Model):
    """Signals, each decidable alone, and the condition that joins them."""

    window: Duration
    group_by: tuple[str, ...] = ()
    signals: Annotated[dict[SignalName, Signal], Field(min_length=1)]
    condition: Annotated[str, StringConstraints(min_length=1)]
    order: tuple[SignalName, ...] = ()
    weights: dict[SignalName, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    exclude: tuple[LabelMatcher, ...] = ()
    partial: bool = False

    @model_validator(mode="after")
    def _names_exist(self) -> Match:
        names = (*self.parsed.names, *self.order, *self.weights)
        for name in names:
            if name not in self.signals:
                raise ValueError(
                    f"condition, order or weights name the signal {name!r}, which is not defined"
                )
        return self

    @cached_property
    def parsed(self) -> Condition:
        """The condition, parsed."""
        return Condition.parse(self.condition)


class Condition:
    """A boolean expression over signal names: `and`, `or`, `not`, parentheses; Kleene's three values."""

    def __init__(self, evaluate: Callable[[Mapping[str, Truth]], Truth], names: tuple[str, ...]) -> None:
        self.evaluate = evaluate
        self.names = names

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Parse `text`; ValueError says what is wrong with it."""
        if len(text) > 1000:
            raise ValueError("a condition has 1,000 characters at most")
        tokens: list[str] = []
        for word, bracket, other in _TOKEN.findall(text):
            if other:
                raise ValueError(f"{other!r} does not belong in a condition; use names, and, or, not, ( )")
            tokens.append(word or bracket)
        parser = _Parser(tokens)
        evaluate = parser.either(0)
        if parser.position != len(tokens):
            raise ValueError(f"the condition ends early, before {tokens[parser.position]!r}")
        return cls(evaluate, tuple(dict.fromkeys(parser.names)))


class _Parser:
    """Recursive descent; depth is bounded so that hostile nesting is an error."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0
        self.names: list[str] = []

    def take(self, word: str) -> bool:
        if self.position < len(self.tokens) and self.tokens[self.position] == word:
            self.position += 1
            return True
        return False

    def either(self, depth: int) -> Callable[[Mapping[str, Truth]], Truth]:
        parts = [self.both(depth)]
        while self.take("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else lambda known: _or(part(known) for part in parts)

    def both(self, depth: int) -> Callable[[Mapping[str, Truth]], Truth]:
        parts = [self.single(depth)]
        while self.take("and"):
            parts.append(self.single(depth))
        return parts[0] if len(parts) == 1 else lambda known: _and(part(known) for part in parts)

    def single(self, depth: int) -> Callable[[Mapping[str, Truth]], Truth]:
        if depth > 50:
            raise ValueError("the condition is nested too deeply")
        if self.take("not"):
            inner = self.single(depth + 1)
            return lambda known: _not(inner(known))
        if self.take("("):
            inner = self.either(depth + 1)
            if not self.take(")"):
                raise ValueError("a closing parenthesis is missing in the condition")
            return inner
        if self.position >= len(self.tokens) or self.tokens[self.position] in {")", "and", "or"}:
            raise ValueError("a signal name is missing in the condition")
        name = self.tokens[self.position]
        self.position += 1
        self.names.append(name)
        return lambda known: known.get(name)


def _and(values: object) -> Truth:
    found = list(values)  # type: ignore[call-overload]
    return False if False in found else None if None in found else True


def _or(values: object) -> Truth:
    found = list(values)  # type: ignore[call-overload]
    return True if True in found else None if None in found else False


def _not(value: Truth) -> Truth:
    return None if value is None else not value
