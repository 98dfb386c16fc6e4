"""Rules about links between entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import Status
from compass.model.ids import ENTRY_ID
from compass.rules.base import Context, Example, Rule, nearest
from compass.rules.place import Place


class DanglingLink(Rule):
    """A link that leads nowhere costs somebody minutes at night."""

    id = "dangling-link"
    sentence = "Every id that an entry names is that of an entry here or in a repository above."
    good = Example(body="See [[run-0000000001]].", beside=(Example("runbook", "id: run-0000000001"),))
    bad = Example(body="See [[run-0000000009]].", beside=(Example("runbook", "id: run-0000000001"),))

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look up every id."""
        known = context.ids
        for target, fields, offset in context.facts(loaded).links:
            if target not in known and target not in context.broken:
                yield self._dangling(loaded, target, Place(tuple(fields), offset), context)

    def _dangling(self, loaded: LoadedEntry, target: str, place: Place, context: Context) -> Problem:
        if not ENTRY_ID.fullmatch(target):
            hint = "an id is a prefix and ten characters, such as pat-7k3x9q2m4t"
            return self.problem(loaded, f"{target!r} is not an id", place, hint)
        message = f"the link to {target} leads nowhere"
        if context.blind_parent:
            hint = f"it may be in a repository that could not be read ({context.blind_parent})"
            return self.problem(loaded, message, place, hint, Severity.WARNING)
        near = nearest(target, context.ids, cutoff=80)
        if near:
            return self.problem(
                loaded, message, place, f"did you mean {near} ({context.ids[near][0].title})?"
            )
        return self.problem(loaded, message, place, "no entry here or above has this id")


class LinkToWithdrawn(Rule):
    """A withdrawn entry must not be followed."""

    id = "link-to-withdrawn"
    severity = Severity.WARNING
    sentence = "No living entry sends its reader to a withdrawn one."
    good = Example(
        body="See [[run-0000000001]].",
        beside=(Example("runbook", "id: run-0000000001"),),
    )
    bad = Example(
        body="See [[run-0000000001]].",
        beside=(
            Example(
                "runbook",
                "id: run-0000000001\nstatus: withdrawn\nwithdrawn: {reason: It deletes data., at: 2026-01-02}",
            ),
        ),
    )

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look at the status of every entry that is named."""
        if not context.withdrawn or loaded.status is Status.WITHDRAWN:
            return
        for target, fields, offset in context.facts(loaded).links:
            found = context.withdrawn.get(target)
            if found:
                why = found.entry.withdrawn.reason if found.entry.withdrawn else "no reason given"
                hint = "remove the link, or name what replaces it"
                place = Place(tuple(fields), offset)
                yield self.problem(loaded, f"{target} was withdrawn: {why}", place, hint)


class SelfLink(Rule):
    """An entry related to itself is a slip of the hand."""

    id = "self-link"
    sentence = "An entry is not related to itself, and does not supersede itself."
    local = True
    good = Example(
        front="related: [{type: similar, id: pat-0000000002}]",
        beside=(Example(front="id: pat-0000000002", path="patterns/b.md"),),
    )
    bad = Example(front="id: pat-0000000001\nrelated: [{type: similar, id: pat-0000000001}]")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterable[Problem]:
        """Compare the fields that name entries with the entry's own id."""
        for target, fields, _ in context.facts(loaded).links:
            if target == loaded.id and fields:
                place = Place(tuple(fields))
                yield self.problem(
                    loaded, "this entry names itself", place, "remove it, or name the other entry"
                )
