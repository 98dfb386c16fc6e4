"""`compass fmt`: write entries in the one canonical form."""

from __future__ import annotations

from pathlib import Path

import click

from compass.cli.context import Context
from compass.cli.render import clean, emit_json, format_option, note
from compass.workflows.formatting import format_files


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; end with status 1 if a file would change."
)
@format_option()
@click.pass_obj
def command(context: Context, paths: tuple[Path, ...], output: str, *, only_check: bool) -> None:
    """Write entries (or these files) in the one canonical form; a file that cannot be read is left alone."""
    report = format_files(
        context.repo, paths=paths, write=not only_check, clones=context.settings.data / "clones"
    )
    if output == "json":
        emit_json(report)
    else:
        for path in report.changed:
            click.echo(f"{'would format' if only_check else 'formatted'} {clean(path)}")
        for problem in report.problems:
            note(f"{problem.location}: {problem.message} ({problem.hint})")
        if not context.quiet:
            click.echo(
                f"{len(report.changed):,} changed, {report.unchanged:,} unchanged, {len(report.problems):,} left alone"
            )
    if report.problems or (only_check and report.changed):
        raise click.exceptions.Exit(1)
