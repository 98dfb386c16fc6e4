"""Rules about a change: what may become of a status, of a file that goes, and of an id that was used before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Problem
from compass.model.entry import Pattern, Status
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place

_RANK: Final = {Status.DRAFT: 0, Status.VERIFIED: 1, Status.STABLE: 2}
_VERIFIED: Final = """\
status: verified
summary: Callers wait for a connection because the pool is smaller than the work.
owner: group:default/payments
evidence: [{id: e1, type: metric, redacted: true}]
review_by: 2027-01-01
last_verified: 2026-01-01
"""
_HEADINGS: Final = "\n\n".join(
    f"## {name}" for name in ("Meaning", "Impact", "Diagnosis", "Mitigation", "Rollback", "Escalation")
)
_BODY: Final = f"{_HEADINGS}\n\nCallers waited.[^e1]\n\n[^e1]: The pool's gauge."


class StatusTransition(Rule):
    """A status that rises because time has passed says nothing about the entry."""

    id = "status-transition"
    sentence = (
        "A status rises one step at a time and with evidence, and a withdrawn entry does not come back."
    )
    good = Example("runbook", _VERIFIED, _BODY, before=(Example("runbook", "status: draft"),))
    bad = Example(
        "runbook",
        _VERIFIED,
        _BODY,
        before=(Example("runbook", _VERIFIED.replace("status: verified", "status: draft"), _BODY),),
    )

    def finish(self, context: Context) -> Iterable[Problem]:
        """Compare each entry with the same before the change."""
        for loaded, before in _changed(context):
            if before and before.status is not loaded.status:
                yield from self._judged(loaded, before)

    def _judged(self, loaded: LoadedEntry, before: LoadedEntry) -> Iterator[Problem]:
        old, new = before.status, loaded.status
        place = Place(("status",))
        if old is Status.WITHDRAWN:
            hint = "make a new entry, with an id of its own; the tombstone stays"
            yield self.problem(loaded, f"{loaded.id} was withdrawn and is {new} again", place, hint)
        elif new in _RANK and old in _RANK and _RANK[new] > _RANK[old]:
            if _RANK[new] - _RANK[old] > 1:
                hint = (
                    "it becomes verified first, then stable when three incidents on two services confirm it"
                )
                yield self.problem(loaded, f"{old} cannot become {new} in one step", place, hint)
            elif _proof(before) == _proof(loaded):
                hint = "add what confirms it: evidence, `confirmed`, the day on which it was verified, or the recordings that it must match"
                yield self.problem(
                    loaded,
                    f"it became {new}, and nothing else changed: evidence promotes, never age",
                    place,
                    hint,
                )


def _proof(loaded: LoadedEntry) -> tuple[object, ...]:
    entry = loaded.entry
    tests = entry.tests if isinstance(entry, Pattern) else None
    return entry.evidence, entry.confirmed, entry.last_verified, tests


class Tombstone(Rule):
    """What was deleted is still linked to, remembered and copied; only a withdrawal reaches those who rely on it."""

    id = "tombstone"
    sentence = "An entry that must not be followed any more is withdrawn; its file stays."
    good = Example(before=(Example(),))
    bad = Example(before=(Example("runbook"),))

    def finish(self, context: Context) -> Iterable[Problem]:
        """Look for the ids that stood in a file that is gone."""
        base = context.base
        if base is None:
            return
        for name, before in sorted(base.entries.items()):
            if name in context.ids or name in context.broken:
                continue
            message = f"{name} ({before.status}) is gone: {before.path} was deleted"
            hint = "bring the file back, with `status: withdrawn` and `withdrawn: {at: <day>, reason: <why>}`"
            yield Problem(
                rule=self.id,
                severity=self.severity,
                message=message,
                path=before.path,
                line=1,
                column=1,
                hint=hint,
                entry=name,
            )


class ReusedId(Rule):
    """Links, records and copies elsewhere mean the entry that had the id first."""

    id = "reused-id"
    sentence = "An id that another entry once had, or has in an open proposal, is never used again."
    good = Example()
    bad = Example(front="created: 2026-02-01", before=(Example(front="created: 2025-01-01"),))

    def finish(self, context: Context) -> Iterable[Problem]:
        """Compare with the entry of that id that was changed, deleted at any time before, or is proposed."""
        taken = context.base.taken if context.base else {}
        for loaded, before in _changed(context):
            day = before.entry.created.isoformat() if before else taken.get(loaded.id)
            now = loaded.entry.created.isoformat()
            if day and day != now:
                message = f"{loaded.id} belongs to an entry created on {day}, this one was created on {now}"
                hint = "draw a new id with `compass new`, or keep `created` if it is the same entry"
                yield self.problem(loaded, message, Place(("id",)), hint)


def _changed(context: Context) -> Iterator[tuple[LoadedEntry, LoadedEntry | None]]:
    """The own entries that a change touched, each with itself before."""
    base = context.base
    if base is not None:
        for loaded in context.own:
            if loaded.path in base.changed:
                yield loaded, base.entries.get(loaded.id)
