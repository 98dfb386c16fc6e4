"""The outbox: the id of a proposal is drawn once and kept in the source, so that every rerun meets on one branch."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from compass.adapters.forge.plain import PlainForge, branch_of
from compass.errors import ConflictError, OutsideError, UsageError
from compass.model.proposal import Verb

_ATTEMPTS: Final = 20
_JSON: Final = re.compile(rb"\A\{[^{}]{1,400}\}\n\Z")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where in a source the proposal of one entry to one target is kept."""

    source: PlainForge
    target: str
    entry: str
    verb: Verb

    def current(self) -> str | None:
        """The id of the proposal that is under way or was last."""
        oid = self.source.outbox(self.target, self.entry, self.verb)
        return _read(self, oid) if oid else None

    def take(self, draw: Callable[[], str], closed: str | None = None) -> str:
        """The id to use: the one that is kept, or a fresh one if there is none or it is the `closed` one.

        Whoever is first keeps theirs; everybody else gets it too.
        """
        for _ in range(_ATTEMPTS):
            oid = self.source.outbox(self.target, self.entry, self.verb)
            if oid and (found := _read(self, oid)) != closed:
                return found
            pid = draw()
            branch_of(pid)
            data = json.dumps({"schema": 1, "proposal": pid}, sort_keys=True) + "\n"
            try:
                self.source.keep(
                    self.target, self.entry, self.verb, self.source.git.write_blob(data.encode()), oid
                )
            except ConflictError:
                self.source.refresh()
                continue
            return pid
        raise ConflictError(
            f"the outbox of {self.source.name} is written by too many at once", "run the command again"
        )


def _read(slot: Slot, oid: str) -> str:
    data = slot.source.git.read(oid)
    try:
        pid = json.loads(data)["proposal"] if _JSON.match(data) else ""
        branch_of(pid)
    except (ValueError, KeyError, TypeError, UsageError) as error:
        raise OutsideError(f"the outbox of {slot.source.name} for {slot.entry} cannot be read") from error
    return str(pid)
