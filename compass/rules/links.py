"""Rules about links between entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import Pattern, Postmortem, Status
from compass.model.ids import ENTRY_ID
from compass.rules.base import Context, Example, Place, Rule, nearest
from compass.rules.text import prose

_LINK: Final = re.compile(r"\[\[((?:pat|run|pm)-[^\[\]\n]{0,80})\]\]")


class DanglingLink(Rule):
    """A link that leads nowhere costs somebody minutes at night."""

    id = "dangling-link"
    sentence = "Every id that an entry names is that of an entry here or in a repository above."
    good = Example(body="See [[run-0000000001]].", beside=(Example("runbook", "id: run-0000000001"),))
    bad = Example(body="See [[run-0000000009]].", beside=(Example("runbook", "id: run-0000000001"),))

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look up every id."""
        for target, place in targets(loaded):
            if target in context.ids or target in context.broken:
                continue
            if not ENTRY_ID.fullmatch(target):
                yield self.problem(
                    loaded,
                    f"{target!r} is not an id",
                    place,
                    "an id is a prefix and ten characters, such as pat-7k3x9q2m4t",
                )
                continue
            near = nearest(target, context.ids, cutoff=80)
            hint = (
                f"did you mean {near} ({context.ids[near][0].title})?"
                if near
                else "no entry here or above has this id"
            )
            severity = None
            if context.blind_parent:
                severity, hint = (
                    Severity.WARNING,
                    f"it may be in a repository that could not be read ({context.blind_parent})",
                )
            yield self.problem(loaded, f"the link to {target} leads nowhere", place, hint, severity)


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
        if loaded.status is Status.WITHDRAWN:
            return
        for target, place in targets(loaded):
            found = context.ids.get(target)
            if found and found[0].status is Status.WITHDRAWN:
                reason = found[0].entry.withdrawn.reason if found[0].entry.withdrawn else "no reason given"
                yield self.problem(
                    loaded,
                    f"{target} was withdrawn: {reason}",
                    place,
                    "remove the link, or name what replaces it",
                )


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
        del context
        for target, place in fields(loaded):
            if target == loaded.id:
                yield self.problem(
                    loaded, "this entry names itself", place, "remove it, or name the other entry"
                )


def fields(loaded: LoadedEntry) -> Iterator[tuple[str, Place]]:
    """Ids in the front matter, with their places."""
    entry = loaded.entry
    for number, related in enumerate(entry.related):
        yield related.id, Place(("related", number, "id"))
    if entry.superseded_by:
        yield entry.superseded_by, Place(("superseded_by",))
    name, ids = _listed(loaded)
    for number, target in enumerate(ids):
        yield target, Place((name, number))


def _listed(loaded: LoadedEntry) -> tuple[str, tuple[str, ...]]:
    if isinstance(loaded.entry, Pattern):
        return "mitigations", loaded.entry.mitigations
    if isinstance(loaded.entry, Postmortem):
        return "patterns", loaded.entry.patterns
    return "", ()


def targets(loaded: LoadedEntry) -> Iterator[tuple[str, Place]]:
    """Every id that an entry names, in its front matter and in its prose."""
    yield from fields(loaded)
    if "[[" in loaded.body:
        for found in _LINK.finditer(prose(loaded.body)):
            yield found[1], Place(offset=found.start(1))
