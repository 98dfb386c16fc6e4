"""The search of a site that is being edited: made anew by another process, so that nobody waits for it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_PROCESSES: Final = multiprocessing.get_context("spawn")


class Reindexer:
    """A context in which at most one process makes the search of `site`, in a folder of its own below `folder`.

    `make` indexes the pages in a folder; it can be pickled.
    """

    def __init__(self, site: Path, folder: Path, make: Callable[[Path], None]) -> None:
        self._site = site
        self._folder = folder
        self._make = make
        self._process: multiprocessing.process.BaseProcess | None = None
        self._waiting: threading.Thread | None = None
        self._rounds = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what is still being made."""
        self.stop()

    def start(self) -> None:
        """Make the search of what is there now; what was being made is given up."""
        self.stop()
        self._rounds += 1
        copy = self._folder / f"search-{self._rounds}"
        self._process = _PROCESSES.Process(target=_make, args=(self._site, copy, self._make), daemon=True)
        self._process.start()
        self._waiting = threading.Thread(target=self._take, args=(self._process, copy), daemon=True)
        self._waiting.start()

    def stop(self) -> None:
        """End the process, if there is one, and remove what it made."""
        if self._process and self._waiting:
            _end(self._process)
            self._waiting.join()
            self._process = self._waiting = None

    def _take(self, process: multiprocessing.process.BaseProcess, copy: Path) -> None:
        process.join()
        made = copy / "made"
        if process.exitcode == 0:
            for new in sorted(made.iterdir()):
                old = copy / f"old-{new.name}"
                if (self._site / new.name).exists():
                    (self._site / new.name).rename(old)
                new.rename(self._site / new.name)
        shutil.rmtree(copy, ignore_errors=True)


def _make(site: Path, copy: Path, make: Callable[[Path], None]) -> None:
    """In a process of its own: index the pages, and lay what the index consists of into `copy`/made."""
    if sys.platform != "win32":
        # First of all: what ends with the parent is a group, which must not be that of the terminal.
        os.setpgid(0, 0)
        os.nice(10)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pages = copy / "pages"
    for page in site.rglob("*.html"):
        target = pages / page.relative_to(site)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(page, target)
    before = {one.name for one in pages.iterdir()}
    make(pages)
    (copy / "made").mkdir()
    for one in list(pages.iterdir()):
        if one.name not in before:
            one.rename(copy / "made" / one.name)


def _end(process: multiprocessing.process.BaseProcess) -> None:
    """Kill it with all that it started, as far as it has come to have a group of its own."""
    if sys.platform != "win32" and process.pid:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        if sys.platform != "win32":
            os.killpg(0, signal.SIGKILL)
        os._exit(1)
