"""One entry on its way between two repositories: everything that a plan depends on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from compass.federation.repositories import Member
from compass.federation.roster import Roster
from compass.federation.seal import Seal
from compass.federation.source import SourceEntry
from compass.model.proposal import Verb


@dataclass(frozen=True)
class Route:
    """One entry on its way: where from, where to, who asks, and under which rules."""

    verb: Verb
    source: SourceEntry
    target: Member
    roster: Roster
    requester: str
    today: date
    clones: Path
    cache: Path | None = None
    seal: Seal | None = None
    fork: str | None = None
    """The commit that source and target have in common, where the source is a clone of the target."""
