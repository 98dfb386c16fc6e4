"""Which metrics moved at all: all of them are asked for at a few moments, where there is no room for all of them whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from compass.investigate.observation import Floats
from compass.model.recording import Series
from compass.workflows.live.batching import batches
from compass.workflows.live.bounded import Bounded, Stretch
from compass.workflows.live.choosing import Asked, Metric, everywhere

MOMENTS: Final = 6
MOST_SCREENED: Final = 200_000
"""Sums; beyond these, metrics are chosen by what they are about alone."""
_SECONDS: Final = 12.0
_SHARE: Final = 0.05
_FLOOR: Final = 0.02
_MOST: Final = 100.0
_TINY: Final = 1e-9


def movements(bounded: Bounded, metrics: Sequence[Metric], stretch: Stretch) -> Mapping[str, float]:
    """By name, how far a metric moved at the component where it moved furthest, in swings of its earlier half.

    What could not be asked for in time, or at once, is missing.
    """
    step = max(1, int((stretch.end - stretch.start) // MOMENTS))
    grid = Stretch(stretch.end - step * (MOMENTS - 1), stretch.end)
    room = MOST_SCREENED
    asked = []
    for metric in metrics:
        if metric.cost <= room:
            room -= metric.cost
            asked.append(Asked(metric, everywhere(metric), metric.components))
    rows: dict[str, list[Floats]] = defaultdict(list)
    until = bounded.seconds + _SECONDS
    for batch in batches(asked, MOMENTS):
        if bounded.over or bounded.seconds > until:
            break
        for row in bounded.ask(batch.query, grid, step).data:
            one = batch.sum_of(row)
            if one is not None:
                rows[one.name].append(_filled(row, grid.start, step))
    return {name: _furthest(values) for name, values in rows.items()}


def _filled(row: Series, start: float, step: int) -> Floats:
    """The values of all moments; what is not there is nothing."""
    values = np.zeros(MOMENTS)
    places = np.clip(np.rint((np.asarray(row.times) - start) / step), 0, MOMENTS - 1).astype(int)
    values[places] = np.nan_to_num(np.asarray(row.values, dtype=float), posinf=0.0, neginf=0.0)
    return values


def _furthest(rows: Sequence[Floats]) -> float:
    """Beyond what components usually move; a level of nothing swings by a share of the largest value anywhere."""
    table = np.asarray(rows)
    before, after = table[:, : MOMENTS // 2], table[:, MOMENTS // 2 :]
    level = np.median(before, axis=1)
    nothing = np.where(np.abs(level) < _TINY, _FLOOR * np.abs(table).max(), 0.0)
    scale = np.ptp(before, axis=1) + _SHARE * np.abs(level) + nothing + _TINY
    moved = np.minimum(_MOST, np.abs(after - level[:, None]).max(axis=1) / scale)
    return float(moved.max() / (1.0 + np.median(moved)))
