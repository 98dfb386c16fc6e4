"""`compass draft`: turn a finished investigation into draft entries."""

from __future__ import annotations

from datetime import UTC, datetime
from random import SystemRandom

import click

from compass.cli.context import Context
from compass.cli.render import emit_json, format_option
from compass.workflows.draft import KIND_NAMES, draft, owner_of
from compass.workflows.investigate import Memory, find_record


@click.command()
@click.argument("investigation")
@click.option("--kind", type=click.Choice(KIND_NAMES), default=None, help="Only this one.")
@format_option()
@click.pass_obj
def command(context: Context, *, investigation: str, kind: str | None, output: str) -> None:
    """Write a post-mortem and a pattern from INVESTIGATION into the repository that holds its record.

    A second run changes nothing: drafts that are there already are left alone.
    """
    memory = Memory(context.repo, context.settings.data, context.settings.cache)
    root, record = find_record(investigation, memory)
    kinds = (kind,) if kind else KIND_NAMES
    drafts = draft(
        root,
        record,
        kinds,
        owner=owner_of(memory.library),
        now=datetime.now(UTC),
        random=SystemRandom(),
    )
    if output == "json":
        rows = [{"kind": one.kind, "id": one.id, "path": one.path, "written": one.written} for one in drafts]
        emit_json({"schema": 1, "investigation": record.id, "repository": str(root), "drafts": rows})
        return
    for one in drafts:
        click.echo(f"{'wrote' if one.written else 'kept'} {root / one.path} ({one.id})")
    if len(drafts) < len(kinds):
        click.echo("no pattern: no signal was found that held during the incident and not before it")
    click.echo("Next: read them, mend them, then `compass contribute` each.")
