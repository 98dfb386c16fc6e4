"""Ask a telemetry server for everything around an incident, and remember every question with the digest of its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from compass.adapters.telemetry.answer import Answer, Kind, Telemetry
from compass.investigate.observation import Observation, SeriesKey, Slice, Track
from compass.investigate.series import ALERTS, SERVICE_GRAPH, calls, tracks
from compass.investigate.together import together
from compass.model.investigation import Incident
from compass.model.recording import Alert, Series

KINDS: Final[tuple[Kind, ...]] = ("metrics", "logs", "traces", "changes")
ALL_METRICS: Final = '{__name__=~".+"}'
ALL_LOGS: Final = '{service_name=~".+"}'
ALL_TRACES: Final = "{}"
_CHANGES_BEFORE: Final = 6 * 3600.0  # a change may take hours to hurt
_LEAD: Final = 600.0  # what was before the window shows what it is to be compared with
Stretch = tuple[float, float]


class Heard(NamedTuple):
    """What was said of one kind of telemetry: rows of the window, rows of the baseline, and what failed."""

    window: list[Any]
    baseline: list[Any]
    failures: list[str]


def observe(
    incident: Incident, telemetry: Telemetry, dependencies: Iterable[tuple[str, str]] = ()
) -> Observation:
    """Metrics, logs, spans, alerts and changes of the window and of the baseline, as many kinds at a time as the source bears.

    `dependencies` are (caller, callee) pairs that are known from elsewhere, such as a catalog.

    A query that fails or is cut, and a kind of telemetry that nobody collects, is listed in `failures`; nothing is
    raised. What is found does not depend on which kind answers first.
    """
    opened, end = incident.window.start.timestamp(), incident.window.end.timestamp()
    window = (opened - _LEAD, end)
    failures = _absent(telemetry)
    metrics, spans, logs, changes = together(
        [
            partial(_heard, telemetry, "metrics", incident, window),
            partial(_heard, telemetry, "traces", incident, window),
            partial(_heard, telemetry, "logs", incident, window),
            partial(_heard, telemetry, "changes", incident, window),
        ],
        telemetry.at_once,
    )
    for heard in (metrics, spans, logs, changes):
        failures += heard.failures
    return Observation(
        detected=incident.detected.timestamp(),
        start=window[0],
        opened=opened,
        end=end,
        window=Slice(_tracks(metrics.window), tuple(spans.window), tuple(logs.window)),
        baseline=Slice(_tracks(metrics.baseline), tuple(spans.baseline), tuple(logs.baseline)),
        graph=tuple(sorted({*calls(metrics.window), *dependencies})),
        alerts=_alerts(metrics.window),
        changes=tuple(changes.window),
        symptom_text=incident.symptom,
        symptom_service=incident.service,
        symptom_metric=incident.metric,
        failures=tuple(failures),
    )


def _tracks(series: Iterable[Series]) -> Mapping[SeriesKey, Track]:
    return tracks(one for one in series if one.name not in {ALERTS, SERVICE_GRAPH})


def _absent(telemetry: Telemetry) -> list[str]:
    """What cannot be asked for at all, and servers that could not be reached."""
    listed = telemetry.datasources()
    lines = list(listed.notes)
    if listed.error is not None:
        lines.append(_failed(listed))
    absent = [kind for kind in KINDS if not telemetry.observes(kind)]
    return [*lines, *(f"no server has a datasource for {kind}" for kind in absent)]


def _past(incident: Incident, window: Stretch) -> list[Stretch]:
    """The baseline's time, without the incident's own window where the two overlap."""
    if incident.baseline is None:
        return []
    first, last = incident.baseline.start.timestamp(), incident.baseline.end.timestamp()
    parts = [(first, min(last, window[0] - 0.001)), (max(first, window[1] + 0.001), last)]
    return [(start, end) for start, end in parts if end > start]


def _heard(telemetry: Telemetry, kind: Kind, incident: Incident, window: Stretch) -> Heard:
    """Everything of one kind; changes have no baseline, but a window that begins hours before."""
    heard = Heard([], [], [])
    if not telemetry.observes(kind):
        return heard
    if kind == "changes":
        window, past = (window[0] - _CHANGES_BEFORE, window[1]), []
    else:
        past = _past(incident, window)
    for rows, stretches in ((heard.window, [window]), (heard.baseline, past)):
        for start, end in stretches:
            answer = _everything(telemetry, kind, start, end)
            rows.extend(answer.data)
            if answer.error is not None:
                heard.failures.append(_failed(answer))
            heard.failures.extend(f"{answer.tool}: {note}" for note in answer.notes)
    return heard


def _failed(answer: Answer[Any]) -> str:
    said = f"{answer.tool} failed: "
    return f"{said}{str(answer.error).removeprefix(said)}"


def _everything(telemetry: Telemetry, kind: Kind, start: float, end: float) -> Answer[Any]:
    if kind == "metrics":
        return telemetry.raw(ALL_METRICS, start, end)
    if kind == "logs":
        return telemetry.logs(ALL_LOGS, start, end)
    if kind == "traces":
        return telemetry.traces(ALL_TRACES, start, end)
    return telemetry.annotations(start, end)


def _alerts(series: Iterable[Series]) -> tuple[Alert, ...]:
    """Alerts as Prometheus keeps them: a series ALERTS for each, present while it fires."""
    found = []
    for one in series:
        if one.name == ALERTS and one.times and one.labels.get("alertstate", "firing") == "firing":
            labels = {key: value for key, value in one.labels.items() if not key.startswith("__")}
            found.append(Alert(one.labels.get("alertname", "?"), labels, one.times[0], None))
    return tuple(sorted(found, key=lambda alert: (alert.starts, alert.name, sorted(alert.labels.items()))))
