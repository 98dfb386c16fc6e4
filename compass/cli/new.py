"""`compass new`: write a draft entry to fill in."""

from __future__ import annotations

from datetime import UTC, datetime
from random import SystemRandom

import click

from compass.cli.context import Context
from compass.cli.render import emit_json, format_option
from compass.model.entry import KINDS
from compass.workflows.initialize import new_entry


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--title", required=True, help="What it is about, in at most 100 characters.")
@click.option("--owner", help="The team that keeps it alive, such as group:default/payments.")
@format_option()
@click.pass_obj
def command(context: Context, kind: str, title: str, owner: str | None, output: str) -> None:
    """Write a draft of this KIND with its headings, ready to fill in."""
    report = new_entry(
        context.repo, kind, title, today=datetime.now(UTC).date(), random=SystemRandom(), owner=owner
    )
    if output == "json":
        emit_json(report)
    else:
        click.echo(f"{report.path} ({report.id})")
