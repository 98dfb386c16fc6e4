"""The telemetry servers of one recording: opened together, each kind of telemetry asked of the first that has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from compass.adapters.telemetry.answer import Kind, Telemetry
from compass.adapters.telemetry.client import McpTelemetry
from compass.adapters.telemetry.session import stdio
from compass.errors import OutsideError
from compass.workflows.recording.request import Notes

TOKEN: Final = "COMPASS_TELEMETRY_TOKEN"  # noqa: S105  # the name of a variable
"""The variable that holds the bearer token for servers over HTTP."""


@dataclass(frozen=True)
class Server:
    """Where a telemetry server is: a URL of streamable HTTP, or a command that speaks MCP on stdio."""

    url: str = ""
    command: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.url or self.command[0]


@dataclass(frozen=True)
class Asking:
    """Which servers, and how: the uid of the backend for a kind, seconds for each answer, the environment."""

    servers: Sequence[Server]
    datasources: Mapping[Kind, str]
    timeout: float
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Sources:
    """The servers that answered when they were opened."""

    servers: Sequence[Telemetry]

    def of(self, kind: Kind) -> Telemetry | None:
        """The first server that collects this kind, or None."""
        return next((one for one in self.servers if one.observes(kind)), None)


@contextmanager
def opened(asking: Asking, notes: Notes) -> Iterator[Sources]:
    """Every server that can be reached; one that cannot is noted.

    Raises OutsideError when none can.
    """
    environment = {key: value for key, value in asking.environment.items() if key != "DO_NOT_TRACK"}
    reached: list[Telemetry] = []
    failures: list[str] = []
    with ExitStack() as stack:
        for server in asking.servers:
            try:
                where = server.url or stdio(server.command, environment)
                token = "" if server.command else asking.environment.get(TOKEN, "")
                reached.append(
                    stack.enter_context(
                        McpTelemetry(
                            where, timeout=asking.timeout, datasources=asking.datasources, token=token
                        )
                    )
                )
            except OutsideError as failure:
                failures.append(f"{server}: {failure.message}")
        if not reached:
            raise OutsideError(
                "; ".join(failures), hint="is it running, and is its command or address right?"
            )
        for sentence in failures:
            notes.add(f"everything that only this server has is missing: {sentence}")
        yield Sources(reached)
