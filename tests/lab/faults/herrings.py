"""Red herrings: things that really happen shortly before a fault, look like its cause, and harm nobody."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lab.faults.fault import Fault, Undo
from lab.hands import Hands


@dataclass(frozen=True)
class Herring:
    """One of them: `begin` does it and gives back what ends it."""

    kind: str
    component: str
    says: str
    begin: Callable[[Hands], Undo]


def _nothing() -> None:
    """A deployment stays."""


def _deployed(service: str, summary: str, **config: object) -> Callable[[Hands], Undo]:
    def begin(hands: Hands) -> Undo:
        hands.deploy(service, summary, **config)
        return _nothing

    return begin


def _rush(hands: Hands) -> Undo:
    hands.put({"rush": 1.6}, "config", "load.json")
    return lambda: hands.put({"rush": 1.0}, "config", "load.json")


def _report(hands: Hands) -> Undo:
    hands.changed("job", "batch-report", "daily report started")
    cpu = min(os.sched_getaffinity(0))
    hands.ask("start", "batch-report", (sys.executable, "-m", "lab.faults.burn", "1", str(cpu)))
    return lambda: hands.ask("stop", "batch-report")


HERRINGS: Final = (
    Herring("deployment", "storefront", "an unrelated deployment", _deployed("storefront", "new footer")),
    Herring(
        "warnings",
        "worker",
        "a deployment that only writes more warnings",
        _deployed("worker", "warn of deprecated fields", deprecation_warnings=True),
    ),
    Herring("rush", "storefront", "more customers than usual for a moment", _rush),
    Herring("report", "batch-report", "a batch job on another CPU", _report),
)


def chosen(fault: Fault, rng: random.Random) -> Herring:
    """One that touches nothing which the fault is about."""
    blamed = {fault.component, *fault.accept}
    return rng.choice([one for one in HERRINGS if one.component not in blamed])
