"""One investigation in a process of its own: its memory and its crashes stay there, and it can be ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from compass.errors import OutsideError

LONGEST: Final = 900.0
"""Seconds after which an investigation is ended: whoever was paged has looked for themselves by then."""
_GRACE: Final = 10.0


@dataclass(frozen=True)
class Finding:
    """What an investigation came to: the id of its record, and its first hypothesis in words."""

    id: str
    first: str


@dataclass
class Children:
    """Starts `compass investigate` with these options; the alert goes in by stdin, so no shell ever sees it."""

    before: Sequence[str]
    """Options of `compass` itself, such as the repository."""
    options: Sequence[str]
    environment: Mapping[str, str]
    longest: float = LONGEST
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: bool = False

    def investigate(self, payload: bytes) -> Finding:
        """Work one alert to its end; OutsideError says why there is no record."""
        process = self._started()
        try:
            answer, said = process.communicate(payload, timeout=self.longest)
        except subprocess.TimeoutExpired as problem:
            process.send_signal(signal.SIGINT)
            _wait(process)
            raise OutsideError(f"ended after {self.longest:g} seconds") from problem
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode != 0:
            lines = said.decode("utf-8", "replace").strip().splitlines()
            raise OutsideError(
                next((one for one in lines if one.startswith("error:")), "it ended early")[:400]
            )
        return _finding(answer)

    def close(self) -> None:
        """End all that run, and start no more."""
        with self._lock:
            self._ended = True
            running = list(self._running)
        for process in running:
            process.send_signal(signal.SIGINT)
        for process in running:
            _wait(process)

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._ended:
                raise OutsideError("not begun, because the watch ends")
            try:
                process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "compass", *self.before, "investigate", *self.options),
                        *("--alert", "-", "--auto", "--format", "json"),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=dict(self.environment),
                    # Ctrl-C at the terminal is for us; we pass it on.
                    start_new_session=True,
                )
            except OSError as problem:
                raise OutsideError(f"cannot be started: {problem.strerror}") from problem
            self._running.add(process)
            return process


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Let it end by itself for a moment, then make it."""
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _finding(answer: bytes) -> Finding:
    try:
        found = json.loads(answer)
        hypotheses = found["hypotheses"]
        if not hypotheses:
            return Finding(found["id"], "no hypothesis")
        best = hypotheses[0]
        return Finding(
            found["id"], f"{best['statement']} ({best['verdict']}, confidence {best['confidence']:.2f})"
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise OutsideError("it ended without an answer") from problem
