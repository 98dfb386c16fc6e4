"""Webhooks over HTTP, on this machine's own address alone: bounded in size and time, and of JSON only."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from compass.errors import OutsideError, UsageError
from compass.workflows.live.notice import MOST_BYTES
from compass.workflows.watch.desk import Reply

SECONDS: Final = 10.0
"""How long a sender may be silent."""


def address_of(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9099` or `[::1]:9099`; UsageError unless it is this machine's own."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or port is None or parts.path or parts.username:
        raise UsageError(f"--listen {text[:80]!r} is not HOST:PORT", "such as 127.0.0.1:9099")
    if not _own(host):
        raise UsageError(
            f"--listen {text[:80]!r} is not an address of this machine alone",
            "use 127.0.0.1:PORT, and a proxy that authenticates if others have to reach it",
        )
    return "127.0.0.1" if host == "localhost" else host, port


def listener(address: tuple[str, int], take: Callable[[bytes], Reply]) -> ThreadingHTTPServer:
    """A server that gives the body of each POST to `take`; OutsideError if the address cannot be had."""

    class Handler(_Handler):
        handed = staticmethod(take)

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A sender that goes away is nothing to tell."""
            if not isinstance(sys.exc_info()[1], OSError):
                super().handle_error(request, client_address)

    try:
        return Server(address, Handler)
    except OSError as problem:
        raise OutsideError(
            f"cannot listen on {address[0]}:{address[1]}: {problem.strerror}", "choose another port"
        ) from problem


class _Handler(BaseHTTPRequestHandler):
    server_version = "compass"
    sys_version = ""
    timeout = SECONDS
    handed: Callable[[bytes], Reply]

    def do_POST(self) -> None:
        """Take a notification, or say in one line why not."""
        refusal = self._refused()
        if refusal is not None:
            self._answer(refusal)
            return
        length = int(self.headers["content-length"])
        try:
            body = self.rfile.read(length)
        except OSError:
            self.close_connection = True
            return
        self._answer(Reply(400, "the body ended early") if len(body) < length else type(self).handed(body))

    def _refused(self) -> Reply | None:
        """Pages in a browser may send here, too: they cannot say that they send JSON, nor hide the name they used."""
        length = self.headers.get("content-length", "")
        if not _own(_host(self.headers.get("host", ""))):
            return Reply(421, "this is a service of the machine itself; ask it by its own address")
        if self.headers.get_content_type() != "application/json":
            return Reply(415, "the body has to be application/json")
        if not length.isascii() or not length.isdigit():
            return Reply(411, "say how long the body is")
        if len(length) > 12 or int(length) > MOST_BYTES:
            return Reply(413, f"more than {MOST_BYTES:,} bytes")
        return None

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The standard library's own complaints, in one line."""
        _ = explain
        self._answer(Reply(405 if code == 501 else code, message or "refused"))

    def _answer(self, reply: Reply) -> None:
        body = f"{' '.join(reply.line.split())[:400]}\n".encode()
        self.close_connection = True
        try:
            self.send_response_only(reply.status)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            # The sender went away; it will send again.
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's own name
        """Nothing: what comes of a notification is told once."""


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _own(host: str) -> bool:
    """Whether a host is this machine and nothing else."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
