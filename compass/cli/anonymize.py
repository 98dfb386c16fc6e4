"""`compass anonymize`: see what would be replaced before a text leaves; nothing is sent or changed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from compass.anonymize import Boundary, Redacted
from compass.cli import render
from compass.cli.context import Context
from compass.errors import NegativeAnswerError, UsageError
from compass.workflows.anonymizing import batch_rows, preview


@click.command(help=__doc__)
@click.argument("name", metavar="[ID|PATH]", required=False)
@click.option(
    "--batch",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help='JSON lines {"id", "text", "org"?}; one answer per line.',
)
@click.option(
    "--catalog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON {org: {services, teams, customers, people, …}}, with --batch.",
)
@click.option(
    "--to",
    "boundary",
    type=click.Choice([one.value for one in Boundary]),
    default="hub",
    show_default=True,
    help="The border to cross.",
)
@render.format_option()
@click.pass_obj
def command(
    context: Context, name: str | None, batch: Path | None, catalog: Path | None, boundary: str, output: str
) -> None:
    """Show what would be replaced in an entry or a file, or in every text of a batch."""
    if bool(name) == bool(batch):
        raise UsageError(
            "give an entry or a file, or --batch FILE", "for example: compass anonymize runbooks/pool.md"
        )
    if catalog and not batch:
        raise UsageError("--catalog goes with --batch", "a repository has its own names in catalog/")
    if name:
        found = preview(context.library(revision=None), name, Boundary(boundary))
        _one(name, found, output)
        return
    failed = 0
    with click.open_file(str(batch), encoding="utf-8", errors="replace") as stream:
        for number, (identifier, done) in enumerate(batch_rows(stream, catalog, Boundary(boundary)), 1):
            if done is None:
                failed += 1
                render.note(f"{batch}:{number}: {identifier}")
            elif output == "json":
                render.emit_json(_as_json(identifier, done), line=True)
            else:
                click.echo(f"{render.clean(identifier)}: {render.clean(done.text)}")
    if failed:
        raise NegativeAnswerError(f"{failed} lines are not JSON objects with id and text")


def _as_json(identifier: str, done: Redacted) -> dict[str, object]:
    spans = [
        {"start": one.start, "end": one.end, "label": one.label, "replacement": one.replacement}
        for one in done.spans
    ]
    return {"id": identifier, "text": done.text, "spans": spans}


def _one(name: str, done: Redacted, output: str) -> None:
    if output == "json":
        render.emit_json({"schema": 1, **_as_json(name, done)})
        return
    click.echo(render.clean(done.text))
    counts = Counter((one.label, one.rule) for one in done.spans)
    if counts:
        click.echo()
        render.table(
            ("class", "rule", "count"),
            [(label, rule, count) for (label, rule), count in sorted(counts.items())],
        )
    unsure = sum(count for (label, _), count in counts.items() if label == "UNKNOWN")
    if unsure:
        render.note(
            f"{unsure} places are unsure; a promotion stops until they are reworded, named or allowed in vocabulary/allow.yaml"
        )
