"""`compass sync`: pull context down from the parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from compass.cli.context import Context
from compass.cli.render import clean, emit_json, format_option, table

if TYPE_CHECKING:
    from compass.federation.sync import SyncReport


@click.command()
@format_option()
@click.pass_obj
def command(context: Context, output: str) -> None:
    """See what the repositories above have: new, changed and withdrawn entries.

    Ends with status 1 when a parent was rewound, lost entries, or cannot be read.
    """
    from compass.federation.sync import sync  # noqa: PLC0415  # pydantic costs too much for --help

    report = sync(context.repo, context.settings.data / "clones", offline=context.offline)
    if output == "json":
        emit_json(report)
    else:
        _as_text(report)
    if report.alarms:
        raise click.exceptions.Exit(1)


def _as_text(report: SyncReport) -> None:
    for one in report.parents:
        moved = (
            "as before"
            if one.before == one.after
            else f"{(one.before or 'nothing')[:12]} -> {one.after[:12]}"
        )
        click.echo(f"{one.repo}: {moved}")
    rows = [
        (what, one.id, one.repo, one.title + (f" ({one.reason})" if one.reason else ""))
        for what, found in (
            ("withdrawn", report.withdrawn),
            ("added", report.added),
            ("changed", report.changed),
        )
        for one in found
    ]
    if rows:
        table(["", "entry", "repository", "title"], rows)
    for alarm in report.alarms:
        click.echo(f"{click.style('alarm:', fg='red', bold=True)} {clean(alarm)}", err=True)
