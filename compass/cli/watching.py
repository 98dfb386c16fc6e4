"""The experiments of an investigation while they run, on standard error: one line that changes, one that stays for each hypothesis."""

from __future__ import annotations

import sys
from typing import Final

from compass.cli.investigation_text import MARKS
from compass.cli.render import untrusted
from compass.investigate.session import Session, Step

_WIDTH: Final = 79


class Watch:
    """Hears the steps of a session; with `lasting`, each hypothesis leaves a line when it is through."""

    def __init__(self, session: Session, *, lasting: bool) -> None:
        self._session = session
        self._lasting = lasting

    def __call__(self, step: Step) -> None:
        """Draw what is known now."""
        if step.place is None:
            return
        session, place = self._session, step.place
        through = place in session.tested
        if through and self._lasting:
            one = session.hypothesis(place)
            verdict = f"{one.verdict} {one.confidence:.2f}"
            head = f"{place + 1}. {' '.join(untrusted(one.statement).split())}"
            self._write(f"{cut(head, _WIDTH - len(verdict) - 2)}  {verdict}\n")
        waiting = any(number not in session.tested for number in session.done)
        if waiting or (not through and self._lasting):
            self._write(
                cut(f"testing  {'  '.join(self._marks(number) for number in sorted(session.done))}", _WIDTH)
            )
        elif not self._lasting:
            self._write("")

    def _marks(self, place: int) -> str:
        """`2 +?..`: two experiments of the second hypothesis were made, two are to come."""
        done = self._session.done.get(place, {})
        trials = range(len(self._session.candidates[place].trials))
        return f"{place + 1} {''.join(MARKS[done[at].verdict] if at in done else '.' for at in trials)}"

    def _write(self, line: str) -> None:
        sys.stderr.write(f"\r{'':{_WIDTH}}\r{line}")
        sys.stderr.flush()


def cut(text: str, width: int) -> str:
    """At most so many characters."""
    return text if len(text) <= width else f"{text[: max(0, width - 3)]}..."
