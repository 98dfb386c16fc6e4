"""What telemetry said about one incident, as plain arrays and rows: the input of every signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class SeriesKey(NamedTuple):
    """A series is known by its component, its metric and what else tells it apart from its siblings."""

    component: str
    metric: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one component; `times` in unix seconds, ascending; gaps are left out."""

    key: SeriesKey
    times: Floats
    values: Floats
    selector: str = ""


class Span(NamedTuple):
    """One timed operation; times in nanoseconds since the epoch."""

    trace: str
    span: str
    parent: str
    service: str
    name: str
    start: int
    end: int
    failed: bool = False


class LogLine(NamedTuple):
    """One line of a log; `time` in nanoseconds since the epoch."""

    time: int
    service: str
    level: str
    trace: str
    message: str


class Alert(NamedTuple):
    """An alert that fired; times in unix seconds, `ends` None while it still fires."""

    name: str
    service: str
    starts: float
    ends: float | None


class Change(NamedTuple):
    """Something people or machines changed; `time` in unix seconds."""

    time: float
    type: str
    service: str
    summary: str


@dataclass(frozen=True)
class Slice:
    """Telemetry of one stretch of time."""

    series: Mapping[SeriesKey, Series] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    logs: tuple[LogLine, ...] = ()


@dataclass(frozen=True)
class Observation:
    """Everything seen of an incident: the window around it, and, where there is one, a baseline."""

    detected: float
    start: float
    end: float
    window: Slice
    baseline: Slice = Slice()
    edges: tuple[tuple[str, str], ...] = ()
    alerts: tuple[Alert, ...] = ()
    changes: tuple[Change, ...] = ()
    components: tuple[str, ...] = ()
    symptom_service: str | None = None
    symptom_family: str | None = None
