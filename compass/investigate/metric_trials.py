"""Experiments on metrics: did a series leave its range, alone, and since when?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from compass.adapters.telemetry.answer import Answer
from compass.investigate.balance import TRAVELS
from compass.investigate.deviation import Deviation, deviations
from compass.investigate.experiments import Bench, Question, Seen, Trial, excerpt_of_series, moment
from compass.investigate.families import Family
from compass.investigate.findings import Finding, quoted
from compass.investigate.observation import Observation, Slice
from compass.investigate.series import COMPONENT_LABELS, tracks
from compass.investigate.summed import is_sum, of_every_component
from compass.investigate.verdicts import CLEAR, nothing
from compass.model.investigation import Rule
from compass.model.recording import Series

# What follows from work done elsewhere says nothing about whether a component itself is in trouble.
PASSIVE: Final = frozenset({Family.TRAFFIC, Family.NETWORK, Family.CLIENT_LATENCY, Family.OTHER})
_FEW: Final = 2


def level(bench: Bench, finding: Finding) -> Trial:
    """Did this metric of this component really leave its range?"""
    question = Question(
        f"Has {finding.metric} of {finding.component} left its usual range since detection?",
        "it lies within the range it had before",
        "prometheus",
    )

    def measure(answer: Answer[Any]) -> Seen:
        shown = excerpt_of_series(answer.data)
        found = [one for one in _again(bench, answer.data) if one.key.component in {finding.component, ""}]
        if not found:
            return Seen(nothing("nothing to compare the samples with"), shown)
        return Seen(_levels(max(found, key=lambda one: one.surprise)), shown)

    given = {"component": finding.component, "metric": finding.metric, "query": finding.query}
    return bench.trial(
        question, Rule(name="level", given=given), lambda: _samples(bench, finding.query), measure
    )


def peers(bench: Bench, finding: Finding) -> Trial:
    """Is it this component, or did most components move alike?"""
    query = finding.query
    name = query.partition("{")[0].removeprefix("rate(")
    everywhere = of_every_component(query) if is_sum(query) else f'{{__name__="{name}"}}'
    question = Question(
        f"Is {finding.component} alone with its {finding.metric}, or did most components move alike?",
        "at least half of the components moved as far",
        "prometheus",
    )

    def measure(answer: Answer[Any]) -> Seen:
        moved: dict[str, float] = {}
        for one in _again(bench, answer.data):
            moved[one.key.component] = max(one.surprise, moved.get(one.key.component, 0.0))
        own = moved.pop(finding.component, None)
        if own is None or len(moved) < _FEW:
            return Seen(nothing("too few components have this metric"), "")
        ordered = sorted(moved.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = "\n".join(f"{name} {score:.2f}" for name, score in [(finding.component, own), *ordered[:20]])
        alike = sum(score >= own for score in moved.values())
        return Seen({"own": own, "alike": alike, "others": len(moved)}, shown)

    given = {"component": finding.component, "metric": finding.metric, "query": finding.query}
    return bench.trial(
        question,
        Rule(name="peers", given=given),
        lambda: _samples(bench, everywhere),
        measure,
    )


def any_level(bench: Bench, component: str) -> Trial:
    """Did any metric of this component leave its range?"""
    question = Question(
        f"Did any metric of {component or 'the changed component'} leave its range?",
        "all of them lie within their range",
        "prometheus",
    )

    def measure(answer: Answer[Any]) -> Seen:
        found = [one for one in _again(bench, answer.data) if one.meaning.family not in PASSIVE]
        return _furthest(found) if found else Seen(nothing("nothing to compare with"), "")

    return _of_component(bench, question, "any_level", component, measure)


def hurts(bench: Bench, component: str) -> Trial:
    """Does the component answer worse? A shortage that slows nobody down explains nothing."""
    question = Question(
        f"Does {component} itself answer slower, or fail more often, than before?",
        "its latency, errors and availability lie within their range",
        "prometheus",
    )

    def measure(answer: Answer[Any]) -> Seen:
        found = [one for one in _again(bench, answer.data) if one.meaning.family in TRAVELS]
        return (
            _furthest(found)
            if found
            else Seen(nothing("neither its latency nor its errors are measured"), "")
        )

    return _of_component(bench, question, "hurts", component, measure)


def _furthest(found: Sequence[Deviation]) -> Seen:
    worst = max(found, key=lambda one: one.surprise)
    return Seen({"metric": worst.key.metric, **_levels(worst)}, f"{worst.key.metric}: {worst.now:.6g}")


def _of_component(
    bench: Bench, question: Question, name: str, component: str, measure: Callable[[Answer[Any]], Seen]
) -> Trial:
    """An experiment on all metrics of one component."""
    selector = f'{{{_label(bench.observed, component)}="{quoted(component)}"}}'
    return bench.trial(
        question,
        Rule(name=name, given={"component": component}),
        lambda: bench.telemetry.raw(selector, *bench.window),
        measure,
    )


def _label(observed: Observation, component: str) -> str:
    """The label by which the metrics of a component name it."""
    exprs = [track.expr for key, track in observed.window.tracks.items() if key.component == component][:1]
    found = [
        label
        for label in COMPONENT_LABELS
        for expr in exprs
        if any(f'{before}{label}="{quoted(component)}"' in expr for before in "{,")
    ]
    return found[0] if found else COMPONENT_LABELS[0]


def ends(bench: Bench, component: str) -> Trial:
    """Do the metrics of this component end before detection?"""
    question = Question(
        f"Do metrics of {component} end before detection?", "samples arrive after detection", "prometheus"
    )

    def measure(answer: Answer[Any]) -> Seen:
        last = max((one.times[-1] for one in answer.data if one.times), default=0.0)
        return Seen(
            {"last": last, "detected": bench.observed.detected},
            f"the last sample is of {moment(last):%H:%M:%S}",
        )

    return _of_component(bench, question, "metrics_end", component, measure)


def onset(observed: Observation, component: str) -> float | None:
    """When the first metric of a component left its range for good, in unix seconds; None if none did."""
    own = [one for one in deviations(observed) if one.key.component == component]
    return min((began for one in own if (began := onset_of(observed, one)) is not None), default=None)


def onset_of(observed: Observation, one: Deviation) -> float | None:
    """When this series left its range for good, in unix seconds; None if it did not.

    For good: every later sample lies more than halfway from the old level to the new one.
    """
    if one.surprise < CLEAR or one.meaning.family in PASSIVE:
        return None
    known = [value for value in (one.usual, one.before) if value is not None]
    track = observed.window.tracks[one.key]
    inside = np.flatnonzero(np.abs(track.values - known[0]) < abs(one.now - known[0]) / 2)
    kept = [at for at in inside if track.times[at] <= observed.detected]
    first = int(kept[-1]) + 1 if kept else 0
    return float(track.times[first]) if first < len(track.times) else None


def _levels(one: Deviation) -> dict[str, float | None]:
    """The levels that were compared, and how far apart they are."""
    return {"surprise": one.surprise, "now": one.now, "before": one.before, "usual": one.usual}


def _samples(bench: Bench, expr: str) -> Answer[tuple[Series, ...]]:
    start, end = bench.window
    if expr.endswith("}") and " / " not in expr:
        return bench.telemetry.raw(expr, start, end)
    return bench.telemetry.range_query(expr, start, end, max(1.0, bench.observed.step))


def _again(bench: Bench, series: Sequence[Series]) -> list[Deviation]:
    """Deviations computed from the answer alone, with the baseline known from before."""
    observed = bench.observed
    window, baseline = Slice(tracks(series)), Slice(observed.baseline.tracks)
    return deviations(Observation(observed.detected, observed.start, observed.end, window, baseline))
