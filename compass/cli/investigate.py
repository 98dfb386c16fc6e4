"""`compass investigate`: work an incident with competing hypotheses."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from compass.cli.advice_text import advised
from compass.cli.agreeing import of_catalog, trust_option
from compass.cli.context import Context
from compass.cli.model_options import model_options
from compass.cli.record import Progress as Progressing
from compass.cli.render import format_option, note, untrusted
from compass.cli.replaying import replayed
from compass.cli.servers import server_options
from compass.cli.working import Work, asked_again, options_of, running, silent_or
from compass.errors import UsageError
from compass.investigate.resuming import reopening
from compass.investigate.session import Session, open_session
from compass.library import Library
from compass.model.investigation import Incident
from compass.model.progress import Progress
from compass.workflows.investigate import Memory, investigation_of
from compass.workflows.live.notice import Notice, read_notice
from compass.workflows.live.request import Plan, asking_of, plan
from compass.workflows.live.runbook import runbook_for
from compass.workflows.live.session import live_investigation
from compass.workflows.unfinished import Unfinished


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
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[ID]",
    help="Go on with an investigation that was interrupted, the last one without ID.",
)
@click.option(
    "--replay",
    metavar="ID",
    help="Evaluate every experiment of a finished record again, and say what differs.",
)
@model_options
@format_option()
@click.pass_obj
def command(context: Context, /, *, output: str, auto: bool, urgent: bool, **given: Any) -> None:
    """Observe an incident, set up hypotheses that compete, try to refute each, and say what is left.

    The incident is a recording, or a running system behind MCP servers, of which only read-only tools are called:
    those named here, or else those that the repository's catalog names.
    Every step is kept at once; --resume goes on after a crash. At the terminal, help lists the commands.
    """
    now = datetime.now(UTC)
    memory = Memory(context.repo, context.settings.data, context.settings.cache)
    if given["replay"] is not None:
        _alone(given, "--replay", "recording", "servers", "commands")
        replayed(context, memory, given, now, output)
        return
    kept = None
    if given["resume"] is not None:
        _alone(given, "--resume")
        kept = Unfinished(memory.data).read(given["resume"] or None)
        memory = replace(memory, repo=Path(kept.repository or ""))
        given |= asked_again(kept)
    auto = auto or (kept is not None and kept.auto)
    if not auto and (output == "json" or not (sys.stdin.isatty() and sys.stdout.isatty())):
        raise UsageError("without a terminal nobody can pick a hypothesis", "add --auto")
    work = Work(context, memory, given, kept, now, output, auto=auto)
    with _opened(
        context, memory, now, given, _advising(memory, output) if urgent else _no_advice, kept
    ) as session:
        work.finish(session)


def _alone(given: Mapping[str, Any], flag: str, *allowed: str) -> None:
    """UsageError where an option is given that says again what the record says."""
    named = {**{name: f"--{name.rstrip('s')}" for name in given}, "start": "--from", "end": "--to"}
    beside = [
        named[name]
        for name in ("recording", "alert", "servers", "commands", *_WHEN, "resume", "replay")
        if given[name] and name not in allowed and f"--{name}" != flag
    ]
    if beside:
        raise UsageError(
            f"{flag} takes everything from the record, so {', '.join(beside)} has no place beside it"
        )


_WHEN: Final = ("start", "end", "since", "detected", "symptom", "service", "history")


_Advise = Callable[[Notice | None, Incident, Library], None]


def _opened(
    context: Context,
    memory: Memory,
    now: datetime,
    given: dict[str, Any],
    advise: _Advise,
    kept: Progress | None,
) -> AbstractContextManager[Session]:
    """The session over what was named, or kept: a recording, or servers."""
    recording, alert = given["recording"], given["alert"]
    options = options_of(context, given)
    opening = open_session if kept is None else reopening(kept, Unfinished(memory.data).observation(kept))
    if recording is not None:
        beside = [*(["--alert"] if alert else []), *options.typed()]
        if beside:
            raise UsageError(
                f"a recording says for itself what happened, so {', '.join(beside)} has no place beside it"
            )
        how = running(context, now, silent_or(context, note))
        return investigation_of(recording, memory, first=partial(advise, None), opening=opening, **how)
    if not options.servers and not options.commands:
        found = of_catalog(context, memory, trust=given["trust"])
        options = replace(options, known=found.some(), refused=found.refused)
    how = running(context, now, silent_or(context, Progressing(time.monotonic)))
    if kept is not None:
        made = Plan(kept.incident, asking_of(options), ())
        return live_investigation(made, memory, first=partial(advise, None), opening=opening, **how)
    notice = read_notice(alert, sys.stdin.buffer) if alert else None
    made = plan(options, notice, now.timestamp())
    for line in () if context.quiet else made.assumed:
        note(line)
    return live_investigation(made, memory, first=partial(advise, notice), **how)


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
