"""How requests end: at which call, and whether they fail."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from compass.investigate.families import Family
from compass.investigate.findings import Finding, Signal, quoted
from compass.investigate.observation import Observation
from compass.investigate.robust import share_changed
from compass.investigate.traces import Forest, Kind
from compass.model.recording import Span

Counts = Mapping[Kind, Mapping[str, int]]
Peers = Mapping[Kind, str]
_TOTAL = "\0"
_ANSWERED = "\1"
_ALWAYS: Final = (
    0.9  # share of the calls of one kind that one service answers, from which on the kind means that service
)
_SOME: Final = 3
_HALF: Final = 0.5  # of a call that fails although nothing below it did: the caller may ask, or the callee answer, wrongly
# So many requests speak half as loud as many: what they call depends on what was asked of them.
_FEW: Final = 4.0


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
            score = share_changed((known, before), (seen, after)) * after / (after + _FEW)
            component = last or kind.service
            where = f"a call to {last}" if last else "no call at all"
            text = f"{kind.name} of {kind.service} ends after {where}: {seen} of {after}, {known} of {before} before"
            if score > 0 and (component not in best or score > best[component].score):
                best[component] = _finding(component, Signal.LAST_CALL, score, text, kind.service)
    return [best[name] for name in sorted(best)]


def failed_span_findings(observed: Observation) -> list[Finding]:
    """Operations that fail more often, where no call below them failed.

    A call that nobody answered speaks of the service that used to answer it; one that fails although its callee did
    its work without failing speaks of both.
    """
    old, new = _phases(observed, _failures)
    best: dict[str, Finding] = {}
    for kind, counts in sorted(new.items()):
        after, before = counts[_TOTAL], old.get(kind, {}).get(_TOTAL, 0)
        for component, failed in sorted(counts.items()):
            known = old.get(kind, {}).get(component, 0)
            if component == _TOTAL or failed / after <= known / max(before, 1):
                continue
            called = component.removeprefix(_ANSWERED)
            own = called == kind.service
            score = share_changed((known, before), (failed, after)) * (_HALF if component != called else 1.0)
            how = "fails by itself" if own else f"fails at {called}"
            text = f"{kind.name} {how}: {failed} of {after}, {known} of {before} before"
            for credited in {called} if component == called else {called, kind.service}:
                if score > 0 and (credited not in best or score > best[credited].score):
                    other = "" if credited == kind.service else kind.service
                    best[credited] = _finding(credited, Signal.FAILED_SPAN, score, text, other)
    return [best[name] for name in sorted(best)]


def peers(observed: Observation) -> Peers:
    """For each kind of span that stands for a call: the one service that answers it."""
    answered: dict[Kind, Counter[str]] = defaultdict(Counter)
    for forest in (observed.window.forest, observed.baseline.forest):
        for kind, callee in forest.peers():
            answered[kind][callee] += 1
    found = {}
    for kind, callees in answered.items():
        callee, count = callees.most_common(1)[0]
        if count >= max(_SOME, _ALWAYS * callees.total()):
            found[kind] = callee
    return found


def _phases(
    observed: Observation, count: Callable[[Forest, Iterable[int], Peers], Counts]
) -> tuple[Counts, Counts]:
    """Counts before (baseline included) and since detection."""
    forest, past = observed.window.forest, observed.baseline.forest
    meant = peers(observed)
    old: dict[Kind, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    calm = forest.between(0, observed.calm_until)
    for part in (count(forest, calm, meant), count(past, range(len(past.spans)), meant)):
        for kind, counts in part.items():
            for name, number in counts.items():
                old[kind][name] += number
    return old, count(forest, forest.between(observed.detected, observed.looked_until), meant)


def _last_calls(forest: Forest, chosen: Iterable[int], meant: Peers) -> Counts:
    found: dict[Kind, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for index in chosen:
        if forest.entry(index):
            called = forest.called(index, meant)
            counts = found[forest.kind(index)]
            counts[called[-1] if called else ""] += 1
            counts[_TOTAL] += 1
    return found


def _failures(forest: Forest, chosen: Iterable[int], meant: Peers) -> Counts:
    """By the service that a failure speaks of, marked where that service has answered."""
    found: dict[Kind, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for index in chosen:
        kind, below = forest.kind(index), [forest.spans[child] for child in forest.children[index]]
        counts = found[kind]
        counts[_TOTAL] += 1
        if forest.spans[index].status == "error" and not any(span.status == "error" for span in below):
            counts[_speaks_of(kind, below, meant)] += 1
    return found


def _speaks_of(kind: Kind, below: Sequence[Span], meant: Peers) -> str:
    remote = [span.service for span in below if span.service != kind.service]
    if len(below) == 1 and remote:
        return f"{_ANSWERED}{remote[0]}"
    return meant.get(kind, kind.service) if not below else kind.service


def _finding(component: str, signal: Signal, score: float, text: str, other: str) -> Finding:
    query = f'{{ resource.service.name = "{quoted(other or component)}" }}'
    return Finding(component, signal, score, text, Family.ERRORS, "", query, "tempo", other)
