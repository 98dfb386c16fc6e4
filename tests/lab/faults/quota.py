"""Takes CPU from a process by a quota: the kernel's own where control groups may be made, else by stopping it in turns.

Run `python -m lab.faults.quota FOLDER COMPONENT PID SHARE` for the second way.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Final

from lab.state import Identity, Lab, identity

GROUPS: Final = Path("/sys/fs/cgroup")
PERIOD: Final = 0.1


def group(lab: Lab) -> Path:
    """Where this lab's control group is, or would be."""
    name = f"compass-lab-{sha256(str(lab.folder).encode()).hexdigest()[:12]}"
    return GROUPS / name if (GROUPS / "cgroup.controllers").exists() else GROUPS / "cpu" / name


def limit(lab: Lab, component: str, pid: int, share: float) -> bool:
    """Let the process use this share of one CPU; False where the kernel does not let us make such a group."""
    folder = group(lab)
    period = round(PERIOD * 1_000_000)
    most = max(1000, round(period * share))
    try:
        folder.mkdir(exist_ok=True)
        if (folder / "cpu.max").exists():
            (folder / "cpu.max").write_text(f"{most} {period}")
        else:
            (folder / "cpu.cfs_period_us").write_text(str(period))
            (folder / "cpu.cfs_quota_us").write_text(str(most))
        (folder / "cgroup.procs").write_text(str(pid))
    except OSError:
        remove(lab)
        return False
    lab.write({"component": component, "stat": str(folder / "cpu.stat")}, "throttled.json")
    return True


def remove(lab: Lab) -> None:
    """Give everybody in the group their CPU back, and take the group away."""
    folder = group(lab)
    if not folder.is_dir():
        return
    for pid in (folder / "cgroup.procs").read_text().split():
        try:
            (folder.parent / "cgroup.procs").write_text(pid)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + 5
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
            continue
        return


def stop_in_turns(lab: Lab, component: str, victim: Identity, share: float) -> None:
    """Let the process run for its share of each period and stop it for the rest, for as long as both live."""
    stopped = 0.0
    told = time.monotonic()
    try:
        while victim.alive:
            victim.signal(signal.SIGSTOP)
            time.sleep(PERIOD * (1 - share))
            victim.signal(signal.SIGCONT)
            stopped += PERIOD * (1 - share)
            time.sleep(PERIOD * share)
            if time.monotonic() - told > 1:
                told = time.monotonic()
                lab.write({"component": component, "seconds": stopped}, "throttled.json")
    finally:
        victim.signal(signal.SIGCONT)


def _end(*_: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    os.nice(-5) if os.geteuid() == 0 else None
    stop_in_turns(Lab(Path(sys.argv[1])), sys.argv[2], identity(int(sys.argv[3])), float(sys.argv[4]))
