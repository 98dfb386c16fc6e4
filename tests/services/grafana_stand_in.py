"""As much of Grafana's HTTP API as its MCP server asks for: datasources, a real Prometheus behind them, and the rest.

Prometheus is passed through as it is. Logs, annotations and (if wanted) traces come from a store, in the shapes of
Loki's, Grafana's and Tempo's own API (grafana.com/docs/loki/latest/reference/loki-http-api,
.../grafana/latest/developers/http_api, .../tempo/latest/api_docs).
"""

from __future__ import annotations

import http.client
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from compass.adapters.telemetry.queries import rfc3339
from compass.model.recording import LogLine
from compass.replay import answers, logql, wire
from compass.replay.matchers import CannotEvaluateError
from compass.replay.store import Store

METRICS, LOGS, TRACES = "metrics-uid", "logs-uid", "traces-uid"
DATASOURCES = (
    {
        "id": 1,
        "uid": METRICS,
        "name": "Prometheus",
        "type": "prometheus",
        "access": "proxy",
        "isDefault": True,
    },
    {"id": 2, "uid": LOGS, "name": "Loki", "type": "loki", "access": "proxy"},
)
TEMPO_SOURCE = {"id": 3, "uid": TRACES, "name": "Tempo", "type": "tempo", "access": "proxy"}
THROUGH = f"/api/datasources/uid/{METRICS}/resources/"
LOKI = f"/api/datasources/proxy/uid/{LOGS}/loki/api/v1/"
TEMPO = f"/api/datasources/proxy/uid/{TRACES}/api/"
JSON = "application/json"


