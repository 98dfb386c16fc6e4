"""How far each metric is from what it was: against the baseline and against the samples before detection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from compass.investigate.families import Family, Meaning, meaning
from compass.investigate.findings import Finding, Signal
from compass.investigate.observation import ENOUGH, Floats, Observation, SeriesKey
from compass.investigate.robust import mad, surprise, usual_range

FREE = 0.5  # half a swing is nothing
_MOST: Final = 100.0  # beyond this many swings, more says nothing new
_TINY: Final = 1e-9
_SHARE: Final = 0.05  # of the level: what no series is expected to hold by itself
_NEAR_ONE: Final = 0.005  # of what is near one hundred per cent all the time
_FROM_NOTHING: Final = frozenset({Family.ERRORS, Family.RESTARTS})


class Deviation(NamedTuple):
    """One series: its level now and the levels it is measured against.

    `z_before` and `z_usual` are in swings, positive in the direction that hurts (in either direction where none
    does); None without samples to compare with. `surprise` is their mean on a log scale.
    """

    key: SeriesKey
    meaning: Meaning
    expr: str
    now: float
    before: float | None
    usual: float | None
    z_before: float | None
    z_usual: float | None
    surprise: float


class _Samples(NamedTuple):
    now: float
    before: Floats
    usual: Floats


class _Peers(NamedTuple):
    """What is normal for a metric over all components, so that one quiet component is not overrated."""

    swing: float
    change: float
    drift: float
    largest: float


def deviations(observed: Observation) -> list[Deviation]:
    """Every series that has samples since detection and something to be compared with."""
    samples: dict[SeriesKey, _Samples] = {}
    for key, track in observed.window.tracks.items():
        after = observed.after(track)
        if len(after):
            before, usual = observed.before(track), observed.usual(key)
            if not len(before) and not len(usual) and _from_nothing(observed, key):
                before = np.zeros(ENOUGH)
            samples[key] = _Samples(float(np.median(after)), before, usual)
    by_metric: dict[str, list[_Samples]] = defaultdict(list)
    for key, one in samples.items():
        by_metric[key.metric].append(one)
    peers = {metric: _peers(group) for metric, group in by_metric.items()}
    found = []
    for key, one in samples.items():
        if len(one.before) or len(one.usual):
            expr = observed.window.tracks[key].expr
            found.append(_deviation(key, expr, one, peers[key.metric]))
    return found


def _from_nothing(observed: Observation, key: SeriesKey) -> bool:
    """Whether a series that nobody saw before stood at nothing until then.

    A counter of failures is often exported with the first failure only; and a component that was not there at all
    used nothing.
    """
    if key.component in observed.newcomers:
        return True
    return key.component in observed.known and meaning(key.metric).family in _FROM_NOTHING


def _peers(group: Iterable[_Samples]) -> _Peers:
    swings, changes, drifts, largest = [], [], [], 0.0
    for one in group:
        largest = max(largest, abs(one.now))
        if len(one.usual):
            swings.append(mad(one.usual))
        if len(one.before):
            level = float(np.median(one.before))
            changes.append(abs(one.now - level) / max(abs(level), _TINY))
            if len(one.usual):
                drifts.append(abs(level - float(np.median(one.usual))) / max(abs(level), _TINY))
    return _Peers(_median(swings), _median(changes), _median(drifts), largest)


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else 0.0


def _deviation(key: SeriesKey, expr: str, one: _Samples, peers: _Peers) -> Deviation:
    about = meaning(key.metric)
    share = _NEAR_ONE if about.family is Family.AVAILABILITY else _SHARE
    before = float(np.median(one.before)) if len(one.before) else None
    usual = float(np.median(one.usual)) if len(one.usual) else None
    z_before = None if before is None else _against_before(one, before, peers, share)
    z_usual = None if usual is None else _against_usual(one, usual, peers, share)
    signed = [
        min(_MOST, z * about.bad if about.bad else abs(z)) for z in (z_usual, z_before) if z is not None
    ]
    score = float(np.mean([surprise(z, FREE) for z in signed]))
    return Deviation(
        key,
        about,
        expr,
        one.now,
        before,
        usual,
        None if z_before is None else z_before * (about.bad or 1),
        None if z_usual is None else z_usual * (about.bad or 1),
        score,
    )


def _against_before(one: _Samples, level: float, peers: _Peers, share: float) -> float:
    """In units of the largest of: the range before, twice what peers changed, twice a share of the level."""
    swing = usual_range(one.before)
    scale = max(swing, 2 * min(peers.change, 1.0) * abs(level), 2 * share * abs(level), _floor(level, peers))
    return (one.now - level) / scale


def _against_usual(one: _Samples, level: float, peers: _Peers, share: float) -> float:
    """In units of the largest of: the 5-95 % range, the tail on that side, a share of the level, peers' swing and drift.

    A baseline from another time may have drifted; then all components left it before detection already, and that
    common distance widens the scale.
    """
    low, high, bottom, top = np.quantile(one.usual, (0.05, 0.95, 0.01, 0.99))
    distance = one.now - level
    tail = float(top - level if distance > 0 else level - bottom)
    scale = max(
        float(high - low),
        tail,
        share * abs(level),
        peers.swing,
        min(peers.drift, 1.0) * abs(level),
        _floor(level, peers),
    )
    return distance / scale


def _floor(level: float, peers: _Peers) -> float:
    """A level of zero has no swing of its own: two per cent of the largest value anywhere stand in."""
    return max(_TINY, 0.02 * peers.largest if abs(level) < _TINY else 0.0)


def metric_findings(found: Iterable[Deviation]) -> list[Finding]:
    """The worst series of each family at each component."""
    worst: dict[tuple[str, Family], Deviation] = {}
    for one in found:
        place = (one.key.component, one.meaning.family)
        if one.surprise > 0 and (place not in worst or one.surprise > worst[place].surprise):
            worst[place] = one
    return [
        Finding(
            component,
            Signal.METRIC,
            one.surprise,
            describe(one),
            family,
            one.key.metric,
            one.expr,
            "prometheus",
        )
        for (component, family), one in sorted(worst.items())
    ]


def describe(one: Deviation) -> str:
    """`CpuUsage: 2.1 before, 1.9 usually, 9.4 since detection`."""
    levels = [("before", one.before), ("usually", one.usual)]
    known = [f"{value:.4g} {word}" for word, value in levels if value is not None]
    return f"{one.key.metric}{one.key.rest}: {', '.join(known)}, {one.now:.4g} since detection"


def by_component(found: Iterable[Deviation]) -> Mapping[str, list[Deviation]]:
    """Deviations of each component, worst first."""
    grouped: dict[str, list[Deviation]] = defaultdict(list)
    for one in sorted(found, key=lambda one: (-one.surprise, one.key)):
        grouped[one.key.component].append(one)
    return grouped
