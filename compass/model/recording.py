"""A recorded incident: recording.yaml, and the plain rows of telemetry that replay and the adapters pass on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from compass.model.base import Model, SchemaVersion, in_utc

Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]


class Window(Model):
    """The stretch of time a recording covers; both ends belong to it."""

    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")

    @model_validator(mode="after")
    def _forward(self) -> Window:
        if self.end <= self.start:
            raise ValueError("a window ends after it begins: 'to' must be later than 'from'")
        return self

    @property
    def seconds(self) -> tuple[float, float]:
        """Both ends in unix seconds."""
        return self.start.timestamp(), self.end.timestamp()


class Symptom(Model):
    """What was noticed first, in words, and where if that is known."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    service: str | None = None
    metric: str | None = None


class RecordingInfo(Model):
    """recording.yaml: what a recording is and what it shows."""

    schema_version: SchemaVersion = Field(alias="schema")
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
    source: str | None = Field(default=None, description="where the telemetry comes from, if not from here")
    license: str | None = Field(default=None, description="SPDX id of the telemetry's licence")
    synthetic: bool = Field(
        default=False,
        description="made by a generator, or copied with other names, numbers and times: no real system is shown",
    )
    window: Window
    detected: Instant
    symptom: Symptom
    history: str | None = Field(
        default=None,
        description="folder, relative to the recording, of the same files from a fault-free time",
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="what was not recorded, or only in part, one sentence each"
    )


class Series(NamedTuple):
    """One metric over time: `times` in unix seconds, ascending, one of `values` for each; gaps are left out.

    `query` is the PromQL that asks for it again, where no selector of its labels would.
    """

    labels: Mapping[str, str]
    times: Sequence[float]
    values: Sequence[float]
    query: str = ""

    @property
    def name(self) -> str:
        """The metric's name, empty where an operator dropped it."""
        return self.labels.get("__name__", "")

    @property
    def service(self) -> str:
        """The component, empty if the series carries none."""
        return self.labels.get("service_name", "")


class LogLine(NamedTuple):
    """One line of a log; `time_ns` in nanoseconds since the epoch; `labels` are those of its stream."""

    time_ns: int
    labels: Mapping[str, str]
    message: str
    trace: str = ""

    @property
    def service(self) -> str:
        """The component that wrote it, empty if unknown."""
        return self.labels.get("service_name", "")

    @property
    def level(self) -> str:
        """As the component wrote it, such as INFO; empty if unknown."""
        return self.labels.get("level", "")


class Span(NamedTuple):
    """One timed operation; times in nanoseconds; `parent` is empty for a root; `status` is "", "ok" or "error"."""

    trace: str
    span: str
    parent: str
    service: str
    name: str
    start_ns: int
    end_ns: int
    status: str = ""


class Alert(NamedTuple):
    """An alert that fired; times in unix seconds; `ends` is None while it still fires."""

    name: str
    labels: Mapping[str, str]
    starts: float
    ends: float | None


class Change(NamedTuple):
    """Something that people or machines changed, such as a deployment; `time` in unix seconds."""

    time: float
    type: str
    service: str
    summary: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class RecordedTelemetry:
    """The files of one folder: a recording's own, or its history's.

    `present` names the files that exist (metrics, logs, traces, alerts, changes, graph): an empty file says that
    nothing happened, a missing one says nothing at all.
    `notes` says what could not be read, one sentence each.
    """

    series: tuple[Series, ...] = ()
    logs: tuple[LogLine, ...] = ()
    spans: tuple[Span, ...] = ()
    alerts: tuple[Alert, ...] = ()
    changes: tuple[Change, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    present: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def span_of_time(self) -> tuple[float, float] | None:
        """First and last moment with data in unix seconds, or None if there is none."""
        ends: list[float] = []
        for series in self.series:
            if series.times:
                ends += (series.times[0], series.times[-1])
        if self.logs:
            ends += (self.logs[0].time_ns / 1e9, self.logs[-1].time_ns / 1e9)
        if self.spans:
            ends += (self.spans[0].start_ns / 1e9, max(span.start_ns for span in self.spans) / 1e9)
        return (min(ends), max(ends)) if ends else None


@dataclass(frozen=True)
class Recording:
    """A recording as read: its description, its telemetry, and the fault-free telemetry of another time, if any."""

    info: RecordingInfo
    folder: Path
    telemetry: RecordedTelemetry
    history: RecordedTelemetry | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, of both folders."""
        return self.telemetry.notes + (self.history.notes if self.history else ())
