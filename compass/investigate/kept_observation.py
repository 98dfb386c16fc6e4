"""What was seen of an incident as bytes, so that whoever resumes need not ask the servers of a running system again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from gzip import GzipFile
from io import BytesIO
from typing import Any

import numpy as np

from compass.investigate.observation import Observation, SeriesKey, Slice, Track
from compass.model.recording import Alert, Change, LogLine, Span


def packed(observed: Observation) -> bytes:
    """The observation as compressed JSON."""
    data = BytesIO()
    with GzipFile(filename="", mode="wb", compresslevel=5, fileobj=data, mtime=0) as stream:
        for text in _texts(observed):
            stream.write(text.encode("utf-8", "surrogatepass"))
    return data.getvalue()


def _texts(observed: Observation) -> Iterator[str]:
    """Piece by piece: the whole of a large system's as one text would be many times its size in memory."""
    rest = {
        "detected": observed.detected,
        "start": observed.start,
        "end": observed.end,
        "opened": observed.opened,
        "graph": observed.graph,
        "alerts": observed.alerts,
        "changes": observed.changes,
        "symptom_text": observed.symptom_text,
        "symptom_service": observed.symptom_service,
        "symptom_metric": observed.symptom_metric,
        "failures": observed.failures,
    }
    yield _json(rest)[:-1]
    for name, part in (("window", observed.window), ("baseline", observed.baseline)):
        logs = [[one.time_ns, dict(one.labels), one.message, one.trace] for one in part.logs]
        yield f',"{name}":{_json({"spans": part.spans, "logs": logs})[:-1]},"tracks":['
        for at, one in enumerate(part.tracks.values()):
            row = [*one.key, one.times.tolist(), one.values.tolist(), one.expr]
            yield f"{',' if at else ''}{_json(row)}"
        yield "]}"
    yield "}"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


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


def _sliced(part: Mapping[str, Any]) -> Slice:
    tracks = {}
    for component, metric, rest, times, values, expr in part["tracks"]:
        key = SeriesKey(component, metric, rest)
        tracks[key] = Track(key, np.asarray(times, dtype=float), np.asarray(values, dtype=float), expr)
    return Slice(
        tracks, tuple(Span(*row) for row in part["spans"]), tuple(LogLine(*row) for row in part["logs"])
    )
