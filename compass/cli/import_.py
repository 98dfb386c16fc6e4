"""`compass import`: foreign Markdown and rule files become drafts, catalogs join the catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import click

from compass.cli.context import Context
from compass.cli.render import clean, emit_json, format_option, note
from compass.workflows.importing import ImportReport, import_folder


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["runbook", "postmortem"]),
    help="What the Markdown files are; without it, each is told by what it says.",
)
@format_option()
@click.pass_obj
def command(context: Context, folder: Path, kind: str | None, output: str) -> None:
    """Make drafts of a folder of Markdown, and of alerts in Prometheus and Loki rule files.

    Runbooks and post-mortems are told apart file by file; Backstage catalogs join catalog/.
    A second import of the same folder updates what came from it and leaves alone what was edited here.
    """
    settings = context.settings
    report = import_folder(
        context.repo,
        folder,
        today=datetime.now(UTC).date(),
        random=SystemRandom(),
        kind=kind,
        cache=settings.cache,
        clones=settings.data / "clones",
    )
    if output == "json":
        emit_json(report)
    else:
        _as_text(report, verbose=context.verbose, quiet=context.quiet)


def _as_text(report: ImportReport, *, verbose: bool, quiet: bool) -> None:
    for word, entries in (("created", report.created), ("updated", report.updated)):
        for one in entries if verbose else ():
            click.echo(f"{word} {one.path} from {clean(one.source)}")
    for file in report.catalog:
        click.echo(f"added {', '.join(map(clean, file.added))} to {file.path} from {clean(file.source)}")
    for word, rows in (
        ("left alone", report.kept),
        ("not imported", report.skipped),
        ("look at", report.remarks),
    ):
        for row in rows:
            place = f"{row.source}:{row.line}" if row.line else row.source
            note(f"{word}: {place}: {row.reason}")
    if quiet:
        return
    click.echo(
        f"{len(report.created):,} created, {len(report.updated):,} updated, {report.unchanged:,} unchanged, "
        f"{len(report.kept):,} left alone, {len(report.skipped):,} not understood"
    )
    if report.created or report.updated or report.catalog:
        click.echo("Next: `compass check`, then commit; `compass search` reads what is committed.")
