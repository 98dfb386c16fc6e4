"""An open investigation worked to its end: memory and model taken in, hypotheses tested, each step kept, the record written."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

import click

from compass.cli.context import Context
from compass.cli.dialogue import Dialogue
from compass.cli.draft_text import drafted
from compass.cli.investigation_text import report
from compass.cli.model_options import consult
from compass.cli.render import emit_json, note, untrusted
from compass.cli.servers import words_of
from compass.cli.sparkline import ramp
from compass.cli.watching import Watch
from compass.investigate.resuming import Setting
from compass.investigate.session import Session
from compass.model.investigation import Investigation
from compass.model.progress import Asked, Progress
from compass.workflows.draft import draft_record
from compass.workflows.investigate import Memory, keep
from compass.workflows.live.request import Options
from compass.workflows.unfinished import Unfinished

LEADING: Final = 5
"""Records that name one of so many leading components may speak."""


@dataclass(frozen=True)
class Work:
    """How one investigation is worked: what was typed, what was kept of it before, and whether anybody is asked."""

    context: Context
    memory: Memory
    given: Mapping[str, Any]
    kept: Progress | None
    now: datetime
    output: str
    auto: bool

    def finish(self, session: Session) -> None:
        """Work it to its end and print the record; interrupted, it can be resumed."""
        unfinished = Unfinished(self.memory.data)
        session.on_step = silent_or(self.context, Watch(session, lasting=self.auto))
        try:
            with unfinished.keeping(session, self._setting()):
                self._take_in(session)
                if self.auto:
                    session.test_all()
                else:
                    self._converse(session)
                record, path = self._keep(session)
        except (KeyboardInterrupt, click.Abort):
            note(f"\nkept; go on with: compass investigate --resume {session.id}")
            raise
        unfinished.forget(session.id)
        self._print(record, path)

    def _take_in(self, session: Session) -> None:
        if self.kept is None:
            leading = [one.component for one in session.ranking.components[:LEADING]]
            session.remember(self.memory.past(session.library, leading, note))
        consult(session, self.context, self.given, again=self.kept is not None and self.kept.consulted)

    def _converse(self, session: Session) -> None:
        Dialogue(session, _clock, input, lambda: self._draft(session), ramp()).run()

    def _draft(self, session: Session) -> Iterator[str]:
        record = session.record()
        keep(record, self.memory, now=self.now)
        # The personal repository is nobody else's, so that the recording may be kept there unasked.
        recording = None if self.memory.named else self.given["recording"]
        done = draft_record(
            record.id, None, self.memory, now=self.now, random=SystemRandom(), recording=recording
        )
        yield from drafted(done)

    def _keep(self, session: Session) -> tuple[Investigation, Path]:
        record = session.record()
        path = keep(record, self.memory, now=self.now)
        if session.words is None:
            return record, path
        # Whoever loses patience with the model must not lose what was found.
        session.summarize()
        record = session.record()
        return record, keep(record, self.memory, now=self.now)

    def _print(self, record: Investigation, path: Path) -> None:
        if self.output == "json":
            emit_json(record.as_json())
            return
        for line in [*report(record, ramp()), "", f"Record: {path}", f"Next: {self._next(record, path)}"]:
            click.echo(untrusted(line))

    def _next(self, record: Investigation, path: Path) -> str:
        """The command that drafts, with the recording where the repository of the record does not have it."""
        recording, known = self.given["recording"], path.parents[2] / "recordings"
        beside = recording is not None and Path(recording).resolve().parent != known.resolve()
        where = ["-C", str(self.memory.repo)] if self.memory.named and self.memory.repo != Path() else []
        more = ["--recording", str(recording)] if beside else []
        return shlex.join(["compass", *where, "draft", record.id, *more])

    def _setting(self) -> Setting:
        recording = self.given["recording"]
        asked = Asked(
            recording=str(Path(recording).resolve()) if recording is not None else None,
            servers=tuple(self.given["servers"]),
            commands=tuple(tuple(words_of(one)) for one in self.given["commands"]),
            datasources=tuple(self.given["datasources"]),
            timeout=self.given["timeout"],
        )
        repository = str(self.memory.repo.resolve()) if self.memory.named else None
        return Setting(asked, repository, self.auto)


def asked_again(kept: Progress) -> dict[str, Any]:
    """The options that name the telemetry of a kept investigation."""
    asked = kept.asked
    return {
        "recording": Path(asked.recording) if asked.recording is not None else None,
        "servers": asked.servers,
        "commands": tuple(shlex.join(one) for one in asked.commands),
        "datasources": asked.datasources,
        "timeout": asked.timeout,
    }


def options_of(context: Context, given: Mapping[str, Any]) -> Options:
    """What was typed of a running system."""
    typed = {one.name: given[one.name] for one in fields(Options) if one.name in given}
    typed["commands"] = tuple(tuple(words_of(one)) for one in given["commands"])
    return Options(**typed, offline=context.offline, environment=os.environ)


def running(context: Context, now: datetime, told: Callable[[str], None]) -> dict[str, Any]:
    """Clock, time and chance of this machine."""
    del context
    return {"now": now, "random": SystemRandom(), "clock": time.perf_counter, "told": told}


def silent_or(context: Context, told: Callable[[Any], None]) -> Callable[[Any], None]:
    """`told` where somebody watches standard error, else nothing."""
    return _silent if context.quiet or not sys.stderr.isatty() else told


def _silent(_what: object) -> None:
    """Progress that nobody watches."""


def _clock() -> datetime:
    return datetime.now(UTC)
