"""Servers that a catalog names, made ready for a command: nothing is run before the user agreed to exactly that."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from compass.cli.context import Context
from compass.cli.render import clean, note
from compass.errors import UsageError

if TYPE_CHECKING:
    from compass.library import NamedServer
    from compass.workflows.investigate import Memory
    from compass.workflows.servers.ready import Ready

_F = TypeVar("_F", bound=Callable[..., Any])


def trust_option(command: _F) -> _F:
    """`--trust`, which arrives as `trust`."""
    return click.option(
        "--trust", is_flag=True, help="Agree to the servers that the catalog names, as they are now."
    )(command)


def catalog_servers(context: Context, named: Sequence[NamedServer], *, trust: bool) -> Ready:
    """Those to which the user agrees, now or before, made ready to be asked.

    Without a terminal nobody can be asked: then what was not agreed to is left out and named, and UsageError says so
    where nothing else is there.
    """
    from compass.workflows.servers.agreement import agree  # noqa: PLC0415  # keeps --help quick
    from compass.workflows.servers.ready import ready  # noqa: PLC0415  # as above

    data = context.settings.data
    agreed = agreed_of(context, named)
    fresh = [one for one in named if one not in agreed]
    wanted = fresh if trust or not fresh else _asked(fresh, alone=not agreed)
    agree(wanted, data, datetime.now(UTC))
    data.mkdir(parents=True, exist_ok=True)
    return ready(named, [*agreed, *wanted], environment=os.environ, folder=data, offline=context.offline)


def of_catalog(context: Context, memory: Memory, *, trust: bool) -> Ready:
    """The same for an investigation that names no telemetry; UsageError when the catalog names none either."""
    if not memory.library.servers:
        raise UsageError(
            "there is nothing to investigate",
            "name telemetry with --server URL or --command CMD, servers in catalog/mcp.json, or a --recording",
        )
    found = catalog_servers(context, memory.library.servers, trust=trust)
    found.some()
    return found


def agreed_of(context: Context, named: Sequence[NamedServer]) -> list[NamedServer]:
    """Those that the user agreed to before."""
    from compass.workflows.servers.agreement import read_agreements  # noqa: PLC0415  # keeps --help quick

    known = read_agreements(context.settings.data)
    return [one for one in named if known.holds(one)]


def _asked(fresh: Sequence[NamedServer], *, alone: bool) -> list[NamedServer]:
    """Those to which the user says yes; `alone` says that there are no others."""
    from compass.workflows.servers.ready import purpose  # noqa: PLC0415  # keeps --help quick

    said = [f"{one.name} ({one.place}) {purpose(one)}" for one in fresh]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        line = clean(f"the catalog names what you have not agreed to: {'; '.join(said)}")
        if alone:
            raise UsageError(line, "look at it with `compass mcp list`, then say --trust once")
        note(line)
        return []
    wanted = []
    for one, line in zip(fresh, said, strict=True):
        click.echo(clean(line), err=True)
        if click.confirm("Agree to this from now on?", default=False, err=True):
            wanted.append(one)
    return wanted
