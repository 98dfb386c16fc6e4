"""The one base of every model, and the problem that a check reports."""

from __future__ import annotations

from datetime import UTC, datetime
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


def in_utc(value: datetime) -> datetime:
    """The same moment in UTC; the ends of the calendar, which cannot be moved to another zone, are refused."""
    if not 1900 <= value.year <= 9000:
        raise ValueError("the year of a time lies between 1900 and 9000")
    return value.astimezone(UTC)
