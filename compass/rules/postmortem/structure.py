"""Rules about the frame of a post-mortem: fields, times, stated durations and who took part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Severity
from compass.model.entry import Postmortem, Times
from compass.rules.base import Example
from compass.rules.place import TOP, Place
from compass.rules.postmortem.base import Finding, PostmortemRule
from compass.rules.postmortem.specimen import BODY, specimen
from compass.rules.status import CONFIRMED
from compass.rules.text import prose

_WHY: Final = {
    "severity": "say how much it hurt users",
    "services": "name what was affected: `component:default/…`",
    "participants": "list those who were there and those who were asked",
}
_STATED: Final = re.compile(
    r"^[ \t]*+[-*+]?[ \t]*+[*_]{0,2}(?P<what>Duration|Total duration|(?:Mean )?Time to (?:detect|acknowledge|mitigate|repair|restore|recover|resolve)\w*)[*_]{0,2}[ \t]*+:[*_]{0,2}[ \t]*+"
    r"(?P<value>(?:\d+ ?(?:days?|d|hours?|hrs?|h|minutes?|mins?|min|m)\b[ ,]*+(?:and )?)+)(?P<rest>[^\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_PART: Final = re.compile(r"(\d+) ?(d|h|m)", re.IGNORECASE)
_ENDS: Final = {
    "detect": "detected",
    "acknow": "acknowledged",
    "mitiga": "mitigated",
    "repair": "mitigated",
    "restor": "mitigated",
}
_MINUTES: Final = {"d": 1440, "h": 60, "m": 1}


class IncompleteFrame(PostmortemRule):
    """Without these nobody can compare two incidents."""

    id = "PM001"
    sentence = "From `verified`, a post-mortem has severity, services, times (start, detected, resolved), an incident commander and participants."
    formal = True
    good = specimen()
    bad = specimen(without="severity")

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Name each missing field."""
        del loaded
        for name, hint in _WHY.items():
            if not getattr(entry, name):
                yield Finding(f"a {entry.status} post-mortem needs {name!r}", TOP, hint)
        for name in ("start", "detected", "resolved"):
            if not getattr(entry.times, name, None):
                yield Finding(
                    f"a {entry.status} post-mortem needs the time {name!r}",
                    TOP,
                    f"add `{name}` to `times`, with its zone",
                )
        if "incident_commander" not in entry.roles:
            hint = "add `incident_commander` to `roles`"
            yield Finding(f"a {entry.status} post-mortem needs the role 'incident_commander'", TOP, hint)


class TimesOrdered(PostmortemRule):
    """Every measure of incidents is computed from these times."""

    id = "PM002"
    sentence = "An incident starts, is detected, acknowledged, mitigated and resolved in this order."
    good = Example(
        "postmortem",
        "times: {start: 2026-01-01T10:00:00Z, detected: 2026-01-01T10:04:00Z, resolved: 2026-01-01T11:00:00Z}",
    )
    bad = Example(
        "postmortem",
        "times: {start: 2026-01-01T10:00:00Z, detected: 2026-01-01T09:04:00Z, resolved: 2026-01-01T11:00:00Z}",
    )

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Compare each time with the one before it that is given."""
        del loaded
        given = [(name, when) for name in Times.model_fields if (when := getattr(entry.times, name, None))]
        for (before, earlier), (name, when) in pairwise(given):
            if when < earlier:
                message = f"{name} ({when:%Y-%m-%d %H:%M}Z) is before {before} ({earlier:%Y-%m-%d %H:%M}Z)"
                yield Finding(message, Place(("times", name)), "look at the zone of both")


class StatedDuration(PostmortemRule):
    """Two numbers for one thing: readers believe the one in the text, measures the other."""

    id = "PM003"
    sentence = "A duration that the text states is the one that the times give, unless it names a calendar such as working hours."
    severity = Severity.WARNING
    good = specimen("Time to resolve: 1h 0m\n\n" + BODY)
    bad = specimen("Time to resolve: 2h 30m\n\n" + BODY)

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Compute what `Duration:` and `Time to …:` state, from the start or from the detection."""
        if entry.times is None or not ("ime to " in loaded.body or "uration" in loaded.body):
            return
        for found in _STATED.finditer(prose(loaded.body)):
            computed = _computed(found["what"].lower(), entry.times)
            stated = timedelta(
                minutes=sum(
                    int(count) * _MINUTES[unit.lower()] for count, unit in _PART.findall(found["value"])
                )
            )
            if (
                computed
                and "(" not in found["rest"]
                and all(abs(stated - one) > timedelta(minutes=1) for one in computed)
            ):
                minutes = " or ".join(str(int(one.total_seconds() // 60)) for one in computed)
                message = f"the text states {found['value'].strip()}, the times give {minutes} minutes"
                yield Finding(
                    message,
                    Place(offset=found.start("what")),
                    "correct one of the two, or name the calendar: `1h (during support hours)`",
                )


def _computed(what: str, times: Times) -> list[timedelta]:
    name = _ENDS.get(what.rpartition("time to ")[2][:6], "resolved")
    end = getattr(times, name)
    begins = [begin for begin in (times.start, times.detected if name != "detected" else None) if begin]
    return [end - begin for begin in begins] if end else []


class NoFacilitator(PostmortemRule):
    """Whoever led the response cannot also ask the questions about it."""

    id = "PM005"
    sentence = "From `verified`, `roles` names a facilitator; it is never who led the response."
    severity = Severity.WARNING
    good = specimen()
    bad = specimen(roles="{incident_commander: payments-lead, facilitator: payments-lead}")

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Compare the two roles; a draft may not have found its facilitator yet."""
        facilitator = entry.roles.get("facilitator")
        hint = "ask somebody from another team to lead the review, and add them as `facilitator` to `roles`"
        if facilitator and facilitator == entry.roles.get("incident_commander"):
            message = f"{facilitator!r} led the response and the review of it"
            yield Finding(message, Place(("roles", "facilitator")), hint)
        elif not facilitator and loaded.status in CONFIRMED:
            yield Finding("nobody is named who led the review", TOP, hint)


class OnlyResponders(PostmortemRule):
    """Those who were not there ask what those who were take for granted."""

    id = "PM006"
    sentence = "From `verified`, at least one participant had no role in the response."
    severity = Severity.WARNING
    formal = True
    good = specimen()
    bad = specimen(participants="[payments-lead]")

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Compare participants with those who had a role; the facilitator has none in the response."""
        del loaded
        responders = {who for role, who in entry.roles.items() if role != "facilitator"}
        if entry.participants and responders.issuperset(entry.participants):
            hint = "ask somebody who uses, supports or runs what was affected, and list them"
            yield Finding(
                "every participant had a role in the response", Place(("participants",), key=True), hint
            )
