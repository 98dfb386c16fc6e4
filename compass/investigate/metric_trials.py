"""Experiments on metrics: did a series leave its range, alone, and since when?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from compass.adapters.telemetry.answer import Answer
from compass.investigate.balance import TRAVELS
from compass.investigate.deviation import Deviation, deviations
from compass.investigate.experiments import Bench, Judged, Question, Trial, excerpt_of_series, moment
from compass.investigate.families import Family
from compass.investigate.findings import Finding, quoted
from compass.investigate.observation import Observation, Slice
from compass.investigate.series import tracks
from compass.model.investigation import Verdict
from compass.model.recording import Series

CLEAR: Final = math.log1p(1.0)  # a mean surprise from which on a metric has left its range
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

    def judge(answer: Answer[Any]) -> Judged:
        shown = excerpt_of_series(answer.data)
        found = [one for one in _again(bench, answer.data) if one.key.component in {finding.component, ""}]
        if not found:
            return Judged(Verdict.INCONCLUSIVE, "nothing to compare the samples with", shown)
        return _judged(max(found, key=lambda one: one.surprise), shown)

    return bench.trial(question, lambda: _samples(bench, finding.query), judge)


def _judged(worst: Deviation, shown: str) -> Judged:
    text = levels(worst)
    if worst.surprise >= CLEAR:
        return Judged(Verdict.SUPPORTED, text, shown)
    return Judged(Verdict.REFUTED if worst.surprise < CLEAR / 3 else Verdict.INCONCLUSIVE, text, shown)


def peers(bench: Bench, finding: Finding) -> Trial:
    """Is it this component, or did most components move alike?"""
    name = finding.query.partition("{")[0].removeprefix("rate(")
    question = Question(
        f"Is {finding.component} alone with its {finding.metric}, or did most components move alike?",
        "at least half of the components moved as far",
        "prometheus",
    )

    def judge(answer: Answer[Any]) -> Judged:
        moved: dict[str, float] = {}
        for one in _again(bench, answer.data):
            moved[one.key.component] = max(one.surprise, moved.get(one.key.component, 0.0))
        own = moved.pop(finding.component, None)
        if own is None or len(moved) < _FEW:
            return Judged(Verdict.INCONCLUSIVE, "too few components have this metric", "")
        ordered = sorted(moved.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = "\n".join(f"{name} {score:.2f}" for name, score in [(finding.component, own), *ordered[:20]])
        alike = sum(score >= own for score in moved.values())
        text = f"{alike} of {len(moved)} others moved as far or further"
        if own <= 0 or alike * 2 >= len(moved):
            return Judged(Verdict.REFUTED, text, shown)
        rare = alike <= max(1, len(moved) // 10)
        return Judged(Verdict.SUPPORTED if rare else Verdict.INCONCLUSIVE, text, shown)

    return bench.trial(question, lambda: _samples(bench, f'{{__name__="{name}"}}'), judge)


def any_level(bench: Bench, component: str) -> Trial:
    """Did any metric of this component leave its range?"""
    question = Question(
        f"Did any metric of {component or 'the changed component'} leave its range?",
        "all of them lie within their range",
        "prometheus",
    )

    def judge(answer: Answer[Any]) -> Judged:
        found = [one for one in _again(bench, answer.data) if one.meaning.family not in PASSIVE]
        if not found:
            return Judged(Verdict.INCONCLUSIVE, "nothing to compare with", "")
        worst = max(found, key=lambda one: one.surprise)
        text = f"the furthest is {worst.key.metric}: {levels(worst)}"
        return Judged(Verdict.SUPPORTED if worst.surprise >= CLEAR else Verdict.REFUTED, text, text)

    selector = f'{{service_name="{quoted(component)}"}}'
    return bench.trial(question, lambda: bench.telemetry.raw(selector, *bench.window), judge)


def hurts(bench: Bench, component: str) -> Trial:
    """Does the component answer worse? A shortage that slows nobody down explains nothing."""
    question = Question(
        f"Does {component} itself answer slower, or fail more often, than before?",
        "its latency, errors and availability lie within their range",
        "prometheus",
    )

    def judge(answer: Answer[Any]) -> Judged:
        found = [one for one in _again(bench, answer.data) if one.meaning.family in TRAVELS]
        if not found:
            return Judged(Verdict.INCONCLUSIVE, "neither its latency nor its errors are measured", "")
        worst = max(found, key=lambda one: one.surprise)
        text = f"the furthest is {worst.key.metric}: {levels(worst)}"
        return _judged(worst, text)._replace(reason=text)

    selector = f'{{service_name="{quoted(component)}"}}'
    return bench.trial(question, lambda: bench.telemetry.raw(selector, *bench.window), judge)


def ends(bench: Bench, component: str) -> Trial:
    """Do the metrics of this component end before detection?"""
    question = Question(
        f"Do metrics of {component} end before detection?", "samples arrive after detection", "prometheus"
    )

    def judge(answer: Answer[Any]) -> Judged:
        last = max((one.times[-1] for one in answer.data if one.times), default=0.0)
        text = f"the last sample is of {moment(last):%H:%M:%S}"
        there = last >= bench.observed.detected
        return Judged(Verdict.REFUTED if there else Verdict.SUPPORTED, text, text)

    selector = f'{{service_name="{quoted(component)}"}}'
    return bench.trial(question, lambda: bench.telemetry.raw(selector, *bench.window), judge)


def onset(observed: Observation, component: str) -> float | None:
    """When the first metric of a component left its range for good, in unix seconds; None if none did.

    For good: every later sample lies more than halfway from the old level to the new one.
    """
    moments = []
    for one in deviations(observed):
        if one.key.component != component or one.surprise < CLEAR or one.meaning.family in PASSIVE:
            continue
        known = [value for value in (one.usual, one.before) if value is not None]
        track = observed.window.tracks[one.key]
        inside = np.flatnonzero(np.abs(track.values - known[0]) < abs(one.now - known[0]) / 2)
        kept = [at for at in inside if track.times[at] <= observed.detected]
        first = int(kept[-1]) + 1 if kept else 0
        if first < len(track.times):
            moments.append(float(track.times[first]))
    return min(moments) if moments else None


def levels(one: Deviation) -> str:
    """The levels that were compared, in words."""
    parts = [f"{one.now:.4g} since detection"]
    if one.before is not None:
        parts.append(f"{one.before:.4g} before")
    if one.usual is not None:
        parts.append(f"{one.usual:.4g} usually")
    return ", ".join(parts)


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
