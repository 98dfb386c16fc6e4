"""What the lab has collected so far, laid out for queries as a recording is: logs, spans, changes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

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
LONGEST_SECONDS: Final = 86_400.0
DATABASE: Final = "shop-db"
DATABASE_LINE: Final = re.compile(
    r"(?P<time>[0-9-]{10} [0-9:.]{12}) UTC \[\d+\] \S* *(?P<level>[A-Z]+):  (?P<message>.*)"
)
LEVELS: Final = {"ERROR": "ERROR", "FATAL": "ERROR", "PANIC": "FATAL", "WARNING": "WARN"}
"""Severities of PostgreSQL that are not just information."""


class Tail(Generic[T]):
    """The rows of a growing file, one for each line that `row` can read; only what is new is read."""

    def __init__(self, path: Path, row: Callable[[bytes], T | None]) -> None:
        self._path, self._row, self._at = path, row, 0
        self.rows: list[T] = []

    def read(self) -> list[T]:
        """All rows until now; a last line that is not whole yet waits for the next time."""
        if not self._path.exists():
            return self.rows
        with self._path.open("rb") as stream:
            stream.seek(self._at)
            fresh = stream.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._at += len(whole)
        self.rows += [row for line in whole.splitlines() if (row := self._row(line)) is not None]
        return self.rows


class Live:
    """Reads a lab's files whenever it is asked."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._streams: dict[tuple[str, str], dict[str, str]] = {}
        self._logs: dict[Path, Tail[LogLine]] = {}
        self._spans = Tail(lab.folder / "spans.jsonl", lambda line: Span(**from_json(line)))
        self._changes = Tail(lab.folder / "changes.jsonl", lambda line: Change(**from_json(line)))
        self._database = Tail(lab.folder / "out" / "postgres.log", self._said)
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
        yield from self._database.read()

    def _line(self, line: bytes) -> LogLine:
        row: dict[str, Any] = from_json(line)
        labels = self._labels(row["service"], row["level"])
        return LogLine(row["time_ns"], labels, row["message"], row.get("trace", ""))

    def _said(self, line: bytes) -> LogLine | None:
        """A line of PostgreSQL's log; what follows a line without a time of its own is left out."""
        found = DATABASE_LINE.fullmatch(line.decode("utf-8", "replace"))
        if not found:
            return None
        when = datetime.fromisoformat(found["time"]).replace(tzinfo=UTC)
        labels = self._labels(DATABASE, LEVELS.get(found["level"], "INFO"))
        return LogLine(round(when.timestamp() * 1000) * 1_000_000, labels, found["message"])

    def _labels(self, service: str, level: str) -> dict[str, str]:
        """Lines of a stream share their labels."""
        return self._streams.setdefault((service, level), {"service_name": service, "level": level})
