"""Rules about alert matchers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compass.library import LoadedEntry
from compass.model.base import Problem
from compass.model.entry import Pattern, Runbook
from compass.model.match import MATCHER
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place

_QUOTE = re.compile(r"\\(.)")


class AlertMatcher(Rule):
    """A matcher that can never match hides its entry from the alert it was written for."""

    id = "alert-matcher"
    sentence = "A matcher is a label, one of = != =~ !~, and a value in double quotes; a regular expression can be compiled."
    local = True
    good = Example("runbook", """alerts: [{name: HighLatency, matchers: ['severity=~"page|critical"']}]""")
    bad = Example("runbook", """alerts: [{name: HighLatency, matchers: ['severity=page']}]""")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Read every matcher of alerts and signals."""
        del context
        for text, place in _matchers(loaded):
            found = MATCHER.fullmatch(text)
            if not found:
                yield self.problem(
                    loaded,
                    f"{text!r} is not a matcher",
                    place,
                    'write it as in severity="page" or severity=~"page|critical"',
                )
            elif found[2] in {"=~", "!~"}:
                wrong = _wrong(_QUOTE.sub(_unquoted, found[3]))
                if wrong:
                    yield self.problem(
                        loaded,
                        f"the regular expression in {text!r} cannot be read: {wrong}",
                        place,
                        "escape special characters",
                    )


def _wrong(expression: str) -> str | None:
    """What is wrong with a regular expression; what Python's dialect alone refuses is not (Prometheus has RE2's)."""
    try:
        re.compile(expression)
    except re.error as error:
        return None if error.msg.startswith(("bad escape", "global flags")) else error.msg
    except (OverflowError, RecursionError):
        return "it repeats or nests too much"
    return None


def _unquoted(found: re.Match[str]) -> str:
    return found[1] if found[1] in '"\\' else found[0]


def _matchers(loaded: LoadedEntry) -> Iterator[tuple[str, Place]]:
    entry = loaded.entry
    if isinstance(entry, Runbook):
        for number, alert in enumerate(entry.alerts):
            for at, text in enumerate(alert.matchers):
                yield text, Place(("alerts", number, "matchers", at))
    elif isinstance(entry, Pattern) and entry.match:
        for name, signal in entry.match.signals.items():
            for at, text in enumerate(getattr(signal, "matchers", ())):
                yield text, Place(("match", "signals", name, "matchers", at))
        for at, text in enumerate(entry.match.exclude):
            yield text, Place(("match", "exclude", at))
