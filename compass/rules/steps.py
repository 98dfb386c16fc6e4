"""Rules about what a runbook tells people to do."""

from __future__ import annotations

from collections.abc import Iterator

from compass.library import LoadedEntry
from compass.model.base import Problem
from compass.model.entry import Risk, Runbook
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place
from compass.rules.text import headings

_STEP = "steps: [{id: s1, text: Drop the queue., command: queue drop, risk: destructive}]"


class DestructiveStep(Rule):
    """Whoever destroys something at night must know the way back before."""

    id = "destructive-step"
    sentence = "A runbook with a destructive step has a heading Rollback with text under it."
    local = True
    good = Example("runbook", _STEP, "## Rollback\n\nRestore the queue from its last snapshot.")
    bad = Example("runbook", _STEP, "## Mitigation\n\nDrop the queue.")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look for the heading when any step is destructive."""
        del context
        entry = loaded.entry
        if not isinstance(entry, Runbook):
            return
        for number, step in enumerate(entry.steps):
            if step.risk is Risk.DESTRUCTIVE and not _rollback(loaded.body):
                place = Place(("steps", number, "risk"))
                hint = "add `## Rollback` and say how to undo it, or that it cannot be undone"
                yield self.problem(
                    loaded, f"step {step.id} is destructive, and nothing says how to undo it", place, hint
                )


def _rollback(body: str) -> bool:
    found = headings(body)
    for at, (_, text, start) in enumerate(found):
        if text.casefold().startswith("rollback"):
            end = found[at + 1][2] if at + 1 < len(found) else len(body)
            return bool(body[start:end].partition("\n")[2].strip())
    return False
