"""Where spans spend more time than before: between caller and callee, or inside a service."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from compass.investigate.families import Family
from compass.investigate.findings import Finding, Signal, quoted
from compass.investigate.observation import Observation
from compass.investigate.traces import Forest, gaps, own_times

_FLOOR: Final = 0.002  # seconds below which a difference is noise


class _Shift(NamedTuple):
    """How far a median moved (log ratio), from how many calls, and both medians in seconds."""

    log_ratio: float
    calls: int
    reference: float
    now: float


def gap_findings(observed: Observation) -> list[Finding]:
    """Calls that take longer between the services than before, credited to the callee.

    A caller all of whose calls take longer is credited itself, and its callees only with what exceeds that.
    Without a reference a call is compared with the other calls of the recording.
    """
    forest = observed.window.forest
    new = gaps(forest, forest.between(observed.detected, observed.looked_until))
    old = gaps(forest, forest.between(0, observed.calm_until))
    past = observed.baseline.forest
    usual = gaps(past, range(len(past.spans)))
    typical = [float(np.median(times)) for times in new.values() if len(times) > 1]
    others = float(np.median(typical)) if typical else 0.0
    by_pair: dict[tuple[str, str], list[_Shift]] = defaultdict(list)
    for edge, times in sorted(new.items()):
        shift = _gap_shift(times, [*old.get(edge, ()), *usual.get(edge, ())], others)
        if shift is not None:
            by_pair[edge.caller, edge.callee].append(shift)
    pairs = {pair: _middle(shifts) for pair, shifts in by_pair.items()}
    return _credit(pairs)


def _gap_shift(times: list[float], reference: list[float], others: float) -> _Shift | None:
    now = float(np.median(times))
    if len(reference) > 1:
        usual, allowed = float(np.median(reference)), 0.0
    elif others:
        usual, allowed = others, math.log(2)
    else:
        return None
    ratio = math.log((now + _FLOOR) / (usual + _FLOOR))
    return _Shift(max(0.0, ratio - allowed) if allowed else ratio, len(times), usual, now)


def _middle(shifts: list[_Shift]) -> _Shift:
    """The median shift by calls, drawn toward nothing when there are few."""
    ordered = sorted(shifts)
    total = sum(shift.calls for shift in ordered)
    seen = 0
    for shift in ordered:
        seen += shift.calls
        if 2 * seen >= total:
            return shift._replace(log_ratio=shift.log_ratio * total / (total + 2), calls=total)
    return ordered[-1]


def _credit(pairs: Mapping[tuple[str, str], _Shift]) -> list[Finding]:
    outgoing: dict[str, list[float]] = defaultdict(list)
    incoming: dict[str, list[tuple[str, _Shift]]] = defaultdict(list)
    for (caller, callee), shift in pairs.items():
        outgoing[caller].append(shift.log_ratio)
        incoming[callee].append((caller, shift))
    common = {
        caller: float(np.median(shifts)) if len(shifts) > 2 else 0.0 for caller, shifts in outgoing.items()
    }
    found: dict[str, Finding] = {}
    for callee, calls in incoming.items():
        left = float(np.median([shift.log_ratio - max(0.0, common[caller]) for caller, shift in calls]))
        if left > 0:
            caller, worst = max(calls, key=lambda call: (call[1].log_ratio, call[0]))
            text = f"calls from {caller} spend {_ms(worst.now)} on the way, {_ms(worst.reference)} before"
            found[callee] = _finding(callee, Signal.GAP, left, text, caller)
    for caller, share in common.items():
        if share > 0 and (caller not in found or found[caller].score < share):
            text = f"calls to all its callees spend {math.exp(share):.1f} times as long on the way as before"
            found[caller] = _finding(caller, Signal.GAP, share, text, "")
    return [found[name] for name in sorted(found)]


def own_time_findings(observed: Observation) -> list[Finding]:
    """Services whose spans take longer by themselves, callees aside."""
    forest, past = observed.window.forest, observed.baseline.forest
    new = own_times(forest, forest.between(observed.detected, observed.looked_until))
    old = own_times(forest, forest.between(0, observed.calm_until))
    usual = own_times(past, range(len(past.spans)))
    by_service: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for kind, times in sorted(new.items()):
        reference = [*old.get(kind, ()), *usual.get(kind, ())]
        if len(reference) < 2:
            continue
        before, now = float(np.median(reference)), float(np.median(times))
        sure = len(times) / (len(times) + 2) * len(reference) / (len(reference) + 1)
        shift = math.log((now + _FLOOR) / (before + _FLOOR)) * sure
        text = f"{kind.name}: {_ms(now)} of its own, {_ms(before)} before"
        by_service[kind.service].append((shift, len(times) * max(now, before), text))
    found = []
    for service, kinds in sorted(by_service.items()):
        weight = sum(time for _, time, _ in kinds)
        mean = sum(shift * time for shift, time, _ in kinds) / weight if weight else 0.0
        if mean > 0:
            text = max(kinds, key=lambda kind: (kind[0] * kind[1], kind[2]))[2]
            found.append(_finding(service, Signal.OWN_TIME, mean, text, ""))
    return found


def edge_times(forest: Forest, caller: str, callee: str) -> list[tuple[float, float]]:
    """(start in unix seconds, seconds on the way) of each call between two services."""
    found = []
    for index, span in enumerate(forest.spans):
        below = forest.children[index]
        if span.service == caller and len(below) == 1 and forest.spans[below[0]].service == callee:
            child = forest.spans[below[0]]
            spent = (span.end_ns - span.start_ns) - (child.end_ns - child.start_ns)
            found.append((span.start_ns / 1e9, max(spent, 0) / 1e9))
    return found


def span_times(forest: Forest, service: str) -> list[tuple[float, float]]:
    """(start in unix seconds, seconds in the service itself) of each request that enters it."""
    found = []
    for index, span in enumerate(forest.spans):
        if span.service == service and forest.entry(index):
            below = forest.called_time(index)
            found.append((span.start_ns / 1e9, max(0, span.end_ns - span.start_ns - below) / 1e9))
    return found


def _finding(component: str, signal: Signal, score: float, text: str, other: str) -> Finding:
    query = f'{{ resource.service.name = "{quoted(component)}" }}'
    return Finding(component, signal, score, text, Family.LATENCY, "", query, "tempo", other)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"
