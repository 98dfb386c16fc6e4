"""Label matchers and regular expressions as PromQL, LogQL and TraceQL share them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from pydantic_core import SchemaError, SchemaValidator, core_schema

from compass.errors import CompassError

MAX_PATTERN = 2000


class CannotEvaluateError(CompassError):
    """The query lies outside what replay evaluates; never answered with an empty result."""

    exit_code = 3

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot evaluate: {reason}")


@lru_cache(maxsize=512)
def regex(pattern: str, *, anchored: bool) -> Callable[[str], bool]:
    """A predicate for a regular expression in RE2's language; CannotEvaluateError if it is none.

    The engine is Rust's, which pydantic carries: like RE2 it works in linear time, so a hostile pattern cannot stall
    us, and it refuses look-around and back-references, as Prometheus and Loki do.
    Anchored patterns match the whole text, and their dot matches a line break (as in Prometheus 3).
    """
    if len(pattern) > MAX_PATTERN:
        raise CannotEvaluateError(f"a regular expression has {MAX_PATTERN} characters at most")
    whole = f"^(?s:{pattern})$" if anchored else pattern
    try:
        if anchored:
            SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
        validator = SchemaValidator(
            core_schema.str_schema(pattern=whole, strict=True, regex_engine="rust-regex")
        )
    except SchemaError as problem:
        raise CannotEvaluateError(f"{pattern!r} is no regular expression that is known here") from problem
    return validator.isinstance_python


class Matcher(NamedTuple):
    """One condition on one label; a label that is missing counts as empty."""

    label: str
    op: str
    value: str

    def test(self) -> Callable[[str], bool]:
        """Whether a label's value fits."""
        wanted = self.value
        if self.op == "=":
            return lambda value: value == wanted
        if self.op == "!=":
            return lambda value: value != wanted
        fits = regex(wanted, anchored=True)
        return fits if self.op == "=~" else lambda value: not fits(value)

    def __str__(self) -> str:
        return f'{self.label}{self.op}"{escaped(self.value)}"'


def predicate(matchers: tuple[Matcher, ...]) -> Callable[[Mapping[str, str]], bool]:
    """Whether a set of labels fits every matcher."""
    tests = [(matcher.label, matcher.test()) for matcher in matchers]
    return lambda labels: all(test(labels.get(label, "")) for label, test in tests)


def escaped(text: str) -> str:
    """Text for a double-quoted string of PromQL, LogQL or TraceQL."""
    return (
        text.replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\r", "\\r")
        .replace("\t", "\\t")
    )
