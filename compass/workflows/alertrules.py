"""The text of the drafts that are made of alerting rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from compass.library.alerts import Alert

_LOGQL: Final = re.compile(r"\}\s*(?:\|[=~>]|![=~>]|\|\s*[a-z])")
_LEADING: Final = ("summary", "description", "message")


def alert_body(group: Sequence[Alert]) -> str:
    """The text of a draft: everything the rules of one alert say, expression included, for people and for search."""
    parts = ["## Meaning"]
    for alert in group:
        ordered = sorted(alert.annotations.items(), key=lambda pair: (_rank(pair[0]), pair[0]))
        parts += [value for key, value in ordered if _rank(key) < len(_LEADING) and value]
        held = f" for {alert.hold}" if alert.hold else ""
        parts.append(f"The alert `{alert.name}` of the group `{alert.group}` fires when this holds{held}:")
        parts.append(fenced(alert.expression, "logql" if _LOGQL.search(alert.expression) else "promql"))
        if alert.labels:
            parts.append(
                "Labels: "
                + ", ".join(f"`{key}={value}`" for key, value in sorted(alert.labels.items()))
                + "."
            )
        parts += [f"{key}: {value}" for key, value in ordered if _rank(key) == len(_LEADING) and value]
    return "\n\n".join(dict.fromkeys(parts))


def fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any in the text."""
    ticks = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}{language}\n{text.strip()}\n{fence}"


def _rank(key: str) -> int:
    return _LEADING.index(key) if key in _LEADING else len(_LEADING)
