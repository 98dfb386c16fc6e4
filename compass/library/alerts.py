"""Alerting rules of Prometheus and Loki, as rule files or as Kubernetes' PrometheusRule.

Format: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from compass.adapters.documents import YamlProblem, parse_documents

_ALERT: Final = re.compile(r"^[ \t-]*[\"']?alert[\"']?[ \t]*:[ \t]*(\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule, as it stands in its file; `line` counts from 1."""

    name: str
    source: str
    line: int
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
    return list(alerts_in(name, text, documents))


def alerts_in(name: str, text: str, documents: Iterable[Any]) -> Iterator[Alert]:
    """The alerting rules of documents that were read from a file's text."""
    lines: dict[str, deque[int]] = {}
    line, last = 1, 0
    for found in _ALERT.finditer(text):
        line += text.count("\n", last, found.start())
        last = found.start()
        lines.setdefault(found[1].rstrip(" \t").strip("\"'"), deque()).append(line)
    for data in documents:
        inner = data["spec"] if isinstance(data, dict) and isinstance(data.get("spec"), dict) else data
        for group in _list(inner, "groups"):
            for rule in _list(group, "rules"):
                if isinstance(rule, dict) and isinstance(rule.get("alert"), str) and rule["alert"].strip():
                    places = lines.get(rule["alert"].strip())
                    yield _alert(name, places.popleft() if places else 1, group, rule)


def _alert(source: str, line: int, group: Mapping[str, Any], rule: Mapping[str, Any]) -> Alert:
    shown = "".join(char for char in rule["alert"] if char.isprintable() or char.isspace())
    return Alert(
        name=" ".join(shown.split()),
        source=source,
        line=line,
        group=str(group.get("name", "")),
        expression=str(rule.get("expr", "")),
        hold=str(rule.get("for", "")),
        labels=_texts(rule.get("labels")),
        annotations=_texts(rule.get("annotations")),
    )


def _list(data: Any, key: str) -> list[Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def _texts(data: Any) -> dict[str, str]:
    return {str(key): str(value).strip() for key, value in data.items()} if isinstance(data, dict) else {}
