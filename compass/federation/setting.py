"""What comes from the user and the machine: folders, identity, key, chance and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from compass.adapters.forge.github import Access
from compass.federation.steps import Checkpoint, pass_by


@dataclass(frozen=True)
class Setting:
    """`draw` gives a fresh proposal id; `step` is called after each write; `github` is who may ask there, and where."""

    clones: Path
    cache: Path | None
    now: datetime
    draw: Callable[[], str]
    principal: str | None = None
    seal_key: str | None = None
    step: Checkpoint = pass_by
    github: Access = field(default_factory=Access)
