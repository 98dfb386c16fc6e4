"""The lab's collector: takes OTLP/HTTP spans in JSON, keeps them, and counts who calls whom as Tempo's generator does.

Run `python -m lab.backing.collector FOLDER`.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from lab.state import Lab
from prometheus_client import CollectorRegistry, Counter, exposition

STATUS: Final = {1: "ok", 2: "error"}
MOST_REMEMBERED: Final = 20_000
REGISTRY: Final = CollectorRegistry()
EDGES: Final = Counter(
    "traces_service_graph_request_total", "Calls seen in traces", ("client", "server"), registry=REGISTRY
)
LOCK: Final = threading.Lock()


class Collector(ThreadingHTTPServer):
    """Appends spans to spans.jsonl in the shape of a recording's traces.jsonl."""

    daemon_threads = True

    def __init__(self, lab: Lab) -> None:
        super().__init__(("127.0.0.1", lab.port("collector")), _Handler)
        self.file = lab.path("spans.jsonl").open("a", encoding="utf-8")
        self.owners: OrderedDict[str, str] = OrderedDict()
        self.waiting: OrderedDict[str, str] = OrderedDict()

    def keep(self, body: Mapping[str, Any]) -> None:
        """Store every span of an export request."""
        with LOCK:
            for row in _spans(body):
                self.file.write(json.dumps(row, separators=(",", ":")) + "\n")
                self.count(row)
            self.file.flush()

    def count(self, row: Mapping[str, Any]) -> None:
        """An edge for each span whose parent is of another service; a parent may come later than its child."""
        service = row["service"]
        self.owners[row["span"]] = service
        callee = self.waiting.pop(row["span"], None)
        if callee is not None and callee != service:
            EDGES.labels(service, callee).inc()
        if row["parent"]:
            caller = self.owners.get(row["parent"])
            if caller is None:
                self.waiting[row["parent"]] = service
            elif caller != service:
                EDGES.labels(caller, service).inc()
        for known in (self.owners, self.waiting):
            while len(known) > MOST_REMEMBERED:
                known.popitem(last=False)


def _spans(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for batch in body["resourceSpans"]:
        attributes = {one["key"]: one["value"] for one in batch["resource"]["attributes"]}
        service = attributes["service.name"]["stringValue"]
        for scope in batch["scopeSpans"]:
            for span in scope["spans"]:
                yield {
                    "trace": span["traceId"],
                    "span": span["spanId"],
                    "parent": span.get("parentSpanId", ""),
                    "service": service,
                    "name": span["name"],
                    "start_ns": int(span["startTimeUnixNano"]),
                    "end_ns": int(span["endTimeUnixNano"]),
                    "status": STATUS.get(span.get("status", {}).get("code", 0), ""),
                }


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            self.server.keep(json.loads(body))
        except (ValueError, KeyError, TypeError) as problem:
            return self.reply(400, f"not OTLP in JSON: {problem!r}".encode(), "text/plain")
        return self.reply(200, b"{}", "application/json")

    def do_GET(self) -> None:
        if self.path == "/metrics":
            return self.reply(200, exposition.generate_latest(REGISTRY), exposition.CONTENT_TYPE_LATEST)
        return self.reply(200, b"{}", "application/json")

    def reply(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Collector(Lab(Path(sys.argv[1]))).serve_forever()
