"""A site on loopback while its files are edited: correct types, a strict content security policy, rebuilt on change."""

from __future__ import annotations

import io
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from os import PathLike
from pathlib import Path, PurePath
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from compass.errors import CompassError, OutsideError
from compass.library import Library
from compass.model.base import Severity
from compass.publish.build import Built, build_site

HOST: Final = "127.0.0.1"
POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".gz": "application/gzip",
}
_SETTLE: Final = 0.2
"""Seconds without a further change after which a burst of writes counts as one."""


class SiteHandler(SimpleHTTPRequestHandler):
    """GET and HEAD of the files of one site, to readers on this machine only."""

    extensions_map = _TYPES | {"": "application/octet-stream"}
    protocol_version = "HTTP/1.1"

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


class Watch(FileSystemEventHandler):
    """Notices that an entry, a setting or the catalog changed; what Git and editors keep for themselves is not one."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self.roots = tuple(root.resolve() for root in roots)
        self.changed = threading.Event()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called on the watching thread for each event."""
        if event.event_type in {"opened", "closed_no_write"} or event.is_directory:
            return
        if any(self._matters(Path(str(name))) for name in (event.src_path, event.dest_path) if name):
            self.changed.set()

    def _matters(self, path: Path) -> bool:
        for root in self.roots:
            if path.suffix in {".md", ".yaml", ".yml"} and path.is_relative_to(root):
                return not any(part.startswith(".") for part in path.relative_to(root).parts)
        return False

    def wait(self) -> None:
        """Return once something has changed and the burst of changes is over."""
        self.changed.wait()
        while self.changed.is_set():
            self.changed.clear()
            self.changed.wait(_SETTLE)


def watch_and_serve(
    site: Path, roots: tuple[Path, ...], port: int, rebuild: Callable[[], None], ready: Callable[[str], None]
) -> None:
    """Serve `site`, calling `rebuild` after each change under `roots`, until interrupted (KeyboardInterrupt)."""
    watch = Watch(roots)
    observer = Observer()
    for root in watch.roots:
        observer.schedule(watch, str(root), recursive=True)
    with server(site, port) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        observer.start()
        try:
            ready(f"http://{HOST}:{http.server_address[1]}/")
            while True:
                watch.wait()
                rebuild()
        finally:
            observer.stop()
            observer.join()
            http.shutdown()


def serve_site(
    load: Callable[[], Library],
    port: int,
    *,
    today: Callable[[], date],
    ready: Callable[[str], None],
    say: Callable[[str], None],
) -> None:
    """Build what `load` gives, serve it on loopback, and build again after each change, until interrupted.

    `ready` is told the address once, `say` what each later build did. OutsideError if the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="compass-site-") as folder:
        site = Path(folder) / "site"
        library = load()
        report(build_site(library, site, today=today()), say)

        def rebuild() -> None:
            started = time.monotonic()
            try:
                built = build_site(load(), site, today=today())
            except CompassError as error:
                say(f"not rebuilt: {error}")
                return
            report(built, say)
            say(f"rebuilt {built.pages:,} pages in {time.monotonic() - started:.1f} s")

        roots = tuple(mount.root for mount in library.mounts if (mount.root / "compass.yaml").is_file())
        watch_and_serve(site, roots, port, rebuild, ready)


def report(built: Built, say: Callable[[str], None]) -> None:
    """Say what could not be published, entry by entry."""
    for problem in built.problems:
        if problem.severity is Severity.ERROR:
            say(f"left out: {problem.location}: {problem.message}")
    for repository in built.not_for_them:
        say(f"left out: {repository}: not everyone in the audience may read it")
