"""Balance over the call graph: what a component adds to the trouble beyond what its callees hand to it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from compass.investigate.deviation import Deviation, describe
from compass.investigate.families import Family, meaning, words
from compass.investigate.findings import Finding, Signal
from compass.investigate.observation import Observation
from compass.investigate.robust import mad

TRAVELS: Final = (Family.LATENCY, Family.AVAILABILITY, Family.ERRORS)
_CLEAR: Final = 3.0  # a deviation below this many swings is taken for none
_MOST: Final = 1e4
WAITS = 0.5
_OWN: Final = "adds {} of its own that none of its callees explains"
_SOME: Final = "adds {} of its own or of what it calls: who calls whom is not known"
_MEAN: Final = frozenset({"average", "avg", "mean"})
_PER_REQUEST: Final = frozenset({"rate", "ratio", "percent", "percentage", "pct"})


class _Extra(NamedTuple):
    """What a component shows beyond its usual level: times requests, and in swings."""

    amount: float
    swings: float
    one: Deviation


def balance_findings(observed: Observation, found: Iterable[Deviation]) -> list[Finding]:
    """For latency, availability and errors: own extra minus the callees' extra, where that is positive.

    Extra = (level since detection - reference) x requests. The share of the largest balance, weighted with how far
    its component left its usual range, is the score. Without a call graph nothing is known to be handed on, and what
    remains is who adds most to the trouble of all.
    """
    by_family: dict[Family, list[Deviation]] = defaultdict(list)
    requests: dict[str, float] = {}
    for one in found:
        by_family[one.meaning.family].append(one)
        if one.meaning.family is Family.TRAFFIC:
            requests[one.key.component] = max(requests.get(one.key.component, 0.0), one.now)
    wanted = symptom_family(observed)
    waiting = waits(by_family[Family.CLIENT_LATENCY])
    results = []
    for family in TRAVELS:
        extras = _extras(observed, by_family[family], requests)
        weight = 1.0 if wanted in {None, family} else 0.25
        results += _findings(observed, extras, family, weight, waiting)
    return results


def waits(found: Iterable[Deviation]) -> dict[str, float]:
    """For each component that measures its own calls to others: how much longer than before it waits for them."""
    waiting: dict[str, float] = {}
    for one in found:
        name = one.key.component
        waiting[name] = max(waiting.get(name, 0.0), one.surprise)
    return waiting


def wait_findings(observed: Observation, found: Iterable[Deviation]) -> list[Finding]:
    """Components for which all callers wait longer, although they are not slow themselves: a delay on the way.

    It needs no spans; a component whose spans are recorded is left to `gap_findings`, which sees more.
    """
    moved = list(found)
    waiting = waits(one for one in moved if one.meaning.family is Family.CLIENT_LATENCY)
    slow = waits(one for one in moved if one.meaning.family is Family.LATENCY)
    since = int(observed.detected * 1e9)
    traced = {span.service for span in observed.window.spans if span.start_ns >= since}
    callers: dict[str, list[str]] = defaultdict(list)
    for caller, callee in sorted(observed.edges):
        if caller in waiting and callee not in traced:
            callers[callee].append(caller)
    results = []
    for callee, names in sorted(callers.items()):
        longest = min(names, key=lambda name: (waiting[name], name))
        left = waiting[longest] - slow.get(callee, 0.0)
        if left > 0:
            text = f"all that call it ({', '.join(names)}) wait longer, while it is not slower itself"
            results.append(
                Finding(callee, Signal.GAP, left, text, Family.LATENCY, "", "", "prometheus", longest)
            )
    return results


def symptom_family(observed: Observation) -> Family | None:
    """What the symptom is about, where it names a metric."""
    if not observed.symptom_metric:
        return None
    family = meaning(observed.symptom_metric).family
    return family if family in TRAVELS else None


def _extras(
    observed: Observation, candidates: list[Deviation], requests: Mapping[str, float]
) -> dict[str, _Extra]:
    """The extra of each component in the one metric that most components have (means before quantiles)."""
    by_metric: dict[str, list[Deviation]] = defaultdict(list)
    for one in candidates:
        by_metric[one.key.metric].append(one)
    if not by_metric:
        return {}
    metric = min(by_metric, key=lambda name: (-_spread(by_metric[name]), not _MEAN & set(words(name)), name))
    extras: dict[str, _Extra] = {}
    for one in by_metric[metric]:
        extra = _extra(observed, one, requests)
        if one.key.component not in extras or extra.amount > extras[one.key.component].amount:
            extras[one.key.component] = extra
    return extras


def _spread(found: list[Deviation]) -> int:
    return len({one.key.component for one in found})


def _extra(observed: Observation, one: Deviation, requests: Mapping[str, float]) -> _Extra:
    usual = observed.usual(one.key)
    before = observed.before(observed.window.tracks[one.key])
    share = (0.05 if len(usual) else 0.1) if one.meaning.family is Family.LATENCY else 0.002
    # Of two references the nearer one counts: a drifted baseline, or a dirty stretch before, makes no fault.
    distances = [
        ((one.now - level) * one.meaning.bad, level) for level in (one.usual, one.before) if level is not None
    ]
    distance, reference = min(distances)
    scale = max(mad(usual) if len(usual) else mad(before), share * abs(reference), _least(one))
    swings = distance / scale
    weight = requests.get(one.key.component, 1.0) if requests else 1.0
    counted = one.meaning.family is Family.ERRORS and not _PER_REQUEST & set(words(one.key.metric))
    amount = distance * (1.0 if counted else weight) if swings >= _CLEAR else 0.0
    return _Extra(amount, min(swings, _MOST), one)


def _least(one: Deviation) -> float:
    """The smallest swing that matters: a millisecond for seconds, a thousandth of the level for the rest."""
    if one.meaning.family is Family.LATENCY:
        return 1.0 if {"ms", "millis", "milliseconds"} & set(words(one.key.metric)) else 1e-3
    return max(1e-9, 1e-3 * abs(one.now))


def _findings(
    observed: Observation,
    extras: Mapping[str, _Extra],
    family: Family,
    weight: float,
    waiting: Mapping[str, float],
) -> list[Finding]:
    balances = {}
    for component, extra in extras.items():
        handed = sum(extras[name].amount for name in observed.callees.get(component, ()) if name in extras)
        if extra.amount - handed > 0:
            balances[component] = extra.amount - handed
    if not balances:
        return []
    top = min(balances, key=lambda name: (-balances[name], name))
    strength = math.log1p(max(0.0, extras[top].swings))
    told = _OWN if observed.edges else _SOME
    return [
        Finding(
            component,
            Signal.BALANCE,
            weight
            * strength
            * float(np.clip(amount / balances[top], 0.0, 1.0))
            * (WAITS if waiting.get(component, 0.0) >= extras[component].one.surprise > 0 else 1.0),
            f"{told.format(family)} ({describe(extras[component].one)})",
            family,
            extras[component].one.key.metric,
            extras[component].one.expr,
            "prometheus",
        )
        for component, amount in sorted(balances.items())
    ]
