"""What a server of the catalog is like: whether it answers, what it has, which tools are used and why not the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from pydantic import Field

from compass.errors import OutsideError
from compass.investigate.observe import KINDS
from compass.investigate.together import together
from compass.library import NamedServer
from compass.model.base import Model, SchemaVersion
from compass.workflows.recording.sources import Asking, Server, connected
from compass.workflows.servers.ready import Ready, purpose

_AT_ONCE: Final = 8


class Variable(Model):
    """A variable of the user's environment; never its value."""

    name: str
    is_set: bool = Field(alias="set")


class Listing(Model):
    """A server as the catalog names it."""

    name: str
    place: str
    does: str
    variables: tuple[Variable, ...]
    agreed: bool


class Tool(Model):
    """A tool that a server offers; `refused` says why it is never called."""

    name: str
    refused: str | None = None


class Examined(Listing):
    """A server that was asked; without an `error` it answered."""

    error: str | None = None
    kinds: tuple[str, ...] = Field(default=(), description="metrics, logs, traces, changes: what it has")
    tools: tuple[Tool, ...] = ()


class Servers(Model):
    """The JSON shape that programs outside read."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    servers: tuple[Examined | Listing, ...]


def listing(
    named: Sequence[NamedServer], agreed: Sequence[NamedServer], environment: Mapping[str, str]
) -> tuple[Listing, ...]:
    """The servers of the catalog; none is run or reached."""
    return tuple(
        Listing(
            name=one.name,
            place=one.place,
            does=purpose(one),
            variables=tuple(
                Variable(name=name, is_set=bool(environment.get(name))) for name in one.server.variables
            ),
            agreed=one in agreed,
        )
        for one in named
    )


def examine(listed: Sequence[Listing], servers: Ready, timeout: float) -> tuple[Examined, ...]:
    """Connect to each that may be asked, all at once, and say what it has."""
    return tuple(together([partial(_examined, one, servers, timeout) for one in listed], _AT_ONCE))


def _examined(one: Listing, servers: Ready, timeout: float) -> Examined:
    found = Examined(**one.model_dump(by_alias=True))
    server = servers.servers.get(one.name)
    if server is None:
        return found.model_copy(update={"error": servers.reasons[one.name]})
    try:
        return _asked(found, server, timeout)
    except OutsideError as problem:
        return found.model_copy(update={"error": problem.message})


def _asked(found: Examined, server: Server, timeout: float) -> Examined:
    with connected(server, Asking((server,), {}, timeout, {})) as telemetry:
        listed = telemetry.datasources()
        tools = [Tool(name=name) for name in telemetry.tools]
        tools += [Tool(name=name, refused=why) for name, why in sorted(telemetry.refused.items())]
        return found.model_copy(
            update={
                "error": None if listed.ok else f"it does not say what it has: {listed.error}",
                "kinds": tuple(kind for kind in KINDS if telemetry.observes(kind)) if listed.ok else (),
                "tools": tuple(tools),
            }
        )
