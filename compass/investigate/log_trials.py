"""Experiments on logs and changes: what is logged otherwise than before, and what was changed first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from compass.adapters.telemetry.answer import Answer
from compass.investigate.experiments import Bench, Judged, Question, Trial, excerpt_of_lines, moment
from compass.investigate.findings import quoted
from compass.investigate.metric_trials import onset
from compass.investigate.statements import ERROR_LEVELS
from compass.investigate.trace_trials import judge_rate
from compass.model.investigation import Verdict
from compass.model.recording import Change, LogLine

_LEVELS: Final = "(?i:error|fatal|critical|severe|panic).*"
_WORDS: Final = "(?i)(error|fatal|critical|severe|panic)"
_BESIDE: Final = ("detected_level", "severity_text", "severity")


def logged(bench: Bench, service: str, text: str) -> Trial:
    """Does a statement come more often (or, if it vanished, less often) than before?"""
    query = f'{{service_name="{quoted(service)}"}} |= "{quoted(constant_part(text))}"'
    question = Question(
        f'Did the rate of "{text}" of {service} change?', "it comes as often as before", "loki"
    )

    def judge(answer: Answer[Any]) -> Judged:
        before, expected, since, told = _rates(bench, answer.data)
        shown = excerpt_of_lines(answer.data)
        if abs(since - expected) > _swing(expected):
            return Judged(Verdict.SUPPORTED, told, shown)
        return Judged(Verdict.REFUTED if before else Verdict.INCONCLUSIVE, told, shown)

    return bench.trial(question, lambda: bench.telemetry.logs(query, *bench.window), judge)


def callees_fail(bench: Bench, service: str) -> Trial | None:
    """Does a callee log new errors? Then the failure came from below. None for a service without callees."""
    below = sorted(bench.observed.callees.get(service, ()))
    if not below:
        return None
    heard = [line for line in bench.observed.window.logs if line.service in below]
    query = errors_of(below, heard)
    question = Question(
        f"Do the callees of {service} log more errors, so that the failure comes from below?",
        "its callees log more errors than before",
        "loki",
    )

    def judge(answer: Answer[Any]) -> Judged:
        _, expected, since, told = _rates(bench, answer.data)
        more = since - expected > _swing(expected)
        return Judged(Verdict.REFUTED if more else Verdict.SUPPORTED, told, excerpt_of_lines(answer.data))

    # Callees that log, but no errors, are as telling as callees that log the same errors as before.
    loud = {line.service for line in heard}
    quiet = Judged(Verdict.SUPPORTED, f"{len(loud)} of {len(below)} callees log, none of them errors", "")
    return bench.trial(
        question, lambda: bench.telemetry.logs(query, *bench.window), judge, quiet if heard else None
    )


def errors_of(services: Sequence[str], lines: Iterable[LogLine]) -> str:
    """The query for the errors of some services: by what tells the level of their `lines`, else by a word in the text.

    Loki keeps the levels that it finds itself beside the line, where a stream selector does not see them.
    """
    names = quoted("|".join(re.escape(name) for name in services))
    stream = f'service_name=~"{names}"'
    known = {name for line in lines for name in line.labels}
    beside = next((name for name in _BESIDE if name in known), None)
    if beside is not None:
        return f'{{{stream}}} | {beside}=~"{_LEVELS}"'
    if "level" in known:
        return f'{{{stream},level=~"{_LEVELS}"}}'
    return f'{{{stream}}} |~ "{_WORDS}"'


def lines(bench: Bench) -> Trial:
    """Is more logged than before, as more work would?"""
    question = Question(
        "Do all components together log more than before, as more work would?",
        "no more is logged than before",
        "loki",
    )
    return bench.trial(
        question,
        lambda: bench.telemetry.logs('{service_name=~".+"}', *bench.window),
        lambda answer: judge_rate(bench, [line.time_ns / 1e9 for line in answer.data], "lines"),
    )


def falls_silent(bench: Bench, component: str) -> Trial:
    """Does the log of this component end before detection?"""
    query = f'{{service_name="{quoted(component)}"}}'
    question = Question(
        f"Does the log of {component} end before detection?", "lines are written after detection", "loki"
    )

    def judge(answer: Answer[Any]) -> Judged:
        last = answer.data[-1].time_ns / 1e9
        text = f"the last line is of {moment(last):%H:%M:%S}"
        there = last >= bench.observed.detected
        return Judged(Verdict.REFUTED if there else Verdict.SUPPORTED, text, text)

    return bench.trial(question, lambda: bench.telemetry.logs(query, *bench.window), judge)


def change_first(bench: Bench, change: Change) -> Trial:
    """Did the change come before the trouble?"""
    name = change.service or "the system"
    question = Question(
        f"Did {name} leave its range only after the {change.type}?",
        "it left its range before the change, or not at all",
        "changes",
    )

    def judge(answer: Answer[Any]) -> Judged:
        known = [one for one in answer.data if one.service == change.service and one.type == change.type]
        shown = "\n".join(
            f"{moment(one.time):%H:%M:%S} {one.type} {one.service}: {one.summary}" for one in known
        )
        if not known or not change.service:
            return Judged(Verdict.INCONCLUSIVE, "the change names no component", shown)
        began = onset(bench.observed, change.service)
        if began is None:
            return Judged(Verdict.REFUTED, f"no metric of {name} left its range", shown)
        text = f"{name} left its range at {moment(began):%H:%M:%S}, the change was at {moment(change.time):%H:%M:%S}"
        early = began < change.time - bench.observed.step
        return Judged(Verdict.REFUTED if early else Verdict.SUPPORTED, text, shown)

    return bench.trial(
        question,
        lambda: bench.telemetry.annotations(change.time - 1, change.time + 1, (change.type,)),
        judge,
    )


def constant_part(statement: str) -> str:
    """The longest constant stretch of a statement, for a line filter, without its level and exception."""
    head, _, rest = statement.partition(" ")
    plain = rest if rest and head.upper().startswith(ERROR_LEVELS) else statement
    parts = [part.strip() for part in re.split(r"<\*>| [A-Z]\w*(?:Exception|Error)$", plain)]
    return max(parts, key=len)[:120]


def _rates(bench: Bench, found: Sequence[LogLine]) -> tuple[int, float, int, str]:
    """Lines before, lines expected since detection at that rate, lines since, and both rates in words."""
    observed = bench.observed
    before = sum(line.time_ns / 1e9 < observed.calm_until for line in found)
    since = sum(observed.detected <= line.time_ns / 1e9 < observed.looked_until for line in found)
    calm = max(1.0, observed.calm_until - observed.first_event) / 60
    loud = max(1.0, observed.looked_until - observed.detected) / 60
    text = f"{since / loud:.1f} lines a minute since detection, {before / calm:.1f} before"
    return before, before / calm * loud, since, text


def _swing(expected: float) -> float:
    """Twice the square root of a count is about half the 95 % range of a Poisson number."""
    return 2 * math.sqrt(max(expected, 1.0)) + 1
