"""Answers in the JSON that the Grafana MCP server's tools give (v2.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic_core import to_json

from compass.model.recording import Change, LogLine, Span
from compass.replay.promql import Point, Result
from compass.replay.store import Trace


def encoded(value: Any) -> str:
    """Compact JSON."""
    return to_json(value).decode()


def hints(what: str) -> str:
    """What the tools add to an empty result, so that a caller looks again before concluding."""
    return encoded(
        {
            "summary": f"The query found no {what}.",
            "possibleCauses": ["nothing fits the selector", "the recording has no data at that time"],
            "suggestedActions": [
                "list the names and labels there are",
                "check the time against the recording's window",
            ],
        }
    )


def prometheus(result: Result) -> str:
    """Answer of query_prometheus: `{"data": vector | matrix | scalar}` in Prometheus' own JSON."""
    stamps = _Stamps()
    if result.kind == "scalar":
        point = result.series[0]
        return f'{{"data":[{stamps[point.times[0]]},"{_without_exponent(number(point.values[0]))}"]}}'
    rows = []
    for labels, times, values in result.series:
        pairs = [f'[{stamps[time]},"{text}"]' for time, text in zip(times, _numbers(values), strict=True)]
        shape = f'"value":{pairs[0]}' if result.kind == "vector" else f'"values":[{",".join(pairs)}]'
        rows.append(f'{{"metric":{encoded(labels)},{shape}}}')
    ending = "" if rows else f',"hints":{hints("series")}'
    return f'{{"data":[{",".join(rows)}]{ending}}}'


def number(value: float) -> str:
    """A sample's value as Prometheus writes it: the shortest text that reads back the same.

    An exponent stands only below 1e-6 and from 1e21 on (Prometheus, util/jsonutil), and never in a scalar.
    """
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    if "e" in text:
        return _without_exponent(text) if 1e-6 <= abs(value) < 1e21 else text
    if math.isfinite(value):
        return text
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")


def _without_exponent(text: str) -> str:
    return format(Decimal(text), "f") if "e" in text else text


def _numbers(values: Iterable[float]) -> list[str]:
    """Most samples read well as Python writes them; the others take the long way."""
    texts = map(repr, values)
    return [number(float(text)) if text[-1] == "0" or "e" in text or "n" in text else text for text in texts]


class _Stamps(dict[int, str]):
    """Times in milliseconds as Prometheus writes them, in seconds; series share them, so each is written once."""

    def __missing__(self, milliseconds: int) -> str:
        whole, rest = divmod(milliseconds, 1000)
        text = self[milliseconds] = f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)
        return text


def log_lines(
    lines: Sequence[LogLine], limit: int, window: Mapping[str, str], *, compact: bool, newest: bool
) -> str:
    """Answer of query_loki_logs to a log query: entries one by one, or grouped by stream."""
    shown = list(lines[-limit:] if newest else lines[:limit])
    if newest:
        shown.reverse()
    body: dict[str, Any] = {"data": []}
    if compact:
        streams: dict[int, dict[str, Any]] = {}
        for line in shown:
            stream = streams.setdefault(id(line.labels), {"labels": line.labels, "lines": []})
            stream["lines"].append({"timestamp": str(line.time_ns), "line": line.message, **_metadata(line)})
        body["streams"] = list(streams.values())
    else:
        body["data"] = [
            {"timestamp": str(line.time_ns), "line": line.message, "labels": line.labels, **_metadata(line)}
            for line in shown
        ]
    body["metadata"] = {
        "linesReturned": len(shown),
        "maxLinesAllowed": limit,
        "resultsTruncated": len(lines) > limit,
        "totalLinesScanned": None,
        **window,
    }
    text = encoded(body)
    return text if shown else f'{text[:-1]},"hints":{hints("log lines")}}}'


def _metadata(line: LogLine) -> dict[str, dict[str, str]]:
    return {"structuredMetadata": {"trace_id": line.trace}} if line.trace else {}


def log_samples(points: Iterable[Point], *, instant: bool) -> str:
    """Answer of query_loki_logs to a metric query."""
    rows: list[dict[str, Any]] = []
    for labels, times, values in points:
        if instant:
            rows.append({"timestamp": f"{times[-1] / 1000:.3f}", "value": values[-1], "labels": labels})
        else:
            pairs = zip(times, values, strict=True)
            rows.append(
                {"values": [{"timestamp": f"{t / 1000:.3f}", "value": v} for t, v in pairs], "labels": labels}
            )
    text = encoded({"data": rows})
    return text if rows else f'{text[:-1]},"hints":{hints("log lines")}}}'


