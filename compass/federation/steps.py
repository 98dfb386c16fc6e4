"""The names of the writing steps: each may be the last one before a crash, and running again ends in the same state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Checkpoint = Callable[[str], None]
"""Called with a step's name after the step is done; a test raises here to play a crash."""

SEND: Final = ("drawn", "settled", "mapped", "written", "proposed")
PULL: Final = ("opened", "commented", "asked")
APPROVE: Final = ("signed", "approved")
REJECT: Final = ("recorded", "closed", "settled")
LAND: Final = ("committed", "advanced", "closed", "settled")


def pass_by(name: str) -> None:
    """The checkpoint outside tests: nothing happens."""
    del name
