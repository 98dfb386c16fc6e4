"""`compass bench`: measure on folders of labelled data."""

from __future__ import annotations

import importlib
from typing import Final

import click

TASKS: Final = {
    "retrieval": (
        "compass.cli.bench_retrieval",
        "Questions -> the entry that applies, or an honest nothing.",
    ),
    "rca": (
        "compass.cli.bench_rca",
        "Recorded incidents -> components ranked by how likely they contributed.",
    ),
}


class Tasks(click.Group):
    """Knows its tasks by name; imports one when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """In a fixed order."""
        return list(TASKS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import the task's module and take its `command`."""
        if cmd_name not in TASKS:
            return None
        command: click.Command = importlib.import_module(TASKS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """The table itself: no task is imported to print help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in TASKS.items()])


@click.group(cls=Tasks)
def command() -> None:
    """Measure on folders of labelled data."""
