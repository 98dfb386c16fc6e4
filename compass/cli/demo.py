"""`compass demo`: the whole story on the terminal, every step the real command."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compass.cli.context import Context

if TYPE_CHECKING:
    from compass.workflows.demo import Done, Step

_LINES = 40


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    help="Keep the repositories here (default: a new temporary folder).",
)
@click.pass_obj
def command(context: Context, output: Path | None) -> None:
    """Watch one incident become shared knowledge, on this machine."""
    from compass.workflows.demo import prepare, story  # noqa: PLC0415  # keeps `--help` light

    started = time.monotonic()
    root = (output or Path(tempfile.mkdtemp(prefix="compass-demo-"))).resolve()
    stage = prepare(root, now=datetime.now(UTC), clock=time.monotonic)
    click.echo(f"Six repositories of an example organization and one SSH key per person lie in {root}")
    click.echo("Everything below is a real command; nothing leaves this machine.")
    for step in story(stage):
        _announce(step)
        done = stage.run(step)
        _show(done, whole=context.verbose)
        if done.status:
            click.echo(
                f"error: this step ended with {done.status}; the folder is kept for you to look at", err=True
            )
            raise click.exceptions.Exit(done.status)
    _end(root, time.monotonic() - started)


def _announce(step: Step) -> None:
    if step.chapter:
        click.echo()
        click.echo(click.style(f"── {step.chapter} ", bold=True) + "─" * max(0, 70 - len(step.chapter)))
    click.echo()
    click.echo(click.style(step.why, italic=True))
    click.echo(f"{click.style(step.who, fg='cyan')} $ {click.style('compass ' + _typed(step), bold=True)}")


def _typed(step: Step) -> str:
    return " ".join(
        part
        if part.replace("-", "").replace("/", "").replace(".", "").replace("_", "").isalnum()
        else f"'{part}'"
        for part in step.arguments
    )


def _show(done: Done, *, whole: bool) -> None:
    said = (
        [done.output.rstrip()]
        if done.output.strip() and not done.status
        else [done.output.rstrip(), done.errors.rstrip()]
    )
    lines = [line for text in said for line in text.splitlines()]
    kept = lines if whole or done.status or len(lines) <= _LINES else lines[:_LINES]
    for line in kept:
        click.echo(f"  {line}")
    if len(kept) < len(lines):
        click.echo(
            click.style(
                f"  … {len(lines) - len(kept)} more lines (compass --verbose demo shows all)", dim=True
            )
        )
    click.echo(click.style(f"  ({done.seconds:.1f} s)", dim=True))


def _end(root: Path, seconds: float) -> None:
    click.echo()
    click.echo(click.style(f"Done in {seconds:.0f} seconds.", bold=True) + " Next:")
    click.echo(f"  type any of it again    cd {root} && . ./environment")
    click.echo("  read the tribe's site   compass -C tribes/product site serve")
    click.echo(f"  or open it as it is     {root / 'site' / 'index.html'}")
    click.echo(
        "  start your own          compass init my-knowledge --level team && compass -C my-knowledge import RUNBOOKS"
    )
