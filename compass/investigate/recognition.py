"""A match that would have recognized this incident, built from signals that really held; replayed before it is offered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from compass.investigate.experiments import Bench
from compass.investigate.findings import quoted
from compass.investigate.metric_trials import CLEAR, PASSIVE
from compass.investigate.ranking import Ranking
from compass.investigate.statements import is_error, plain
from compass.model.match import AlertSignal, ChangeSignal, Count, LogSignal, Match, MetricSignal, Signal
from compass.replay.evaluate import evaluate

_WINDOW: Final = "30m"
_LINES: Final = 3
_METRICS: Final = 2
_NUMBER: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27,}\b|\b[0-9a-f]{12,}\b|\d+(?:\.\d+)?")


def recognize(bench: Bench, ranking: Ranking, component: str) -> Match | None:
    """A match for the trouble of one component, true during the incident and not true before; None if there is none.

    Signals are alerts, changes, metrics and error lines of the component that hold by themselves on replay.
    """
    observed = bench.observed
    calm = observed.calm_moment
    kept: dict[str, Signal] = {}
    for name, signal in _candidates(bench, ranking, component):
        alone = Match(window=_WINDOW, signals={name: signal}, condition=name)
        if evaluate(alone, bench.telemetry, observed.end, observed.detected).truth is not True:
            continue
        before = None if calm is None else evaluate(alone, bench.telemetry, calm).truth
        if isinstance(signal, ChangeSignal) or before is not True:
            kept[name] = signal
    telling = [name for name, signal in kept.items() if not isinstance(signal, ChangeSignal)]
    if not telling:
        return None
    match = Match(
        window=_WINDOW,
        signals=kept,
        condition=" and ".join(telling[:2])
        if len(telling) < 3
        else f"{telling[0]} and ({' or '.join(telling[1:])})",
        weights={name: round(1 / len(kept), 2) for name in kept},
    )
    holds = evaluate(match, bench.telemetry, observed.end, observed.detected).truth is True
    return match if holds else None


def _candidates(bench: Bench, ranking: Ranking, component: str) -> Iterator[tuple[str, Signal]]:
    yield from _metrics(ranking, component)
    yield from _logs(bench, component)
    observed = bench.observed
    firing = sorted(
        {alert.name for alert in observed.alerts if alert.labels.get("service_name") == component}
    )
    for number, alert in enumerate(firing[:2], 1):
        matchers = (f'alertname="{quoted(alert)}"', f'service_name="{quoted(component)}"')
        yield f"alert_{number}", AlertSignal(type="alert", matchers=matchers)
    changes = [one for one in observed.changes if one.service == component and one.time <= observed.detected]
    if changes:
        matcher = (f'service_name="{quoted(component)}"',)
        yield "changed", ChangeSignal(type="change", change=changes[-1].type, matchers=matcher, within="60m")


def _metrics(ranking: Ranking, component: str) -> Iterator[tuple[str, Signal]]:
    """The metrics that moved furthest, with a threshold halfway between the old level and the new one."""
    moved = sorted(
        (
            one
            for one in ranking.deviations
            if one.key.component == component and one.surprise >= CLEAR and one.meaning.family not in PASSIVE
        ),
        key=lambda one: (-one.surprise, one.key),
    )
    names: set[str] = set()
    for one in moved:
        if one.key.metric in names or len(names) >= _METRICS or not one.expr:
            continue
        names.add(one.key.metric)
        known = [value for value in (one.usual, one.before) if value is not None]
        old = max(known) if one.now > max(known) else min(known)
        threshold = float(f"{(old + one.now) / 2:.3g}")
        yield (
            f"level_{len(names)}",
            MetricSignal(
                type="metric", promql=one.expr, op="gte" if one.now > old else "lte", value=threshold
            ),
        )


def _logs(bench: Bench, component: str) -> Iterator[tuple[str, Signal]]:
    """The error line that is most frequent since detection."""
    observed = bench.observed
    counts: dict[str, int] = {}
    for line in observed.window.logs:
        if line.service == component and is_error(line.level) and line.time_ns / 1e9 >= observed.detected:
            template = template_of(line.message)
            counts[template] = counts.get(template, 0) + 1
    if counts:
        best = max(counts, key=lambda text: (counts[text], text))
        if len(best) > 8 and counts[best] >= _LINES:
            matcher = (f'service_name="{quoted(component)}"',)
            yield "line", LogSignal(type="log", template=best, matchers=matcher, count=Count(gte=_LINES))


def template_of(message: str) -> str:
    """A line with `<*>` for its numbers and ids: what the line says, wherever it is said."""
    first = plain(message).splitlines()
    text = _NUMBER.sub("<*>", first[0] if first else "")[:160]
    return re.sub(r"<\*>(?:[\s.:,/-]*<\*>)+", "<*>", text).strip()
