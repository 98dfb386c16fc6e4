"""How requests end: at which call, and whether they fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from compass.investigate.families import Family
from compass.investigate.findings import Finding, Signal
from compass.investigate.observation import Observation
from compass.investigate.robust import share_changed
from compass.investigate.traces import Forest, Kind

Counts = Mapping[Kind, Mapping[str, int]]
_TOTAL = "\0"


def last_call_findings(observed: Observation) -> list[Finding]:
    """Requests that now end after a call to X, or without any call: X, or the service itself, cut them short."""
    old, new = _phases(observed, _last_calls)
    best: dict[str, Finding] = {}
    for kind, counts in sorted(new.items()):
        before, after = old.get(kind, {}).get(_TOTAL, 0), counts[_TOTAL]
        if not before:
            continue
        for last, seen in sorted(counts.items()):
            known = old[kind].get(last, 0)
            if last == _TOTAL or seen / after <= known / before:
                continue
            score = share_changed((known, before), (seen, after))
            component = last or kind.service
            where = f"a call to {last}" if last else "no call at all"
            text = f"{kind.name} of {kind.service} ends after {where}: {seen} of {after}, {known} of {before} before"
            if score > 0 and (component not in best or score > best[component].score):
                best[component] = _finding(component, Signal.LAST_CALL, score, text, kind.service)
    return [best[name] for name in sorted(best)]


def failed_span_findings(observed: Observation) -> list[Finding]:
    """Operations that fail more often, where no call below them failed."""
    old, new = _phases(observed, _failures)
    best: dict[str, Finding] = {}
    for kind, counts in sorted(new.items()):
        after, failed = counts[_TOTAL], counts.get("failed", 0)
        before, known = old.get(kind, {}).get(_TOTAL, 0), old.get(kind, {}).get("failed", 0)
        if not failed or failed / after <= known / max(before, 1):
            continue
        score = share_changed((known, before), (failed, after))
        text = f"{kind.name} fails by itself: {failed} of {after}, {known} of {before} before"
        if score > 0 and (kind.service not in best or score > best[kind.service].score):
            best[kind.service] = _finding(kind.service, Signal.FAILED_SPAN, score, text, "")
    return [best[name] for name in sorted(best)]


def _phases(observed: Observation, count: Callable[[Forest, Iterable[int]], Counts]) -> tuple[Counts, Counts]:
    """Counts before (baseline included) and since detection."""
    forest, past = observed.window.forest, observed.baseline.forest
    old: dict[Kind, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for part in (count(forest, forest.between(0, observed.calm_until)), count(past, range(len(past.spans)))):
        for kind, counts in part.items():
            for name, number in counts.items():
                old[kind][name] += number
    return old, count(forest, forest.between(observed.detected, observed.looked_until))


def _last_calls(forest: Forest, chosen: Iterable[int]) -> Counts:
    found: dict[Kind, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for index in chosen:
        if forest.entry(index):
            span = forest.spans[index]
            called = forest.called(index)
            counts = found[Kind(span.service, span.name)]
            counts[called[-1] if called else ""] += 1
            counts[_TOTAL] += 1
    return found


def _failures(forest: Forest, chosen: Iterable[int]) -> Counts:
    found: dict[Kind, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for index in chosen:
        span = forest.spans[index]
        counts = found[Kind(span.service, span.name)]
        counts[_TOTAL] += 1
        if span.status == "error" and not any(
            forest.spans[below].status == "error" for below in forest.children[index]
        ):
            counts["failed"] += 1
    return found


def _finding(component: str, signal: Signal, score: float, text: str, other: str) -> Finding:
    query = f'{{ resource.service.name = "{other or component}" }}'
    return Finding(component, signal, score, text, Family.ERRORS, "", query, "tempo", other)
