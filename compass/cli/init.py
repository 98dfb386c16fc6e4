"""`compass init`: make a knowledge repository."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from compass.cli.render import clean, emit_json, format_option
from compass.errors import UsageError
from compass.model.scope import Level
from compass.workflows.initialize import InitReport, Plan, initialize


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--level", type=click.Choice([level.value for level in Level]), required=True, help="Whose memory it is."
)
@click.option("--id", "name", help="Its id, such as team/payments; by default level and folder name.")
@click.option(
    "--parent",
    "parents",
    multiple=True,
    help="URL or path (relative to DIR) of a repository above; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@format_option()
def command(
    folder: Path, level: str, name: str | None, parents: tuple[str, ...], output: str, *, yes: bool
) -> None:
    """Make a knowledge repository in DIR, with its first commit."""
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("there is no terminal to ask on", "add --yes")
        click.confirm(f"Make a {level} knowledge repository in {folder}?", abort=True, err=True)
    report = initialize(Plan(folder, Level(level), name, parents), now=datetime.now(UTC))
    if output == "json":
        emit_json(report)
    else:
        _as_text(report)


def _as_text(report: InitReport) -> None:
    click.echo(f"{clean(report.path)} is now {report.id} ({len(report.files)} files)")
    if report.commit:
        click.echo(f"first commit {report.commit[:12]} by {clean(report.author)}")
    else:
        click.echo("It lies in a Git repository that was there before: commit the files yourself.")
    click.echo('Next: `compass new runbook --title "…"`, or `compass import DIR`.')
