"""The telemetry servers of one recording: opened together, each kind of telemetry asked of the first that has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from compass.adapters.telemetry.answer import Kind, Telemetry
from compass.errors import OutsideError, UsageError
from compass.investigate.together import together
from compass.workflows.recording.request import Notes

if TYPE_CHECKING:
    from compass.adapters.telemetry.client import McpTelemetry

TOKEN: Final = "COMPASS_TELEMETRY_TOKEN"  # noqa: S105  # the name of a variable
"""The variable that holds the bearer token for servers over HTTP."""
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Server:
    """Where a telemetry server is: a URL of streamable HTTP, or a command that speaks MCP on stdio.

    One of a catalog gets no more than its own `headers` or `environment`, and runs in a `folder` where nothing is.
    """

    url: str = ""
    command: tuple[str, ...] = ()
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    folder: Path | None = None

    def __str__(self) -> str:
        """For people and for records: without what may be secret, such as a password, a query, or arguments."""
        if not self.url:
            return self.command[0]
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True)
class Asking:
    """Which servers, and how: the uid of the backend for a kind, seconds for each answer, the environment.

    `refused` says which servers are not asked, and why, one sentence each.
    """

    servers: Sequence[Server]
    datasources: Mapping[Kind, str]
    timeout: float
    environment: Mapping[str, str]
    refused: Sequence[str] = ()


@dataclass(frozen=True)
class Sources:
    """The servers that answered when they were opened."""

    servers: Sequence[Telemetry]

    def of(self, kind: Kind) -> Telemetry | None:
        """The first server that collects this kind, or None."""
        return next((one for one in self.servers if one.observes(kind)), None)


def servers_of(
    urls: Sequence[str], commands: Sequence[Sequence[str]], *, offline: bool = False
) -> tuple[Server, ...]:
    """Every server named; UsageError when there is none, or one that cannot be."""
    for url in urls:
        host = _host(url)
        if not host:
            raise UsageError(f"--server {url[:120]!r} is no address", "such as http://127.0.0.1:8000/mcp")
        if offline and not is_here(url):
            raise UsageError(
                f"--offline reaches nothing outside this machine, and {url[:120]!r} is", "leave one out"
            )
    if not all(commands):
        raise UsageError("--command is empty", 'such as --command "mcp-grafana --transport stdio"')
    servers = (
        *(Server(url=url) for url in urls),
        *(Server(command=tuple(one)) for one in commands),
    )
    if not servers:
        raise UsageError("no telemetry server was named", "add --server URL or --command CMD")
    return servers


def is_here(url: str) -> bool:
    """Whether an address is one of this machine."""
    return _host(url) in _HERE


def _host(url: str) -> str:
    """The host of an address over HTTP, empty where it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""


def datasources_of(pairs: Sequence[str]) -> Mapping[Kind, str]:
    """`KIND=UID` by kind; UsageError for an unknown kind."""
    found: dict[Kind, str] = {}
    for pair in pairs:
        kind, equals, uid = pair.partition("=")
        if not equals or not uid or kind not in {"metrics", "logs", "traces"}:
            raise UsageError(f"--datasource {pair[:80]!r} is not KIND=UID", "such as metrics=prometheus-main")
        found[cast("Kind", kind)] = uid
    return found


@contextmanager
def opened(asking: Asking, notes: Notes) -> Iterator[Sources]:
    """Every server that can be reached, all tried at once; one that cannot is noted.

    Raises OutsideError when none can.
    """
    reception = _Reception()
    try:
        tries = together(
            [partial(reception.open, one, asking) for one in asking.servers], len(asking.servers)
        )
        reached = [one for one in tries if not isinstance(one, str)]
        failures = [*asking.refused, *(one for one in tries if isinstance(one, str))]
        if not reached:
            raise OutsideError(
                "; ".join(failures), hint="is it running, and is its command or address right?"
            )
        for sentence in failures:
            notes.add(f"everything that only this server has is missing: {sentence}")
        yield Sources(reached)
    finally:
        reception.close()


class _Reception:
    """Sessions as they come about, in several threads; one that comes when it has closed is ended at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: list[McpTelemetry] = []
        self._closed = False

    def open(self, server: Server, asking: Asking) -> McpTelemetry | str:
        """A session with a server, or why there is none."""
        try:
            found = connected(server, asking)
        except OutsideError as failure:
            return f"{server}: {failure.message}"
        with self._lock:
            if not self._closed:
                self._open.append(found)
                return found
        found.close()
        return f"{server}: nobody waits for it any more"

    def close(self) -> None:
        """End every session; a server that does not end by itself takes a few seconds, so all at once."""
        with self._lock:
            self._closed = True
        together([one.close for one in self._open], len(self._open))


def connected(server: Server, asking: Asking) -> McpTelemetry:
    """A session with one server; OutsideError when it cannot be reached."""
    from compass.adapters.telemetry.client import McpTelemetry  # noqa: PLC0415  # a runbook is shown before mcp is loaded

    return McpTelemetry(
        server.url or _started(server, asking),
        timeout=asking.timeout,
        datasources=asking.datasources,
        headers=_headers(asking) if server.headers is None else server.headers,
    )


def _started(server: Server, asking: Asking) -> object:
    from compass.adapters.telemetry.session import stdio  # noqa: PLC0415  # as above

    given = asking.environment if server.environment is None else server.environment
    environment = {key: value for key, value in given.items() if key != "DO_NOT_TRACK"}
    return stdio(server.command, environment, server.folder)


def _headers(asking: Asking) -> Mapping[str, str]:
    token = asking.environment.get(TOKEN, "")
    return {"Authorization": f"Bearer {token}"} if token else {}
