"""Alerting rules of Prometheus and Loki, as rule files or as Kubernetes' PrometheusRule, and the text of their drafts.

Format: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from compass.adapters.documents import YamlProblem, parse_documents
from compass.rules.hidden import HIDDEN

_LOGQL: Final = re.compile(r"\}\s*(?:\|[=~>]|![=~>]|\|\s*[a-z])")
_LEADING: Final = ("summary", "description", "message")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule, as it stands in its file."""

    name: str
    source: str
    group: str
    expression: str
    hold: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def read_alerts(name: str, text: str) -> list[Alert] | str:
    """The alerting rules of a file (none for YAML of another sort), or why it cannot be read."""
    if "alert" not in text:
        return []
    try:
        documents = parse_documents(text)
    except YamlProblem as problem:
        return f"line {problem.line}: {problem.message}"
    return [alert for data in documents for alert in _alerts(name, data)]


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


def _alerts(name: str, data: Any) -> list[Alert]:
    if isinstance(data, dict) and isinstance(data.get("spec"), dict):
        data = data["spec"]
    found = []
    for group in _list(data, "groups"):
        for rule in _list(group, "rules"):
            if isinstance(rule, dict) and isinstance(rule.get("alert"), str) and rule["alert"].strip():
                title = " ".join(HIDDEN.sub("", rule["alert"]).split())
                found.append(
                    Alert(
                        name=title,
                        source=name,
                        group=str(group.get("name", "")),
                        expression=str(rule.get("expr", "")),
                        hold=str(rule.get("for", "")),
                        labels=_texts(rule.get("labels")),
                        annotations=_texts(rule.get("annotations")),
                    )
                )
    return found


def _list(data: Any, key: str) -> list[Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def _texts(data: Any) -> dict[str, str]:
    return {str(key): str(value).strip() for key, value in data.items()} if isinstance(data, dict) else {}
