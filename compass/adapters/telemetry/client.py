"""Telemetry through any MCP server that offers the Grafana MCP server's tools: ours for recordings, or a real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from compass.adapters.telemetry.answer import Kind
from compass.adapters.telemetry.queries import ToolTelemetry
from compass.adapters.telemetry.session import Session, stdio


class McpTelemetry(ToolTelemetry):
    """`Telemetry` over one MCP session, which several threads may use at once."""

    def __init__(
        self,
        server: object,
        *,
        timeout: float = 60.0,
        datasources: Mapping[Kind, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Open the session.

        `server`: an MCP server object of this process, StdioServerParameters, or a URL of a streamable HTTP server.
        `timeout`: seconds to connect, and for each call.
        `datasources`: the uid to use for a kind; without it the first datasource of a fitting type is used.
        `headers`: sent to a URL with every request.
        Raises OutsideError if the server cannot be reached.
        """
        session = Session(server, timeout, headers)
        super().__init__(session, datasources)
        self.refused = session.refused
        """The tools of the server that are never called, and why."""

    @classmethod
    def command(
        cls, command: Sequence[str], environment: Mapping[str, str] | None = None, *, timeout: float = 60.0
    ) -> Self:
        """A server started as a child process that speaks MCP on stdio; it ends with `close`."""
        return cls(stdio(command, environment), timeout=timeout)
