"""The exception tree and its exit codes; see site/docs/reference for what each exit code means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; `line` and `column` count from 1, and 0 means unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """As compilers print it: `path:line:column`."""
        if not self.line:
            return self.path
        return f"{self.path}:{self.line}:{self.column or 1}"


class CompassError(Exception):
    """Something stops the command: `message` says what, `location` where, `hint` what to do next."""

    exit_code = 70

    def __init__(self, message: str, hint: str | None = None, location: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location

    def __str__(self) -> str:
        """One line, with its place in front when there is one."""
        return f"{self.location}: {self.message}" if self.location else self.message


class UsageError(CompassError):
    """The command was called wrongly."""

    exit_code = 2


class ConfigError(CompassError):
    """A setting or a repository's compass.yaml cannot be used."""

    exit_code = 2


class NegativeAnswerError(CompassError):
    """The command ran and the answer is no."""

    exit_code = 1


class OutsideError(CompassError):
    """Git, a forge, a model or a telemetry server failed."""

    exit_code = 3


class ConflictError(OutsideError):
    """A ref moved between reading and writing: read again, then retry."""
