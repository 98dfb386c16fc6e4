"""The HTTP server of every service: routes, limits, TLS, and what each request leaves in log, trace and metrics."""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.x509 import load_pem_x509_certificate
from lab.shop.signals import DURATION, IN_FLIGHT, REQUESTS, Signals, Trace, read_header
from prometheus_client import Gauge, exposition

MOST_IN_FLIGHT = 64
OUT_OF_MEMORY = 137
CERTIFICATE_ENDS = Gauge("tls_certificate_not_after_seconds", "When the certificate expires", ("listener",))


class RefusedError(Exception):
    """A request that is answered with a status other than 200; the message goes to the log and to the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Request:
    """What a handler is given: the words of the path after the route's, the body, and where it stands in its trace."""

    words: tuple[str, ...]
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    here: Trace


Handler = Callable[[Request], Mapping[str, Any]]
Routes = Mapping[tuple[str, str], Handler]
"""By method and first word of the path."""


class Server(ThreadingHTTPServer):
    """Serves routes on one loopback port, over TLS if a certificate is named."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        port: int,
        routes: Routes,
        signals: Signals,
        *,
        quiet: bool = False,
        certificate: Path | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.routes, self.signals, self.quiet = routes, signals, quiet
        self.slots = threading.BoundedSemaphore(MOST_IN_FLIGHT)
        self.certificate = certificate
        self._loaded: tuple[int, ssl.SSLContext] | None = None

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def tls(self) -> ssl.SSLContext | None:
        """The context of the certificate as it is on disk now: a renewed one counts for new connections."""
        if self.certificate is None:
            return None
        changed = self.certificate.stat().st_mtime_ns
        if self._loaded is None or self._loaded[0] != changed:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._loaded = (changed, context)
            ends = load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc
            CERTIFICATE_ENDS.labels(self.certificate.stem).set(ends.timestamp())
        return self._loaded[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        problem = sys.exception()
        if isinstance(problem, MemoryError) or "start new thread" in str(problem):
            out_of_memory(self.signals)
        if isinstance(problem, ssl.SSLError):
            self.signals.log("WARN", f"TLS handshake failed: {problem.reason or problem}")
        elif not isinstance(problem, OSError):
            # A caller that goes away is nothing to write about; anything else is a mistake of this service.
            self.signals.log("ERROR", f"unexpected {problem!r}")


def out_of_memory(signals: Signals) -> None:
    """End the process as the kernel would."""
    signals.log("FATAL", "out of memory: the limit is reached, the process ends")
    os._exit(OUT_OF_MEMORY)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 60

    def setup(self) -> None:
        context = self.server.tls()
        if context is not None:
            self.request.settimeout(5)
            self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_: object) -> None:
        """Requests are logged by `serve`."""

    def do_GET(self) -> None:
        self.serve({})

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        self.serve(json.loads(self.rfile.read(size) or b"{}"))

    def serve(self, body: Mapping[str, Any]) -> None:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            return self.send(200, b"{}", "application/json")
        if path == "/metrics":
            return self.send(200, exposition.generate_latest(), exposition.CONTENT_TYPE_LATEST)
        first, *words = path.strip("/").split("/")
        handler = self.server.routes.get((self.command, first))
        if handler is None:
            return self.send(404, b"{}", "application/json")
        began = time.monotonic()
        route = f"/{first}"
        status, answer = self.observed(handler, f"{self.command} {route}", words, body)
        REQUESTS.labels(route, str(status)).inc()
        DURATION.labels(route).observe(time.monotonic() - began)
        return self.send(status, json.dumps(answer).encode(), "application/json")

    def observed(
        self, handler: Handler, name: str, words: list[str], body: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, Any]]:
        """Status and answer of one request, logged and traced."""
        signals, server = self.server.signals, self.server
        if not server.slots.acquire(blocking=False):
            signals.log("ERROR", f"{name} refused: {MOST_IN_FLIGHT} requests are in flight")
            return 503, {"error": "overloaded"}
        IN_FLIGHT.inc()
        began = time.monotonic()
        try:
            with signals.span(name, read_header(self.headers.get("traceparent")), kind=2) as span:
                status, answer = 200, {}
                try:
                    request = Request(tuple(words), body, dict(self.headers.items()), span.here)
                    answer = dict(handler(request))
                except RefusedError as refusal:
                    status, answer = refusal.status, {"error": str(refusal)}
                    span.failed = status >= 500
                if not server.quiet or status >= 500:
                    took = round((time.monotonic() - began) * 1000)
                    said = f"{name} status={status} duration_ms={took}"
                    if status >= 500:
                        signals.log("ERROR", f"{said} error={answer['error']!r}", span.here)
                    else:
                        signals.log("INFO", said, span.here)
                return status, answer
        except MemoryError:
            out_of_memory(signals)
            raise
        finally:
            IN_FLIGHT.dec()
            server.slots.release()

    def send(self, status: int, body: bytes, kind: str) -> None:
        head = f"HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        try:
            self.wfile.write(head.encode() + body)
        except OSError:
            # The caller has given up waiting.
            self.close_connection = True
