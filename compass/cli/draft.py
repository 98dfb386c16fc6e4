"""`compass draft`: turn a finished investigation into draft entries."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import click

from compass.cli.context import Context
from compass.cli.draft_text import drafted
from compass.cli.render import emit_json, format_option, untrusted
from compass.workflows.draft import KIND_NAMES, draft_record
from compass.workflows.investigate import Memory


@click.command()
@click.argument("investigation")
@click.option("--kind", type=click.Choice(KIND_NAMES), default=None, help="Only this one.")
@click.option(
    "--recording",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The recording that was investigated; a copy is kept for the pattern if the repository has none.",
)
@format_option()
@click.pass_obj
def command(
    context: Context, *, investigation: str, kind: str | None, recording: Path | None, output: str
) -> None:
    """Write a post-mortem, a pattern and a runbook's fix from INVESTIGATION, an id or its beginning.

    They go into the repository that holds its record; the fix is a patch, which changes nothing by itself.
    A second run changes nothing: drafts that are there already are left alone.
    """
    memory = Memory(context.repo, context.settings.data, context.settings.cache)
    done = draft_record(
        investigation, kind, memory, now=datetime.now(UTC), random=SystemRandom(), recording=recording
    )
    if output == "json":
        rows = [
            {"kind": one.kind, "id": one.id, "path": one.path, "written": one.written} for one in done.drafts
        ]
        emit_json(
            {
                "schema": 1,
                "investigation": done.record.id,
                "repository": str(done.root),
                "drafts": rows,
                "runbook_fix": asdict(done.fix) if done.fix is not None else None,
                "notes": list(done.notes),
            }
        )
        return
    for line in drafted(done):
        click.echo(untrusted(line))
