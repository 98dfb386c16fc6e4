"""What was seen of an incident as bytes, so that whoever resumes need not ask the servers of a running system again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from compass.investigate.observation import Observation, SeriesKey, Slice, Track
from compass.model.recording import Alert, Change, LogLine, Span


def packed(observed: Observation) -> bytes:
    """The observation as compressed JSON."""
    whole = {
        "detected": observed.detected,
        "start": observed.start,
        "end": observed.end,
        "opened": observed.opened,
        "window": _slice(observed.window),
        "baseline": _slice(observed.baseline),
        "graph": observed.graph,
        "alerts": observed.alerts,
        "changes": observed.changes,
        "symptom_text": observed.symptom_text,
        "symptom_service": observed.symptom_service,
        "symptom_metric": observed.symptom_metric,
        "failures": observed.failures,
    }
    return gzip.compress(
        json.dumps(whole, separators=(",", ":")).encode("utf-8", "surrogatepass"), 5, mtime=0
    )


def unpacked(data: bytes) -> Observation:
    """The observation again; ValueError, KeyError, TypeError or OSError where the bytes are none."""
    whole = json.loads(gzip.decompress(data))
    return Observation(
        **{
            **whole,
            "window": _sliced(whole["window"]),
            "baseline": _sliced(whole["baseline"]),
            "graph": tuple((caller, callee) for caller, callee in whole["graph"]),
            "alerts": tuple(Alert(*row) for row in whole["alerts"]),
            "changes": tuple(Change(*row) for row in whole["changes"]),
            "failures": tuple(whole["failures"]),
        }
    )


def _slice(part: Slice) -> dict[str, Any]:
    return {
        "tracks": [
            [*one.key, one.times.tolist(), one.values.tolist(), one.expr] for one in part.tracks.values()
        ],
        "spans": part.spans,
        "logs": [[one.time_ns, dict(one.labels), one.message, one.trace] for one in part.logs],
    }


def _sliced(part: Mapping[str, Any]) -> Slice:
    tracks = {}
    for component, metric, rest, times, values, expr in part["tracks"]:
        key = SeriesKey(component, metric, rest)
        tracks[key] = Track(key, np.asarray(times, dtype=float), np.asarray(values, dtype=float), expr)
    return Slice(
        tracks, tuple(Span(*row) for row in part["spans"]), tuple(LogLine(*row) for row in part["logs"])
    )