def traces(found: Sequence[tuple[Trace, Sequence[Span], int]], shown: Iterable[str]) -> str:
    """Answer of search_tempo_traces: each trace with its first matching spans and how many matched."""
    fields = [_SHOWN[name] for name in dict.fromkeys(("resource.service.name", *shown)) if name in _SHOWN]
    quote = _quotes()
    rows = []
    for trace, spans, matched in found:
        root, end = trace.root, max(span.end_ns for span in trace.spans)
        rows.append(
            f'{{"traceID":{encoded(trace.trace)},"rootServiceName":{quote(root.service)},'
            f'"rootTraceName":{quote(root.name)},"startTimeUnixNano":"{trace.start_ns}",'
            f'"durationMs":{(end - trace.start_ns) // 1_000_000},'
            f'"spanSets":[{{"spans":[{",".join(_summary(span, fields, quote) for span in spans)}],"matched":{matched}}}]}}'
        )
    return f'{{"traces":[{",".join(rows)}],"metrics":{{"inspectedTraces":{len(rows)}}}}}'


Field = Callable[[Span, Callable[[str], str]], str]


def _attribute(key: str, value: Callable[[Span], str]) -> Field:
    head = f'{{"key":"{key}","value":{{"stringValue":'

    def write(span: Span, quote: Callable[[str], str]) -> str:
        text = value(span)
        return f"{head}{quote(text)}}}}}" if text else ""

    return write


_SHOWN: dict[str, Field] = {
    "resource.service.name": _attribute("service.name", lambda span: span.service),
    "status": _attribute("status", lambda span: span.status),
    "span:parentID": _attribute("span:parentID", lambda span: span.parent),
}


def _summary(span: Span, fields: Sequence[Field], quote: Callable[[str], str]) -> str:
    attributes = ",".join(filter(None, (write(span, quote) for write in fields)))
    return (
        f'{{"spanID":{quote(span.span)},"name":{quote(span.name)},"startTimeUnixNano":"{span.start_ns}",'
        f'"durationNanos":"{span.end_ns - span.start_ns}","attributes":[{attributes}]}}'
    )


def _quotes() -> Callable[[str], str]:
    """Texts as JSON; names repeat, and ids are mostly plain, so both are cheap."""
    known: dict[str, str] = {}

    def quote(text: str) -> str:
        if text.isascii() and text.isalnum():
            return f'"{text}"'
        found = known.get(text)
        if found is None:
            found = known[text] = encoded(text)
        return found

    return quote


def trace(found: Trace) -> str:
    """Answer of get_tempo_trace: OpenTelemetry's JSON, spans grouped by service."""
    services: dict[str, list[dict[str, Any]]] = {}
    for span in found.spans:
        row: dict[str, Any] = {
            "traceId": span.trace,
            "spanId": span.span,
            "parentSpanId": span.parent,
            "name": span.name,
            "startTimeUnixNano": str(span.start_ns),
            "endTimeUnixNano": str(span.end_ns),
        }
        if span.status:
            row["status"] = {"code": f"STATUS_CODE_{span.status.upper()}"}
        services.setdefault(span.service, []).append(row)
    batches = [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"scope": {}, "spans": rows}],
        }
        for service, rows in services.items()
    ]
    return encoded({"trace": {"resourceSpans": batches}})


def changes(found: Iterable[tuple[int, Change]]) -> str:
    """Answer of get_annotations; tags are the change's type, its service, and `name:value` for each label."""
    rows = [
        {
            "id": index,
            "time": round(change.time * 1000),
            "timeEnd": round(change.time * 1000),
            "text": change.summary,
            "tags": list(tags(change)),
        }
        for index, change in found
    ]
    return encoded({"Payload": rows})


def tags(change: Change) -> tuple[str, ...]:
    """The tags of a change."""
    labels = {"service_name": change.service, **change.labels} if change.service else change.labels
    pairs = (f"{name}:{value}" for name, value in labels.items())
    return tuple(tag for tag in (change.type, change.service, *pairs) if tag)
