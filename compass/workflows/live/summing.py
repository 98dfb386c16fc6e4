"""A system too large to be read series by series: its server sums each metric for each component, within bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from compass.model.recording import Series
from compass.workflows.live.batching import Batch, batches
from compass.workflows.live.bounded import Bounded, Stretch
from compass.workflows.live.choosing import Choice, chosen, crowded, in_order, metrics_of, too_many
from compass.workflows.live.neighbours import Pair, as_series, nearest
from compass.workflows.live.screening import movements
from compass.workflows.live.surveying import Survey, Surveyor
from compass.workflows.recording.ask_metrics import Group
from compass.workflows.recording.request import Notes, Patience, Told, counted, listed

POINTS: Final = 80
FEWEST_POINTS: Final = 48
"""Samples of a series in a window or a baseline: the fewer, the more series the server has to sum."""
WORK: Final = 12_000_000
"""Samples that the server computes in all; each costs it a microsecond or so."""
LEAST_RATE: Final = 60
INTERVALS: Final = 4
"""A rate is taken over so many intervals of the scrape, so that two samples are there even if one is missing."""


class _Plan(NamedTuple):
    """What is asked of the window, and then of its baseline."""

    choice: Choice
    edges: tuple[Series, ...]
    interval: int


@dataclass
class Summing:
    """What is asked of one large system; `service` is the one that the incident names, `known` are further calls."""

    bounded: Bounded
    service: str | None
    known: Sequence[Pair]
    told: Told
    _plan: _Plan | None = None

    def read(self, groups: Sequence[Group], stretch: Stretch, notes: Notes) -> tuple[Series, ...] | None:
        """The sums, and who calls whom as series of the service graph; None where nothing could be read.

        The first stretch decides what is asked; of others, `groups` are not looked at.
        """
        if self._plan is None:
            self._plan = self._planned(groups, Surveyor(self.bounded, stretch, notes))
        found = self._sums(self._plan, stretch, notes)
        return None if found is None else (*found, *self._plan.edges)

    def _planned(self, groups: Sequence[Group], surveyor: Surveyor) -> _Plan:
        self.told("metrics: looking over a large system")
        survey = surveyor.survey(groups)
        seconds = max(LEAST_RATE, INTERVALS * survey.interval)
        found = metrics_of(survey, seconds)
        moved = movements(self.bounded, in_order(found, {}), surveyor.stretch) if too_many(found) else {}
        metrics = in_order(found, moved)
        near = nearest(self.service, {*survey.edges, *self.known}) if crowded(metrics) else []
        choice = chosen(metrics, near, surveyor.components(survey.groups) if near else {})
        for sentence in self._said(survey, choice, seconds):
            surveyor.notes.add(f"metrics: {sentence}")
        return _Plan(choice, tuple(as_series(survey.edges, surveyor.stretch.start)), survey.interval)

    def _sums(self, plan: _Plan, stretch: Stretch, notes: Notes) -> list[Series] | None:
        """The answers; a question of many sums that is refused, or too much, is asked again in smaller parts."""
        step = _step(plan, stretch)
        points = int((stretch.end - stretch.start) // step)
        grid = Stretch(stretch.end - step * points, stretch.end)
        waiting = list(batches(plan.choice.asked, points))
        patience = Patience("metrics", notes)
        found: list[Series] = []
        done = 0
        while waiting and not self.bounded.over:
            batch = waiting.pop(0)
            self.told(f"metrics: sums, query {done + 1} of {done + 1 + len(waiting)}")
            rows, error = self._rows(batch, grid, step)
            if error is None:
                done += 1
                patience.kept()
                found += batch.series(rows, step)
            elif len(batch.sums) > 1:
                waiting = _smaller(batch, waiting)
            elif patience.lost(f"{error} (asked for {batch.query[:120]})", _unasked(waiting)):
                return found if patience.answered else None
        if waiting:
            notes.add(
                f"metrics: enough was asked after {self.bounded.queries} questions in {self.bounded.seconds:.0f} s, {_unasked(waiting)}"
            )
        return found if patience.answered or not plan.choice.asked else None

    def _rows(self, batch: Batch, grid: Stretch, step: int) -> tuple[Iterable[Series], str | None]:
        """The answer, asked for in as many pieces of time as keep each small."""
        points = round((grid.end - grid.start) / step) + 1
        pieces = batch.pieces(points)
        each = math.ceil(points / pieces)
        joined: dict[frozenset[tuple[str, str]], Series] = {}
        for at in range(0, points, each):
            piece = Stretch(grid.start + at * step, min(grid.end, grid.start + (at + each - 1) * step))
            answer = self.bounded.ask(batch.query, piece, step)
            if answer.error is not None:
                return (), answer.error
            for one in answer.data:
                key = frozenset(one.labels.items())
                before = joined.get(key, Series(one.labels, [], []))
                joined[key] = Series(one.labels, [*before.times, *one.times], [*before.values, *one.values])
        return joined.values(), None

    def _said(self, survey: Survey, choice: Choice, seconds: int) -> list[str]:
        """What was summed, and what was left out, in a few sentences."""
        total = sum(count for group in survey.groups for _, count in group.names)
        summed = (
            f"{total:,} series are too many to be read one by one, so the server summed them for each component: gauges"
            f" as they are, counters as rates over {seconds} s; what tells the parts of a component apart is not seen"
        )
        said = [summed]
        if choice.near:
            said.append(
                f"of the {counted(len(choice.near), 'component')} nearest to {self.service} by calls all that is telling was"
                f" asked, of the others not {_names(choice.apart) or 'less'}"
            )
        if choice.left_out:
            said.append(f"there was no room for what tells least or moved least, {_names(choice.left_out)}")
        if choice.too_large:
            said.append(f"more series than a server is asked to sum has {_names(choice.too_large)}")
        return said


def _step(plan: _Plan, stretch: Stretch) -> int:
    """Seconds between samples: whole intervals of the scrape, the more of them, the more there is to sum."""
    series = sum(one.metric.series for one in plan.choice.asked)
    points = max(FEWEST_POINTS, min(POINTS, WORK // max(1, series)))
    return plan.interval * max(1, math.ceil((stretch.end - stretch.start) / points / plan.interval))


def _smaller(batch: Batch, waiting: Sequence[Batch]) -> list[Batch]:
    """The batch in quarters, and no larger ones of its sort after it."""
    most = max(1, len(batch.sums) // 4)
    return [
        part
        for each in (batch, *waiting)
        for part in (each.split(most) if each.rate is batch.rate else [each])
    ]


def _unasked(waiting: Sequence[Batch]) -> str:
    return f"{_names([one.name for batch in waiting for one in batch.sums])} not asked for"


def _names(names: Sequence[str]) -> str:
    """`3 metrics: a, b, c`, or nothing where there are none."""
    distinct = list(dict.fromkeys(names))
    return f"{counted(len(distinct), 'metric')}: {listed(distinct)}" if distinct else ""
