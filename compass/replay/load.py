"""A recording's folder in, rows out; missing files are fine, bad rows are left out and reported."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.adapters.garbage import collected_later
from compass.errors import ConfigError, Location
from compass.model.recording import (
    Alert,
    Change,
    LogLine,
    RecordedTelemetry,
    Recording,
    RecordingInfo,
    Span,
)
from compass.replay.columns import metrics
from compass.replay.files import Limits, Notes, find, is_plain, rows, seconds, table

FILES = {
    "metrics": "metrics.csv",
    "logs": "logs.jsonl",
    "traces": "traces.jsonl",
    "alerts": "alerts.jsonl",
    "changes": "changes.jsonl",
    "graph": "graph.csv",
}
MOST_BYTES = 100_000
STATUS = {"error": "error", "ok": "ok", "unset": "", "": "", None: ""}


def load_info(folder: Path) -> RecordingInfo:
    """recording.yaml alone; ConfigError if it is missing or wrong."""
    path = folder / "recording.yaml"
    try:
        if not path.exists():
            raise ConfigError(f"{folder} is not a recording: it has no recording.yaml")
        if not is_plain(path):
            raise ConfigError("is no plain file of the recording's folder", location=Location(str(path)))
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(
                f"a recording.yaml has {MOST_BYTES:,} bytes at most", location=Location(str(path))
            )
        return RecordingInfo.model_validate(parse_yaml(data.decode("utf-8")))
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"cannot be read: {problem}", location=Location(str(path))) from problem
    except YamlProblem as problem:
        where = Location(str(path), problem.line, problem.column)
        raise ConfigError(problem.message, location=where) from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{field}: {first['msg']}", location=Location(str(path))) from problem


def digest(folder: Path, limits: Limits | None = None) -> str:
    """SHA-256 of all that `load` reads of the folder itself: what is the same here gives the same recording."""
    most = (limits or Limits()).file_bytes
    state = hashlib.sha256()
    for name in ("recording.yaml", "series.json", *FILES.values()):
        path = find(folder, name)
        if path is not None:
            size = min(path.stat().st_size, most)
            state.update(f"{path.name} {path.stat().st_size} {size}\n".encode())
            with path.open("rb") as stream:
                while size > 0 and (data := stream.read(min(size, 1_000_000))):
                    state.update(data)
                    size -= len(data)
    return state.hexdigest()


def load(folder: Path, *, history: bool = True, limits: Limits | None = None) -> Recording:
    """A recording with its history (unless that is not wanted).

    Raises ConfigError if recording.yaml is missing or wrong.
    A history folder that is missing, or that lies outside the folder which holds the recording, is left out and noted.
    """
    limits = limits or Limits()
    info = load_info(folder)
    telemetry = load_telemetry(folder, limits)
    if not history or info.history is None:
        return Recording(info, folder, telemetry)
    past = _history_folder(folder, info.history)
    if past is None:
        note = f"recording.yaml: the history folder {info.history!r} is missing or lies elsewhere, and was left out"
        return Recording(info, folder, replace(telemetry, notes=(*telemetry.notes, note)))
    earlier = load_telemetry(past, limits)
    notes = tuple(f"{info.history}/{note}" for note in earlier.notes)
    return Recording(info, folder, telemetry, replace(earlier, notes=notes))


def _history_folder(folder: Path, relative: str) -> Path | None:
    """Recordings of one collection may share a history beside them; nothing further away is ever read."""
    try:
        past = (folder / relative).resolve()
        inside = past.is_relative_to(folder.resolve().parent) and not Path(relative).is_absolute()
        return past if inside and past.is_dir() else None
    except (OSError, ValueError):
        return None


def load_telemetry(folder: Path, limits: Limits | None = None) -> RecordedTelemetry:
    """The telemetry files of one folder, each of which may be missing or gzipped."""
    with collected_later():
        return _read(folder, limits or Limits(), Notes())


def _read(folder: Path, limits: Limits, notes: Notes) -> RecordedTelemetry:
    there = {kind: path for kind, name in FILES.items() if (path := find(folder, name))}
    labels = find(folder, "series.json")
    series = metrics(there["metrics"], labels, limits, notes) if "metrics" in there else ()
    logs = rows(there["logs"], limits, notes, _LogReader()) if "logs" in there else []
    spans = rows(there["traces"], limits, notes, _span) if "traces" in there else []
    alerts = rows(there["alerts"], limits, notes, _alert) if "alerts" in there else []
    changes = rows(there["changes"], limits, notes, _change) if "changes" in there else []
    return RecordedTelemetry(
        series,
        tuple(sorted(logs, key=lambda line: line.time_ns)),
        tuple(sorted(spans, key=lambda span: span.start_ns)),
        tuple(sorted(alerts, key=lambda alert: alert.starts)),
        tuple(sorted(changes, key=lambda change: change.time)),
        _edges(there["graph"], limits, notes) if "graph" in there else (),
        frozenset(there),
        tuple(notes.lines),
    )


def _edges(path: Path, limits: Limits, notes: Notes) -> tuple[tuple[str, str], ...]:
    lines = table(path, limits, notes)
    if lines and lines[0][:2] == ["caller", "callee"]:
        lines = lines[1:]
    edges = [(row[0], row[1]) for row in lines if len(row) == 2 and row[0] and row[1]]
    notes.bad_rows(path, len(lines) - len(edges), "an edge is caller,callee")
    return tuple(dict.fromkeys(edges))


class _LogReader:
    """Builds log lines; lines of one stream share one mapping of labels."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], dict[str, str]] = {}

    def __call__(self, row: dict[str, Any]) -> LogLine:
        key = (row.get("service") or "", row.get("level") or "")
        labels = self.streams.get(key)
        if labels is None:
            service, level = map(str, key)
            labels = {"service_name": service, "level": level}
            labels = self.streams[key] = {name: value for name, value in labels.items() if value}
        time = row["time_ns"]
        if type(time) is not int or not 0 <= time < 2**63:
            raise ValueError(f"time_ns {time!r} is no time")
        return LogLine(time, labels, str(row["message"]), str(row.get("trace") or ""))


def _span(row: dict[str, Any]) -> Span:
    start, end = row["start_ns"], row["end_ns"]
    if type(start) is not int or type(end) is not int or not 0 <= start <= end < 2**63:
        raise ValueError(f"start_ns {start!r} and end_ns {end!r} are no stretch of time")
    trace, span, parent = row["trace"], row["span"], row.get("parent") or ""
    service, name = row["service"], row["name"]
    if not (type(trace) is type(span) is type(parent) is type(service) is type(name) is str):
        raise TypeError("trace, span, parent, service and name are text")
    return Span(trace, span, parent, service, name, start, end, STATUS.get(row.get("status"), ""))


def _alert(row: dict[str, Any]) -> Alert:
    labels = {str(key): str(value) for key, value in (row.get("labels") or {}).items()}
    ends = row.get("ends_at")
    return Alert(str(row["name"]), labels, seconds(row["starts_at"]), None if ends is None else seconds(ends))


def _change(row: dict[str, Any]) -> Change:
    labels = {str(key): str(value) for key, value in (row.get("labels") or {}).items()}
    service, summary = str(row.get("service") or ""), str(row.get("summary") or "")
    return Change(seconds(row["time"]), str(row["type"]), service, summary, labels)
