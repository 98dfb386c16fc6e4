"""Metrics, alerts and the service graph of a stretch of time, asked in pieces that a server can answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from compass.adapters.telemetry.answer import Telemetry
from compass.investigate.series import ALERTS, COMPONENT_LABELS, SERVICE_GRAPH
from compass.model.recording import Alert, Series
from compass.replay.matchers import escaped
from compass.replay.template import pattern
from compass.workflows.recording.grid import on_one_grid
from compass.workflows.recording.request import Notes, Patience, Told

MOST_SERIES: Final = 5_000
MOST_OF_ONE_NAME: Final = 2_000
SERIES_AT_ONCE: Final = 500
NAMES_AT_ONCE: Final = 100
SAMPLES_AT_ONCE: Final = 400_000
USUAL_STEP: Final = 15
OWN_FILES: Final = frozenset({ALERTS, "ALERTS_FOR_STATE", SERVICE_GRAPH})
"""Series that a recording keeps as alerts and as the call graph."""
ALERTS_BEFORE: Final = 6 * 3600.0
Queries = Sequence[tuple[str, int]]


class Group(NamedTuple):
    """Metrics whose series name their component by this label: `inner` are its matchers, `names` come with their series."""

    label: str
    inner: str
    names: tuple[tuple[str, int], ...]


def metrics(
    telemetry: Telemetry, chosen: Sequence[str], start: float, end: float, notes: Notes, told: Told
) -> tuple[Series, ...] | None:
    """The chosen series, or all that name their component, on shared times; None where nothing could be read."""
    found = samples(telemetry, chosen, start, end, notes, told)
    return None if found is None else on_one_grid(found, end, notes)


def samples(
    telemetry: Telemetry, chosen: Sequence[str], start: float, end: float, notes: Notes, told: Told
) -> tuple[Series, ...] | None:
    """The same with the times at which each was scraped, and without metrics of too many series."""
    queries: Queries = [(selector, 1) for selector in chosen]
    if not queries:
        groups = survey(telemetry, start, end, notes)
        if groups is None:
            return None
        queries = queries_of(bounded(groups, notes))
    return read(telemetry, queries, start, end, notes, told)


def read(
    telemetry: Telemetry, queries: Queries, start: float, end: float, notes: Notes, told: Told
) -> tuple[Series, ...] | None:
    """The answers of selectors, each with about how many series it has; None where nothing could be read."""
    found: dict[frozenset[tuple[str, str]], Series] = {}
    patience = Patience("metrics", notes)
    for number, (query, count) in enumerate(queries, start=1):
        told(f"metrics: query {number} of {len(queries)}")
        series, error = _raw(telemetry, query, count, start, end)
        if error:
            left = f"{len(queries) - number} of {len(queries)} queries were not asked"
            if patience.lost(f"{error} (asked for {query[:120]})", left):
                break
            continue
        patience.kept()
        found |= {frozenset(one.labels.items()): one for one in series if one.name not in OWN_FILES}
    if not patience.answered:
        return None if queries else ()
    kept = list(found.values())
    if len(kept) > MOST_SERIES:
        notes.add(f"metrics: {len(kept) - MOST_SERIES:,} series beyond the first {MOST_SERIES:,}")
        kept = kept[:MOST_SERIES]
    return tuple(kept)


def survey(telemetry: Telemetry, start: float, end: float, notes: Notes) -> list[Group] | None:
    """For each label that may name a component: how many series of each metric it, and none before it, names.

    None where not even the first question was answered, so that a failure is not taken for an absence.
    """
    groups: list[Group] = []
    for at, label in enumerate(COMPONENT_LABELS):
        others = [f'{other}=""' for other in COMPONENT_LABELS[:at]]
        inner = ",".join([f'{label}=~".+"', *others])
        step = max(1, min(300, int(end - start)))
        answer = telemetry.range_query(f"count by (__name__) ({{{inner}}})", start, end, step)
        if answer.error is not None:
            notes.add(f"metrics: {answer.error} (asked which series carry the label {label})")
            return groups if any(one.names for one in groups) else None
        counts = [(one.name, int(max(one.values, default=0))) for one in answer.data]
        names = sorted((name, count) for name, count in counts if count and name not in OWN_FILES)
        groups.append(Group(label, inner, tuple(names)))
    return groups


def fits(groups: Iterable[Group]) -> bool:
    """Whether all of it can be read series by series."""
    counts = [count for group in groups for _, count in group.names]
    return sum(counts) <= MOST_SERIES and max(counts, default=0) <= MOST_OF_ONE_NAME


def bounded(groups: Iterable[Group], notes: Notes) -> Iterator[Group]:
    """The groups without what is too much to be read series by series, which is noted."""
    total = 0
    for group in groups:
        names = []
        for name, count in group.names:
            if count > MOST_OF_ONE_NAME:
                notes.add(
                    f"metrics: {name} has {count:,} series, more than the {MOST_OF_ONE_NAME:,} that are taken of one metric unasked"
                )
            elif total + count > MOST_SERIES:
                notes.add(f"metrics: {name} and others are beyond the first {MOST_SERIES:,} series")
                break
            else:
                names.append((name, count))
                total += count
        yield group._replace(names=tuple(names))


def queries_of(groups: Iterable[Group]) -> Queries:
    """Selectors of so many names each that an answer stays small, each with its number of series."""
    return list(_queries(groups))


def _queries(groups: Iterable[Group]) -> Iterator[tuple[str, int]]:
    for _, inner, names in groups:
        batch: list[str] = []
        size = 0
        for name, count in names:
            if batch and (size + count > SERIES_AT_ONCE or len(batch) >= NAMES_AT_ONCE):
                yield named(batch, inner), size
                batch, size = [], 0
            batch.append(name)
            size += count
        if batch:
            yield named(batch, inner), size


def named(names: Sequence[str], inner: str) -> str:
    """The selector of series that have one of these names and fit the matchers `inner`."""
    return f'{{__name__=~"{escaped("|".join(map(pattern, names)))}",{inner}}}'


def _raw(
    telemetry: Telemetry, query: str, count: int, start: float, end: float
) -> tuple[list[Series], str | None]:
    """Samples, asked for in as many pieces of time as keep one answer small."""
    pieces = max(1, math.ceil(count * (end - start) / USUAL_STEP / SAMPLES_AT_ONCE))
    joined: dict[frozenset[tuple[str, str]], Series] = {}
    for piece in range(pieces):
        first = start + (end - start) * piece / pieces + (0.001 if piece else 0)
        answer = telemetry.raw(query, first, start + (end - start) * (piece + 1) / pieces)
        if answer.error is not None:
            return [], answer.error
        for one in answer.data:
            key = frozenset(one.labels.items())
            before = joined.get(key)
            times = [*before.times, *one.times] if before else one.times
            joined[key] = Series(one.labels, times, [*before.values, *one.values] if before else one.values)
    return list(joined.values()), None


def alerts(telemetry: Telemetry, start: float, end: float, notes: Notes) -> tuple[Alert, ...] | None:
    """Alerts that fired, also those that began before; None where nobody can say."""
    answer = telemetry.raw(f'{ALERTS}{{alertstate="firing"}}', start - ALERTS_BEFORE, end)
    if answer.error is not None:
        notes.add(f"alerts: {answer.error}")
        return None
    if not answer.data and not telemetry.observes("alerts"):
        notes.add(f"alerts: the metrics have no series {ALERTS}, so nobody can say whether one fired")
        return None
    steps = [later - first for one in answer.data for first, later in pairwise(one.times)]
    step = min(steps, default=float(USUAL_STEP))
    found = [
        alert
        for one in answer.data
        for alert in _episodes(one, step, end)
        if alert.ends is None or alert.ends > start
    ]
    return tuple(sorted(found, key=lambda one: (one.starts, one.name, sorted(one.labels.items()))))


def _episodes(series: Series, step: float, end: float) -> Iterator[Alert]:
    """One alert for each stretch without a gap; an alert that was seen at the last evaluation still fires."""
    labels = {
        key: value
        for key, value in series.labels.items()
        if key not in {"__name__", "alertname", "alertstate"}
    }
    name, begin = series.labels.get("alertname", "?"), 0
    for at, time in enumerate(series.times):
        last = at + 1 == len(series.times)
        if last or series.times[at + 1] - time > 2.5 * step:
            ends = None if last and time + 1.5 * step > end else time + step
            yield Alert(name, labels, series.times[begin], ends)
            begin = at + 1


def edges(telemetry: Telemetry, start: float, end: float, notes: Notes) -> set[tuple[str, str]]:
    """Caller and callee of Tempo's service graph, where the metrics have it."""
    answer = telemetry.raw(SERVICE_GRAPH, start, end)
    if answer.error is not None:
        notes.add(f"call graph: {answer.error}")
    pairs = {(one.labels.get("client", ""), one.labels.get("server", "")) for one in answer.data}
    return {pair for pair in pairs if all(pair)}
