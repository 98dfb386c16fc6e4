"""`compass site`: the published memory, built for one audience or served on this machine."""

from __future__ import annotations

import signal
import time
from datetime import UTC, date, datetime
from pathlib import Path

import click

from compass.cli.context import Context
from compass.cli.render import clean, emit_json, format_option, note
from compass.model.scope import Level
from compass.publish.build import build_site
from compass.publish.recipe import RECIPES, recipe
from compass.publish.serve import report, serve_site


@click.group(help=__doc__)
def command() -> None:
    """Holds `build`, `serve` and `workflow`."""


@command.command()
@click.option(
    "--audience",
    type=click.Choice(["team", "tribe", "hub"]),
    help="Who will read it; refused if they may not. Default: the repository's own readers.",
)
@click.option(
    "--output", "-o", "folder", type=click.Path(path_type=Path), required=True, help="The folder to publish."
)
@click.option(
    "--address",
    default="",
    metavar="URL",
    help="Where it will lie; needed for a sitemap and for absolute links in feeds.",
)
@format_option()
@click.pass_obj
def build(context: Context, audience: str | None, folder: Path, address: str, output: str) -> None:
    """Publish HEAD as a searchable site; entries that are not valid are left out and named."""
    started = time.monotonic()
    wanted = Level(audience) if audience else None
    built = build_site(context.library(), folder, today=_today(), audience=wanted, address=address)
    seconds = time.monotonic() - started
    report(built, note)
    if output == "json":
        emit_json(
            {
                "schema": 1,
                "output": str(built.output),
                "audience": built.audience.value,
                "repositories": dict(built.repositories),
                "pages": built.pages,
                "entries": built.entries,
                "problems": [problem.model_dump(mode="json") for problem in built.problems],
                "left_out": list(built.not_for_them),
                "seconds": round(seconds, 3),
            }
        )
    else:
        click.echo(
            clean(
                f"{built.output}: {built.entries:,} {'entry' if built.entries == 1 else 'entries'} on {built.pages:,} pages, for {built.audience.value} readers, in {seconds:.1f} s"
            )
        )
        note(f"Look at it: python3 -m http.server --bind 127.0.0.1 --directory {built.output}")


@command.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8137, show_default=True, help="0 takes a free one."
)
@click.pass_obj
def serve(context: Context, port: int) -> None:
    """Show the working tree as a site on this machine, rebuilt after each change, until Ctrl-C."""

    def ready(address: str) -> None:
        click.echo(address)
        note("Edit an entry and reload the page. Ctrl-C ends.")

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve_site(lambda: context.library(revision=None), port, today=_today, ready=ready, say=note)
    except KeyboardInterrupt:
        note("ended")


@command.command()
@click.argument("name", type=click.Choice(RECIPES))
@click.pass_obj
def workflow(context: Context, name: str) -> None:
    """Print a workflow that publishes this repository's site, for its own readers, from this version of COMPASS."""
    click.echo(recipe(name, context.library().main.level), nl=False)


def _today() -> date:
    return datetime.now(UTC).date()
