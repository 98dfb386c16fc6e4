"""The JSON of the Grafana MCP server's tools, read into rows; a shape that is not known raises, never yields nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from compass.adapters.telemetry.answer import Datasource
from compass.model.recording import Change, LogLine, Series, Span

T = TypeVar("T")
Reader = Callable[[Any], T]

STATUS: Final = {
    "error": "error",
    "ok": "ok",
    "STATUS_CODE_ERROR": "error",
    "STATUS_CODE_OK": "ok",
    2: "error",
    1: "ok",
}
_LAST: Final = 253_402_300_800  # the year 10,000
_LAST_NS: Final = 2**63
NO_LINES: Final[tuple[tuple[LogLine, ...], bool]] = ((), False)


class Found(NamedTuple):
    """One page of a trace search: its spans, how many spans matched, how many traces the page has."""

    spans: tuple[Span, ...]
    matched: int
    traces: int


NONE: Final = Found((), 0, 0)


def datasources(data: Any) -> tuple[Datasource, ...]:
    """Answer of list_datasources: `{"datasources": [...]}`, in older versions the list itself."""
    rows = data["datasources"] if isinstance(data, Mapping) else data
    return tuple(Datasource(str(row["uid"]), str(row["type"]), str(row.get("name", ""))) for row in rows)


def strings(data: Any) -> tuple[str, ...]:
    """A list of names; Go writes an empty one as null."""
    if data is None:
        return ()
    if not isinstance(data, list):
        raise TypeError("expected a list of names")
    return tuple(str(item) for item in data)


def _labels(data: Any) -> Mapping[str, str]:
    """Labels as they are; TypeError unless they are texts by name, since nothing after this looks again."""
    if not isinstance(data, Mapping) or not all(type(value) is str for value in data.values()):
        raise TypeError("labels are texts by name")
    return data


def _text(data: Any) -> str:
    if type(data) is not str:
        raise TypeError(f"{str(data)[:40]!r} is no text")
    return data


def _times(data: Sequence[Any]) -> Sequence[float]:
    """Times as they are; TypeError or ValueError unless all are moments that a calendar has."""
    if not all(map(math.isfinite, data)) or (data and not 0 <= min(data) <= max(data) < _LAST):
        raise ValueError("a time is a number of seconds since 1970")
    return data


def _nanoseconds(time: int) -> int:
    if not 0 <= time < _LAST_NS:
        raise ValueError(f"{time} is no time in nanoseconds since 1970")
    return time


def _stretch(begin: int, end: int) -> tuple[int, int]:
    """When a span begins and ends; where clocks disagree it does not end before it begins."""
    return _nanoseconds(begin), _nanoseconds(max(begin, end))


def series(data: Any) -> tuple[Series, ...]:
    """Answer of query_prometheus: a vector, a matrix or a scalar, in newer versions under `data`."""
    rows = data["data"] if isinstance(data, Mapping) else data
    if rows is None:
        return ()
    if rows and not isinstance(rows[0], Mapping):
        time, value = rows
        return (Series({}, _times((float(time),)), (float(value),)),)
    return tuple(_series(row) for row in rows)


def _series(row: Mapping[str, Any]) -> Series:
    labels = _labels(row.get("metric", {}))
    if "values" in row:
        pairs = row["values"] or ()
        return Series(labels, _times([pair[0] for pair in pairs]), [float(pair[1]) for pair in pairs])
    time, value = row["value"]
    return Series(labels, _times((float(time),)), (float(value),))


def log_lines(data: Any) -> tuple[tuple[LogLine, ...], bool]:
    """Answer of query_loki_logs to a log query, oldest first, and whether there was more."""
    lines: list[LogLine] = []
    for stream in data.get("streams") or ():
        labels = _labels(stream["labels"])
        common = stream.get("structuredMetadata") or {}
        lines += (_line(row, labels, row.get("structuredMetadata") or common) for row in stream["lines"])
    for row in data.get("data") or ():
        lines.append(_line(row, _labels(row["labels"]), row.get("structuredMetadata") or {}))
    lines.sort(key=lambda line: line.time_ns)
    return tuple(lines), bool((data.get("metadata") or {}).get("resultsTruncated"))


def _line(row: Mapping[str, Any], labels: Mapping[str, str], own: Mapping[str, Any]) -> LogLine:
    return LogLine(_stamp(row["timestamp"]), labels, _text(row["line"]), _text(own.get("trace_id", "")))


def log_samples(data: Any) -> tuple[Series, ...]:
    """Answer of query_loki_logs to a metric query."""
    found: list[Series] = []
    for row in data["data"] or ():
        points = row.get("values", (row,))
        times, values = [float(p["timestamp"]) for p in points], [float(p["value"]) for p in points]
        found.append(Series(_labels(row.get("labels") or {}), _times(times), values))
    return tuple(found)


def found(data: Any) -> Found:
    """Answer of search_tempo_traces: Tempo's search result with its sets of spans."""
    spans: list[Span] = []
    matched = 0
    traces = data["traces"] or ()
    for row in traces:
        trace = _text(row["traceID"])
        for group in row.get("spanSets") or ([row["spanSet"]] if row.get("spanSet") else ()):
            rows = group["spans"]
            matched += int(group.get("matched", len(rows)))
            for span in rows:
                begin = int(span["startTimeUnixNano"])
                stretch = _stretch(begin, begin + int(span["durationNanos"]))
                seen = {
                    item["key"]: _text(item["value"].get("stringValue", ""))
                    for item in span.get("attributes") or ()
                }
                spans.append(
                    Span(
                        trace,
                        _text(span["spanID"]),
                        seen.get("span:parentID", ""),
                        seen.get("service.name", ""),
                        _text(span.get("name") or seen.get("name", "")),
                        *stretch,
                        STATUS.get(seen.get("status", ""), ""),
                    )
                )
    return Found(tuple(spans), matched, len(traces))


