"""What happens when in one run of the lab, drawn from a seed: the same seed gives the same story."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from lab.faults.catalog import FAULTS
from lab.faults.fault import Fault, Intensity
from lab.faults.herrings import Herring, chosen
from lab.state import LabError

SHORTEST: Final = 60.0
USUAL: Final = 160.0
LONGEST: Final = 210.0
INTENSITIES: Final[tuple[Intensity, ...]] = ("low", "high")


@dataclass(frozen=True)
class Plan:
    """Seconds are counted from the moment at which the lab is up; `ends` is when the fault is undone."""

    fault: Fault
    intensity: Intensity
    seed: int
    seconds: float
    herring: Herring
    herring_begins: float
    herring_ends: float
    onset: float
    ends: float

    @property
    def name(self) -> str:
        """The run's folder."""
        return f"{self.fault.kind}-{self.intensity}-{self.seed}"

    @property
    def rng(self) -> random.Random:
        """Chance for the fault itself; the same for each use."""
        return random.Random(f"fault {self.name}")


def plan(kind: str, intensity: Intensity, seed: int, seconds: float = USUAL) -> Plan:
    """Draw a story of this many seconds; LabError for a fault that is not known or a length that does not do."""
    if kind not in FAULTS:
        raise LabError(f"there is no fault {kind!r}; there are {', '.join(FAULTS)}")
    if not SHORTEST <= seconds <= LONGEST:
        raise LabError(f"a run takes {SHORTEST:g} to {LONGEST:g} seconds, not {seconds:g}")
    rng = random.Random(f"plan {kind} {intensity} {seed}")
    onset = seconds * rng.uniform(0.40, 0.48)
    begins = onset - seconds * rng.uniform(0.12, 0.18)
    return Plan(
        FAULTS[kind],
        intensity,
        seed,
        seconds,
        chosen(FAULTS[kind], rng),
        begins,
        begins + seconds * 0.1,
        onset,
        seconds * 0.88,
    )


def collection(first_seed: int = 1, seconds: float = USUAL) -> list[Plan]:
    """Every kind in both intensities, each with a seed of its own."""
    pairs = [(kind, intensity) for kind in FAULTS for intensity in INTENSITIES]
    return [plan(kind, intensity, first_seed + at, seconds) for at, (kind, intensity) in enumerate(pairs)]
