"""`compass doctor`: each setting with its source, and what is missing on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

import click

from compass.cli.context import Context
from compass.cli.render import emit_json, format_option, note, table


@click.command()
@format_option()
@click.pass_obj
def command(context: Context, output: str) -> None:
    """Show settings, where they come from, what is missing, and what language models have cost so far."""
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
        _spent(report["spent"])
    if not all(row["ok"] or not row["needed"] for row in report["checks"]):
        raise click.exceptions.Exit(1)


def _spent(spent: Mapping[str, Any]) -> None:
    """Nothing where nothing was ever investigated."""
    if spent["unreadable"]:
        note(f"no readable record, and left out of the sums: {', '.join(spent['unreadable'])}")
    if not spent["investigations"]:
        return
    click.echo()
    click.echo(
        f"{spent['asked']} of {spent['investigations']} investigations,"
        f" {spent['first']:%Y-%m-%d} to {spent['last']:%Y-%m-%d}, asked a language model"
    )
    rows = [
        (one["investigations"], one["calls"], one["tokens"], f"{one['seconds']:.1f}", _usd(one), one["model"])
        for one in spent["models"]
    ]
    if rows:
        table(("investigations", "calls", "tokens", "seconds", "USD", "model"), rows)


def _usd(one: Mapping[str, Any]) -> str:
    if one["unpriced"]:
        return f"{one['usd']:.2f}, and {one['unpriced']} of unknown price"
    return f"{one['usd']:.2f}"
