"""`compass investigate --replay`: does a finished record still reach its verdicts?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import click

from compass.cli.context import Context
from compass.cli.investigation_text import wrapped
from compass.cli.record import Progress as Progressing
from compass.cli.render import emit_json, note
from compass.cli.working import options_of, running, silent_or
from compass.investigate.again import Difference, Replayed, replay
from compass.investigate.resuming import looking
from compass.investigate.session import Session
from compass.model.investigation import Investigation
from compass.workflows.investigate import Memory, find_record, investigation_of, recording_of
from compass.workflows.live.request import Plan, asking_of
from compass.workflows.live.session import live_investigation
from compass.workflows.records import Found


def replayed(context: Context, memory: Memory, given: Mapping[str, Any], now: datetime, output: str) -> None:
    """Print what comes of it; exit 1 where something differs."""
    found = find_record(given["replay"], memory)
    opened = _opened(context, memory, given, now, found)
    if opened is None:
        done, source = replay(found.record, None), "record"
    else:
        with opened as session:
            source = "recording" if found.record.incident.recording else "servers"
            done = replay(found.record, session.bench)
    if output == "json":
        emit_json(
            {"schema": 1, "id": found.record.id, "source": source, "same": done.same, **done.model_dump()}
        )
    else:
        _print(found.record, done, source)
    if not done.same:
        raise click.exceptions.Exit(1)


def _opened(
    context: Context, memory: Memory, given: Mapping[str, Any], now: datetime, found: Found
) -> AbstractContextManager[Session] | None:
    """The telemetry of the record: as it is named, else the recording that a repository has; None without any."""
    opening = looking(found.record)
    if given["servers"] or given["commands"]:
        made = Plan(found.record.incident, asking_of(options_of(context, given)), ())
        how = running(context, now, silent_or(context, Progressing(time.monotonic)))
        return live_investigation(made, memory, opening=opening, **how)
    recording = given["recording"] or recording_of(found.record, found, memory)
    if recording is None:
        return None
    how = running(context, now, silent_or(context, note))
    return investigation_of(recording, memory, opening=opening, **how)


def _print(record: Investigation, done: Replayed, source: str) -> None:
    if source == "record":
        where = "the recording" if record.incident.recording else "the servers"
        for line in wrapped(
            f"The telemetry is not here: the rules are applied to what the record keeps of the answers. "
            f"Name {where} to ask again.", "", "",
        ):  # fmt: skip
            click.echo(line)
    for one in done.differences:
        for line in _difference(record, one):
            click.echo(line)
    if done.without_rule:
        click.echo(f"{done.without_rule} experiments were recorded without their rule, by an older version")
    of_whom = {"record": "what the record keeps", "recording": "its recording", "servers": "the servers"}[
        source
    ]
    many = f"{done.experiments} experiments of {record.id} evaluated again on {of_whom}"
    outcome = "the same verdicts" if done.same else f"{len(done.differences)} differences"
    for line in wrapped(f"{many}: {outcome}", "", "  "):
        click.echo(line)


def _difference(record: Investigation, one: Difference) -> list[str]:
    place = f"{one.hypothesis}.{one.experiment}" if one.experiment else str(one.hypothesis or record.id)
    lines = wrapped(f"{place}: {one.what}", "", "  ")
    lines += wrapped(f"recorded: {_short(one.recorded)}", "  ", "    ")
    return [*lines, *wrapped(f"now:      {_short(one.now)}", "  ", "    ")]


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 200 else f"{plain[:197]}..."
