"""The tools of the replay server: names and arguments of the Grafana MCP server (v2.1), answered from a recording.

`search_tempo_traces` takes three arguments more than Grafana's: `limit`, `page` and `spss` (spans per span set), which
Tempo's own search has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from compass.replay import answers
from compass.replay.answers import DATASOURCES, Arguments, datasources
from compass.replay.matchers import CannotEvaluateError
from compass.replay.store import Store

UID: Final = {"type": "string", "description": "The UID of the datasource to query"}
TIME: Final = {
    "type": "string",
    "description": "RFC 3339, or relative to the end of the recording such as now-1h",
}
TEXT: Final = {"type": "string"}
WHOLE: Final = {"type": "integer"}
SELECTORS: Final = {
    "type": "array",
    "description": "Selectors, any of which may fit: [{filters: [{name, type, value}]}]",
    "items": {
        "type": "object",
        "properties": {
            "filters": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": TEXT, "value": TEXT, "type": TEXT},
                    "required": ["name", "value", "type"],
                },
            }
        },
    },
}
RANGE: Final = {"startRfc3339": TIME, "endRfc3339": TIME}


@dataclass(frozen=True)
class Tool:
    """One tool: its arguments as JSON Schema, the datasource it needs, and the function that answers in JSON text."""

    name: str
    description: str
    properties: Mapping[str, Any]
    answer: Callable[[Store, Arguments], str]
    needs: str = ""
    required: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """The input's JSON Schema."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.required),
            "additionalProperties": False,
        }

    def offered(self, store: Store) -> bool:
        """Whether the recording has what the tool shows; changes that were not recorded have no tool."""
        return self.needs != "changes" or "changes" in store.present

    def __call__(self, store: Store, arguments: Arguments) -> str:
        """The answer as JSON; CannotEvaluateError for wrong arguments and for queries outside what is supported."""
        _check(self, arguments)
        if self.needs in DATASOURCES:
            kinds = {uid: kind for uid, kind, _ in datasources(store)}
            if kinds.get(str(arguments["datasourceUid"])) != self.needs:
                uid = str(arguments["datasourceUid"])[:60]
                raise CannotEvaluateError(
                    f"there is no datasource {uid!r} of type {self.needs} in this recording"
                )
        return self.answer(store, arguments)


TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "array": list,
    "boolean": bool,
}


def _check(tool: Tool, arguments: Arguments) -> None:
    for name in tool.required:
        if name not in arguments:
            raise CannotEvaluateError(f"{tool.name} needs the argument {name!r}")
    for name, value in arguments.items():
        if name not in tool.properties:
            raise CannotEvaluateError(
                f"{tool.name} has no argument {name!r}; it has {', '.join(tool.properties)}"
            )
        wanted = TYPES[tool.properties[name]["type"]]
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise CannotEvaluateError(
                f"the argument {name!r} of {tool.name} is a {tool.properties[name]['type']}"
            )


TOOLS: Final = (
    Tool(
        "list_datasources",
        "List the datasources of this recording.",
        {"type": TEXT, "name": TEXT, "limit": WHOLE, "offset": WHOLE},
        answers.list_datasources,
    ),
    Tool(
        "query_prometheus",
        "Query recorded metrics with PromQL: selectors, rate, increase, *_over_time, sum|avg|max|min|count by, "
        "arithmetic and comparison. Alerts are ALERTS{alertname, alertstate}.",
        {
            "datasourceUid": UID,
            "expr": TEXT,
            "startTime": TIME,
            "endTime": TIME,
            "stepSeconds": WHOLE,
            "queryType": TEXT,
        },
        answers.query_prometheus,
        "prometheus",
        ("datasourceUid", "expr", "endTime"),
    ),
    Tool(
        "list_prometheus_metric_names",
        "List metric names.",
        {"datasourceUid": UID, "regex": TEXT, "limit": WHOLE, "page": WHOLE, **RANGE},
        answers.metric_names,
        "prometheus",
        ("datasourceUid",),
    ),
    Tool(
        "list_prometheus_label_names",
        "List label names.",
        {"datasourceUid": UID, "matches": SELECTORS, "limit": WHOLE, **RANGE},
        answers.label_names,
        "prometheus",
        ("datasourceUid",),
    ),
    Tool(
        "list_prometheus_label_values",
        "List the values of one label.",
        {"datasourceUid": UID, "labelName": TEXT, "matches": SELECTORS, "limit": WHOLE, **RANGE},
        answers.label_values,
        "prometheus",
        ("datasourceUid", "labelName"),
    ),
    Tool(
        "query_loki_logs",
        "Query recorded logs with LogQL: stream selectors, line filters, count_over_time and sum by of it.",
        {
            "datasourceUid": UID,
            "logql": TEXT,
            **RANGE,
            "limit": WHOLE,
            "direction": TEXT,
            "queryType": TEXT,
            "stepSeconds": WHOLE,
            "format": TEXT,
        },
        answers.query_loki,
        "loki",
        ("datasourceUid", "logql"),
    ),
    Tool(
        "query_loki_stats",
        "Count the streams, lines and bytes of a stream selector.",
        {"datasourceUid": UID, "logql": TEXT, **RANGE},
        answers.loki_stats,
        "loki",
        ("datasourceUid", "logql"),
    ),
    Tool(
        "list_loki_label_names",
        "List label names of logs.",
        {"datasourceUid": UID, "matcher": TEXT, **RANGE},
        answers.loki_names,
        "loki",
        ("datasourceUid",),
    ),
    Tool(
        "list_loki_label_values",
        "List the values of one label of logs.",
        {"datasourceUid": UID, "labelName": TEXT, "matcher": TEXT, **RANGE},
        answers.loki_values,
        "loki",
        ("datasourceUid", "labelName"),
    ),
    Tool(
        "search_tempo_traces",
        "Search recorded traces with TraceQL: {} with conditions on resource.service.name, name, status and duration.",
        {
            "datasourceUid": UID,
            "query": TEXT,
            "start": TIME,
            "end": TIME,
            "limit": WHOLE,
            "page": WHOLE,
            "spss": WHOLE,
        },
        answers.search_traces,
        "tempo",
        ("datasourceUid", "query"),
    ),
    Tool(
        "get_tempo_trace",
        "Retrieve one trace by its id.",
        {"datasourceUid": UID, "trace_id": TEXT},
        answers.get_trace,
        "tempo",
        ("datasourceUid", "trace_id"),
    ),
    Tool(
        "get_annotations",
        "Recorded changes such as deployments; tags are the type, the service and name:value labels.",
        {
            "from": WHOLE,
            "to": WHOLE,
            "tags": {"type": "array", "items": TEXT},
            "matchAny": {"type": "boolean"},
            "limit": WHOLE,
        },
        answers.changes,
        "changes",
    ),
)
