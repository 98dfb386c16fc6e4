"""Every kind of fault the lab can play, by name."""

from __future__ import annotations

from typing import Final

from lab.faults.between import BETWEEN
from lab.faults.fault import Fault
from lab.faults.resources import RESOURCES
from lab.faults.rollouts import ROLLOUTS

FAULTS: Final[dict[str, Fault]] = {fault.kind: fault for fault in (*ROLLOUTS, *RESOURCES, *BETWEEN)}
