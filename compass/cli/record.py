"""`compass record`: keep a window of telemetry as a recording that patterns are replayed against."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom
from typing import Any

import click

from compass.cli.context import Context
from compass.cli.render import clean, emit_json, format_option, note
from compass.cli.servers import server_options, words_of
from compass.workflows.recording.command import Options, Outcome, run


@click.command()
@click.argument("name")
@server_options(60.0)
@click.option(
    "--from", "start", metavar="TIME", help="Where the window begins: 2026-05-01T12:00:00Z, or now-2h."
)
@click.option("--to", "end", metavar="TIME", default="now", show_default=True, help="Where the window ends.")
@click.option("--detected", metavar="TIME", help="When it was noticed.")
@click.option("--symptom", metavar="TEXT", help="What was noticed, in a sentence.")
@click.option("--service", metavar="NAME", help="Where it was noticed.")
@click.option("--history", metavar="FROM/TO", help="A fault-free time to compare with.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="SELECTOR",
    help="Only these series; repeatable.  [default: all that name a component]",
)
@click.option("--logs", metavar="SELECTOR", default="", help="Only lines of these streams.")
@click.option(
    "--limit", default="300kB", show_default=True, metavar="SIZE", help="How large the folder may become."
)
@click.option(
    "--synthetic", is_flag=True, help="Make a copy that can be shared: renamed, scaled, shifted in time."
)
@click.option(
    "--from-recording",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take the telemetry from this recording, not from a server.",
)
@click.option(
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write this folder.  [default: recordings/NAME of the repository]",
)
@click.option("--replace", "overwrite", is_flag=True, help="Replace the recording that is there.")
@click.option(
    "--dry-run", is_flag=True, help="Ask for everything, write nothing, and say what would be written."
)
@format_option()
@click.pass_obj
def command(context: Context, /, output: str, commands: tuple[str, ...], **given: Any) -> None:
    """Keep a window of telemetry as the recording NAME, within a limit of size, and say what was left out.

    The servers are asked over MCP, with read-only tools alone; every kind of telemetry is taken from the first that has
    it.
    """
    told = _silent if context.quiet or not sys.stderr.isatty() else Progress(time.monotonic)
    split = tuple(tuple(words_of(one)) for one in commands)
    options = Options(commands=split, offline=context.offline, environment=os.environ, **given)
    warned = (
        (lambda _: None) if context.quiet or output == "json" else (lambda line: note(f"left out: {line}"))
    )
    done = run(
        options,
        context.repo,
        context.settings,
        random=SystemRandom(),
        now=time.time(),
        told=told,
        warned=warned,
    )
    if output == "json":
        emit_json(done.as_json())
    else:
        _print(done)


class Progress:
    """Remarks of what takes longer than two seconds, one in a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = clock() + 2

    def __call__(self, message: str) -> None:
        """Tell it, unless too little time has passed."""
        if self._clock() >= self._next:
            self._next = self._clock() + 1
            note(message)


def _silent(_message: str) -> None:
    """Progress that nobody watches."""


def _print(done: Outcome) -> None:
    rows = done.made.counts()
    click.echo(
        f"{'would write' if done.dry else 'wrote'} {clean(str(done.target))} ({done.made.fitted.size:,} bytes)"
    )
    for name, data in done.made.fitted.files.items():
        count = f"  {rows[name]:,} rows" if name in rows else ""
        click.echo(f"  {name:<24}{len(data):>9,} bytes{count}")
    for line in done.told():
        click.echo(clean(line))
    if done.made.left_out:
        click.echo(f"{len(done.made.left_out)} notes of what was left out stand in recording.yaml.")
    if not done.dry:
        click.echo(f"Next: compass investigate --recording {clean(shlex.quote(str(done.target)))}")
