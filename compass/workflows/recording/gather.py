"""Everything of a window, and of a fault-free time, from the servers; what cannot be had is noted, never passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from compass.adapters.telemetry.answer import Kind, Telemetry
from compass.errors import OutsideError
from compass.model.recording import RecordedTelemetry, Span, Window
from compass.workflows.recording import ask_metrics, ask_rows
from compass.workflows.recording.request import Gathered, Notes, Request, Told, listed
from compass.workflows.recording.sources import Sources

T = TypeVar("T")
KINDS: Final[tuple[Kind, ...]] = ("metrics", "logs", "traces", "changes")


def gather(sources: Sources, request: Request, notes: Notes, told: Told) -> Gathered:
    """The telemetry of the request's window and history.

    Raises OutsideError when the servers have nothing of the window, so that no empty recording comes of it.
    """
    absent = [kind for kind in KINDS if sources.of(kind) is None]
    if absent:
        notes.add(f"no server has {listed(absent)}")
    own = _window(sources, request, request.window, notes, told)
    if not (own.series or own.logs or own.spans):
        raise OutsideError(
            "the telemetry servers gave no metrics, logs or traces of this window",
            hint="; ".join(notes.lines[:3])
            or "is the window right, and do series carry the name of their service?",
        )
    if request.history is None:
        return Gathered(own)
    inner = Notes(notes.told)
    past = _past(sources, request, request.history, inner, told)
    for line in inner.lines:
        notes.add(f"history: {line}")
    known = {frozenset(one.labels.items()) for one in own.series}
    series = tuple(one for one in past.series if frozenset(one.labels.items()) in known)
    return Gathered(own, RecordedTelemetry(series, past.logs, past.spans, present=past.present))


def _window(
    sources: Sources, request: Request, window: Window, notes: Notes, told: Told
) -> RecordedTelemetry:
    start, end = window.seconds
    past = _past(sources, request, window, notes, told)
    told("alerts, changes, call graph")
    metrics, changes = sources.of("metrics"), sources.of("changes")
    alerts = metrics and ask_metrics.alerts(metrics, start, end, notes)
    made = changes and ask_rows.changes(changes, start, end, notes)
    edges = calls(past.spans) | (ask_metrics.edges(metrics, start, end, notes) if metrics else set())
    there = {"alerts": alerts is not None, "changes": made is not None, "graph": bool(edges)}
    return RecordedTelemetry(
        past.series,
        past.logs,
        past.spans,
        alerts or (),
        made or (),
        tuple(sorted(edges)),
        past.present | {kind for kind, present in there.items() if present},
    )


def _past(sources: Sources, request: Request, window: Window, notes: Notes, told: Told) -> RecordedTelemetry:
    start, end = window.seconds
    series = _asked(
        sources.of("metrics"), lambda one: ask_metrics.metrics(one, request.metrics, start, end, notes, told)
    )
    logs = _asked(sources.of("logs"), lambda one: ask_rows.logs(one, request.logs, start, end, notes, told))
    spans = _asked(sources.of("traces"), lambda one: ask_rows.traces(one, start, end, notes, told))
    there: dict[str, Any] = {"metrics": series, "logs": logs, "traces": spans}
    present = frozenset(kind for kind, rows in there.items() if rows is not None)
    return RecordedTelemetry(series or (), logs or (), spans or (), present=present)


def _asked(telemetry: Telemetry | None, ask: Callable[[Telemetry], T | None]) -> T | None:
    return None if telemetry is None else ask(telemetry)


def calls(spans: tuple[Span, ...]) -> set[tuple[str, str]]:
    """Caller and callee of every span whose parent belongs to another service."""
    owner = {(span.trace, span.span): span.service for span in spans}
    pairs = {(owner.get((span.trace, span.parent), ""), span.service) for span in spans if span.parent}
    return {(caller, callee) for caller, callee in pairs if caller and callee and caller != callee}