class Grafana(ThreadingHTTPServer):
    """Listens on loopback, on a free port unless one is named; answers each request from what `store` gives then.

    `asked` are the latest paths asked for, each with its method. `trouble` gets each of them before it is answered,
    and may take its time. `largest` is the size of the largest answer.
    """

    daemon_threads = True

    def __init__(
        self,
        prometheus_port: int,
        store: Callable[[], Store],
        token: str,
        *,
        port: int = 0,
        traces: bool = False,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.prometheus_port, self.store, self.token = prometheus_port, store, token
        self.sources = (*DATASOURCES, TEMPO_SOURCE) if traces else DATASOURCES
        self.asked: deque[str] = deque(maxlen=10_000)
        self.trouble: Callable[[str], object] = str
        self.largest = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def grafana(prometheus_port: int, store: Store, token: str) -> Iterator[Grafana]:
    """A running stand-in; requests without the token are refused."""
    server = Grafana(prometheus_port, lambda: store, token)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(timeout=20)
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Grafana

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(f"{self.command} {parts.path}")
        self.server.trouble(parts.path)
        if self.headers.get("authorization") != f"Bearer {self.server.token}":
            return self.reply(401, {"message": "Unauthorized"})
        if parts.path.startswith(THROUGH):
            return self.through(f"/{self.path.removeprefix(THROUGH)}", body)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            return self.reply(200, self.found(parts.path, asked))
        except CannotEvaluateError as refusal:
            return self.reply(400, {"status": "error", "errorType": "bad_data", "error": refusal.message})
        except LookupError:
            return self.reply(404, {"message": f"{parts.path} not found"})

    def found(self, path: str, asked: Mapping[str, str]) -> Any:
        """What Grafana itself, or its Loki, answers; LookupError for what they do not know."""
        if path == "/api/frontend/settings":
            return {"buildInfo": {"version": "12.0.0"}}
        if path == "/api/datasources":
            return self.server.sources
        if path == "/api/annotations":
            return _annotations(self.server.store(), asked)
        if path.startswith(LOKI):
            return _loki(self.server.store(), path.removeprefix(LOKI), asked)
        if path.startswith(TEMPO):
            return _tempo(self.server.store(), path.removeprefix(TEMPO), asked)
        named = {f"/api/datasources/uid/{source['uid']}": source for source in self.server.sources}
        return named[path]

    def through(self, path: str, body: bytes) -> None:
        """Ask Prometheus, and pass on what it says, be it an error."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.prometheus_port, timeout=20)
        kind = self.headers.get("content-type") or "application/x-www-form-urlencoded"
        try:
            connection.request(self.command, path, body or None, {"content-type": kind})
            answer = connection.getresponse()
            said = answer.read()
        except OSError as problem:
            return self.reply(502, {"message": f"Bad Gateway: {problem}"})
        finally:
            connection.close()
        return self.send(answer.status, said)

    def reply(self, status: int, value: Any) -> None:
        self.send(status, json.dumps(value).encode())

    def send(self, status: int, body: bytes) -> None:
        """Answer; whoever asked may have gone away."""
        self.server.largest = max(self.server.largest, len(body))
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("content-type", JSON)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


def _annotations(store: Store, asked: Mapping[str, str]) -> list[dict[str, object]]:
    first, last = int(asked["from"]), int(asked["to"])
    return [
        {
            "id": index,
            "time": round(change.time * 1000),
            "timeEnd": round(change.time * 1000),
            "text": change.summary,
            "tags": list(wire.tags(change)),
        }
        for index, change in enumerate(store.changes, start=1)
        if first <= change.time * 1000 <= last and asked.get("tags", "") in {"", *wire.tags(change)}
    ]


def _loki(store: Store, path: str, asked: Mapping[str, str]) -> dict[str, object]:
    """Log queries, counts of lines at one moment, and the values of a label."""
    if path == "query_range":
        return _success(_streams(store, asked))
    if path == "query":
        query = logql.parse(asked["query"])
        if not isinstance(query, logql.CountQuery):
            raise CannotEvaluateError("log queries are not supported as an instant query")
        moment = int(asked["time"]) // 1_000_000
        rows = [
            {"metric": dict(labels), "value": [times[-1] / 1000, wire.number(values[-1])]}
            for labels, times, values in logql.counts(store, query, range(moment, moment + 1))
        ]
        return _success({"resultType": "vector", "result": rows})
    if path.startswith("label/") and path.endswith("/values"):
        label = path.removeprefix("label/").removesuffix("/values")
        start, end = (round(datetime.fromisoformat(asked[name]).timestamp()) for name in ("start", "end"))
        window = store.lines_between(start * 10**9, end * 10**9)
        return _success(sorted({line.labels[label] for line in window if label in line.labels}))
    raise LookupError(path)


def _tempo(store: Store, path: str, asked: Mapping[str, str]) -> Any:
    """A search with Tempo's own limits of twenty traces and three spans of each, or one trace whole."""
    if path == "search":
        window = {name: rfc3339(int(asked[name])) for name in ("start", "end")}
        return json.loads(answers.search_traces(store, {"query": asked["q"], **window}))
    if path.startswith("v2/traces/"):
        identifier = path.removeprefix("v2/traces/")
        if all(trace.trace != identifier for trace in store.traces):
            raise LookupError(path)
        return json.loads(answers.get_trace(store, {"trace_id": identifier}))
    raise LookupError(path)


def _streams(store: Store, asked: Mapping[str, str]) -> dict[str, object]:
    """Lines of start (included) to end (excluded), the first or the last ones, each stream's newest or oldest first."""
    query = logql.parse(asked["query"])
    if not isinstance(query, logql.LogQuery):
        raise CannotEvaluateError("only counts at one moment are supported")
    found = logql.lines(store, query, int(asked["start"]), int(asked["end"]))
    forward = asked["direction"] == "forward"
    limit = int(asked["limit"])
    shown = found[:limit] if forward else found[: -limit - 1 : -1]
    streams: dict[int, list[LogLine]] = {}
    for line in shown:
        streams.setdefault(id(line.labels), []).append(line)
    rows = [
        {"stream": dict(lines[0].labels), "values": [_value(line) for line in lines]}
        for lines in streams.values()
    ]
    return {"resultType": "streams", "encodingFlags": ["categorize-labels"], "result": rows}


def _value(line: LogLine) -> list[object]:
    metadata = {"structuredMetadata": {"trace_id": line.trace}} if line.trace else {}
    return [str(line.time_ns), line.message, metadata]


def _success(data: object) -> dict[str, object]:
    return {"status": "success", "data": data}
