"""What the real Grafana MCP server is put before: the lab's Prometheus, its logs, traces and changes.

Run `python -m lab.backing.grafana FOLDER`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from lab.live import Live
from lab.state import Lab
from services.grafana_stand_in import Grafana

TOKEN: Final = "glsa_lab"  # noqa: S105  # known to everybody: it opens a lab on loopback


def main(lab: Lab) -> None:
    """Serve until killed."""
    live = Live(lab)
    Grafana(
        lab.port("prometheus"), lambda: live.store, TOKEN, port=lab.port("grafana"), traces=True
    ).serve_forever()


if __name__ == "__main__":
    main(Lab(Path(sys.argv[1])))
