"""A folder on loopback, to readers on this machine only: correct types, a strict content security policy."""

from __future__ import annotations

import io
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from os import PathLike
from pathlib import Path, PurePath
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from compass.errors import OutsideError

HOST: Final = "127.0.0.1"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".gz": "application/gzip",
}


class SiteHandler(SimpleHTTPRequestHandler):
    """GET and HEAD of the files of one site, to readers on this machine only."""

    extensions_map = _TYPES | {"": "application/octet-stream"}
    protocol_version = "HTTP/1.1"
    # Head and body are two packets: without this the second waits 40 ms for the first to be acknowledged.
    disable_nagle_algorithm = True

    def end_headers(self) -> None:
        """Every answer carries the policy, and is asked for again each time: the site changes under the reader."""
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Refuse foreign names (a page elsewhere may point its own name here) and hidden files."""
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0].strip("[]").lower()
        if host not in {HOST, "localhost", "::1"}:
            self.send_error(421, "This server answers to 127.0.0.1 and localhost only")
            return None
        if any(part.startswith(".") for part in PurePath(unquote(urlsplit(self.path).path)).parts):
            self.send_error(404)
            return None
        return super().send_head()

    def list_directory(self, path: str | PathLike[str]) -> None:  # noqa: ARG002  # the standard library's own signature
        """No listings."""
        self.send_error(404)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The site's own page for what is not there."""
        page = Path(self.directory) / "404.html"
        if code != 404 or not page.is_file():
            super().send_error(code, message, explain)
            return
        text = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", _TYPES[".html"])
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's own name
        """Silent; what is worth saying is said by the command."""


def server(site: Path, port: int) -> ThreadingHTTPServer:
    """A server of `site` on loopback; port 0 takes a free one. OutsideError if the port is taken."""
    try:
        return ThreadingHTTPServer((HOST, port), partial(SiteHandler, directory=str(site)))
    except OSError as error:
        raise OutsideError(
            f"cannot listen on {HOST}:{port}: {error.strerror}", "name another --port, or 0 for a free one"
        ) from error
