"""`compass import`: foreign Markdown and rule files become draft runbooks."""

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
@format_option()
@click.pass_obj
def command(context: Context, folder: Path, output: str) -> None:
    """Make draft runbooks of a folder of Markdown, and of alerts in Prometheus and Loki rule files.

    A second import of the same folder updates what came from it and leaves alone what was edited here.
    """
    settings = context.settings
    report = import_folder(
        context.repo,
        folder,
        today=datetime.now(UTC).date(),
        random=SystemRandom(),
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
    for word, rows in (
        ("left alone", report.kept),
        ("not imported", report.skipped),
        ("look at", report.remarks),
    ):
        for row in rows:
            note(f"{word}: {row.source}: {row.reason}")
    if quiet:
        return
    click.echo(
        f"{len(report.created):,} created, {len(report.updated):,} updated, {report.unchanged:,} unchanged, "
        f"{len(report.kept):,} left alone, {len(report.skipped):,} not understood"
    )
    if report.created or report.updated:
        click.echo("Next: `compass check`, then commit; `compass search` reads what is committed.")
