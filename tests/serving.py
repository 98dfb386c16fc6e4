"""`compass site serve` as a process of its own, as a person runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Self

from process_cost import family


class Serving:
    """A context in which a repository is served; `temporary` is where the process keeps what it makes."""

    def __init__(self, root: Path, temporary: Path, patience: float = 120) -> None:
        self.temporary = temporary
        self.patience = patience
        self.said: list[str] = []
        temporary.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "compass", "-C", str(root), "site", "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.family = family(self.process.pid)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self.said += self.process.stderr

    def __enter__(self) -> Self:
        assert self.address.startswith("http://127.0.0.1:"), self.said
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)

    def end(self, how: int) -> int:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.family = family(self.process.pid)
            self.process.send_signal(how)
        code = self.process.wait(60)
        self._listening.join(60)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code

    @property
    def site(self) -> Path:
        """The folder that is served."""
        return next(self.temporary.iterdir()) / "site"

    def get(self, path: str) -> str:
        """The text of a page."""
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:  # noqa: S310  # our own address
            return str(answer.read().decode())

    def until(self, path: str, text: str, *, there: bool = True) -> float:
        """Seconds until a page has a text (or has it no more)."""
        return self.wait(lambda: (text in self.get(path)) is there)

    def wait(self, seen: Callable[[], bool]) -> float:
        """Seconds until something is seen."""
        started = time.monotonic()
        while not seen():
            assert time.monotonic() - started < self.patience, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.02)
        return time.monotonic() - started

    def cpu(self) -> float:
        """CPU seconds of the serving process so far, without those that make the search."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
