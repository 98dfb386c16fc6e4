"""The story of an incident in time: changes, alerts, when each component left its range, new errors, and the curves that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from compass.investigate.deviation import Deviation
from compass.investigate.experiments import moment
from compass.investigate.metric_trials import PASSIVE, onset_of
from compass.investigate.observation import Observation, Track
from compass.investigate.ranking import Ranking
from compass.investigate.statements import is_error, plain, statement
from compass.investigate.verdicts import CLEAR
from compass.model.entry import TimeWindow
from compass.model.investigation import Curve, Happening, Hypothesis

STEPS: Final = 36
_COMPONENTS: Final = 6
_CURVES: Final = 6
_LEAST: Final = 3
_EVENTS: Final = 200
_LONGEST: Final = 400
_DIGITS: Final = 6


def timeline(observed: Observation, ranking: Ranking) -> tuple[Happening, ...]:
    """Changes, alerts, the first deviation and the first new error of the leading components, and the detection."""
    leading = [one.component for one in ranking.components if one.score > 0][:_COMPONENTS]
    changes = [
        (one.time, f"{one.type} of {one.service or '?'}: {one.summary or 'no description'}", "changes")
        for one in sorted(observed.changes, key=lambda one: one.time)[-_EVENTS:]
    ]
    alerts = [
        (one.starts, f"alert {one.name} of {one.labels.get('service_name', '?')} fires", "alerts")
        for one in observed.alerts[:_EVENTS]
    ]
    lines = [
        *changes,
        *alerts,
        *_onsets(observed, ranking.deviations, leading),
        *_new_errors(observed, leading),
        (observed.detected, f"noticed: {observed.symptom_text}", "incident"),
    ]
    return tuple(
        Happening(time=moment(time), what=what[:_LONGEST], source=source)
        for time, what, source in sorted(lines)
    )


def _onsets(
    observed: Observation, moved: Sequence[Deviation], leading: Sequence[str]
) -> Iterator[tuple[float, str, str]]:
    """For each component the metric that left its range first; of several at once the one that left it furthest."""
    for component in leading:
        found = [
            (began, -one.surprise, one)
            for one in moved
            if one.key.component == component and (began := onset_of(observed, one)) is not None
        ]
        if found:
            began, _, one = min(found, key=lambda each: (*each[:2], each[2].key))
            old = next(value for value in (one.before, one.usual) if value is not None)
            text = f"{component} leaves its range: {one.key.metric} from {old:.4g} to {one.now:.4g}"
            yield began, text, "metrics"


def _new_errors(observed: Observation, leading: Sequence[str]) -> Iterator[tuple[float, str, str]]:
    """For each component the first error whose statement was not logged before."""
    calm = observed.calm_until
    known = {
        (line.service, statement(line.message))
        for part in (observed.baseline.logs, observed.window.logs)
        for line in part
        if part is observed.baseline.logs or line.time_ns / 1e9 < calm
    }
    waiting = set(leading)
    for line in observed.window.logs:
        new = line.service in waiting and line.time_ns / 1e9 >= calm and is_error(line.level)
        if new and (line.service, statement(line.message)) not in known:
            waiting.discard(line.service)
            said = " ".join(plain(line.message).split())[:160]
            yield line.time_ns / 1e9, f"{line.service} logs a new error: {said}", "logs"


def curves(observed: Observation, ranking: Ranking, hypotheses: Sequence[Hypothesis]) -> tuple[Curve, ...]:
    """The metrics that the experiments judged, best hypothesis first, filled up with those that moved furthest."""
    moved = [one for one in ranking.deviations if one.meaning.family not in PASSIVE]
    by_place: dict[tuple[str, str], Deviation] = {}
    for one in sorted(ranking.deviations, key=lambda one: (-one.surprise, one.key)):
        by_place.setdefault((one.key.component, one.key.metric), one)
    wanted = [place for hypothesis in hypotheses for place in _judged(hypothesis) if place in by_place]
    furthest = sorted(moved, key=lambda one: (-one.surprise, one.key))
    filling = [(one.key.component, one.key.metric) for one in furthest if one.surprise >= CLEAR]
    places = list(dict.fromkeys(wanted))[:_CURVES]
    places += [place for place in dict.fromkeys(filling) if place not in places][
        : max(0, _LEAST - len(places))
    ]
    return tuple(_curve(observed, by_place[place]) for place in places)


def _judged(hypothesis: Hypothesis) -> Iterator[tuple[str, str]]:
    """Component and metric of each experiment that looked at one metric."""
    for one in hypothesis.experiments:
        if one.rule is not None:
            metric = one.rule.given.get("metric") or one.rule.measured.get("metric")
            if metric:
                yield one.rule.given.get("component", ""), str(metric)


def _curve(observed: Observation, one: Deviation) -> Curve:
    start = observed.start if observed.opened is None else observed.opened
    width = max(1.0, observed.end - start) / STEPS
    return Curve(
        service=one.key.component,
        metric=one.key.metric,
        query=one.expr or one.key.metric,
        window=TimeWindow(start=moment(start), end=moment(observed.end)),
        values=_steps(observed.window.tracks[one.key], start, width),
        detected=min(STEPS - 1, max(0, int((observed.detected - start) / width))),
    )


def _steps(track: Track, start: float, width: float) -> tuple[float | None, ...]:
    """The median of each step; a step between two regular samples keeps the value of the earlier one."""
    distance = float(np.median(np.diff(track.times))) if len(track.times) > 1 else 0.0
    values: list[float | None] = []
    for step in range(STEPS):
        first, last = np.searchsorted(track.times, (start + step * width, start + (step + 1) * width))
        if first < last:
            values.append(_rounded(float(np.median(track.values[first:last]))))
        else:
            near = last > 0 and start + (step + 1) * width - track.times[last - 1] <= 1.5 * distance
            values.append(_rounded(float(track.values[last - 1])) if near else None)
    return tuple(values)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
