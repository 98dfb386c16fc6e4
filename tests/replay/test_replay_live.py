"""The golden tables against a real Loki and a real Tempo: COMPASS_LIVE_LOKI and COMPASS_LIVE_TEMPO hold their addresses.

Both take the rows first: Loki by its push API, Tempo by OTLP over HTTP at COMPASS_LIVE_TEMPO_OTLP (the same host and
port 4318 where that is not set). Rows lie an hour (Loki) or five minutes (Tempo) back, at seconds that no other
run has.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from golden import ALL, LOGQL, TRACEQL, labels_of, line_numbers, log_lines, query, span_numbers, spans

from compass.adapters.telemetry import decode
from compass.model.recording import LogLine

LOKI = os.environ.get("COMPASS_LIVE_LOKI", "http://127.0.0.1:3100").rstrip("/")
TEMPO = os.environ.get("COMPASS_LIVE_TEMPO", "http://127.0.0.1:3200").rstrip("/")
OTLP = os.environ.get("COMPASS_LIVE_TEMPO_OTLP") or f"http://{urlsplit(TEMPO).hostname}:4318"
WITHIN = 60.0
EXTRA = {"detected_level"}
"""Labels that Loki adds on its own."""

pytestmark = [
    pytest.mark.live,
    pytest.mark.allow_hosts([urlsplit(one).hostname or "" for one in (LOKI, TEMPO, OTLP)]),
]


def call(address: str, body: object = None) -> Any:
    """JSON of a GET, or of a POST with a body; an HTTP error is a ValueError with what the server said."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"content-type": "application/json"})  # noqa: S310  # an address that the operator gave
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
            text = answer.read()
    except urllib.error.HTTPError as failure:
        raise ValueError(failure.read().decode("utf-8", "replace")[:300]) from failure
    return json.loads(text) if text else {}


