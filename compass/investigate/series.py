"""Series as a backend stores them become tracks that can be compared: counters as rates, histograms as means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from compass.investigate.families import meaning
from compass.investigate.findings import quoted
from compass.investigate.observation import Floats, SeriesKey, Track
from compass.investigate.summed import is_sum
from compass.model.recording import Series

ALERTS: Final = "ALERTS"
SERVICE_GRAPH: Final = "traces_service_graph_request_total"
COMPONENT_LABELS: Final = (
    "service_name", "service", "component", "app", "job", "workload", "deployment", "container", "pod", "node",
    "instance",
)  # fmt: skip
OF_THE_SCRAPE: Final = "scrape_"  # what Prometheus tells of its own work
# As the service graph of spans, Istio, Linkerd and OpenTelemetry's clients call the two ends of a request.
CALLERS: Final = ("client", "source_workload", "source_app")
CALLEES: Final = (
    "server", "destination_workload", "destination_app", "dst_deployment", "peer", "peer_service",
    "net_peer_name", "server_address",
)  # fmt: skip
STATUSES: Final = ("status", "code", "status_code", "http_status_code", "http_response_status_code")


def tracks(series: Iterable[Series]) -> dict[SeriesKey, Track]:
    """One track for each comparable series.

    A counter (by its name, and never falling but for resets) becomes its rate per second; `x_sum` and `x_count`
    of one histogram become the mean `x`; buckets are left out; answers with a 5xx status become errors.
    """
    found: dict[SeriesKey, Track] = {}
    parts: dict[SeriesKey, Track] = {}
    for one in series:
        if one.name.endswith("_bucket") or one.name.startswith(OF_THE_SCRAPE) or not one.times:
            continue
        key, expr = _key(one), one.query or selector(one.labels)
        track = Track(key, np.asarray(one.times, dtype=float), np.asarray(one.values, dtype=float), expr)
        finite = np.isfinite(track.values)
        if not finite.all():
            track = Track(key, track.times[finite], track.values[finite], expr)
        if not len(track.times):
            continue
        if one.name.endswith(("_sum", "_count")):
            parts[key] = track
        found[key] = _rate(track) if meaning(key.metric).counter and _grows(track.values) else track
    for key, total in parts.items():
        if key.metric.endswith("_sum"):
            _add_mean(found, key, total, parts)
    return found


def selector(labels: Mapping[str, str]) -> str:
    """PromQL that selects exactly this series."""
    inner = ",".join(
        f'{name}="{quoted(value)}"' for name, value in sorted(labels.items()) if name != "__name__"
    )
    return f"{labels.get('__name__', '')}{{{inner}}}"


def component(labels: Mapping[str, str]) -> str:
    """The component that a series belongs to: its service, else the nearest thing its labels name."""
    for name in COMPONENT_LABELS:
        if labels.get(name):
            return labels[name]
    return ""


def calls(series: Iterable[Series]) -> set[tuple[str, str]]:
    """(caller, callee) as the labels of series tell: a mesh names both ends, a client names its peer."""
    found = set()
    for one in series:
        owner = "" if one.name == SERVICE_GRAPH else component(one.labels)
        callers = {one.labels[name] for name in CALLERS if one.labels.get(name)}
        callees = {one.labels[name] for name in CALLEES if one.labels.get(name)}
        found |= {(caller, callee) for caller in callers or {owner} for callee in callees or {owner}}
    return {(caller, callee) for caller, callee in found if caller and callee and caller != callee}


def _key(one: Series) -> SeriesKey:
    owner = component(one.labels)
    rest = {
        name: value for name, value in one.labels.items() if name != "__name__" and value != owner and value
    }
    metric = one.name
    if any(rest.get(name, "").startswith("5") for name in STATUSES):
        metric = f"errors_{metric}"
    shown = ",".join(f'{name}="{value}"' for name, value in sorted(rest.items()))
    return SeriesKey(owner, metric, f"{{{shown}}}" if shown else "")


def _grows(values: Floats) -> bool:
    """Whether a series only climbs, resets to (nearly) nothing aside."""
    steps = np.diff(values)
    falls = np.flatnonzero(steps < 0)
    return len(falls) <= max(1, len(steps) // 20) and bool((values[falls + 1] <= 0.1 * values[falls]).all())


def _rate(track: Track) -> Track:
    expr = track.expr if is_sum(track.expr) else f"rate({track.expr}[5m])"
    if len(track.times) < 2:
        return Track(track.key, track.times[:0], track.values[:0], expr)
    steps, seconds = np.diff(track.values), np.diff(track.times)
    whole = (steps >= 0) & (seconds > 0)
    return Track(track.key, track.times[1:][whole], steps[whole] / seconds[whole], expr)


def _add_mean(
    found: dict[SeriesKey, Track], key: SeriesKey, total: Track, parts: Mapping[SeriesKey, Track]
) -> None:
    """Sum and count of one histogram, both ever growing, become their mean and the rate of the count."""
    stem = key.metric.removesuffix("_sum")
    other = SeriesKey(key.component, f"{stem}_count", key.rest)
    count = parts.get(other)
    if count is None or not (_grows(count.values) and _grows(total.values)):
        return
    mean, rate = _rate(total), _rate(count)
    shared, left, right = np.intersect1d(mean.times, rate.times, return_indices=True)
    busy = rate.values[right] > 0
    if busy.any():
        place = SeriesKey(key.component, stem, key.rest)
        levels = mean.values[left][busy] / rate.values[right][busy]
        found[place] = Track(place, shared[busy], levels, f"{mean.expr} / {rate.expr}")
        found[other] = rate
        found.pop(key, None)
