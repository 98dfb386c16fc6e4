"""What telemetry said about one incident, as plain arrays and rows: the input of every signal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compass.investigate.traces import Forest, edges_of
from compass.model.recording import Alert, Change, LogLine, Span

Floats = npt.NDArray[np.float64]

# Faults begin before anybody notices, so the last stretch before detection is neither "before" nor "after".
GUARD = 75.0
AFTER = 240.0
ENOUGH = 5  # samples from which on a baseline tells what is usual
_UNSURE = 0.45  # at most this share of the time before detection is left out
DRIFTED = 0.25  # log ratio of levels, in the middle of the components, from which on a baseline has drifted


class SeriesKey(NamedTuple):
    """A series is known by its component, its metric and what else tells it apart from its siblings."""

    component: str
    metric: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """One metric of one component; `times` in unix seconds, ascending; gaps are left out.

    `expr` is the PromQL that asks for it again.
    """

    key: SeriesKey
    times: Floats
    values: Floats
    expr: str = ""


@dataclass(frozen=True)
class Slice:
    """Telemetry of one stretch of time."""

    tracks: Mapping[SeriesKey, Track] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    logs: tuple[LogLine, ...] = ()

    @cached_property
    def forest(self) -> Forest:
        """The spans, joined to trees."""
        return Forest.grow(self.spans)


@dataclass(frozen=True)
class Observation:
    """Everything seen of an incident: the window around it, and, where there is one, a baseline.

    Times are unix seconds; telemetry was asked for from `start` on, the incident's window begins at `opened`.
    """

    detected: float
    start: float
    end: float
    window: Slice
    baseline: Slice = field(default_factory=Slice)
    graph: tuple[tuple[str, str], ...] = ()
    alerts: tuple[Alert, ...] = ()
    changes: tuple[Change, ...] = ()
    opened: float | None = None
    symptom_text: str = ""
    symptom_service: str | None = None
    symptom_metric: str | None = None
    failures: tuple[str, ...] = ()

    @cached_property
    def components(self) -> tuple[str, ...]:
        """Every component with telemetry in the window, sorted."""
        found = {key.component for key in self.window.tracks}
        found |= {span.service for span in self.window.spans}
        found |= {line.service for line in self.window.logs}
        return tuple(sorted(found - {""}))

    @cached_property
    def edges(self) -> frozenset[tuple[str, str]]:
        """Who calls whom: the given graph and what the spans show."""
        known = set(self.components)
        shown = edges_of(self.window.forest) | edges_of(self.baseline.forest)
        given = {(caller, callee) for caller, callee in self.graph if caller in known and callee in known}
        return frozenset(edge for edge in given | shown if edge[0] != edge[1])

    @cached_property
    def callees(self) -> Mapping[str, frozenset[str]]:
        """For each caller, whom it calls."""
        found: dict[str, set[str]] = {}
        for caller, callee in self.edges:
            found.setdefault(caller, set()).add(callee)
        return {caller: frozenset(callees) for caller, callees in found.items()}

    @cached_property
    def below(self) -> Mapping[str, frozenset[str]]:
        """For each component, everything that it calls, directly or through others."""
        found: dict[str, frozenset[str]] = {}
        for component in self.components:
            seen: set[str] = set()
            ahead = list(self.callees.get(component, ()))
            while ahead:
                name = ahead.pop()
                if name not in seen:
                    seen.add(name)
                    ahead += self.callees.get(name, ())
            found[component] = frozenset(seen - {component})
        return found

    @cached_property
    def step(self) -> float:
        """Seconds between samples of the metrics; 60 where nothing tells."""
        found = [
            float(np.median(np.diff(track.times)))
            for track in list(self.window.tracks.values())[:400]
            if len(track.times) > 2
        ]
        return float(np.median(found)) if found else 60.0

    @cached_property
    def calm_until(self) -> float:
        """The moment up to which events (spans, log lines) count as "before"."""
        first = self.first_event
        return self.detected - min(GUARD, max(0.0, _UNSURE * (self.detected - first)))

    @cached_property
    def first_event(self) -> float:
        """When the first span or log line happened; the start where there is none."""
        firsts = [
            rows[0]
            for rows in (self.window.forest.starts, [line.time_ns for line in self.window.logs[:1]])
            if rows
        ]
        return min(firsts) / 1e9 if firsts else self.start

    @cached_property
    def calm_moment(self) -> float | None:
        """A moment before the trouble: the end of the baseline, else the early window; None if neither is there."""
        last = [track.times[-1] for track in self.baseline.tracks.values() if len(track.times)]
        if last:
            return float(max(last))
        start = self.start if self.opened is None else self.opened
        early = start + 0.25 * (self.detected - start)
        return early if early > start else None

    @cached_property
    def looked_until(self) -> float:
        """Up to when events count as "after": early enough that what failed first still stands out."""
        return min(self.end, self.detected + AFTER)

    def before(self, track: Track) -> Floats:
        """Samples that were complete before detection; a sample may describe the interval that follows its time.

        Where samples come often enough, those of the last stretch, in which the fault is likely to have begun, are
        not among them; a series that begins in that stretch has none.
        """
        done = track.times + 0.75 * self.step
        return track.values[done <= self._measured_until]

    @cached_property
    def _measured_until(self) -> float:
        """The moment up to which samples of metrics count as "before"."""
        first = min(
            (float(track.times[0]) for track in self.window.tracks.values() if len(track.times)), default=0.0
        )
        ahead = self.detected - first
        guard = min(GUARD, max(0.0, _UNSURE * ahead))
        return self.detected - (guard if (ahead - guard) / self.step >= ENOUGH else 0.0)

    def after(self, track: Track) -> Floats:
        """Samples of the first minutes since detection."""
        first = self.detected - min(30.0, self.step / 2)
        last = self.detected + max(AFTER, 1.5 * self.step)
        return track.values[(track.times >= first) & (track.times <= last)]

    def usual(self, key: SeriesKey) -> Floats:
        """Samples of the baseline, if there are enough to tell what is usual; empty otherwise.

        Where the baseline has drifted, they are moved to the level before detection: the swing stays what it was.
        """
        track = self.baseline.tracks.get(key)
        if track is None or len(track.values) < ENOUGH:
            return np.empty(0)
        if self.drift.get(key.metric, 0.0) <= DRIFTED or key not in self.window.tracks:
            return track.values
        before = self.before(self.window.tracks[key])
        level = float(np.median(track.values))
        if not len(before) or not level:
            return track.values
        return track.values * (float(np.median(before)) / level)

    @cached_property
    def drift(self) -> Mapping[str, float]:
        """For each metric, the log ratio of the levels before detection and in the baseline: the median over components.

        A fault moves few components, and noise moves them both ways; a median that moved says that the baseline is
        of another time.
        """
        shifts: dict[str, list[float]] = {}
        for key, track in self.baseline.tracks.items():
            own = self.window.tracks.get(key)
            before = self.before(own) if own is not None else np.empty(0)
            if len(before) and len(track.values) >= ENOUGH:
                old, new = float(np.median(track.values)), float(np.median(before))
                if old > 0 and new > 0:
                    shifts.setdefault(key.metric, []).append(math.log(new / old))
        return {metric: abs(float(np.median(found))) for metric, found in shifts.items()}

    @cached_property
    def known(self) -> frozenset[str]:
        """Components whose metrics were collected before detection, or in the baseline."""
        tracks = self.window.tracks
        seen = {key.component for key, track in tracks.items() if len(self.before(track))}
        return frozenset(seen | {key.component for key in self.baseline.tracks})

    @cached_property
    def newcomers(self) -> frozenset[str]:
        """Components of which nothing was recorded before the trouble, though others were."""
        early = {span.service for span in self.window.spans if span.end_ns < self.calm_until * 1e9}
        early |= {line.service for line in self.window.logs if line.time_ns < self.calm_until * 1e9}
        early |= {span.service for span in self.baseline.spans} | {
            line.service for line in self.baseline.logs
        }
        measured = {key.component for key in self.window.tracks}
        return frozenset(measured - self.known - early - {""}) if self.known else frozenset()

    @cached_property
    def silent(self) -> tuple[str, ...]:
        """Components with telemetry before detection, or in the baseline, and none since; sorted."""
        now, earlier = self._heard(), set(self.components)
        earlier |= {key.component for key, track in self.baseline.tracks.items() if len(track.times) > 2}
        return tuple(sorted(earlier - now - {""}))

    def _heard(self) -> set[str]:
        since = int((self.detected - self.step) * 1e9)
        found = {span.service for span in self.window.spans if span.end_ns >= since}
        found |= {line.service for line in self.window.logs if line.time_ns >= since}
        last = self.detected - self.step
        tracks = self.window.tracks.items()
        return found | {
            key.component for key, track in tracks if len(track.times) and track.times[-1] >= last
        }
