"""The investigation at the terminal: a human picks, COMPASS tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import click

from compass.cli.investigation_text import shown
from compass.cli.render import untrusted
from compass.investigate.session import Session
from compass.model.investigation import Note

HELP = "pick N | test | why N | evidence N | note TEXT | draft | quit"


def converse(session: Session, clock: Callable[[], datetime]) -> None:
    """Ask until the human is done; every pick and note becomes part of the record."""
    picked = 0
    _say(f"{session.incident.symptom}")
    _list(session)
    _say(HELP)
    while True:
        try:
            line = click.prompt("compass", prompt_suffix="> ", default="quit", show_default=False)
        except (click.Abort, EOFError):
            return
        word, _, rest = line.strip().partition(" ")
        if word in {"quit", "q", "exit"}:
            return
        if word == "draft":
            _test_all(session)
            _say(f"When you quit, the record is written; then: compass draft {session.id}")
        elif word == "note" and rest:
            session.notes.append(Note(time=clock(), text=rest))
        elif word == "pick" and (place := _place(session, rest)) is not None:
            picked = place
            session.notes.append(Note(time=clock(), text=f"picked: {session.candidates[place].statement}"))
            _say(f"picked {place + 1}; `test` tries to refute it")
        elif word == "test":
            session.test(picked)
            _show(session, picked, whole=False)
        elif word in {"why", "evidence"} and (place := _place(session, rest or str(picked + 1))) is not None:
            _why(session, place) if word == "why" else _show(session, place, whole=True)
        else:
            _say(HELP)


def _list(session: Session) -> None:
    for place, candidate in enumerate(session.candidates):
        tested = session.results.get(place)
        state = f"{tested.verdict}, {tested.confidence:.2f}" if tested else f"prior {candidate.prior:.2f}"
        _say(f"{place + 1}. {candidate.statement} ({state})")


def _test_all(session: Session) -> None:
    for place in range(len(session.candidates)):
        session.test(place)
    _list(session)


def _why(session: Session, place: int) -> None:
    candidate = session.candidates[place]
    _say(f"predicts: {candidate.predicts}")
    for line in candidate.why:
        _say(f"  {line}")
    for trial in candidate.trials:
        _say(f"  would be refuted when {trial.refuted_when}: {trial.question}")


def _show(session: Session, place: int, *, whole: bool) -> None:
    if place not in session.results:
        _say("not tested yet; `pick` it, then `test`")
        return
    for line in shown(session.results[place], whole=whole):
        _say(line)


def _place(session: Session, text: str) -> int | None:
    if text.strip().isdigit() and 0 < int(text) <= len(session.candidates):
        return int(text) - 1
    _say(f"there are hypotheses 1 to {len(session.candidates)}")
    return None


def _say(text: str) -> None:
    click.echo(untrusted(text))
