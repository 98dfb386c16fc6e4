"""Which metrics of which components a large system is asked for: what the ranking uses most, nearest the incident first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from compass.investigate.families import Family, Meaning, meaning
from compass.investigate.findings import Signal
from compass.investigate.ranking import FAMILIES, WEIGHTS
from compass.investigate.series import OF_THE_SCRAPE
from compass.investigate.summed import Sum
from compass.replay.matchers import escaped
from compass.replay.template import pattern
from compass.workflows.live.surveying import Survey
from compass.workflows.recording.ask_metrics import Group
from compass.workflows.recording.ask_rows import share_of

MOST_SUMS: Final = 15_000
"""Series of sums that are read of a system."""
MOST_OF_ONE_SUM: Final = 300_000
"""Series that a server is asked to sum of one metric; some refuse to load more samples than these have."""
_TELLING: Final = 0.5
Components = Mapping[str, frozenset[str]]
"""By label, the components that it names."""
# What travels is weighed by its balance, which needs the traffic; who waits for whom tells of the way between.
_VALUES: Final[Mapping[Family, float]] = {
    **FAMILIES,
    Family.LATENCY: WEIGHTS[Signal.BALANCE],
    Family.AVAILABILITY: WEIGHTS[Signal.BALANCE],
    Family.ERRORS: WEIGHTS[Signal.BALANCE],
    Family.TRAFFIC: WEIGHTS[Signal.BALANCE],
    Family.CLIENT_LATENCY: WEIGHTS[Signal.GAP],
}


class Metric(NamedTuple):
    """What is asked of one metric, or of the sum and the count of a histogram: so many sums of so many series."""

    sums: tuple[Sum, ...]
    components: int
    series: int

    @property
    def cost(self) -> int:
        """How many series the answers have."""
        return self.components * len(self.sums)

    @property
    def name(self) -> str:
        """The name as people know it."""
        return self.sums[0].name

    @property
    def family(self) -> Family:
        """What it tells about a component."""
        return self._meaning.family

    def most(self, moved: Mapping[str, float]) -> float:
        """How far it moved, of what moved by name; 0 where that is not known."""
        return max(moved.get(one.name, 0.0) for one in self.sums)

    @property
    def steady(self) -> bool:
        """Whether it tells what is set, or what may move either way without harm."""
        return not self._meaning.bad

    @property
    def draw(self) -> tuple[float, tuple[Sum, ...]]:
        """Its place by chance, the same each time."""
        return share_of(self.name), self.sums

    @property
    def _meaning(self) -> Meaning:
        first = self.sums[0]
        return meaning(f"errors_{first.name}" if first.status else first.name)


class Asked(NamedTuple):
    """One metric of the components whose label fits a matcher; there are `width` of them."""

    metric: Metric
    matcher: str
    width: int


@dataclass
class Choice:
    """What is asked, most telling first; `near` are the components it is confined to, if it is.

    `left_out` are metrics for which there is no room, `apart` those asked of the near components alone, and
    `too_large` those of too many series to be summed.
    """

    asked: list[Asked] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)
    near: Sequence[str] = ()


def without_parts(groups: Iterable[Group]) -> list[Group]:
    """The groups without what no comparison uses: the buckets of histograms, and what a scrape tells of itself."""
    return [
        group._replace(
            names=tuple(
                (name, count)
                for name, count in group.names
                if not name.endswith("_bucket") and not name.startswith(OF_THE_SCRAPE)
            )
        )
        for group in groups
    ]


def too_many(metrics: Iterable[Metric]) -> bool:
    """Whether there is no room for all of them."""
    return sum(one.cost for one in metrics) > MOST_SUMS


def crowded(every: Sequence[Metric]) -> bool:
    """Whether there is no room even for all that is telling."""
    return _telling(every) > MOST_SUMS


def _telling(every: Iterable[Metric]) -> int:
    """How many series the answers have for all that is telling."""
    return sum(one.cost for one in every if _VALUES[one.family] >= _TELLING)


def chosen(metrics: Sequence[Metric], near: Sequence[str], components: Components) -> Choice:
    """As many of the metrics as there is room for, in their order.

    Where it is `crowded`, first those of the components in `near`, as many as there is room for, then of the others.
    """
    choice = Choice()
    choice.too_large = [one.name for one in metrics if one.series > MOST_OF_ONE_SUM]
    every = [one for one in metrics if one.series <= MOST_OF_ONE_SUM]
    choice.near = _scope(every, near, components)
    room = MOST_SUMS
    inside: set[Metric] = set()
    for close in (True, False) if choice.near else (True,):
        for metric in every:
            label = metric.sums[0].label
            here = [name for name in choice.near if name in components[label]]
            share = min(metric.components, len(here)) * len(metric.sums)
            cost = metric.cost if not choice.near else share if close else metric.cost - share
            if 0 < cost <= room:
                room -= cost
                inside |= {metric} if close else set()
                choice.asked.append(
                    Asked(metric, _matcher(label, here, inside=close), cost // len(metric.sums))
                )
            elif cost and close:
                choice.left_out.append(metric.name)
            elif metric in inside:
                choice.apart.append(metric.name)
    return choice


def _scope(every: Sequence[Metric], near: Sequence[str], components: Components) -> Sequence[str]:
    """The nearest components, as many as there is room for with all that is telling; none where all have room."""
    known = frozenset[str]().union(*components.values())
    found = [name for name in near if name in known]
    if not found or not crowded(every):
        return ()
    return found[: int(MOST_SUMS / max(1.0, _telling(every) / len(known)))]


def everywhere(metric: Metric) -> str:
    """The matcher of all components."""
    return _matcher(metric.sums[0].label, (), inside=True)


def _matcher(label: str, names: Sequence[str], *, inside: bool) -> str:
    if not names:
        return f'{label}=~".+"'
    listed = escaped("|".join(pattern(name) for name in sorted(names)))
    return f'{label}=~"{listed}"' if inside else f'{label}=~".+",{label}!~"{listed}"'


def metrics_of(survey: Survey, seconds: int) -> list[Metric]:
    """Every metric, sum and count of a histogram as one, and counters as rates over so many `seconds`."""
    return [one for group in survey.groups for one in _of_group(group, survey, seconds)]


def in_order(metrics: Iterable[Metric], moved: Mapping[str, float]) -> list[Metric]:
    """The families of the ranking in turn, by what they count for.

    Within a family comes first what moved most, as far as that is known, then what most components have; what is set,
    such as a limit, comes last. Of equals a draw decides that is the same each time, and not the alphabet.
    """
    by_family: dict[Family, list[Metric]] = defaultdict(list)
    for metric in metrics:
        by_family[metric.family].append(metric)
    placed = []
    for family, found in by_family.items():
        value = max(_VALUES[family], 0.05)
        ordered = sorted(found, key=lambda one: (-one.most(moved), -one.components, one.steady, *one.draw))
        placed += [((at + 1) / value, *one.draw, one) for at, one in enumerate(ordered)]
    return [one for *_, one in sorted(placed)]


def _of_group(group: Group, survey: Survey, seconds: int) -> Iterator[Metric]:
    others = group.inner.partition(",")[2]
    counts = dict(group.names)
    for name, count in group.names:
        stem, _, part = name.rpartition("_")
        whole = f"{stem}_sum" in counts and f"{stem}_count" in counts
        if part == "sum" and whole:
            continue
        names = (name, f"{stem}_sum") if part == "count" and whole else (name,)
        rate = seconds if part == "total" or len(names) > 1 else 0
        sums = tuple(Sum(one, group.label, others, rate) for one in names)
        width = survey.widths.get((group.label, name), count)
        yield Metric(sums, width, count * len(names))
        status = survey.statuses.get(name)
        if status and rate:
            yield Metric(tuple(one._replace(status=status) for one in sums), width, count * len(names))
