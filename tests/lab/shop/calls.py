"""Calls from one service to another: connections kept, a deadline, retries, and what each call leaves behind."""

from __future__ import annotations

import http.client
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.shop.signals import CALL_SECONDS, CALLS, Signals, Trace
from lab.shop.web import RefusedError

KEPT_SECONDS = 4.0
"""How long a connection is kept: changes of a certificate or of the network are seen after that at the latest."""


@dataclass
class Peer:
    """Another service, at one or several loopback ports that are used in turn."""

    name: str
    ports: Sequence[int]
    signals: Signals
    timeout: float = 2.0
    retries: int = 0
    backoff: float = 0.05
    tls: ssl.SSLContext | None = None
    _turn: int = 0
    _idle: dict[int, list[tuple[float, http.client.HTTPConnection]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(
        self,
        method: str,
        path: str,
        here: Trace,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer; RefusedError 502 or 504 once every attempt failed, the peer's own status below 500 as it is."""
        for attempt in range(self.retries + 1):
            if attempt:
                time.sleep(self.backoff * random.random() * 2**attempt)
            try:
                return self._once(method, path, here, body, headers or {})
            except RefusedError as refusal:
                if refusal.status < 500 or attempt == self.retries:
                    raise
                self.signals.log(
                    "WARN", f"call to {self.name} failed, attempt {attempt + 1}: {refusal}", here
                )
        raise AssertionError("there is always a last attempt")

    def _once(
        self, method: str, path: str, here: Trace, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        began = time.monotonic()
        outcome = "error"
        try:
            with self.signals.span(f"{method} {self.name}", here, kind=3) as span:
                status, said = self._exchange(method, path, span.here, body, headers)
                outcome = str(status)
                if status < 400:
                    return said
                span.failed = status >= 500
                raise RefusedError(
                    502 if status >= 500 else status, f"{self.name} answered {status}: {said.get('error')}"
                )
        except TimeoutError as late:
            outcome = "timeout"
            raise RefusedError(504, f"{self.name} did not answer within {self.timeout:g} s") from late
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise RefusedError(502, f"{self.name} cannot be reached: {problem}") from problem
        finally:
            CALLS.labels(self.name, outcome).inc()
            CALL_SECONDS.labels(self.name).observe(time.monotonic() - began)

    def _exchange(
        self, method: str, path: str, here: Trace, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        port, opened, connection = self._connection()
        sent = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, sent, {"traceparent": here.header, **headers})
            answer = connection.getresponse()
            said: dict[str, Any] = json.loads(answer.read() or b"{}")
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.setdefault(port, []).append((opened, connection))
        return answer.status, said

    def _connection(self) -> tuple[int, float, http.client.HTTPConnection]:
        """A kept connection that is young enough, or a new one; the ports take turns."""
        now = time.monotonic()
        with self._lock:
            port = self.ports[self._turn % len(self.ports)]
            self._turn += 1
            idle = self._idle.setdefault(port, [])
            while idle:
                opened, connection = idle.pop()
                if now - opened < KEPT_SECONDS:
                    return port, opened, connection
                connection.close()
        if self.tls is not None:
            return port, now, _Secure(self.name, port, self.timeout, self.tls)
        return port, now, http.client.HTTPConnection("127.0.0.1", port, timeout=self.timeout)


class _Secure(http.client.HTTPConnection):
    """TLS to a loopback port, the certificate checked against the service's name."""

    def __init__(self, name: str, port: int, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__("127.0.0.1", port, timeout=timeout)
        self._name, self._context = name, context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=self._name)
        except BaseException:
            plain.close()
            raise
