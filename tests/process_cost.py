"""What a program and all that it starts cost: CPU seconds, wall time, and memory as Linux counts it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Cost:
    """`largest` is the peak of one process, `together` that of the sum, both resident and in MiB."""

    code: int
    cpu: float
    wall: float
    largest: float
    together: float
    out: str


def family(root: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text("utf-8").rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found = [root]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def resident(process: int) -> float:
    """MiB of one process; 0 once it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1]) * _PAGE / 2**20
    except (OSError, ValueError, IndexError):
        return 0.0


def cost_of(command: Sequence[str], **environment: str) -> Cost:
    """Run a command to its end, looking at its memory ten times a second."""
    before, started = os.times(), time.perf_counter()
    peaks = [0.0, 0.0]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        done = threading.Event()

        def look() -> None:
            while not done.wait(0.1):
                sizes = [resident(one) for one in family(process.pid)]
                peaks[0], peaks[1] = max(peaks[0], *sizes), max(peaks[1], sum(sizes))

        watching = threading.Thread(target=look)
        watching.start()
        out, _ = process.communicate()
        done.set()
        watching.join()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(process.returncode, cpu, time.perf_counter() - started, peaks[0], peaks[1], out)
