"""A pattern's match with the names of a copy in place of the original ones, so that it can be asked of the copy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from compass.model.match import AlertSignal, ChangeSignal, LogSignal, Match, MetricSignal, Signal
from compass.replay.lexer import Token, Tokens, unquoted
from compass.replay.matchers import CannotEvaluateError, Matcher, escaped, regex
from compass.replay.promql_syntax import AGGREGATIONS, FUNCTIONS, KEYWORDS
from compass.replay.signals import matcher as parsed_matcher
from compass.replay.template import WILDCARD
from compass.replay.template import pattern as literal
from compass.workflows.recording.naming import Naming

_GROUPING: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS: Final = AGGREGATIONS | FUNCTIONS | KEYWORDS | _GROUPING
_PLAIN: Final = re.compile(r"[^\\.+*?()\[\]{}^$|]*")


@dataclass(frozen=True)
class Renaming:
    """New names for a match: those of the naming, texts by `text`."""

    naming: Naming
    text: Callable[[str], str]

    def match(self, match: Match) -> Match:
        """The match renamed; thresholds, counts and times stay as they are."""
        return match.model_copy(
            update={
                "group_by": tuple(self._label(label) for label in match.group_by),
                "signals": {name: self._signal(signal) for name, signal in match.signals.items()},
                "exclude": tuple(map(self._matcher, match.exclude)),
            }
        )

    def _signal(self, signal: Signal) -> Signal:
        match signal:
            case AlertSignal():
                return signal.model_copy(update={"matchers": tuple(map(self._matcher, signal.matchers))})
            case LogSignal():
                template = WILDCARD.join(self.text(part) for part in signal.template.split(WILDCARD))
                matchers = tuple(map(self._matcher, signal.matchers))
                return signal.model_copy(update={"template": template, "matchers": matchers})
            case MetricSignal():
                return signal.model_copy(update={"promql": self.promql(signal.promql)})
            case ChangeSignal():
                matchers = tuple(map(self._matcher, signal.matchers))
                return signal.model_copy(
                    update={"change": self.naming.change(signal.change), "matchers": matchers}
                )

    def _label(self, written: str) -> str:
        plain = written.replace(".", "_")
        new = self.naming.label(plain)
        return written if new == plain else new

    def _matcher(self, written: str) -> str:
        one = parsed_matcher(written)
        return str(Matcher(self.naming.label(one.label), one.op, self._value(one)))

    def _value(self, one: Matcher) -> str:
        if one.op in {"=", "!="}:
            return self.naming.value(one.label, one.value)
        known = self.naming.values.get(one.label, {})
        alternatives = one.value.split("|")
        if all(map(_PLAIN.fullmatch, alternatives)):
            return "|".join(literal(self.naming.value(one.label, part)) for part in alternatives)
        # Of an expression only what it chose in this recording can be renamed.
        fits = regex(one.value, anchored=True)
        chosen = sorted({new for old, new in known.items() if fits(old)})
        empty = [""] if fits("") else []
        if known and len(chosen) == len(set(known.values())):
            return one.value if one.value in {".*", ".+"} else ".*" if empty else ".+"
        return "|".join([*map(literal, chosen), *empty]) if chosen or empty else "nothing-of-this-recording"

    def promql(self, query: str) -> str:
        """The query with its metrics, labels and values renamed; as it was where it cannot be read."""
        try:
            tokens = Tokens(query).tokens
        except CannotEvaluateError:
            return query
        parts: list[str] = []
        at = 0
        for start, end, new in self._replaced(tokens):
            parts += [query[at:start], new]
            at = end
        return "".join([*parts, query[at:]])

    def _replaced(self, tokens: list[Token]) -> Iterator[tuple[int, int, str]]:
        for at, role in _roles(tokens):
            token = tokens[at]
            end = token.position + len(token.text)
            if role == "metric":
                yield token.position, end, self.naming.metric(token.text)
            else:
                yield token.position, end, self.naming.label(token.text)
            if role == "matched":
                value = tokens[at + 2]
                one = Matcher(token.text, tokens[at + 1].text, unquoted(value.text))
                yield value.position, value.position + len(value.text), f'"{escaped(self._value(one))}"'


def _roles(tokens: list[Token]) -> Iterator[tuple[int, str]]:
    """Which words of a query name a metric, a label with a value after it (matched), or a label alone."""
    inside = grouping = False
    for at, token in enumerate(tokens[:-1]):
        following = tokens[at + 1].text
        if token.kind == "op":
            inside = token.text == "{" or (inside and token.text != "}")
            grouping = grouping and token.text != ")"
        elif token.kind != "name":
            continue
        elif inside:
            if following in {"=", "!=", "=~", "!~"} and tokens[min(at + 2, len(tokens) - 1)].kind == "string":
                yield at, "matched"
        elif token.text in _GROUPING:
            grouping = True
        elif grouping:
            yield at, "label"
        elif token.text not in _WORDS and following != "(":
            yield at, "metric"


def metrics_in(query: str) -> frozenset[str]:
    """The metrics that a query brings together; none where it cannot be read."""
    try:
        tokens = Tokens(query).tokens
    except CannotEvaluateError:
        return frozenset()
    return frozenset(tokens[at].text for at, role in _roles(tokens) if role == "metric")
