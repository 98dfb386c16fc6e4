"""`compass investigate`: work an incident with competing hypotheses."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any

import click

from compass.cli.advice_text import advised
from compass.cli.agreeing import of_catalog, trust_option
from compass.cli.context import Context
from compass.cli.dialogue import converse
from compass.cli.investigation_text import report
from compass.cli.model_options import consult, model_options
from compass.cli.record import Progress
from compass.cli.render import emit_json, format_option, note, untrusted
from compass.cli.servers import server_options, words_of
from compass.errors import UsageError
from compass.investigate.session import Session
from compass.library import Library
from compass.model.investigation import Incident
from compass.workflows.investigate import Memory, investigation_of, keep
from compass.workflows.live.notice import Notice, read_notice
from compass.workflows.live.request import Options, plan
from compass.workflows.live.runbook import runbook_for
from compass.workflows.live.session import live_investigation


@click.command()
@click.option(
    "--recording",
    type=click.Path(file_okay=False, path_type=Path),
    help="A recorded incident: a folder with recording.yaml.",
)
@server_options(20.0)
@trust_option
@click.option(
    "--alert",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="What Alertmanager or Grafana sends to a webhook; - reads it from stdin.",
)
@click.option(
    "--from", "start", metavar="TIME", help="Where the window begins: 2026-05-01T12:00:00Z, or now-2h."
)
@click.option("--to", "end", metavar="TIME", help="Where the window ends.  [default: now]")
@click.option(
    "--since",
    metavar="DURATION",
    help="The window until now, such as 30m.  [default: 30m, or 30m before to 15m after the alert began]",
)
@click.option(
    "--detected",
    metavar="TIME",
    help="When it was noticed.  [default: when the alert began, or five minutes before the window ends]",
)
@click.option(
    "--symptom", metavar="TEXT", help="What was noticed, in a sentence.  [default: what the alert says]"
)
@click.option("--service", metavar="NAME", help="Where it was noticed.  [default: that of the alert]")
@click.option("--history", metavar="FROM/TO", help="A fault-free time to compare with.")
@click.option("--urgent", is_flag=True, help="First print the runbook that the alert leads to.")
@click.option("--auto", is_flag=True, help="Test every hypothesis without asking.")
@model_options
@format_option()
@click.pass_obj
def command(context: Context, /, *, output: str, auto: bool, urgent: bool, **given: Any) -> None:
    """Observe an incident, set up hypotheses that compete, try to refute each, and say what is left.

    The incident is a recording, or a running system behind MCP servers, of which only read-only tools are called:
    those named here, or else those that the repository's catalog names.
    Commands at the terminal: pick N, test, why N, evidence N, note TEXT, draft, quit.
    """
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not auto and (output == "json" or not terminal):
        raise UsageError("without a terminal nobody can pick a hypothesis", "add --auto")
    memory = Memory(context.repo, context.settings.data, context.settings.cache)
    now = datetime.now(UTC)
    with _opened(context, memory, now, given, _advising(memory, output) if urgent else _no_advice) as session:
        consult(session, context, given)
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


_Advise = Callable[[Notice | None, Incident, Library], None]


def _opened(
    context: Context, memory: Memory, now: datetime, given: dict[str, Any], advise: _Advise
) -> AbstractContextManager[Session]:
    """The session over what was named: a recording, or servers."""
    recording, alert = given["recording"], given["alert"]
    typed = {one.name: given[one.name] for one in fields(Options) if one.name in given}
    typed["commands"] = tuple(tuple(words_of(one)) for one in given["commands"])
    options = Options(**typed, offline=context.offline, environment=os.environ)
    quiet = context.quiet or not sys.stderr.isatty()
    how: dict[str, Any] = {"now": now, "random": SystemRandom(), "clock": time.perf_counter}
    if recording is not None:
        beside = [*(["--alert"] if alert else []), *options.typed()]
        if beside:
            raise UsageError(
                f"a recording says for itself what happened, so {', '.join(beside)} has no place beside it"
            )
        return investigation_of(
            recording, memory, told=_silent if quiet else note, first=partial(advise, None), **how
        )
    if not options.servers and not options.commands:
        found = of_catalog(context, memory, trust=given["trust"])
        options = replace(options, known=found.some(), refused=found.refused)
    notice = read_notice(alert, sys.stdin.buffer) if alert else None
    made = plan(options, notice, now.timestamp())
    for line in () if context.quiet else made.assumed:
        note(line)
    return live_investigation(
        made,
        memory,
        told=_silent if quiet else Progress(time.monotonic),
        first=partial(advise, notice),
        **how,
    )


def _advising(memory: Memory, output: str) -> _Advise:
    """Prints the first runbook at once; beside JSON on stderr."""

    def advise(notice: Notice | None, incident: Incident, library: Library) -> None:
        found = runbook_for(notice.alerts if notice else (), incident.symptom, library, memory.cache)
        for line in advised(found):
            click.echo(untrusted(line), err=output == "json")
        (sys.stderr if output == "json" else sys.stdout).flush()

    return advise


def _no_advice(_notice: Notice | None, _incident: Incident, _library: Library) -> None:
    """Nobody asked for it."""


def _silent(_message: str) -> None:
    """Progress that nobody watches."""


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(untrusted(line))
