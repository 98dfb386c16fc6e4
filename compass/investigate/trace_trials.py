"""Experiments on spans: where time goes, how requests end, how many there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from compass.adapters.telemetry.answer import Answer
from compass.investigate.calls import failed_span_findings, last_call_findings
from compass.investigate.experiments import Bench, Question, Seen, Trial
from compass.investigate.findings import Finding, quoted
from compass.investigate.observation import Observation, Slice
from compass.investigate.timing import edge_times, span_times
from compass.investigate.traces import Forest
from compass.investigate.verdicts import LONGER
from compass.model.investigation import Rule
from compass.model.recording import Span

Times = list[tuple[float, float]]


def on_the_way(bench: Bench, caller: str, name: str) -> Trial:
    """Do calls from `caller` to `name` spend longer on the way than before? Without a caller: calls that `name` makes."""
    callees = sorted(bench.observed.callees.get(name, ()))
    pairs = [(caller, name)] if caller else [(name, callee) for callee in callees]
    question = Question(
        f"Do calls {f'from {caller} to' if caller else 'by'} {name} spend longer on the way than before?",
        f"the median since detection is less than {LONGER} times the one before",
        "tempo",
    )

    def measure(forest: Forest) -> Times:
        return sorted(one for pair in pairs for one in edge_times(forest, *pair))

    return bench.trial(
        question,
        Rule(name="on_the_way", given={"caller": caller, "service": name}),
        lambda: _spans(bench, *dict.fromkeys(end for pair in pairs for end in pair)),
        lambda answer: _times(bench, answer.data, measure),
    )


def inside(bench: Bench, service: str) -> Trial:
    """Does this service take longer by itself?"""
    refuted = f"the median since detection is less than {LONGER} times the one before"
    return _own_time(bench, service, "inside", refuted)


def not_inside(bench: Bench, service: str) -> Trial:
    """A delay on the way leaves the callee's own work as quick as before."""
    return _own_time(
        bench, service, "not_inside", f"spans of {service} take {LONGER} times as long as before"
    )


def _own_time(bench: Bench, service: str, rule: str, refuted: str) -> Trial:
    question = Question(
        f"Do spans of {service} take longer than before, time in its callees aside?", refuted, "tempo"
    )
    return bench.trial(
        question,
        Rule(name=rule, given={"service": service}),
        lambda: _spans(bench, service, *sorted(bench.observed.callees.get(service, ()))),
        lambda answer: _times(bench, answer.data, lambda part: span_times(part, service)),
    )


def endings(bench: Bench, finding: Finding) -> Trial:
    """Do requests still end as they used to?"""
    service = finding.other or finding.component
    observed = bench.observed
    question = Question(
        f"Do requests of {service} end otherwise than before, because of {finding.component}?",
        "they end as they did before",
        "tempo",
    )

    def measure(answer: Answer[Any]) -> Seen:
        again = Observation(
            observed.detected,
            observed.start,
            observed.end,
            Slice(spans=tuple(answer.data)),
            Slice(spans=observed.baseline.spans),
        )
        found = [
            one
            for one in (*last_call_findings(again), *failed_span_findings(again))
            if one.component == finding.component
        ]
        if not found:
            return Seen({"score": None}, f"{len(answer.data)} spans")
        best = max(found, key=lambda one: one.score)
        return Seen({"score": best.score, "seen": best.text}, best.text)

    callees = sorted(observed.callees.get(service, ()))
    return bench.trial(
        question,
        Rule(name="endings", given={"component": finding.component, "other": finding.other}),
        lambda: _spans(bench, service, *callees),
        measure,
    )


def requests(bench: Bench, service: str) -> Trial:
    """Do more requests arrive than before?"""
    question = Question(
        f"Do more requests arrive at {service or 'the front door'} than before?",
        "no more of them arrive than before",
        "tempo",
    )

    def measure(answer: Answer[Any]) -> Seen:
        forest = Forest.grow(answer.data)
        starts = [span.start_ns / 1e9 for at, span in enumerate(forest.spans) if forest.entry(at)]
        return rates_of(bench, starts)

    def ask() -> Answer[Any]:
        return _spans(bench, service) if service else bench.telemetry.traces("{}", *bench.window)

    return bench.trial(question, Rule(name="requests", given={"service": service}), ask, measure)


def rates_of(bench: Bench, times: Sequence[float]) -> Seen:
    """How often in a second something happened (unix seconds) before and since detection."""
    observed = bench.observed
    calm = max(1.0, observed.calm_until - observed.first_event)
    loud = max(1.0, observed.looked_until - observed.detected)
    before = sum(time < observed.calm_until for time in times) / calm
    since = sum(observed.detected <= time < observed.looked_until for time in times) / loud
    text = f"{since * 60:.0f} a minute since detection, {before * 60:.0f} before"
    return Seen({"before": before, "since": since}, text)


def _times(bench: Bench, spans: Sequence[Span], measure: Callable[[Forest], Times]) -> Seen:
    """How many calls there were on both sides, and the middle one of each; `measure` gives (start, seconds spent)."""
    observed = bench.observed
    times = measure(Forest.grow(spans))
    past = [spent for _, spent in measure(observed.baseline.forest)]
    before = [spent for start, spent in times if start < observed.calm_until] + past
    now = [spent for start, spent in times if observed.detected <= start < observed.looked_until]
    earlier, since = (float(np.median(part)) if part else None for part in (before, now))
    measured = {
        "calls_before": len(before),
        "median_before": earlier,
        "calls_since": len(now),
        "median_since": since,
    }
    shown = [
        f"{name} {seconds * 1000:.6g} ms"
        for name, seconds in (("before", earlier), ("since", since))
        if seconds is not None
    ]
    return Seen(measured, ", ".join(shown))


def _spans(bench: Bench, *services: str) -> Answer[tuple[Span, ...]]:
    names = quoted("|".join(re.escape(name) for name in services))
    return bench.telemetry.traces(f'{{ resource.service.name =~ "{names}" }}', *bench.window)