def wait_for(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not ready():
        assert time.monotonic() < end, f"the rows could not be read back within {WITHIN:g} seconds"
        time.sleep(1)


@pytest.fixture(scope="module")
def pushed_lines() -> int:
    start = int(time.time()) - 3600
    streams: dict[str, Any] = {}
    for line in log_lines(start).values():
        stream = streams.setdefault(json.dumps(line.labels), {"stream": line.labels, "values": []})
        stream["values"].append([str(line.time_ns), line.message])
    call(f"{LOKI}/loki/api/v1/push", {"streams": list(streams.values())})
    wait_for(lambda: len(lines_of(ALL, start, 0, 100)) == len(LOGQL["lines"]))
    return start


def lines_of(text: str, start: int, first: float, last: float) -> list[LogLine]:
    bounds = {
        "start": round((start + first) * 1e9),
        "end": round((start + last) * 1e9),
        "limit": 1000,
        "direction": "forward",
    }
    answer = call(f"{LOKI}/loki/api/v1/query_range?{urlencode({'query': text, **bounds})}")
    return [
        LogLine(int(value[0]), stream["stream"], value[1])
        for stream in answer["data"]["result"]
        for value in stream["values"]
    ]


def plain(labels: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if name not in EXTRA)


@pytest.mark.parametrize(("text", "expected"), LOGQL["found"])
def test_loki_gives_these_lines(pushed_lines: int, text: str, expected: list[int]) -> None:
    assert line_numbers(lines_of(query(text), pushed_lines, 0, 100), pushed_lines) == expected


@pytest.mark.parametrize(("first", "last", "expected"), LOGQL["windows"])
def test_loki_covers_the_start_and_not_the_end(
    pushed_lines: int, first: float, last: float, expected: list[int]
) -> None:
    assert line_numbers(lines_of(ALL, pushed_lines, first, last), pushed_lines) == expected


@pytest.mark.parametrize(("text", "second", "expected"), LOGQL["counts"])
def test_loki_counts_these_lines(pushed_lines: int, text: str, second: int, expected: dict[str, int]) -> None:
    asked = urlencode({"query": query(text), "time": (pushed_lines + second) * 10**9})
    answer = call(f"{LOKI}/loki/api/v1/query?{asked}")
    found = {plain(one["metric"]): float(one["value"][1]) for one in answer["data"]["result"]}
    assert found == {plain(dict(labels_of(group))): count for group, count in expected.items()}


@pytest.mark.parametrize(("text", "first", "last", "step", "expected"), LOGQL["ranges"])
def test_loki_counts_over_a_range(
    pushed_lines: int, text: str, first: int, last: int, step: int, expected: dict[str, dict[Any, int]]
) -> None:
    bounds = {"start": pushed_lines + first, "end": pushed_lines + last, "step": step}
    answer = call(f"{LOKI}/loki/api/v1/query_range?{urlencode({'query': query(text), **bounds})}")
    found = {
        plain(one["metric"]): {round(float(at)) - pushed_lines: float(value) for at, value in one["values"]}
        for one in answer["data"]["result"]
    }
    assert found == {
        plain(dict(labels_of(group))): {int(second): count for second, count in counts.items()}
        for group, counts in expected.items()
    }


@pytest.mark.parametrize(("text", "_reason", "accepted"), LOGQL["refused"])
def test_loki_refuses_what_the_table_says(
    pushed_lines: int,
    text: str,
    _reason: str,  # a column of the table
    accepted: bool,  # noqa: FBT001  # as above
) -> None:
    if accepted:
        lines_of(text, pushed_lines, 0, 100) if text.startswith("{") else call(
            f"{LOKI}/loki/api/v1/query?{urlencode({'query': text, 'time': pushed_lines * 10**9})}"
        )
    else:
        with pytest.raises(ValueError):
            lines_of(text, pushed_lines, 0, 100)


@pytest.fixture(scope="module")
def pushed_spans() -> int:
    # Not so far back that Tempo looks for them in blocks that are yet to be written.
    start = int(time.time()) - 300
    codes = {"": 0, "ok": 1, "error": 2}
    batches = [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": span.service}}]},
            "scopeSpans": [
                {
                    "scope": {},
                    "spans": [
                        {
                            "traceId": span.trace,
                            "spanId": span.span,
                            "parentSpanId": span.parent,
                            "name": span.name,
                            "kind": 1,
                            "startTimeUnixNano": str(span.start_ns),
                            "endTimeUnixNano": str(span.end_ns),
                            "status": {"code": codes[span.status]},
                        }
                    ],
                }
            ],
        }
        for span in spans(start).values()
    ]
    call(f"{OTLP}/v1/traces", {"resourceSpans": batches})
    wait_for(lambda: len(spans_of("{}", start)) == len(TRACEQL["spans"]))
    return start


def spans_of(text: str, start: int) -> list[int]:
    bounds = {"start": start - 1, "end": start + 200, "limit": 100, "spss": 100}
    answer = call(f"{TEMPO}/api/search?{urlencode({'q': text, **bounds})}")
    found = decode.found({"traces": answer.get("traces") or []}).spans
    # Tempo may write an id without its leading zeros; the table's have none.
    return span_numbers(found, start)


@pytest.mark.parametrize(("text", "expected"), TRACEQL["found"])
def test_tempo_gives_these_spans(pushed_spans: int, text: str, expected: list[int]) -> None:
    assert spans_of(text, pushed_spans) == expected


@pytest.mark.parametrize(
    ("text", "accepted"),
    [(text, accepted) for text, _, accepted in TRACEQL["refused"] if accepted is not None],
)
def test_tempo_refuses_what_the_table_says(pushed_spans: int, text: str, accepted: bool) -> None:  # noqa: FBT001  # a column of the table
    if accepted:
        spans_of(text, pushed_spans)
    else:
        with pytest.raises(ValueError):
            spans_of(text, pushed_spans)
