"""A recording's tools called without MCP between: the same queries and answers, without the second that mcp takes.

For checking patterns against recordings; an investigation goes through MCP (`compass.replay.server.connect`).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import from_json

from compass.adapters.garbage import collected_later
from compass.adapters.telemetry.queries import Reply, ToolTelemetry
from compass.model.recording import Recording
from compass.replay.matchers import CannotEvaluateError
from compass.replay.store import Store
from compass.replay.tools import TOOLS


class DirectTools:
    """Calls the replay tools in this process."""

    def __init__(self, recording: Recording) -> None:
        with collected_later():
            self._store = Store(recording)
        self._offered = {tool.name: tool for tool in TOOLS if tool.offered(self._store)}
        self._closed = False

    @property
    def tools(self) -> Mapping[str, frozenset[str]]:
        """The tools of this recording, with the names of their arguments."""
        return {name: frozenset(tool.properties) for name, tool in self._offered.items()}

    def call(self, tool: str, arguments: Mapping[str, object]) -> Reply:
        """The tool's answer, or why there is none."""
        if self._closed or tool not in self._offered:
            return Reply(
                None,
                "the recording is closed" if self._closed else f"there is no tool {tool!r} that may be used",
            )
        try:
            with collected_later():
                return Reply(
                    from_json(self._offered[tool](self._store, arguments), cache_strings="keys"), None
                )
        except CannotEvaluateError as refusal:
            return Reply(None, refusal.message)

    def close(self) -> None:
        """Answer nothing any more."""
        self._closed = True


def direct(recording: Recording) -> ToolTelemetry:
    """Telemetry from a recording, without MCP; close it."""
    return ToolTelemetry(DirectTools(recording))
