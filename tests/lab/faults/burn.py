"""A batch job that does nothing but use a CPU: `python -m lab.faults.burn PROCESSES CPU`; they end with it."""

from __future__ import annotations

import os
import subprocess
import sys

LOOP = ("setpriv", "--pdeathsig", "KILL", "sh", "-c", "while :; do :; done")


def main(processes: int, cpu: int) -> None:
    """Burn until killed."""
    os.sched_setaffinity(0, {cpu})
    running = [subprocess.Popen(LOOP) for _ in range(processes)]
    for one in running:
        one.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
