"""Which metrics of which components a large system is asked for: what the ranking uses most, nearest the incident first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from compass.investigate.families import Family, meaning
from compass.investigate.findings import Signal
from compass.investigate.ranking import FAMILIES, WEIGHTS
from compass.investigate.series import OF_THE_SCRAPE
from compass.investigate.summed import Sum
from compass.replay.matchers import escaped
from compass.replay.template import pattern
from compass.workflows.recording.ask_metrics import Group

MOST_SUMS: Final = 20_000
"""Series of sums that are read of a system."""
MOST_OF_ONE_SUM: Final = 300_000
"""Series that a server is asked to sum of one metric; some refuse to load more samples than these have."""
_TELLING: Final = 0.5
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
        first = self.sums[0]
        return meaning(f"errors_{first.name}" if first.status else first.name).family


@dataclass(frozen=True)
class Survey:
    """What there is: the groups, of how many components each has a metric, and which metrics know of 5xx answers.

    `widths` go by label and metric; `statuses` by metric, each with the label that tells the status.
    """

    groups: Sequence[Group]
    widths: Mapping[tuple[str, str], int]
    statuses: Mapping[str, str]
    components: Mapping[str, frozenset[str]]
    seconds: int


class Asked(NamedTuple):
    """One metric of the components whose label fits a matcher."""

    metric: Metric
    matcher: str


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


def chosen(survey: Survey, near: Sequence[str]) -> Choice:
    """All metrics if there is room for them; else those of the components in `near`, as many as there is room for.

    What is left of the room goes to the other components; without `near` all of them are asked for what tells most.
    """
    choice = Choice()
    every = []
    for metric in metrics_of(survey):
        if metric.series > MOST_OF_ONE_SUM:
            choice.too_large.append(metric.name)
        else:
            every.append(metric)
    scope = _scope(every, survey, near)
    queue = [(one, True) for one in every] + ([(one, False) for one in every] if scope else [])
    room = MOST_SUMS
    inside: set[Metric] = set()
    for metric, close in queue:
        label = metric.sums[0].label
        here = [name for name in scope if name in survey.components[label]]
        cost = metric.cost
        if scope:
            share = min(metric.components, len(here)) * len(metric.sums)
            cost = share if close else cost - share
        if cost <= 0:
            continue
        if cost > room:
            (choice.apart if metric in inside else choice.left_out).append(metric.name)
            continue
        room -= cost
        if close:
            inside.add(metric)
        choice.asked.append(Asked(metric, _matcher(label, here, inside=close)))
    choice.left_out = list(dict.fromkeys(choice.left_out))
    choice.near = scope
    return choice


def _scope(every: Sequence[Metric], survey: Survey, near: Sequence[str]) -> Sequence[str]:
    """The nearest components, as many as there is room for with all that is telling; none where all have room."""
    known = frozenset[str]().union(*survey.components.values())
    if sum(metric.cost for metric in every) <= MOST_SUMS or not known:
        return ()
    telling = sum(metric.cost for metric in every if _VALUES[metric.family] >= _TELLING)
    if telling <= MOST_SUMS:
        return ()
    each = max(1.0, telling / len(known))
    return [name for name in near if name in known][: int(MOST_SUMS / each)]


def _matcher(label: str, names: Sequence[str], *, inside: bool) -> str:
    if not names:
        return f'{label}=~".+"'
    listed = escaped("|".join(pattern(name) for name in sorted(names)))
    return f'{label}=~"{listed}"' if inside else f'{label}=~".+",{label}!~"{listed}"'


def metrics_of(survey: Survey) -> list[Metric]:
    """Every metric, sum and count of a histogram as one: the families of the ranking in turn, by what they count for.

    Within a family the metric comes first that most components have.
    """
    by_family: dict[Family, list[Metric]] = defaultdict(list)
    for group in survey.groups:
        for metric in _of_group(group, survey):
            by_family[metric.family].append(metric)
    placed = []
    for family, found in by_family.items():
        value = max(_VALUES[family], 0.05)
        ordered = sorted(found, key=lambda one: (-one.components, one.series, one.sums))
        placed += [((at + 1) / value, one.name, one) for at, one in enumerate(ordered)]
    return [one for _, _, one in sorted(placed)]


def _of_group(group: Group, survey: Survey) -> Iterator[Metric]:
    others = group.inner.partition(",")[2]
    counts = dict(group.names)
    for name, count in group.names:
        stem, _, part = name.rpartition("_")
        whole = f"{stem}_sum" in counts and f"{stem}_count" in counts
        if part == "sum" and whole:
            continue
        names = (name, f"{stem}_sum") if part == "count" and whole else (name,)
        rate = survey.seconds if part == "total" or len(names) > 1 else 0
        sums = tuple(Sum(one, group.label, others, rate) for one in names)
        width = survey.widths.get((group.label, name), count)
        yield Metric(sums, width, count * len(names))
        status = survey.statuses.get(name)
        if status and rate:
            yield Metric(tuple(one._replace(status=status) for one in sums), width, count * len(names))
