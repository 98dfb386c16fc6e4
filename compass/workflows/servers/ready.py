"""Servers of the catalogs become servers to ask, or a sentence that says why one is not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compass.errors import UsageError
from compass.library import NamedServer
from compass.model.servers import VARIABLE
from compass.workflows.recording.sources import Server, is_here

NOTHING: Final = "describe servers in catalog/mcp.json, or name them with --server URL or --command CMD"


@dataclass(frozen=True)
class Ready:
    """Servers that may be asked, by name, and why the others are not."""

    servers: Mapping[str, Server]
    reasons: Mapping[str, str]
    refused: tuple[str, ...]
    """The reasons, as sentences that name the server and its place."""

    def some(self) -> Sequence[Server]:
        """The servers; UsageError when there is none."""
        if not self.servers:
            raise UsageError("; ".join(self.refused) or "the catalog names no MCP server", NOTHING)
        return tuple(self.servers.values())


def ready(
    named: Sequence[NamedServer],
    agreed: Sequence[NamedServer],
    *,
    environment: Mapping[str, str],
    folder: Path,
    offline: bool,
) -> Ready:
    """Those that the user agreed to and whose variables are set; commands run in `folder`, not in the repository."""
    servers: dict[str, Server] = {}
    reasons: dict[str, str] = {}
    for one in named:
        why = _refusal(one, environment, offline=offline) if one in agreed else "you did not agree to it"
        if why:
            reasons[one.name] = why
        else:
            servers[one.name] = _server(one, environment, folder)
    sentences = [
        f"{one.name} ({one.place}) is not asked: {reasons[one.name]}" for one in named if one.name in reasons
    ]
    return Ready(servers, reasons, tuple(sentences))


def purpose(one: NamedServer) -> str:
    """What agreeing to a server means, on one line."""
    server = one.server
    plain = [f"{name}={value}" for name, value in server.env.items() if not VARIABLE.search(value)]
    given = f" with {', '.join(plain)}" if plain else ""
    seen = f"; it gets {', '.join(server.variables)} of your environment" if server.variables else ""
    if server.command is not None:
        return f"runs `{' '.join([server.command, *server.args])}` on this machine{given}{seen}"
    return f"sends questions to {server.url}{seen}"


def _refusal(one: NamedServer, environment: Mapping[str, str], *, offline: bool) -> str:
    if offline and one.server.url is not None and not is_here(one.server.url):
        return "--offline reaches nothing outside this machine"
    for name in one.server.variables:
        value = environment.get(name, "")
        if not value:
            return f"the variable {name} is not set"
        if one.server.url is not None and not (value.isascii() and value.isprintable()):
            return f"the variable {name} holds what no header can"
    return ""


def _server(one: NamedServer, environment: Mapping[str, str], folder: Path) -> Server:
    found = one.server
    if found.command is None:
        return Server(url=found.url or "", headers=_filled(found.headers, environment))
    return Server(
        command=(found.command, *found.args), environment=_filled(found.env, environment), folder=folder
    )


def _filled(values: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    return {name: VARIABLE.sub(lambda found: environment[found[1]], value) for name, value in values.items()}
