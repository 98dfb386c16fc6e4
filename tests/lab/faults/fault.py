"""What a fault is: its ground truth, and how it is begun and undone."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lab.hands import Hands

Intensity = Literal["low", "high"]
Undo = Callable[[], None]


@dataclass
class Scene:
    """Where a fault is played: the lab, how strong, and the chance that the seed gives."""

    hands: Hands
    intensity: Intensity
    rng: random.Random
    facts: dict[str, object] = field(default_factory=dict)
    """What the ground truth says beside the fault itself: numbers and means that were chosen on the spot."""

    @property
    def high(self) -> bool:
        """Whether it is to be strong."""
        return self.intensity == "high"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    `component` is where it is; `accept` are the components that a fair answer may name as well.
    `begin` makes it happen and gives back what ends it.
    """

    kind: str
    component: str
    says: str
    begin: Callable[[Scene], Undo]
    accept: tuple[str, ...] = ()


def rollout(
    service: str, summary: str, low: Mapping[str, object], high: Mapping[str, object]
) -> Callable[[Scene], Undo]:
    """A fault that a deployment brings and its rollback ends."""

    def begin(scene: Scene) -> Undo:
        before = scene.hands.config(service)
        chosen = high if scene.high else low
        scene.facts.update(chosen)
        scene.hands.deploy(service, summary, **chosen)
        return lambda: scene.hands.roll_back(service, before)

    return begin
