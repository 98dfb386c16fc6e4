"""`compass mcp`: the MCP servers of telemetry that the catalog names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from compass.cli.agreeing import agreed_of, catalog_servers, trust_option
from compass.cli.context import Context
from compass.cli.render import clean, emit_json, format_option, table
from compass.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compass.library import NamedServer
    from compass.workflows.servers.examine import Examined, Listing


@click.group()
def command() -> None:
    """The MCP servers of telemetry that catalog/mcp.json names, here and in the parents.

    A command that a repository names is code: none is run, and none is reached, before you agreed to exactly that.
    """


@command.command("list")
@format_option()
@click.pass_obj
def list_command(context: Context, /, *, output: str) -> None:
    """The servers, what each would run or reach, and what of your environment it would get; nothing is run."""
    found = _listed(context, ())
    if output == "json":
        return _emit(found)
    for one in found:
        click.echo(f"{clean(one.name)}  {clean(one.place)}")
        click.echo(f"  {clean(one.does)}")
        unset = [variable.name for variable in one.variables if not variable.is_set]
        if unset:
            click.echo(f"  not set: {', '.join(unset)}")
        click.echo("  agreed to" if one.agreed else "  not agreed to: say --trust to `compass mcp check`")
    return None


_NAMES = click.argument("names", nargs=-1, metavar="[NAME]...")
_TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="For connecting, and for each answer.",
)


@command.command("check")
@_NAMES
@trust_option
@_TIMEOUT
@format_option()
@click.pass_obj
def check_command(context: Context, /, names: tuple[str, ...], output: str, **given: Any) -> int:
    """Connect to each server and say what it has; exit code 1 if one cannot be asked."""
    found = _examined(context, names, given)
    if output == "json":
        _emit(found)
    else:
        for one in found:
            used = sum(tool.refused is None for tool in one.tools)
            has = f"{', '.join(one.kinds) or 'no telemetry'}; {used} of {len(one.tools)} tools are used"
            click.echo(clean(f"{one.name}: {f'failed: {one.error}' if one.error else has}"))
    return 1 if any(one.error or not one.kinds for one in found) else 0


@command.command("tools")
@_NAMES
@trust_option
@_TIMEOUT
@format_option()
@click.pass_obj
def tools_command(context: Context, /, names: tuple[str, ...], output: str, **given: Any) -> int:
    """The tools that each server offers: which an investigation may call, and why not the others."""
    found = _examined(context, names, given)
    if output == "json":
        _emit(found)
    else:
        rows = [(one.name, tool.name, tool.refused or "used") for one in found for tool in one.tools] + [
            (one.name, "-", one.error) for one in found if one.error
        ]
        table(["server", "tool", "use"], rows)
    return 1 if any(one.error for one in found) else 0


def _examined(context: Context, names: tuple[str, ...], given: dict[str, Any]) -> tuple[Examined, ...]:
    from compass.workflows.servers.examine import examine  # noqa: PLC0415  # mcp costs a second to load

    named = _named(context, names)
    servers = catalog_servers(context, named, trust=given["trust"])
    return examine(_listed(context, names), servers, given["timeout"])


def _listed(context: Context, names: tuple[str, ...]) -> tuple[Listing, ...]:
    from compass.workflows.servers.examine import listing  # noqa: PLC0415  # mcp costs a second to load

    named = _named(context, names)
    return listing(named, agreed_of(context, named), os.environ)


def _named(context: Context, names: tuple[str, ...]) -> Sequence[NamedServer]:
    """The servers of these names, or all."""
    found = context.library().servers
    if not found:
        raise UsageError(
            "the catalog names no MCP server", "describe servers in catalog/mcp.json, and commit it"
        )
    missing = sorted(set(names) - {one.name for one in found})
    if missing:
        raise UsageError(
            f"the catalog names no MCP server {missing[0]!r}",
            f"it names {', '.join(one.name for one in found)}",
        )
    return [one for one in found if not names or one.name in names]


def _emit(found: Sequence[Listing]) -> None:
    from compass.workflows.servers.examine import Servers  # noqa: PLC0415  # mcp costs a second to load

    emit_json(Servers(schema_version=1, servers=tuple(found)))
