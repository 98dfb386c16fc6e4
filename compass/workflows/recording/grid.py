"""Samples of many targets on shared times: a recording has one row for each time, so that targets scraped apart fill it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from compass.model.recording import Series
from compass.workflows.recording.request import Notes

CROWDED: Final = 1.5
"""So many times more distinct times than samples of the longest series, and rows would be mostly empty."""


def on_one_grid(series: Sequence[Series], end: float, notes: Notes) -> tuple[Series, ...]:
    """The series as they are where they share their times, else with each sample moved forward to the next grid point.

    A grid point shows what was known then, as a range query would; the step is the usual interval of the samples.
    """
    full = [one for one in series if one.times]
    longest = max((len(one.times) for one in full), default=0)
    times = {round(time, 3) for one in full for time in one.times}
    if len(times) <= CROWDED * longest + 2:
        return tuple(full)
    steps = [median(_steps(one.times)) for one in full if len(one.times) > 1]
    step = max(1, round(median(steps))) if steps else 60
    notes.add(
        f"metrics: targets are scraped at times of their own; samples were moved forward to a grid of {step} s"
    )
    return tuple(moved for one in full if (moved := _moved(one, step, end)).times)


def _moved(series: Series, step: int, end: float) -> Series:
    samples: dict[float, float] = {}
    for time, value in zip(series.times, series.values, strict=True):
        point = math.ceil(round(time, 3) / step) * float(step)
        if point <= end:
            samples[point] = value
    return Series(series.labels, list(samples), list(samples.values()))


def _steps(times: Sequence[float]) -> list[float]:
    return [later - first for first, later in pairwise(times)]
