"""A site on loopback while its files are edited: each change shows on its page first, then in lists, then in the search."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from compass.errors import CompassError
from compass.library import Library
from compass.model.base import Problem, Severity
from compass.publish.build import Built
from compass.publish.preview import Preview, Updated
from compass.publish.reindex import Reindexer
from compass.publish.scratch import scratch
from compass.publish.search import index
from compass.publish.serve import HOST, server
from compass.retrieval.opening import vocabularies

SETTLE: Final = 0.1
"""Seconds without a further change after which a burst of writes counts as one."""


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
            self.changed.wait(SETTLE)


def serve_site(
    load: Callable[[], Library],
    port: int,
    *,
    today: Callable[[], date],
    ready: Callable[[str], None],
    say: Callable[[str], None],
    cache: Path | None = None,
) -> None:
    """Build what `load` gives, serve it on loopback, and bring it up to date after each change, until interrupted.

    `ready` is told the address once, `say` what each later change did; `cache` is a folder (or None: no cache).
    OutsideError if the port is taken.
    """
    with scratch("compass-site-") as folder:
        preview = Preview(folder, today, cache)
        library = load()
        roots = tuple(mount.root for mount in library.mounts if (mount.root / "compass.yaml").is_file())
        watch = Watch(roots)
        preview.site.mkdir()
        searched = partial(index, vocabularies=tuple(vocabularies(library)))
        with server(preview.site, port) as http, Reindexer(preview.site, folder, searched) as search:
            report(preview.update(library), say)
            preview.finish()
            preview.complain(_errors(library.problems))
            search.start()
            observer = Observer()
            for root in watch.roots:
                observer.schedule(watch, str(root), recursive=True)
            serving = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
            serving.start()
            observer.start()
            try:
                ready(f"http://{HOST}:{http.server_address[1]}/")
                while True:
                    watch.wait()
                    _follow(preview, load, watch, search, say)
            finally:
                observer.stop()
                observer.join()
                http.shutdown()


def _follow(
    preview: Preview, load: Callable[[], Library], watch: Watch, search: Reindexer, say: Callable[[str], None]
) -> None:
    """Show one change; a further one in between ends what can wait."""
    started = time.monotonic()
    try:
        updated = preview.update(load())
    except CompassError as error:
        say(f"not rebuilt: {error}")
        preview.complain([str(error)])
        return
    report(updated, say)
    say(
        f"{updated.pages:,} {'page' if updated.pages == 1 else 'pages'} made anew in {time.monotonic() - started:.1f} s"
    )
    if preview.finish(watch.changed.is_set):
        preview.complain(_errors(updated.problems))
        search.start()


def report(found: Built | Updated, say: Callable[[str], None]) -> None:
    """Say what could not be shown, entry by entry."""
    for text in _errors(found.problems):
        say(f"left out: {text}")
    for repository in found.not_for_them:
        say(f"left out: {repository}: not everyone in the audience may read it")


def _errors(problems: Iterable[Problem]) -> list[str]:
    return [f"{one.location}: {one.message}" for one in problems if one.severity is Severity.ERROR]
