"""Ask a telemetry server for everything around an incident, and remember every question with the digest of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from compass.adapters.telemetry.answer import Answer, Kind, Telemetry
from compass.investigate.observation import Observation, Slice
from compass.investigate.series import ALERTS, SERVICE_GRAPH, calls, tracks
from compass.model.investigation import Incident
from compass.model.recording import Alert, Change, LogLine, Series, Span

KINDS: Final[tuple[Kind, ...]] = ("metrics", "logs", "traces", "changes")
ALL_METRICS: Final = '{__name__=~".+"}'
ALL_LOGS: Final = '{service_name=~".+"}'
ALL_TRACES: Final = "{}"
_CHANGES_BEFORE: Final = 6 * 3600.0  # a change may take hours to hurt
_LEAD: Final = 600.0  # what was before the window shows what it is to be compared with
Stretch = tuple[float, float]


def observe(
    incident: Incident, telemetry: Telemetry, dependencies: Iterable[tuple[str, str]] = ()
) -> Observation:
    """Metrics, logs, spans, alerts and changes of the window and of the baseline.

    `dependencies` are (caller, callee) pairs that are known from elsewhere, such as a catalog.

    A query that fails or is cut, and a kind of telemetry that nobody collects, is listed in `failures`; nothing is
    raised.
    """
    opened, end = incident.window.start.timestamp(), incident.window.end.timestamp()
    window = (opened - _LEAD, end)
    failures = _absent(telemetry)
    series = _metrics(telemetry, [window], failures)
    own = [one for one in series if one.name not in {ALERTS, SERVICE_GRAPH}]
    return Observation(
        detected=incident.detected.timestamp(),
        start=window[0],
        opened=opened,
        end=end,
        window=Slice(
            tracks(own), _spans(telemetry, [window], failures), _logs(telemetry, [window], failures)
        ),
        baseline=_baseline(incident, telemetry, window, failures),
        graph=tuple(sorted({*calls(series), *dependencies})),
        alerts=_alerts(series),
        changes=_changes(telemetry, (window[0] - _CHANGES_BEFORE, window[1]), failures),
        symptom_text=incident.symptom,
        symptom_service=incident.service,
        symptom_metric=incident.metric,
        failures=tuple(failures),
    )


def _absent(telemetry: Telemetry) -> list[str]:
    """What cannot be asked for at all, and servers that could not be reached."""
    listed = telemetry.datasources()
    lines = list(listed.notes)
    if listed.error is not None:
        lines.append(f"{listed.tool} failed: {listed.error}")
    absent = [kind for kind in KINDS if not telemetry.observes(kind)]
    return [*lines, *(f"no server has a datasource for {kind}" for kind in absent)]


def _baseline(incident: Incident, telemetry: Telemetry, window: Stretch, failures: list[str]) -> Slice:
    """The baseline's time, without the incident's own window where the two overlap."""
    if incident.baseline is None:
        return Slice()
    first, last = incident.baseline.start.timestamp(), incident.baseline.end.timestamp()
    parts = [(first, min(last, window[0] - 0.001)), (max(first, window[1] + 0.001), last)]
    stretches = [(start, end) for start, end in parts if end > start]
    series = _metrics(telemetry, stretches, failures)
    return Slice(
        tracks(one for one in series if one.name not in {ALERTS, SERVICE_GRAPH}),
        _spans(telemetry, stretches, failures),
        _logs(telemetry, stretches, failures),
    )


def _metrics(telemetry: Telemetry, stretches: Iterable[Stretch], failures: list[str]) -> list[Series]:
    if not telemetry.observes("metrics"):
        return []
    return _gather(lambda start, end: telemetry.raw(ALL_METRICS, start, end), stretches, failures)


def _logs(telemetry: Telemetry, stretches: Iterable[Stretch], failures: list[str]) -> tuple[LogLine, ...]:
    if not telemetry.observes("logs"):
        return ()
    return tuple(_gather(lambda start, end: telemetry.logs(ALL_LOGS, start, end), stretches, failures))


def _spans(telemetry: Telemetry, stretches: Iterable[Stretch], failures: list[str]) -> tuple[Span, ...]:
    if not telemetry.observes("traces"):
        return ()
    return tuple(_gather(lambda start, end: telemetry.traces(ALL_TRACES, start, end), stretches, failures))


def _changes(telemetry: Telemetry, stretch: Stretch, failures: list[str]) -> tuple[Change, ...]:
    if not telemetry.observes("changes"):
        return ()
    return tuple(_gather(telemetry.annotations, [stretch], failures))


def _gather(
    ask: Callable[[float, float], Answer[Any]], stretches: Iterable[Stretch], failures: list[str]
) -> list[Any]:
    rows: list[Any] = []
    for start, end in stretches:
        answer = ask(start, end)
        rows += answer.data
        if answer.error is not None:
            failures.append(f"{answer.tool} failed: {answer.error}")
        failures += [f"{answer.tool}: {note}" for note in answer.notes]
    return rows


def _alerts(series: Iterable[Series]) -> tuple[Alert, ...]:
    """Alerts as Prometheus keeps them: a series ALERTS for each, present while it fires."""
    found = []
    for one in series:
        if one.name == ALERTS and one.times and one.labels.get("alertstate", "firing") == "firing":
            labels = {key: value for key, value in one.labels.items() if not key.startswith("__")}
            found.append(Alert(one.labels.get("alertname", "?"), labels, one.times[0], None))
    return tuple(sorted(found, key=lambda alert: (alert.starts, alert.name, sorted(alert.labels.items()))))
