"""Which series tell most of an incident: those of the services it names, then those that moved when it was noticed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Final

from compass.model.recording import RecordedTelemetry, Series
from compass.workflows.recording.request import Request

GUARD: Final = 120.0
"""A fault begins before anybody notices it."""


def by_interest(own: RecordedTelemetry, request: Request) -> Mapping[frozenset[tuple[str, str]], int]:
    """The place of each series, by its labels; 0 tells most."""
    named = {request.symptom.service or ""} | {alert.labels.get("service_name", "") for alert in own.alerts}
    near = {one for edge in own.edges if named & set(edge) for one in edge} | named
    since = request.detected - GUARD

    def rank(series: Series) -> tuple[float, list[tuple[str, str]]]:
        weight = 4.0 if series.service in named - {""} else 2.0 if series.service in near - {""} else 1.0
        return -weight * (0.1 + _moved(series, since)), sorted(series.labels.items())

    ordered = sorted(own.series, key=rank)
    return {frozenset(one.labels.items()): place for place, one in enumerate(ordered)}


def _moved(series: Series, since: float) -> float:
    """How far the middle moved, in spreads of the time before, on a scale that one wild series does not fill."""
    pairs = [pair for pair in zip(series.times, series.values, strict=True) if math.isfinite(pair[1])]
    before = [value for time, value in pairs if time < since]
    after = [value for time, value in pairs if time >= since]
    if not before or not after:
        return 1.0 if pairs else 0.0
    middle = median(before)
    spread = median(abs(value - middle) for value in before) * 1.4826 + 0.01 * abs(middle) + 1e-9
    return math.log1p(min(1e6, abs(median(after) - middle) / spread))
