"""The personal repository: made on first use, local, read by its engineer alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from compass.errors import UsageError
from compass.model.scope import Level
from compass.workflows.initialize import Plan, initialize


def personal_path(data: Path) -> Path:
    """Where the personal repository lies, whether it is there yet or not; `data` is the settings' data folder."""
    return data / "personal"


def personal_repository(data: Path, *, now: datetime) -> Path:
    """The personal repository's folder; it is made if it is not there. OutsideError when Git fails."""
    root = personal_path(data)
    if not (root / "compass.yaml").is_file():
        try:
            initialize(Plan(root, Level.PERSONAL), now=now)
        except UsageError:
            # Another investigation made it in the same moment.
            if not (root / "compass.yaml").is_file():
                raise
    return root
