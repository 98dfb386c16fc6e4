"""One MCP session held open for synchronous callers: connect, discover the tools, call the allowed ones."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.from_thread
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client  # type: ignore[attr-defined]  # not in its list of exports
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT, TextContent, Tool
from pydantic import ValidationError
from pydantic_core import from_json

from compass.adapters.garbage import collected_later
from compass.adapters.telemetry.queries import Reply
from compass.errors import OutsideError

READ_ONLY_TOOLS = frozenset(
    {
        "list_datasources",
        "query_prometheus",
        "list_prometheus_metric_names",
        "list_prometheus_label_names",
        "list_prometheus_label_values",
        "query_loki_logs",
        "query_loki_stats",
        "list_loki_label_names",
        "list_loki_label_values",
        "search_tempo_traces",
        "get_tempo_trace",
        "get_annotations",
    }
)
"""The only tools that are ever called, whatever a server offers; names as in the Grafana MCP server."""

FAILURES: Final = (
    MCPError,
    ValidationError,
    TimeoutError,
    OSError,
    RuntimeError,
    anyio.ClosedResourceError,
    anyio.BrokenResourceError,
    anyio.EndOfStream,
)
"""What a server that is absent, dead, slow or confused makes the session raise."""

MAX_TOOL_PAGES = 50
_SIGN_OF_LIFE: Final = 2.0
_GOODBYE: Final = 5.0
_LATER: Final = 1.0
"""Seconds for which the SDK, which counts from when a request was written, has its way."""
MAX_ANSWER_CHARACTERS = 256_000_000


class Session:
    """An open MCP session for callers that do not wait; closed, it answers every call with an error."""

    def __init__(self, server: object, timeout: float, headers: Mapping[str, str] | None = None) -> None:
        """`server` is an MCP server object of this process, StdioServerParameters, or a URL, which gets `headers`.

        Raises OutsideError if no session comes about within `timeout` seconds.
        """
        self._closed = False
        self._gone = ""
        self._timeout = timeout
        where = _http(server, headers or {}) if isinstance(server, str) else server
        client = Client(where, read_timeout_seconds=timeout, cache=None)  # type: ignore[arg-type]  # any server shape
        try:
            with ExitStack() as stack:
                self._portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
                self._client = stack.enter_context(
                    self._portal.wrap_async_context_manager(_opened(client, timeout))
                )
                self._tools = self._discover()
                self._stack = stack.pop_all()
        except (*FAILURES, ExceptionGroup) as failure:
            raise OutsideError(
                f"the telemetry server could not be reached: {_reason(failure)}",
                hint="is it running, and is its command or address right?",
            ) from failure

    @property
    def tools(self) -> Mapping[str, frozenset[str]]:
        """The allowed tools that the server offers, with the names of their arguments."""
        return self._tools

    def call(self, tool: str, arguments: Mapping[str, object]) -> Reply:
        """Call one allowed tool; every failure becomes a Reply with `error`."""
        if self._closed:
            return Reply(None, "the telemetry session is closed")
        if tool not in self._tools:
            return Reply(None, f"the telemetry server has no tool {tool!r} that may be used")
        if self._gone:
            return Reply(None, f"not asked: {self._gone}")
        try:
            with collected_later():
                reply: Reply = self._portal.call(self._call, tool, dict(arguments))
        except FAILURES as failure:
            return Reply(None, f"{tool} failed: {_reason(failure)}")
        return reply

    def close(self) -> None:
        """End the session; more calls of this do nothing."""
        if not self._closed:
            self._closed = True
            self._stack.close()

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Reply:
        try:
            with anyio.fail_after(self._timeout + _LATER):
                result = await self._client.call_tool(tool, arguments)
        except (MCPError, TimeoutError) as failure:
            if isinstance(failure, MCPError) and failure.code != REQUEST_TIMEOUT:
                raise
            late = f"no answer within {self._timeout:g} seconds"
            if not self._gone and not await self._lives():
                self._gone = f"the server gave {late}, nor any other sign of life"
            return Reply(None, f"{tool} failed: {late}")
        text = "".join(block.text for block in result.content if isinstance(block, TextContent))
        if result.is_error:
            return Reply(None, text[:2000] or f"{tool} failed and does not say why")
        if len(text) > MAX_ANSWER_CHARACTERS:
            return Reply(
                None, f"{tool} answered with {len(text)} characters, more than {MAX_ANSWER_CHARACTERS}"
            )
        try:
            return Reply(from_json(text, cache_strings="keys"), None)
        except ValueError as failure:
            return Reply(None, f"{tool} did not answer in JSON: {failure}")

    async def _lives(self) -> bool:
        """Whether it answers what it knows by itself: then only what stands behind it is slow."""
        with anyio.move_on_after(min(_SIGN_OF_LIFE, self._timeout / 4)):
            try:
                await self._client.list_tools()
            except MCPError as refusal:
                return refusal.code not in {REQUEST_TIMEOUT, CONNECTION_CLOSED}
            return True
        return False

    @property
    def refused(self) -> Mapping[str, str]:
        """The other tools that the server offers, and why they are never called."""
        return self._refused

    def _discover(self) -> dict[str, frozenset[str]]:
        """The allowed tools on offer; one that says of itself that it writes is left out."""
        found: dict[str, frozenset[str]] = {}
        self._refused: dict[str, str] = {}
        cursor: str | None = None
        for _ in range(MAX_TOOL_PAGES):
            page = self._portal.call(self._list_tools, cursor)
            for tool in page[0]:
                if tool.name not in READ_ONLY_TOOLS:
                    self._refused[tool.name] = "an investigation has no use for it"
                elif _writes(tool):
                    self._refused[tool.name] = "it says of itself that it writes"
                else:
                    found[tool.name] = frozenset(tool.input_schema.get("properties") or ())
            cursor = page[1]
            if not cursor:
                break
        return found

    async def _list_tools(self, cursor: str | None) -> tuple[Sequence[Tool], str | None]:
        result = await self._client.list_tools(cursor=cursor)
        return result.tools, result.next_cursor


@asynccontextmanager
async def _opened(client: Client, timeout: float) -> AsyncIterator[Client]:  # noqa: ASYNC109  # bounds the entry alone
    """The client, connected within `timeout` seconds; TimeoutError otherwise. To say goodbye it gets a few seconds."""
    connected = False
    with anyio.CancelScope(deadline=anyio.current_time() + timeout) as scope:
        async with client:
            scope.deadline, connected = math.inf, True
            try:
                yield client
            finally:
                # Over HTTP the end of a session is a request, which a server that hangs does not answer.
                scope.deadline = anyio.current_time() + _GOODBYE
    if not connected:
        raise TimeoutError(f"no answer within {timeout:g} seconds")


@asynccontextmanager
async def _http(url: str, headers: Mapping[str, str]) -> AsyncIterator[Any]:
    """A server over streamable HTTP, with headers such as that of a bearer token.

    One answer may be as large as on any other way; the SDK allows an event of a megabyte by itself.
    """
    async with (
        create_mcp_http_client(headers=dict(headers)) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=MAX_ANSWER_CHARACTERS) as streams,
    ):
        yield streams


def stdio(
    command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> StdioServerParameters:
    """A server to be started as a child process, in `folder`; it inherits PATH and HOME, and `environment`.

    DO_NOT_TRACK is always set: the Grafana MCP server reports its usage otherwise.
    """
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return StdioServerParameters(
        command=command[0],
        args=list(command[1:]),
        env={**inherited, "DO_NOT_TRACK": "1", **(environment or {})},
        cwd=folder,
    )


def _writes(tool: Tool) -> bool:
    hints = tool.annotations
    return hints is not None and (hints.read_only_hint is False or hints.destructive_hint is True)


def _reason(failure: BaseException) -> str:
    """The innermost message, without the class names of task groups."""
    while isinstance(failure, BaseExceptionGroup) and failure.exceptions:
        failure = failure.exceptions[0]
    return str(failure) or type(failure).__name__
