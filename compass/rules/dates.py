"""Rules about days and times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import Status
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place

_CLOSED: Final = frozenset({Status.DEPRECATED, Status.WITHDRAWN})
_RECENT: Final = timedelta(days=180)
_LONG: Final = timedelta(days=730)


class DatesOrdered(Rule):
    """Days in the wrong order are typing errors that measures would believe."""

    id = "dates-ordered"
    sentence = "An entry is created before it is last verified, and reviewed after that."
    local = True
    good = Example(front="created: 2026-01-01\nlast_verified: 2026-03-01\nreview_by: 2026-09-01")
    bad = Example(front="created: 2026-01-01\nlast_verified: 2026-03-01\nreview_by: 2026-02-01")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Compare neighbours."""
        del context
        entry = loaded.entry
        if entry.last_verified and entry.last_verified < entry.created:
            message = f"last verified on {entry.last_verified}, before it was created on {entry.created}"
            yield self.problem(loaded, message, Place(("last_verified",)), "correct one of the two days")
        if entry.review_by and entry.last_verified and entry.review_by <= entry.last_verified:
            message = f"the review was due on {entry.review_by}, but it was verified after that, on {entry.last_verified}"
            yield self.problem(loaded, message, Place(("review_by",)), "set a day in the future")


class DateInFuture(Rule):
    """What has not happened yet cannot have confirmed anything."""

    id = "date-in-future"
    sentence = "An entry was not created, verified or withdrawn in the future."
    good = Example(front="created: 2026-01-01")
    bad = Example(front="created: 2062-01-01")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """One day of grace for the other side of the world."""
        limit = context.tomorrow
        for name, day in context.facts(loaded).days:
            if day > limit and name != "review_by":
                fields = (name, "at") if name == "withdrawn" else (name,)
                message = f"{name} is {day}, and today is {context.today}"
                yield self.problem(loaded, message, Place(fields), "look at the year")


class ReviewOverdue(Rule):
    """The median public runbook was last touched two and a half years ago."""

    id = "review-overdue"
    sentence = "An entry that people rely on is reviewed when it says so."
    severity = Severity.WARNING
    good = Example(front="review_by: 2027-01-01")
    bad = Example(front="created: 2025-01-01\nreview_by: 2025-06-01")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Compare with today."""
        for name, due in context.facts(loaded).days:
            if name == "review_by" and due < context.day and loaded.status not in _CLOSED:
                message = (
                    f"the review was due on {due}, {(context.today - date.fromisoformat(due)).days} days ago"
                )
                use = context.uses.get(loaded.id)
                if use and use.day >= (context.today - _RECENT).isoformat():
                    message += f", and {use.record} relied on it on {use.day}"
                hint = "try it, then set `last_verified` and `review_by`"
                yield self.problem(loaded, message, Place(("review_by",)), hint)


class Unused(Rule):
    """What nobody tries and nobody needs goes wrong unseen, and stands in the way of what is needed."""

    id = "unused-entry"
    sentence = "A pattern or runbook is verified, or cited by an investigation, at least every two years."
    severity = Severity.INFO
    good = Example(front="created: 2026-01-01")
    bad = Example(front="created: 2023-01-01")

    def finish(self, context: Context) -> Iterable[Problem]:
        """Take the last of its days; of an overdue review another rule speaks."""
        limit = (context.today - _LONG).isoformat()
        for loaded in context.own:
            if loaded.kind == "postmortem" or loaded.status in _CLOSED:
                continue
            days = {str(name): str(day) for name, day in context.facts(loaded).days}
            verified = max(days["created"], days.get("last_verified", ""))
            if verified >= limit or days.get("review_by", context.day) < context.day:
                continue
            use = context.uses.get(loaded.id)
            if use is None or use.day < limit:
                message = f"nothing shows that it still holds: not verified since {verified}, and cited by no investigation here in two years"
                place = Place(("last_verified" if "last_verified" in days else "created",))
                yield self.problem(loaded, message, place, "try it and set `last_verified`, or withdraw it")


class WindowsOrdered(Rule):
    """A window that ends before it begins shows nothing."""

    id = "times-ordered"
    sentence = "The window of a piece of evidence ends after it begins."
    local = True
    good = Example(
        front="evidence: [{id: e1, type: log, window: {from: 2026-01-01T10:00:00Z, to: 2026-01-01T11:00:00Z}}]"
    )
    bad = Example(
        front="evidence: [{id: e1, type: log, window: {from: 2026-01-01T10:00:00Z, to: 2026-01-01T09:00:00Z}}]"
    )

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Compare the two ends; the times of a post-mortem have a rule of their own."""
        del context
        for number, evidence in enumerate(loaded.entry.evidence):
            if evidence.window and evidence.window.end <= evidence.window.start:
                yield self.problem(
                    loaded,
                    f"the window of {evidence.id} ends before it begins",
                    Place(("evidence", number, "window", "to")),
                    "exchange `from` and `to`, or look at the zone",
                )
