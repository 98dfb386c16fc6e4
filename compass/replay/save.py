"""Rows in, the files of a recording out: the same rows give the same bytes, and `load` reads back what was written."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from compass.adapters.documents import dump_yaml
from compass.model.recording import Alert, Change, LogLine, RecordingInfo, Series, Span
from compass.replay.columns import column_labels

_LEVEL: Final = 9


def metrics(series: Sequence[Series], digits: int | None = None) -> dict[str, bytes]:
    """metrics.csv.gz, and series.json where a column's title does not say all of its labels.

    `digits`: how many significant digits of a value are kept; None for all.
    """
    places = {time: at for at, time in enumerate(sorted({time for one in series for time in one.times}))}
    columns, named = _titled(series)
    table = [[_number(time, 3)] + [""] * len(columns) for time in places]
    for at, (_, one) in enumerate(columns, start=1):
        for time, value in zip(one.times, one.values, strict=True):
            table[places[time]][at] = (
                repr(value).removesuffix(".0") if digits is None else f"{value:.{digits}g}"
            )
    text = _csv([["time", *(title for title, _ in columns)], *table])
    files = {"metrics.csv.gz": packed(text)}
    if named:
        files["series.json"] = _encoded(json.dumps(named, ensure_ascii=False, separators=(",", ":")) + "\n")
    return files


def _titled(series: Sequence[Series]) -> tuple[list[tuple[str, Series]], dict[str, Any]]:
    """A title for each series, and an entry of series.json for each title that does not stand for its labels."""
    columns: list[tuple[str, Series]] = []
    named: dict[str, Any] = {}
    taken: set[str] = set()
    for one in sorted(series, key=lambda each: sorted(each.labels.items())):
        # A title stands on one line of text, whatever a label holds; series.json has the label as it is.
        written = f"{one.service}|{one.name}" if one.service else one.name
        stem = title = "".join(char if char.isprintable() else "_" for char in written)
        count = 1
        while title in taken or title in {"", "time"}:
            count += 1
            title = f"{stem} {count}"
        taken.add(title)
        columns.append((title, one))
        if column_labels(title) != dict(one.labels):
            labels = {key: value for key, value in sorted(one.labels.items()) if key != "__name__"}
            named[title] = {"name": one.name, "labels": labels}
    return columns, named


def logs(lines: Iterable[LogLine]) -> bytes:
    """logs.jsonl.gz, oldest line first."""
    ordered = sorted(lines, key=lambda line: (line.time_ns, line.service, line.message))
    return packed(
        _json_lines(
            {
                "time_ns": line.time_ns,
                "service": line.service,
                "level": line.level,
                "trace": line.trace,
                "message": line.message,
            }
            for line in ordered
        )
    )


def traces(spans: Iterable[Span]) -> bytes:
    """traces.jsonl.gz, by start."""
    ordered = sorted(spans, key=lambda span: (span.start_ns, span.trace, span.span))
    return packed(
        _json_lines(
            {
                "trace": span.trace,
                "span": span.span,
                "parent": span.parent or None,
                "service": span.service,
                "name": span.name,
                "start_ns": span.start_ns,
                "end_ns": span.end_ns,
                **({"status": span.status} if span.status else {}),
            }
            for span in ordered
        )
    )


def alerts(found: Iterable[Alert]) -> bytes:
    """alerts.jsonl."""
    rows = (
        {
            "name": alert.name,
            "labels": dict(sorted(alert.labels.items())),
            "starts_at": moment(alert.starts),
            "ends_at": None if alert.ends is None else moment(alert.ends),
        }
        for alert in sorted(found, key=lambda each: (each.starts, each.name, sorted(each.labels.items())))
    )
    return _encoded(_json_lines(rows))


def changes(found: Iterable[Change]) -> bytes:
    """changes.jsonl."""
    rows = (
        {
            "time": moment(change.time),
            "type": change.type,
            "service": change.service,
            "summary": change.summary,
            "labels": dict(sorted(change.labels.items())),
        }
        for change in sorted(found, key=lambda each: (each.time, each.type, each.service, each.summary))
    )
    return _encoded(_json_lines(rows))


def graph(edges: Iterable[tuple[str, str]]) -> bytes:
    """graph.csv, sorted; a name that does not fit on a line is left out."""
    fitting = {edge for edge in edges if all(name.isprintable() for name in edge)}
    return _encoded(_csv([["caller", "callee"], *map(list, sorted(fitting))]))


def description(info: RecordingInfo) -> bytes:
    """recording.yaml, without what is left at its default."""
    body = info.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"window", "detected"})
    start, end = info.window.seconds
    times = {
        "window": {"from": moment(start), "to": moment(end)},
        "detected": moment(info.detected.timestamp()),
    }
    order = (
        "schema",
        "id",
        "source",
        "license",
        "synthetic",
        "window",
        "detected",
        "symptom",
        "history",
        "left_out",
    )
    whole = {"schema": 1, **body, **times}
    return _encoded(dump_yaml({key: whole[key] for key in order if key in whole}))


def moment(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC, to the millisecond where that says more."""
    text = datetime.fromtimestamp(round(seconds, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def packed(text: str) -> bytes:
    """Gzip without a time or a name in it."""
    return gzip.compress(_encoded(text), _LEVEL, mtime=0)


def _encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which is no character, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def _csv(table: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    return out.getvalue()


def _number(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".")
