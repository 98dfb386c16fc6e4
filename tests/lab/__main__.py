"""The laboratory's command: `python tests/lab up`, `status`, `down`, `run`, `all`, `faults`, `telemetry`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Hand over to the command line once this folder's parent is where modules are looked for."""
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != HERE]
    sys.path.insert(0, str(HERE.parent))
    try:
        from lab.command import main as command
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"error: {missing}: install this project's dependency groups dev and services\n")
        return 1
    return command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
