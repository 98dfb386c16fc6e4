"""`compass record`: from telemetry servers, or from a recording, to a recording's folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compass.model.recording import RecordingInfo
from compass.replay.load import load
from compass.workflows.recording import folder
from compass.workflows.recording.fit import HISTORY, Fitted, fit
from compass.workflows.recording.gather import gather
from compass.workflows.recording.request import Gathered, Notes, Request, Told
from compass.workflows.recording.sources import Asking, opened


@dataclass(frozen=True)
class Made:
    """A recording as it was, or would be, written."""

    info: RecordingInfo
    fitted: Fitted
    left_out: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many rows each file has, by its path."""
        found: dict[str, int] = {}
        for prefix, one in zip(("", f"{HISTORY}/"), self.fitted.telemetry.parts(), strict=False):
            sizes = {
                "metrics.csv.gz": len(one.series),
                "logs.jsonl.gz": len(one.logs),
                "traces.jsonl.gz": len(one.spans),
                "alerts.jsonl": len(one.alerts),
                "changes.jsonl": len(one.changes),
                "graph.csv": len(one.edges),
            }
            found |= {prefix + name: size for name, size in sizes.items()}
        return {name: size for name, size in found.items() if name in self.fitted.files}


def recorded(request: Request, asking: Asking, notes: Notes, told: Told) -> tuple[RecordingInfo, Gathered]:
    """Everything the servers have of the window, not yet bounded in size.

    Raises OutsideError when no server can be reached, or none has anything.
    """
    told("connecting")
    with opened(asking, notes) as sources:
        gathered = gather(sources, request, notes, told)
    return description_of(request, gathered), gathered


def reread(source: Path, name: str, limit: int, notes: Notes) -> tuple[Request, RecordingInfo, Gathered]:
    """A recording that is there already, under a new name; what it left out, or could not be read, is noted.

    Raises ConfigError if the folder is no recording.
    """
    recording = load(source)
    for line in (*recording.info.left_out, *recording.notes):
        notes.add(line)
    info = recording.info.model_copy(
        update={"id": name, "history": None if recording.history is None else HISTORY, "left_out": ()}
    )
    request = Request(name, info.window, info.detected.timestamp(), info.symptom, limit=limit)
    return request, info, Gathered(recording.telemetry, recording.history)


def description_of(request: Request, gathered: Gathered) -> RecordingInfo:
    """recording.yaml of a request, before it is known what did not fit."""
    return RecordingInfo(
        schema_version=1,
        id=request.name,
        window=request.window,
        detected=datetime.fromtimestamp(request.detected, UTC),
        symptom=request.symptom,
        history=None if gathered.past is None else HISTORY,
    )


def bounded(info: RecordingInfo, gathered: Gathered, request: Request, notes: Notes, told: Told) -> Made:
    """The recording within the request's limit."""
    told("making it fit")
    fitted = fit(gathered, info, request, notes)
    left_out = notes.bounded()
    return Made(info.model_copy(update={"left_out": left_out}), fitted, left_out)


def write(made: Made, target: Path) -> None:
    """Put it in its place, at once."""
    folder.put(target, made.fitted.files)
