"""The command line: a table of commands, each loaded only when it is called, so that `--help` stays quick."""

from __future__ import annotations

import importlib
import io
import os
import sys
from pathlib import Path
from typing import Final

import click

from compass import __version__
from compass.cli.context import Context
from compass.cli.failures import guarded

COMMANDS: Final = {
    "init": ("compass.cli.init", "Make a knowledge repository."),
    "new": ("compass.cli.new", "Write a draft entry to fill in."),
    "import": ("compass.cli.import_", "Make draft runbooks of Markdown folders and rule files."),
    "fmt": ("compass.cli.fmt", "Write entries in the one canonical form."),
    "check": ("compass.cli.check", "Find what is wrong in a knowledge repository."),
    "search": ("compass.cli.search", "Find the entry that applies, or an honest nothing."),
    "show": ("compass.cli.show", "Read one entry in the terminal."),
    "investigate": (
        "compass.cli.investigate",
        "Work an incident: test competing hypotheses, cite what was used.",
    ),
    "draft": ("compass.cli.draft", "Turn a finished investigation into draft entries."),
    "record": ("compass.cli.record", "Keep a window of telemetry as a recording."),
    "watch": ("compass.cli.watch", "Receive alerts and investigate them in the background."),
    "contribute": ("compass.cli.contribute", "Propose an entry to your team."),
    "promote": ("compass.cli.promote", "Propose an entry to the tribe or the hub, anonymized."),
    "review": ("compass.cli.review", "List, show, approve, reject and land proposals."),
    "sync": ("compass.cli.sync", "Pull context down from the parents."),
    "anonymize": ("compass.cli.anonymize", "See what would be replaced before a text leaves."),
    "site": ("compass.cli.site", "Build or serve the published memory."),
    "serve": ("compass.cli.serve", "Serve a recorded incident over MCP."),
    "mcp": ("compass.cli.mcp", "The MCP servers of telemetry that the catalog names."),
    "bench": ("compass.cli.bench", "Measure retrieval and ranking on a folder of labelled data."),
    "doctor": ("compass.cli.doctor", "Show settings, where they come from, and what is missing."),
    "schema": ("compass.cli.schema", "Print the JSON Schema of a kind of entry."),
    "demo": ("compass.cli.demo", "Watch one incident become shared knowledge, on this machine."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and one line of help; imports one when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """In the order of an engineer's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import the command's module and take its `command`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """The table itself: no command is imported to print help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "--repo",
    type=click.Path(path_type=Path),
    default=None,
    help="Work in this knowledge repository instead of here.",
)
@click.option("--config", type=click.Path(path_type=Path), default=None, help="Read settings from this file.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
@click.option("-q", "--quiet", is_flag=True, help="Say only answers and errors.")
@click.option("--no-color", is_flag=True, help="No colour (as does the variable NO_COLOR).")
@click.option("--offline", is_flag=True, help="Reach nothing outside this machine.")
@click.version_option(__version__, prog_name="compass")
@click.pass_context
def cli(ctx: click.Context, /, repo: Path | None, config: Path | None, **flags: bool) -> None:
    """The institutional memory of an engineering organization, kept as plain files in Git."""
    if flags["no_color"] or os.environ.get("NO_COLOR"):
        ctx.color = False
    ctx.obj = Context(
        repo=repo or Path(),
        config=config,
        verbose=flags["verbose"],
        quiet=flags["quiet"],
        offline=flags["offline"],
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that STYLE gives each outcome."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not end an investigation.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(guarded(cli, arguments))
