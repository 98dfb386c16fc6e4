"""The one base of every model, and the problem that a check reports."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from compass.errors import Location


class Model(BaseModel):
    """Frozen, and it refuses unknown fields; changes make new objects."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Severity(StrEnum):
    """How bad a problem in a file is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Problem(Model):
    """One finding of `compass check`, in the JSON shape that programs outside read."""

    rule: str
    severity: Severity
    message: str
    path: str
    line: int = 0
    column: int = 0
    hint: str | None = None
    entry: str | None = None

    @property
    def location(self) -> Location:
        """Where it is."""
        return Location(self.path, self.line, self.column)


SchemaVersion = Literal[1]
