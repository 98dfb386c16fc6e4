"""`compass doctor`: each setting with its source, and what is missing on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

import click

from compass.cli.context import Context
from compass.cli.render import emit_json, format_option, table


@click.command()
@format_option()
@click.pass_obj
def command(context: Context, output: str) -> None:
    """Show settings, where they come from, and what is missing."""
    from compass.workflows.doctor import examine  # noqa: PLC0415  # keeps `--help` light

    report: dict[str, Any] = examine(
        context.repo,
        os.environ,
        context.config,
        which=shutil.which,
        version=sys.version_info[:3],
        offline=context.offline,
    )
    if output == "json":
        emit_json({"schema": 1, **report})
    else:
        table(
            ("setting", "from", "value"),
            [(row["name"], row["source"], row["value"]) for row in report["settings"]],
        )
        click.echo()
        table(
            ("check", "result", "what it means"),
            [(row["name"], "ok" if row["ok"] else "missing", row["meaning"]) for row in report["checks"]],
        )
    if not all(row["ok"] or not row["needed"] for row in report["checks"]):
        raise click.exceptions.Exit(1)
