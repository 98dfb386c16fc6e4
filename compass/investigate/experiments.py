"""Experiments: one read-only query each, a rule that was fixed before the answer came, and a verdict.

Missing data, and a query that failed, are always inconclusive.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from compass.adapters.telemetry.answer import Answer, Telemetry
from compass.investigate.calls import failed_span_findings, last_call_findings
from compass.investigate.deviation import Deviation, deviations
from compass.investigate.families import Family
from compass.investigate.findings import Finding
from compass.investigate.observation import Observation, Slice
from compass.investigate.series import tracks
from compass.investigate.statements import ERROR_LEVELS
from compass.investigate.timing import edge_times, span_times
from compass.investigate.traces import Forest
from compass.model.entry import TimeWindow
from compass.model.investigation import Datasource, Experiment, Verdict
from compass.model.recording import Change, LogLine, Series, Span

CLEAR: Final = math.log1p(1.5)  # a mean surprise from which on a metric has left its range
EVIDENT: Final = 2.0  # a log Bayes factor from which on a share has changed
PASSIVE: Final = frozenset({Family.TRAFFIC, Family.NETWORK, Family.CLIENT_LATENCY, Family.OTHER})
_FEW: Final = 5
_LONGER: Final = 1.5  # a median that grew by less is no delay
_LINES: Final = 40
_LEVELS: Final = "ERROR|Error|error|FATAL|fatal|CRITICAL|critical|SEVERE|PANIC"


class Judged(NamedTuple):
    """A verdict, why, and the excerpt that shows it."""

    verdict: Verdict
    reason: str
    observed: str


@dataclass(frozen=True)
class Trial:
    """An experiment that has not been run yet."""

    question: str
    refuted_when: str
    run: Callable[[], Experiment]


@dataclass(frozen=True)
class Bench:
    """What every experiment needs: the telemetry to ask and the times that matter."""

    telemetry: Telemetry
    observed: Observation

    def trial(
        self,
        question: str,
        refuted_when: str,
        source: Datasource,
        ask: Callable[[], Answer[Any]],
        judge: Callable[[Answer[Any]], Judged],
    ) -> Trial:
        """An experiment from a query and the rule that judges its answer."""

        def run() -> Experiment:
            answer = ask()
            if answer.error is not None:
                found = Judged(Verdict.INCONCLUSIVE, "the query failed", "")
            elif not answer.data:
                found = Judged(Verdict.INCONCLUSIVE, "there is no data", "")
            else:
                found = judge(answer)
            return Experiment(
                question=question,
                refuted_when=refuted_when,
                datasource=source,
                query=answer.query,
                window=TimeWindow(start=moment(answer.start), end=moment(max(answer.end, answer.start))),
                observed=found.observed[:4096],
                sha256=answer.digest,
                verdict=found.verdict,
                reason=found.reason,
                error=answer.error,
            )

        return Trial(question, refuted_when, run)

    # Metrics

    def level(self, finding: Finding) -> Trial:
        """Did this metric of this component really leave its range?"""
        return self.trial(
            f"Has {finding.metric} of {finding.component} left its usual range since detection?",
            "it lies within the range it had before",
            "prometheus",
            lambda: self._samples(finding.query),
            lambda answer: self._judge_level(finding, answer.data),
        )

    def _samples(self, expr: str) -> Answer[tuple[Series, ...]]:
        start, end = self.observed.start, self.observed.end
        if expr.endswith("}") and " / " not in expr:
            return self.telemetry.raw(expr, start, end)
        return self.telemetry.range_query(expr, start, end, max(1.0, self.observed.step))

    def _judge_level(self, finding: Finding, series: Sequence[Series]) -> Judged:
        found = [
            one
            for one in self._again(series)
            if one.key.component == finding.component or not one.key.component
        ]
        shown = excerpt_of_series(series)
        if not found:
            return Judged(Verdict.INCONCLUSIVE, "nothing to compare the samples with", shown)
        worst = max(found, key=lambda one: one.surprise)
        if worst.surprise >= CLEAR:
            return Judged(Verdict.SUPPORTED, describe_change(worst), shown)
        if worst.surprise < CLEAR / 3:
            return Judged(Verdict.REFUTED, describe_change(worst), shown)
        return Judged(Verdict.INCONCLUSIVE, describe_change(worst), shown)

    def _again(self, series: Sequence[Series]) -> list[Deviation]:
        """Deviations computed from the answer alone, with the baseline known from before."""
        return deviations(Observation(
            self.observed.detected, self.observed.start, self.observed.end,
            Slice(tracks(series)), Slice(self.observed.baseline.tracks),
        ))  # fmt: skip

    def peers(self, finding: Finding, group: Sequence[Deviation]) -> Trial:
        """Is it this component, or did most components move alike?"""
        name = finding.query.partition("{")[0].removeprefix("rate(")
        return self.trial(
            f"Is {finding.component} alone with its {finding.metric}, or did most components move alike?",
            "at least half of the components moved as far",
            "prometheus",
            lambda: self._samples(f'{{__name__="{name}"}}'),
            lambda answer: self._judge_peers(finding, answer.data, group),
        )

    def _judge_peers(self, finding: Finding, series: Sequence[Series], group: Sequence[Deviation]) -> Judged:
        moved: dict[str, float] = {}
        for one in self._again(series) or group:
            moved[one.key.component] = max(one.surprise, moved.get(one.key.component, 0.0))
        own = moved.pop(finding.component, None)
        if own is None or len(moved) < 2:
            return Judged(Verdict.INCONCLUSIVE, "too few components have this metric", "")
        ordered = sorted(moved.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = "\n".join(f"{name} {score:.2f}" for name, score in [(finding.component, own), *ordered[:20]])
        alike = sum(score >= own for score in moved.values())
        text = f"{alike} of {len(moved)} others moved as far or further"
        if own <= 0 or alike * 2 >= len(moved):
            return Judged(Verdict.REFUTED, text, shown)
        return Judged(
            Verdict.SUPPORTED if alike <= max(1, len(moved) // 10) else Verdict.INCONCLUSIVE, text, shown
        )

    # Traces

    def on_the_way(self, caller: str, callee: str) -> Trial:
        """Do calls between these two spend longer on the way than before?"""
        return self.trial(
            f"Do calls from {caller} to {callee} spend longer on the way than before?",
            f"the median since detection is less than {_LONGER} times the one before",
            "tempo",
            lambda: self._spans(caller, callee),
            lambda answer: self._judge_times(answer.data, lambda part: edge_times(part, caller, callee)),
        )

    def inside(self, service: str) -> Trial:
        """Does this service take longer by itself?"""
        return self.trial(
            f"Do spans of {service} take longer than before, time in its callees aside?",
            f"the median since detection is less than {_LONGER} times the one before",
            "tempo",
            lambda: self._spans(service, *sorted(self.observed.callees.get(service, ()))),
            lambda answer: self._judge_times(answer.data, lambda part: span_times(part, service)),
        )

    def not_inside(self, service: str) -> Trial:
        """A delay on the way leaves the callee's own work as quick as before."""
        plain = self.inside(service)

        def run() -> Experiment:
            done = plain.run()
            turned = {Verdict.SUPPORTED: Verdict.REFUTED, Verdict.REFUTED: Verdict.SUPPORTED}
            return done.model_copy(
                update={"refuted_when": refuted, "verdict": turned.get(done.verdict, done.verdict)}
            )

        refuted = f"spans of {service} take {_LONGER} times as long as before"
        return Trial(plain.question, refuted, run)

    def _spans(self, *services: str) -> Answer[tuple[Span, ...]]:
        names = "|".join(re.escape(name).replace("\\", "\\\\").replace('"', '\\"') for name in services)
        query = f'{{ resource.service.name =~ "{names}" }}'
        return self.telemetry.traces(query, self.observed.start, self.observed.end)

    def _judge_times(
        self, spans: Sequence[Span], measure: Callable[[Forest], list[tuple[float, float]]]
    ) -> Judged:
        """`measure` gives (start in unix seconds, seconds spent); both sides need enough of them."""
        times = measure(Forest.grow(spans))
        past = [spent for _, spent in measure(self.observed.baseline.forest)]
        before = [spent for start, spent in times if start < self.observed.calm_until] + past
        now = [
            spent for start, spent in times if self.observed.detected <= start < self.observed.looked_until
        ]
        if len(before) < _FEW or not now:
            text = f"{len(before)} calls before and {len(now)} since detection are too few"
            return Judged(Verdict.INCONCLUSIVE, text, "")
        earlier, since = float(np.median(before)), float(np.median(now))
        text = (
            f"median {since * 1000:.3g} ms over {len(now)}, {earlier * 1000:.3g} ms over {len(before)} before"
        )
        longer = (since + 0.001) / (earlier + 0.001)
        return Judged(Verdict.SUPPORTED if longer >= _LONGER else Verdict.REFUTED, text, text)

    # Logs

    def logged(self, service: str, text: str, question: str) -> Trial:
        """Does a statement come more often (or, if it vanished, less often) than before?"""
        constant = constant_part(text)
        query = f'{{service_name="{_quoted(service)}"}} |= "{_quoted(constant)}"'
        return self.trial(
            question,
            "it comes as often as before",
            "loki",
            lambda: self.telemetry.logs(query, self.observed.start, self.observed.end),
            lambda answer: self._judge_lines(answer.data),
        )

    def _judge_lines(self, lines: Sequence[LogLine]) -> Judged:
        observed = self.observed
        before = sum(line.time_ns / 1e9 < observed.calm_until for line in lines)
        since = sum(observed.detected <= line.time_ns / 1e9 < observed.looked_until for line in lines)
        calm = max(1.0, observed.calm_until - observed.first_event) / 60
        loud = max(1.0, observed.looked_until - observed.detected) / 60
        text = f"{since / loud:.1f} lines a minute since detection, {before / calm:.1f} before"
        shown = excerpt_of_lines(lines)
        # Twice the square root of a count is about the 95 % range of a Poisson number.
        expected = before / calm * loud
        swing = 2 * math.sqrt(max(expected, 1.0))
        if abs(since - expected) > swing + 1:
            return Judged(Verdict.SUPPORTED, text, shown)
        return Judged(Verdict.REFUTED if before else Verdict.INCONCLUSIVE, text, shown)

    def callees_fail(self, service: str) -> Trial | None:
        """Does a callee log new errors? Then the failure came from below."""
        below = sorted(self.observed.callees.get(service, ()))
        if not below:
            return None
        names = "|".join(re.escape(name) for name in below)
        query = f'{{service_name=~"{_quoted(names)}",level=~"{_LEVELS}"}}'

        def judge(answer: Answer[Any]) -> Judged:
            found = self._judge_lines(answer.data)
            if found.verdict is Verdict.SUPPORTED:
                return Judged(
                    Verdict.REFUTED, f"callees log other errors than before: {found.reason}", found.observed
                )
            return Judged(
                Verdict.SUPPORTED, f"callees log as few errors as before: {found.reason}", found.observed
            )

        def ask() -> Answer[Any]:
            return self.telemetry.logs(query, self.observed.start, self.observed.end)

        question = f"Do the callees of {service} log new errors, so that the failure comes from below?"
        return self.trial(question, "errors of its callees changed at detection", "loki", ask, judge)

    def endings(self, finding: Finding) -> Trial:
        """Do requests still end as they used to?"""
        service = finding.other or finding.component

        def judge(answer: Answer[Any]) -> Judged:
            again = Observation(
                self.observed.detected,
                self.observed.start,
                self.observed.end,
                Slice(spans=tuple(answer.data)),
                Slice(spans=self.observed.baseline.spans),
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

        question = f"Do requests of {service} end otherwise than before, because of {finding.component}?"
        return self.trial(
            question, "they end as they did before", "tempo",
            lambda: self._spans(service, *sorted(self.observed.callees.get(service, ()))), judge,
        )  # fmt: skip

    # Changes, load, silence

    def change_first(self, change: Change) -> Trial:
        """Did the change come before the trouble?"""

        def judge(answer: Answer[Any]) -> Judged:
            known = [one for one in answer.data if one.service == change.service and one.type == change.type]
            shown = "\n".join(
                f"{moment(one.time):%H:%M:%S} {one.type} {one.service}: {one.summary}" for one in known
            )
            if not known:
                return Judged(Verdict.INCONCLUSIVE, "the change is not recorded", shown)
            began = self.onset(change.service)
            if began is None:
                return Judged(Verdict.REFUTED, f"no metric of {change.service} left its range", shown)
            text = f"{change.service} left its range at {moment(began):%H:%M:%S}, the change was at {moment(change.time):%H:%M:%S}"
            early = began < change.time - self.observed.step
            return Judged(Verdict.REFUTED if early else Verdict.SUPPORTED, text, shown)

        return self.trial(
            f"Did {change.service or 'anything'} leave its range only after the {change.type}?",
            "it left its range before the change, or not at all",
            "changes",
            lambda: self.telemetry.annotations(change.time - 1, change.time + 1, (change.type,)),
            judge,
        )

    def onset(self, component: str) -> float | None:
        """When the first metric of a component left its range for good, in unix seconds; None if none did."""
        moments = []
        for one in deviations(self.observed):
            if one.key.component == component and one.surprise >= CLEAR and one.meaning.family not in PASSIVE:
                level = one.usual if one.usual is not None else one.before
                track = self.observed.window.tracks[one.key]
                half = abs(one.now - (level or 0.0)) / 2
                out = abs(track.values - (level or 0.0)) >= half
                back = np.flatnonzero(~out)
                first = int(back[-1]) + 1 if len(back) and not out[-1:].all() else int(np.argmax(out))
                if out.any() and first < len(track.times):
                    moments.append(float(track.times[first]))
        return min(moments) if moments else None

    def any_level(self, component: str) -> Trial:
        """Did any metric of this component leave its range?"""
        selector = f'{{service_name="{_quoted(component)}"}}'

        def judge(answer: Answer[Any]) -> Judged:
            again = [one for one in self._again(answer.data) if one.meaning.family not in PASSIVE]
            if not again:
                return Judged(Verdict.INCONCLUSIVE, "nothing to compare with", "")
            worst = max(again, key=lambda one: one.surprise)
            text = f"the furthest is {worst.key.metric}: {describe_change(worst)}"
            return Judged(Verdict.SUPPORTED if worst.surprise >= CLEAR else Verdict.REFUTED, text, text)

        return self.trial(
            f"Did any metric of {component or 'the changed component'} leave its range?",
            "all of them lie within their range",
            "prometheus",
            lambda: self.telemetry.raw(selector, self.observed.start, self.observed.end),
            judge,
        )

    def requests(self, service: str) -> Trial:
        """Do more requests arrive than before?"""

        def judge(answer: Answer[Any]) -> Judged:
            forest = Forest.grow(answer.data)
            starts = [span.start_ns / 1e9 for at, span in enumerate(forest.spans) if forest.entry(at)]
            return self._judge_rate(starts, "requests")

        return self.trial(
            f"Do more requests arrive at {service or 'the front door'} than before?",
            "no more of them arrive than before",
            "tempo",
            lambda: (
                self._spans(service)
                if service
                else self.telemetry.traces("{}", self.observed.start, self.observed.end)
            ),
            judge,
        )

    def lines(self) -> Trial:
        """Is more logged than before, as more work would?"""
        return self.trial(
            "Do all components together log more than before, as more work would?",
            "no more is logged than before",
            "loki",
            lambda: self.telemetry.logs('{service_name=~".+"}', self.observed.start, self.observed.end),
            lambda answer: self._judge_rate([line.time_ns / 1e9 for line in answer.data], "lines"),
        )

    def _judge_rate(self, times: Sequence[float], what: str) -> Judged:
        observed = self.observed
        calm = max(1.0, observed.calm_until - observed.first_event)
        loud = max(1.0, observed.looked_until - observed.detected)
        before = sum(time < observed.calm_until for time in times) / calm
        since = sum(observed.detected <= time < observed.looked_until for time in times) / loud
        text = f"{since * 60:.0f} {what} a minute since detection, {before * 60:.0f} before"
        if not before:
            return Judged(Verdict.INCONCLUSIVE, text, text)
        more = since / before
        verdict = (
            Verdict.SUPPORTED if more >= _LONGER else Verdict.REFUTED if more < 1.2 else Verdict.INCONCLUSIVE
        )
        return Judged(verdict, text, text)

    def still_there(self, component: str) -> Trial:
        """Are there metrics of this component since detection?"""
        selector = f'{{service_name="{_quoted(component)}"}}'

        def judge(answer: Answer[Any]) -> Judged:
            last = max((one.times[-1] for one in answer.data if one.times), default=0.0)
            text = f"the last sample is of {moment(last):%H:%M:%S}" if last else "there is no sample"
            there = last >= self.observed.detected
            return Judged(Verdict.REFUTED if there else Verdict.SUPPORTED, text, text)

        start, end = self.observed.start, self.observed.end
        question = f"Do metrics of {component} end before detection?"
        return self.trial(
            question,
            "samples arrive after detection",
            "prometheus",
            lambda: self.telemetry.raw(selector, start, end),
            judge,
        )

    def still_logs(self, component: str) -> Trial:
        """Does the component still log?"""
        query = f'{{service_name="{_quoted(component)}"}}'

        def judge(answer: Answer[Any]) -> Judged:
            last = answer.data[-1].time_ns / 1e9
            text = f"the last line is of {moment(last):%H:%M:%S}"
            return Judged(
                Verdict.REFUTED if last >= self.observed.detected else Verdict.SUPPORTED, text, text
            )

        question = f"Does the log of {component} end before detection?"
        return self.trial(
            question, "lines are written after detection", "loki",
            lambda: self.telemetry.logs(query, self.observed.start, self.observed.end), judge,
        )  # fmt: skip


def constant_part(statement: str) -> str:
    """The longest constant stretch of a statement, for a line filter; its class and line where it names a place."""
    plain = (
        statement.split(" ", 1)[-1]
        if statement.split(" ", 1)[0].upper().startswith(ERROR_LEVELS)
        else statement
    )
    parts = [part.strip() for part in plain.split("<*>")]
    return max(parts, key=len)[:120]


def excerpt_of_series(series: Sequence[Series], most: int = _LINES) -> str:
    """A few samples of each series, evenly spread."""
    lines: list[str] = []
    for one in series:
        labels = ",".join(
            f'{name}="{value}"' for name, value in sorted(one.labels.items()) if name != "__name__"
        )
        lines.append(f"{one.name}{{{labels}}}")
        step = max(1, len(one.times) // 12)
        for time, value in list(zip(one.times, one.values, strict=True))[::step]:
            lines.append(f"{moment(time):%Y-%m-%dT%H:%M:%SZ} {value:.6g}")
        if len(lines) > most:
            break
    return "\n".join(lines[:most])


def excerpt_of(rows: Sequence[Any]) -> Judged:
    """Any answer, for a person to judge."""
    if rows and isinstance(rows[0], Series):
        shown = excerpt_of_series(rows)
    elif rows and isinstance(rows[0], LogLine):
        shown = excerpt_of_lines(rows)
    else:
        shown = f"{len(rows)} spans"
    return Judged(Verdict.INCONCLUSIVE, "for a person to judge", shown)


def excerpt_of_lines(lines: Sequence[LogLine], most: int = 5) -> str:
    """How many lines there are, and the first few."""
    shown = [
        f"{moment(line.time_ns / 1e9):%H:%M:%S} {line.service} {line.level} {line.message[:200]}"
        for line in lines[:most]
    ]
    return "\n".join([f"{len(lines)} lines, the first {len(shown)}:", *shown])


def describe_change(one: Deviation) -> str:
    """The levels that were compared, in words."""
    parts = [f"{one.now:.4g} since detection"]
    if one.before is not None:
        parts.append(f"{one.before:.4g} before")
    if one.usual is not None:
        parts.append(f"{one.usual:.4g} usually")
    return ", ".join(parts)


def moment(seconds: float) -> datetime:
    """Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
