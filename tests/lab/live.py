"""What the lab has collected so far, laid out for queries as a recording is: logs, spans, changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from lab.state import Lab
from pydantic_core import from_json

from compass.model.recording import (
    Change,
    LogLine,
    RecordedTelemetry,
    Recording,
    RecordingInfo,
    Span,
    Symptom,
    Window,
)
from compass.replay.store import Store

T = TypeVar("T")
LONGEST_SECONDS = 86_400.0


class Tail(Generic[T]):
    """The rows of a growing file of JSON lines; only what is new is read."""

    def __init__(self, path: Path, row: Callable[[dict[str, Any]], T]) -> None:
        self._path, self._row, self._at = path, row, 0
        self.rows: list[T] = []

    def read(self) -> list[T]:
        """All rows until now; a last line that is not whole yet waits for the next time."""
        with self._path.open("rb") as stream:
            stream.seek(self._at)
            fresh = stream.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._at += len(whole)
        self.rows += [self._row(from_json(line)) for line in whole.splitlines()]
        return self.rows


class Live:
    """Reads a lab's files whenever it is asked."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._streams: dict[tuple[str, str], dict[str, str]] = {}
        self._logs: dict[Path, Tail[LogLine]] = {}
        self._spans = Tail(lab.folder / "spans.jsonl", lambda row: Span(**row))
        self._changes = Tail(lab.folder / "changes.jsonl", lambda row: Change(**row))
        self._one_at_a_time = threading.Lock()

    @property
    def store(self) -> Store:
        """Everything until now; metrics and alerts are Prometheus' own."""
        now = time.time()
        window = Window.model_validate(
            {
                "from": datetime.fromtimestamp(now - LONGEST_SECONDS, UTC),
                "to": datetime.fromtimestamp(now, UTC),
            }
        )
        symptom = Symptom(text="a running lab")
        info = RecordingInfo(schema_version=1, id="lab", window=window, detected=window.end, symptom=symptom)
        with self._one_at_a_time:
            telemetry = RecordedTelemetry(
                logs=tuple(self._lines()),
                spans=tuple(self._spans.read()),
                changes=tuple(self._changes.read()),
                present=frozenset({"metrics", "logs", "traces", "alerts", "changes"}),
            )
        return Store(Recording(info, self._lab.folder, telemetry))

    def _lines(self) -> Iterator[LogLine]:
        for path in sorted((self._lab.folder / "logs").glob("*.jsonl")):
            yield from self._logs.setdefault(path, Tail(path, self._line)).read()

    def _line(self, row: dict[str, Any]) -> LogLine:
        labels = {"service_name": row["service"], "level": row["level"]}
        shared = self._streams.setdefault((row["service"], row["level"]), labels)
        return LogLine(row["time_ns"], shared, row["message"], row.get("trace", ""))
