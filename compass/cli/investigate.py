"""`compass investigate`: work an incident with competing hypotheses."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

import click

from compass.cli.context import Context
from compass.cli.dialogue import converse
from compass.cli.investigation_text import report
from compass.cli.model_options import consult, model_options
from compass.cli.render import emit_json, format_option, note, untrusted
from compass.errors import UsageError
from compass.workflows.investigate import Memory, investigation_of, keep


@click.command()
@click.option(
    "--recording",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A recorded incident: a folder with recording.yaml.",
)
@click.option("--auto", is_flag=True, help="Test every hypothesis without asking.")
@model_options
@format_option()
@click.pass_obj
def command(context: Context, /, *, recording: Path, auto: bool, output: str, **model: Any) -> None:
    """Observe an incident, set up hypotheses that compete, try to refute each, and say what is left.

    Commands at the terminal: pick N, test, why N, evidence N, note TEXT, draft, quit.
    """
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not auto and (output == "json" or not terminal):
        raise UsageError("without a terminal nobody can pick a hypothesis", "add --auto")
    memory = Memory(context.repo, context.settings.data, context.settings.cache)
    now = datetime.now(UTC)
    quiet = context.quiet or not sys.stderr.isatty()
    with investigation_of(
        recording,
        memory,
        now=now,
        random=SystemRandom(),
        clock=time.perf_counter,
        told=_silent if quiet else note,
    ) as session:
        consult(session, context, model)
        if auto:
            for place in range(len(session.candidates)):
                session.test(place)
        else:
            converse(session, lambda: datetime.now(UTC))
        record = session.record()
        if session.words is not None:
            # Whoever loses patience with the model must not lose what was found.
            keep(record, memory, now=now)
            session.summarize()
            record = session.record()
    path = keep(record, memory, now=now)
    if output == "json":
        emit_json(record.as_json())
    else:
        _print([*report(record), "", f"Record: {path}", f"Next: compass draft {record.id}"])


def _silent(_message: str) -> None:
    """Progress that nobody watches."""


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(untrusted(line))