def trace(data: Any) -> tuple[Span, ...]:
    """Answer of get_tempo_trace: OpenTelemetry's JSON, with or without its envelope."""
    body = data.get("trace", data)
    batches = body["resourceSpans"] if "resourceSpans" in body else body["batches"]
    spans = [span for batch in batches for span in _batch(batch)]
    return tuple(sorted(spans, key=lambda span: (span.start_ns, span.span)))


def _batch(batch: Mapping[str, Any]) -> Iterator[Span]:
    attributes = (batch.get("resource") or {}).get("attributes") or ()
    service = next(
        (item["value"].get("stringValue", "") for item in attributes if item["key"] == "service.name"), ""
    )
    for scope in batch.get("scopeSpans") or ():
        for row in scope["spans"]:
            status = STATUS.get((row.get("status") or {}).get("code", ""), "")
            begin, end = int(row["startTimeUnixNano"]), int(row["endTimeUnixNano"])
            names = (
                row.get("traceId", ""),
                row["spanId"],
                row.get("parentSpanId") or "",
                service,
                row["name"],
            )
            identity, span, parent, owner, name = map(_text, names)
            yield Span(identity, span, parent, owner, name, *_stretch(begin, end), status)


def changes(data: Any) -> tuple[Change, ...]:
    """Answer of get_annotations: Grafana's annotations, oldest first.

    Tags are the change's type, its service, and `name:value` for each label; other people's annotations have tags of
    their own, so the first tag is taken for the type, the second plain one for the service.
    """
    rows = data.get("Payload", data.get("payload")) if isinstance(data, Mapping) else data
    return tuple(sorted((_change(row) for row in rows or ()), key=lambda change: change.time))


def _change(row: Mapping[str, Any]) -> Change:
    tags = [str(tag) for tag in row.get("tags") or ()]
    plain = [tag for tag in tags if ":" not in tag]
    labels = dict(tag.split(":", 1) for tag in tags if ":" in tag)
    service = labels.get("service_name") or (plain[1] if len(plain) > 1 else "")
    (time,) = _times((row["time"] / 1000,))
    return Change(time, plain[0] if plain else "", service, str(row.get("text", "")), labels)


def _stamp(text: Any) -> int:
    """Nanoseconds; some versions leave the JSON quotes in the string, VictoriaLogs writes RFC 3339."""
    plain = str(text).strip('"')
    if plain.isdigit():
        return _nanoseconds(int(plain))
    return _nanoseconds(round(datetime.fromisoformat(plain).timestamp() * 1_000_000) * 1000)
