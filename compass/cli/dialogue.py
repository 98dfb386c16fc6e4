"""The investigation at the terminal: a human picks, refutes, confirms and remarks; COMPASS tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Final

import click

from compass.cli.investigation_text import curves, shown, wrapped
from compass.cli.render import untrusted
from compass.investigate.session import Session
from compass.model.investigation import Deed

PROMPT: Final = "compass> "
HELP: Final[Mapping[str, str]] = {
    "pick N": "take hypothesis N as the one to look at; recorded",
    "test [N]": "run the experiments of N, or of the one picked, that try to refute it",
    "test all": "run the experiments of every hypothesis",
    "why [N]": "what speaks for N, what it predicts and what would refute it",
    "evidence [N]": "its experiments with query, window, answer and digest",
    "confirm N [REASON]": "this is what it was; recorded, and remembered the next time",
    "refute N REASON": "this it was not, and how you know; recorded",
    "note TEXT": "write it into the record, with the time",
    "list": "the hypotheses and where they stand",
    "timeline": "what happened when, and the curves of the metrics",
    "draft": "test what is left, write the record and draft a post-mortem and a pattern",
    "help": "this list",
    "quit": "write the record and end",
}
_SHORT: Final = {"q": "quit", "exit": "quit", "?": "help", "ls": "list"}


@dataclass
class Dialogue:
    """One person at one terminal; `read` gives a line and raises EOFError at its end, `draft` writes drafts and says what."""

    session: Session
    clock: Callable[[], datetime]
    read: Callable[[str], str]
    draft: Callable[[], Iterator[str]]
    characters: str
    _over: bool = field(default=False, repr=False)

    @property
    def picked(self) -> int | None:
        """The place of the hypothesis that was picked last."""
        last = next((one.text for one in reversed(self.session.notes) if one.deed is Deed.PICK), None)
        places = [place for place, one in enumerate(self.session.candidates) if one.statement == last]
        return places[0] if places else None

    def run(self) -> None:
        """Ask until the human is done; every decision becomes part of the record at once."""
        _say(self.session.incident.symptom)
        self._list()
        _say("Type help for the commands; quit writes the record.")
        while not self._over:
            try:
                line = self.read(PROMPT)
            except EOFError:
                click.echo()
                return
            word, _, rest = line.strip().partition(" ")
            if word:
                self.answer(_SHORT.get(word.lower(), word.lower()), rest.strip())

    def answer(self, word: str, rest: str) -> None:
        """Do what one command asks."""
        known = {name.partition(" ")[0] for name in HELP}
        if word not in known:
            near = get_close_matches(word, sorted(known), 1, 0.5)
            _say(f"{word[:40]!r} is no command; " + (f"did you mean {near[0]}?" if near else "type help"))
            return
        getattr(self, f"_{word}")(rest)

    def _pick(self, rest: str) -> None:
        place, reason = self._named(rest)
        if place is not None:
            self.session.decide(Deed.PICK, place, reason or None, self.clock())
            _say(f"picked {place + 1}; `test` tries to refute it")

    def _test(self, rest: str) -> None:
        if rest == "all":
            self.session.test_all()
            self._list()
            return
        place = self._place(rest)
        if place is not None:
            self.session.test(place)
            self._show(place, whole=False)

    def _why(self, rest: str) -> None:
        place = self._place(rest)
        if place is None:
            return
        candidate = self.session.candidates[place]
        _say(f"predicts: {candidate.predicts}", "  ")
        for line in candidate.why:
            _say(line, "  ")
        for trial in candidate.trials:
            _say(f"would be refuted when {trial.refuted_when}: {trial.question}", "  ")

    def _evidence(self, rest: str) -> None:
        place = self._place(rest)
        if place is not None:
            self._show(place, whole=True)

    def _confirm(self, rest: str) -> None:
        place, reason = self._named(rest)
        if place is not None:
            self.session.decide(Deed.CONFIRM, place, reason or None, self.clock())
            _say(f"confirmed {place + 1}; under the same conditions it will lead the next time")

    def _refute(self, rest: str) -> None:
        place, reason = self._named(rest)
        if place is None:
            return
        if not reason:
            _say(f"say how you know: refute {place + 1} REASON")
            return
        self.session.decide(Deed.REFUTE, place, reason, self.clock())
        _say(f"refuted {place + 1}: {reason}")

    def _note(self, rest: str) -> None:
        if not rest:
            _say("what is to be noted? note TEXT")
            return
        self.session.note(rest, self.clock())
        _say("noted")

    def _list(self, _rest: str = "") -> None:
        for place, candidate in enumerate(self.session.candidates):
            if place in self.session.tested:
                one = self.session.hypothesis(place)
                state = f"{one.verdict}, {one.confidence:.2f}"
            else:
                state = f"not tested, prior {candidate.prior:.2f}"
            marks = (", confirmed" if place in self.session.confirmed else "") + (
                ", picked" if place == self.picked else ""
            )
            _say(f"{place + 1}. {candidate.statement} ({state}{marks})", "", "   ")

    def _timeline(self, _rest: str) -> None:
        record = self.session.record()
        for one in record.timeline:
            _say(f"{one.time:%H:%M:%S}  {one.source:<8}  {one.what}", "", "    ")
        for line in curves(record, self.characters):
            click.echo(line)

    def _draft(self, _rest: str) -> None:
        self.session.test_all()
        self._list()
        for line in self.draft():
            click.echo(untrusted(line))

    def _help(self, _rest: str) -> None:
        for command, what in HELP.items():
            _say(f"{command:<20}{what}", "  ", " " * 22)

    def _quit(self, _rest: str) -> None:
        self._over = True

    def _show(self, place: int, *, whole: bool) -> None:
        one = self.session.hypothesis(place)
        if not one.experiments:
            _say(f"{place + 1} was not tested yet: test {place + 1}")
            return
        for line in shown(one, whole=whole):
            click.echo(untrusted(line))

    def _named(self, text: str) -> tuple[int | None, str]:
        """The place that a command begins with, and what follows it."""
        number, _, rest = text.partition(" ")
        if number:
            return self._place(number), rest.strip()
        _say(f"which one? There are hypotheses 1 to {len(self.session.candidates)}")
        return None, ""

    def _place(self, text: str) -> int | None:
        """The place of a number as it is typed; without any, of the one picked, else the first."""
        if not text:
            return self.picked or 0
        if text.isascii() and text.isdigit() and 0 < int(text[:6]) <= len(self.session.candidates):
            return int(text) - 1
        _say(f"{text[:40]!r} is none of them: there are hypotheses 1 to {len(self.session.candidates)}")
        return None


def _say(text: str, first: str = "", rest: str | None = None) -> None:
    lines: Sequence[str] = wrapped(text, first, f"{first}  " if rest is None else rest)
    for line in lines:
        click.echo(line)
