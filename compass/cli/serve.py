"""`compass serve`: a recorded incident over MCP, for any client that speaks it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from compass import __version__
from compass.cli.context import Context
from compass.replay.server import serve_stdio


@click.command()
@click.option(
    "--recording",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the recording.",
)
@click.pass_obj
def command(context: Context, recording: Path) -> None:
    """Serve a recorded incident over MCP on stdin and stdout, with the tools of the Grafana MCP server."""
    if sys.stdin.isatty() and not context.quiet:
        click.echo("waiting for an MCP client on stdin; Ctrl-C ends", err=True)
    serve_stdio(recording, __version__)
