"""What a service tells of itself: structured log lines, OTLP spans, metrics in Prometheus' exposition."""

from __future__ import annotations

import http.client
import json
import queue
import random
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Summary

from prometheus_client import gc_collector, platform_collector  # isort: skip

from lab.state import Lab

for collector in (gc_collector.GC_COLLECTOR, platform_collector.PLATFORM_COLLECTOR):
    REGISTRY.unregister(collector)

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5)
REQUESTS = Counter("http_requests_total", "Requests served", ("route", "status"))
DURATION = Histogram("http_request_duration_seconds", "Time to serve", ("route",), buckets=BUCKETS)
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests being served")
CALLS = Counter("http_client_requests_total", "Calls to other services", ("peer", "outcome"))
CALL_SECONDS = Summary("http_client_duration_seconds", "Time of calls to other services", ("peer",))
SAMPLED = 0.15
"""The share of traces that is kept, decided where a trace begins."""
FLUSH_SECONDS = 0.5


@dataclass(frozen=True)
class Trace:
    """Where in a trace the code stands: the ids that the next call hands on."""

    trace: str
    span: str
    sampled: bool

    @property
    def header(self) -> str:
        """W3C's `traceparent`."""
        return f"00-{self.trace}-{self.span}-{'01' if self.sampled else '00'}"


def read_header(text: str | None) -> Trace | None:
    """A `traceparent`, or None where there is none that can be read."""
    parts = (text or "").split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    return Trace(parts[1], parts[2], parts[3] == "01")


@dataclass
class OpenSpan:
    """A span that has not ended; `failed` marks it as an error."""

    here: Trace
    failed: bool = False


@dataclass
class Signals:
    """One service's log, tracer and clock."""

    lab: Lab
    service: str
    _spans: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self._log = self.lab.path("logs", f"{self.service}.jsonl").open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self._random = random.Random(secrets.token_bytes(8))
        threading.Thread(target=self._export, daemon=True).start()

    def log(self, level: str, message: str, trace: Trace | None = None) -> None:
        """Write one line of JSON."""
        row = {"time_ns": time.time_ns(), "level": level, "service": self.service, "message": message}
        if trace:
            row["trace"] = trace.trace
        with self._lock:
            self._log.write(json.dumps(row, separators=(",", ":")) + "\n")
            self._log.flush()

    @contextmanager
    def span(self, name: str, parent: Trace | None, kind: int = 1) -> Iterator[OpenSpan]:
        """A timed operation below `parent`, or the root of a new trace; an exception marks it as failed."""
        trace = parent.trace if parent else secrets.token_hex(16)
        sampled = parent.sampled if parent else self._random.random() < SAMPLED
        opened = OpenSpan(Trace(trace, secrets.token_hex(8), sampled))
        begin = time.time_ns()
        try:
            yield opened
        except BaseException:
            opened.failed = True
            raise
        finally:
            if sampled:
                self._spans.put(
                    {
                        "traceId": trace,
                        "spanId": opened.here.span,
                        "parentSpanId": parent.span if parent else "",
                        "name": name,
                        "kind": kind,
                        "startTimeUnixNano": str(begin),
                        "endTimeUnixNano": str(time.time_ns()),
                        "status": {"code": 2 if opened.failed else 1},
                    }
                )

    def _export(self) -> None:
        """Send finished spans on by OTLP/HTTP in JSON; what cannot be sent is lost, as with any exporter."""
        port = self.lab.port("collector")
        while True:
            rows = [self._spans.get()]
            time.sleep(FLUSH_SECONDS)
            while not self._spans.empty():
                rows.append(self._spans.get())
            resource = {"attributes": [{"key": "service.name", "value": {"stringValue": self.service}}]}
            scope = {"scope": {"name": "lab.shop"}, "spans": rows}
            body = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request(
                    "POST", "/v1/traces", json.dumps(body), {"content-type": "application/json"}
                )
                connection.getresponse().read()
            except (OSError, http.client.HTTPException) as problem:
                sys.stderr.write(f"{len(rows)} spans were not sent: {problem}\n")
            finally:
                connection.close()
