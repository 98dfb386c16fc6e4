"""Competing explanations, each with a prediction that could fail and the experiments that would show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from compass.investigate import log_trials, metric_trials, trace_trials
from compass.investigate.confidence import probabilities
from compass.investigate.deviation import Deviation, by_component
from compass.investigate.experiments import Bench, Trial
from compass.investigate.families import Family
from compass.investigate.findings import Finding, Signal
from compass.investigate.ranking import Ranked, Ranking
from compass.model.investigation import Citation, Cost, Origin
from compass.model.recording import Change

MOST: Final = 5
RANKED: Final = 3
_RECENT: Final = 2 * 3600.0
_TRIALS: Final = 4
_LEAST: Final = 2
_TELLING: Final = 0.35
RESOURCES: Final = {
    Family.CPU: "processor time",
    Family.MEMORY: "memory",
    Family.DISK: "disk",
    Family.SATURATION: "a limited resource",
    Family.NETWORK: "network",
    Family.RESTARTS: "restarts",
}


@dataclass(frozen=True)
class Candidate:
    """A hypothesis before its experiments; `prior` is how likely it is taken to be, from 0 to 1."""

    statement: str
    service: str | None
    origin: Origin
    predicts: str
    prior: float
    trials: tuple[Trial, ...]
    why: tuple[str, ...] = ()
    pattern: str | None = None
    citations: tuple[Citation | None, ...] = ()
    cost: Cost = field(default_factory=Cost)


def from_ranking(bench: Bench, ranking: Ranking) -> Iterator[Candidate]:
    """The first components, each with what their strongest finding says went wrong."""
    scored = [one for one in ranking.components if one.findings and one.score > 0]
    likely = probabilities(bench.observed, ranking.components)
    moved = by_component(ranking.deviations)
    for one in scored[:RANKED]:
        yield _of_component(bench, one, likely[one.component], moved.get(one.component, []))


def _of_component(bench: Bench, ranked: Ranked, prior: float, own: Sequence[Deviation]) -> Candidate:
    top = ranked.findings[0]
    name = ranked.component
    if top.signal is Signal.GAP:
        statement = f"The network or a queue in front of {name} delays its calls"
        predicts = f"calls to {name} spend longer on the way, while {name} itself is as quick as before"
    elif top.signal in {Signal.METRIC, Signal.BALANCE} and top.family in RESOURCES:
        statement = f"{name} runs short of {RESOURCES[top.family]}"
        predicts = (
            f"{top.metric} of {name} has left its range, and most other components have not moved alike"
        )
    elif top.family is Family.LATENCY:
        statement = f"{name} itself became slow"
        predicts = f"{name} is slower than before by more than its callees are"
    else:
        statement = f"{name} itself fails or answers wrongly"
        predicts = f"{name} logs or returns other results than before, and none of its callees fails"
    trials = tuple(_trials(bench, ranked, own))
    return Candidate(statement, name, Origin.RANKING, predicts, prior, trials, _why(ranked))


def _why(ranked: Ranked, most: int = 4) -> tuple[str, ...]:
    return tuple(f"{one.signal}: {one.text}" for one in ranked.findings[:most])


def _trials(bench: Bench, ranked: Ranked, own: Sequence[Deviation]) -> Iterator[Trial]:
    """Two different experiments or more: all that the strongest findings call for, others only to make up two."""
    asked: set[str] = set()
    for finding in _telling(ranked):
        for trial in _for_finding(bench, finding):
            if trial.question not in asked and len(asked) < _TRIALS:
                asked.add(trial.question)
                yield trial
    for trial in _others(bench, ranked.component, own):
        if trial.question not in asked and len(asked) < _LEAST:
            asked.add(trial.question)
            yield trial


def _telling(ranked: Ranked) -> list[Finding]:
    """What adds little is no part of the prediction, so that it must not refute it either."""
    top = ranked.parts[0]
    return [one for part, one in zip(ranked.parts, ranked.findings, strict=True) if part >= _TELLING * top]


def _others(bench: Bench, name: str, own: Sequence[Deviation]) -> Iterator[Trial]:
    if bench.observed.window.spans:
        yield trace_trials.inside(bench, name)
    below = log_trials.callees_fail(bench, name)
    if below:
        yield below
    telling = [one for one in own if one.meaning.family not in metric_trials.PASSIVE]
    yield from (metric_trials.level(bench, as_finding(one)) for one in telling[:1])
    yield metric_trials.any_level(bench, name)


def _for_finding(bench: Bench, finding: Finding) -> Iterator[Trial]:
    name = finding.component
    if finding.signal in {Signal.METRIC, Signal.BALANCE}:
        yield metric_trials.level(bench, finding)
        yield metric_trials.peers(bench, finding)
        if finding.family in RESOURCES:
            yield metric_trials.hurts(bench, name)
    elif finding.signal is Signal.GAP and finding.source == "tempo":
        yield trace_trials.on_the_way(bench, finding.other, name)
        yield trace_trials.not_inside(bench, name)
    elif finding.signal is Signal.OWN_TIME:
        yield trace_trials.inside(bench, name)
    elif finding.signal in {Signal.STATEMENT, Signal.NEW_ERROR}:
        yield log_trials.logged(bench, finding.other or name, finding.metric)
    elif finding.signal in {Signal.LAST_CALL, Signal.FAILED_SPAN}:
        yield trace_trials.endings(bench, finding)
    if finding.family is Family.ERRORS:
        below = log_trials.callees_fail(bench, name)
        if below:
            yield below


def as_finding(one: Deviation) -> Finding:
    """The finding that a deviation would be."""
    return Finding(
        one.key.component,
        Signal.METRIC,
        one.surprise,
        "",
        one.meaning.family,
        one.key.metric,
        one.expr,
        "prometheus",
    )


def from_changes(bench: Bench, ranking: Ranking) -> Iterator[Candidate]:
    """Recent changes, latest first: the likeliest trigger, and the likeliest red herring."""
    observed = bench.observed
    recent = [
        change
        for change in observed.changes
        if observed.detected - _RECENT <= change.time <= observed.detected
    ]
    scores = {one.component: one for one in ranking.components}
    likely = probabilities(observed, ranking.components)
    for change in sorted(recent, key=lambda change: (-change.time, change.service, change.summary)):
        ranked = scores.get(change.service)
        yield _of_change(bench, change, ranked, 0.1 + 0.5 * likely.get(change.service, 0.0))


def _of_change(bench: Bench, change: Change, ranked: Ranked | None, prior: float) -> Candidate:
    what = change.summary or change.type
    name = change.service or "the system"
    statement = f"The {change.type} of {name} brought it: {what}"
    predicts = f"{name} leaves its usual range after the change and not before"
    trials = [log_trials.change_first(bench, change)]
    finding = next(
        (one for one in ranked.findings if one.signal in {Signal.METRIC, Signal.BALANCE}), None
    ) if ranked else None  # fmt: skip
    trials.append(
        metric_trials.level(bench, finding) if finding else metric_trials.any_level(bench, change.service)
    )
    return Candidate(
        statement[:300],
        change.service or None,
        Origin.CHANGE,
        predicts,
        prior,
        tuple(trials),
        (f"{change.type} {int((bench.observed.detected - change.time) / 60)} min before detection",),
    )


def from_load(bench: Bench, every: Iterable[Deviation]) -> Iterator[Candidate]:
    """The rival of every fault inside: the system is healthy, there is just more to do."""
    traffic = [one for one in every if one.meaning.family is Family.TRAFFIC]
    entry = bench.observed.symptom_service
    own = [one for one in traffic if one.key.component == entry] or traffic
    if own:
        busiest = max(own, key=lambda one: (one.now, one.key))
        trials = (
            metric_trials.level(bench, as_finding(busiest)),
            trace_trials.requests(bench, busiest.key.component),
        )
    else:
        service = entry or ""
        trials = (trace_trials.requests(bench, service), log_trials.lines(bench))
    yield Candidate(
        "More requests arrive than the system was sized for",
        None,
        Origin.LOAD,
        "the request rate rises before anything else does",
        0.08,
        trials,
        ("the usual rival of any fault inside",),
    )


def from_absence(bench: Bench) -> Iterator[Candidate]:
    """Components that were there before and have gone silent."""
    for name in bench.observed.silent:
        yield Candidate(
            f"{name} has stopped, or can no longer be observed",
            name,
            Origin.ABSENCE,
            f"nothing of {name} is recorded since detection",
            0.25,
            (metric_trials.ends(bench, name), log_trials.falls_silent(bench, name)),
            ("its telemetry ends before detection",),
        )
