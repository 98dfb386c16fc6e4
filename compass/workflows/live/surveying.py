"""What a large system has, found out by questions that the server answers with counts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from compass.adapters.telemetry.answer import Answer
from compass.investigate.series import STATUSES
from compass.model.recording import Series
from compass.workflows.live.bounded import Bounded, Stretch
from compass.workflows.live.neighbours import Pair, pairs
from compass.workflows.recording.ask_metrics import USUAL_STEP, Group
from compass.workflows.recording.request import Notes

_WITHIN: Final = 600
_OTHERS: Final = (("instance", "node_"), ("container", ""))
"""How those are named of whom another component tells, and how such metrics begin: machines, and all containers."""
_SEVERAL: Final = 5
Widths = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Survey:
    """The groups, of how many components each has a metric, which metrics know of 5xx answers, and who calls whom.

    `widths` go by label and metric; `statuses` by metric, each with the label that tells the status; a series has a
    sample every `interval` seconds.
    """

    groups: Sequence[Group]
    widths: Widths
    statuses: Mapping[str, str]
    edges: frozenset[Pair]
    interval: int


@dataclass(frozen=True)
class Surveyor:
    """Asks about one stretch of time; what fails is noted."""

    bounded: Bounded
    stretch: Stretch
    notes: Notes

    def survey(self, groups: Sequence[Group]) -> Survey:
        """All of it, of the groups that have metrics."""
        parts = [
            part
            for group in groups
            if group.names
            for part in self._of_others(group, self._widths(group.label, group.inner))
        ]
        there = [group for group, _ in parts if group.names]
        widths = {
            (group.label, name): wide[name]
            for group, wide in parts
            for name, _ in group.names
            if name in wide
        }
        statuses = {
            one.name: status
            for status in reversed(STATUSES)
            for one in self._ask(f'count by (__name__) ({{{status}=~"5.*"}})').data
        }
        edges = frozenset(pairs(self._ask, there))
        return Survey(there, widths, statuses, edges, self._interval(there, widths))

    def components(self, groups: Sequence[Group]) -> Mapping[str, frozenset[str]]:
        """By label, the components that it names."""
        found: dict[str, frozenset[str]] = {}
        for group in groups:
            rows = self._ask(f"count by ({group.label}) ({{{group.inner}}})").data
            names = frozenset(one.labels.get(group.label, "") for one in rows)
            found[group.label] = found.get(group.label, frozenset()) | names
        return found

    def _ask(self, query: str) -> Answer[tuple[Series, ...]]:
        """At the beginning, in the middle, and at the end."""
        step = max(1.0, (self.stretch.end - self.stretch.start) // 2)
        return self.bounded.ask(query, self.stretch, step, self.notes)

    def _last(self, query: str) -> Sequence[Series]:
        """At the end alone."""
        return self.bounded.ask(query, Stretch(self.stretch.end, self.stretch.end), 1.0, self.notes).data

    def _widths(self, label: str, inner: str) -> dict[str, int]:
        """Of how many components, as `label` names them, there is each metric."""
        found = self._last(f"count by (__name__) (count by (__name__, {label}) ({{{inner}}}))")
        return {one.name: int(max(one.values, default=0)) for one in found}

    def _of_others(
        self, group: Group, widths: Mapping[str, int]
    ) -> Iterator[tuple[Group, Mapping[str, int]]]:
        """The group, without metrics by which one component tells of many others, and these by the label of the others.

        Whoever measures all containers or machines would otherwise be one component, and all of them one sum.
        """
        left = dict(group.names)
        for label, prefix in _OTHERS:
            alone = [
                name
                for name in left
                if widths.get(name) == 1 and left[name] > _SEVERAL and name.startswith(prefix)
            ]
            if label == group.label or not alone:
                continue
            inner = f'{label}=~".+",{group.inner}'
            wide = self._widths(label, inner)
            moved = tuple((name, left.pop(name)) for name in alone if wide.get(name, 0) > _SEVERAL)
            yield Group(label, inner, moved), wide
        yield group._replace(names=tuple(left.items())), widths

    def _interval(self, groups: Sequence[Group], widths: Widths) -> int:
        """Seconds between the samples of a series, by the metric that most components have; rather too many than too few."""
        if not widths:
            return USUAL_STEP
        label, name = max(widths, key=lambda key: (widths[key], key))
        inner = next(one.inner for one in groups if one.label == label and name in dict(one.names))
        found = self._last(f"avg by ({label}) (count_over_time({name}{{{inner}}}[{_WITHIN}s]))")
        counts = sorted(one.values[-1] for one in found if one.values and one.values[-1] > 0)
        if not counts:
            return USUAL_STEP
        return max(1, math.ceil(_WITHIN / (counts[len(counts) // 10] + 0.5)))
