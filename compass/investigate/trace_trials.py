"""Experiments on spans: where time goes, how requests end, how many there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from compass.adapters.telemetry.answer import Answer
from compass.investigate.calls import failed_span_findings, last_call_findings
from compass.investigate.experiments import LONGER, Bench, Judged, Question, Trial
from compass.investigate.findings import Finding, quoted
from compass.investigate.observation import Observation, Slice
from compass.investigate.timing import edge_times, span_times
from compass.investigate.traces import Forest
from compass.model.investigation import Experiment, Verdict
from compass.model.recording import Span

EVIDENT: Final = 2.0  # a log Bayes factor from which on a share has changed
_FEW: Final = 5
_MORE: Final = 1.2
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
        lambda: _spans(bench, *dict.fromkeys(end for pair in pairs for end in pair)),
        lambda answer: _judge_times(bench, answer.data, measure),
    )


def inside(bench: Bench, service: str) -> Trial:
    """Does this service take longer by itself?"""
    question = Question(
        f"Do spans of {service} take longer than before, time in its callees aside?",
        f"the median since detection is less than {LONGER} times the one before",
        "tempo",
    )
    return bench.trial(
        question,
        lambda: _spans(bench, service, *sorted(bench.observed.callees.get(service, ()))),
        lambda answer: _judge_times(bench, answer.data, lambda part: span_times(part, service)),
    )


def not_inside(bench: Bench, service: str) -> Trial:
    """A delay on the way leaves the callee's own work as quick as before."""
    plain = inside(bench, service)
    refuted = f"spans of {service} take {LONGER} times as long as before"
    turned = {Verdict.SUPPORTED: Verdict.REFUTED, Verdict.REFUTED: Verdict.SUPPORTED}

    def run() -> Experiment:
        done = plain.run()
        verdict = turned.get(done.verdict, done.verdict)
        return done.model_copy(update={"refuted_when": refuted, "verdict": verdict})

    return Trial(plain.question, refuted, run)


def endings(bench: Bench, finding: Finding) -> Trial:
    """Do requests still end as they used to?"""
    service = finding.other or finding.component
    observed = bench.observed
    question = Question(
        f"Do requests of {service} end otherwise than before, because of {finding.component}?",
        "they end as they did before",
        "tempo",
    )

    def judge(answer: Answer[Any]) -> Judged:
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
            return Judged(Verdict.REFUTED, "requests end as they did before", f"{len(answer.data)} spans")
        best = max(found, key=lambda one: one.score)
        verdict = Verdict.SUPPORTED if best.score >= EVIDENT else Verdict.INCONCLUSIVE
        return Judged(verdict, best.text, best.text)

    callees = sorted(observed.callees.get(service, ()))
    return bench.trial(question, lambda: _spans(bench, service, *callees), judge)


def requests(bench: Bench, service: str) -> Trial:
    """Do more requests arrive than before?"""
    question = Question(
        f"Do more requests arrive at {service or 'the front door'} than before?",
        "no more of them arrive than before",
        "tempo",
    )

    def judge(answer: Answer[Any]) -> Judged:
        forest = Forest.grow(answer.data)
        starts = [span.start_ns / 1e9 for at, span in enumerate(forest.spans) if forest.entry(at)]
        return judge_rate(bench, starts, "requests")

    def ask() -> Answer[Any]:
        return _spans(bench, service) if service else bench.telemetry.traces("{}", *bench.window)

    return bench.trial(question, ask, judge)


def judge_rate(bench: Bench, times: Sequence[float], what: str) -> Judged:
    """Whether events (unix seconds) come more often since detection than before."""
    observed = bench.observed
    calm = max(1.0, observed.calm_until - observed.first_event)
    loud = max(1.0, observed.looked_until - observed.detected)
    before = sum(time < observed.calm_until for time in times) / calm
    since = sum(observed.detected <= time < observed.looked_until for time in times) / loud
    text = f"{since * 60:.0f} {what} a minute since detection, {before * 60:.0f} before"
    if not before:
        return Judged(Verdict.INCONCLUSIVE, text, text)
    more = since / before
    weak = Verdict.REFUTED if more < _MORE else Verdict.INCONCLUSIVE
    return Judged(Verdict.SUPPORTED if more >= LONGER else weak, text, text)


def _judge_times(bench: Bench, spans: Sequence[Span], measure: Callable[[Forest], Times]) -> Judged:
    """`measure` gives (start in unix seconds, seconds spent); both sides need enough of them."""
    observed = bench.observed
    times = measure(Forest.grow(spans))
    past = [spent for _, spent in measure(observed.baseline.forest)]
    before = [spent for start, spent in times if start < observed.calm_until] + past
    now = [spent for start, spent in times if observed.detected <= start < observed.looked_until]
    if len(before) < _FEW or not now:
        text = f"{len(before)} calls before and {len(now)} since detection are too few"
        return Judged(Verdict.INCONCLUSIVE, text, "")
    earlier, since = float(np.median(before)), float(np.median(now))
    text = f"median {since * 1000:.3g} ms over {len(now)}, {earlier * 1000:.3g} ms over {len(before)} before"
    longer = (since + 0.001) / (earlier + 0.001)
    return Judged(Verdict.SUPPORTED if longer >= LONGER else Verdict.REFUTED, text, text)


def _spans(bench: Bench, *services: str) -> Answer[tuple[Span, ...]]:
    names = quoted("|".join(re.escape(name) for name in services))
    return bench.telemetry.traces(f'{{ resource.service.name =~ "{names}" }}', *bench.window)
