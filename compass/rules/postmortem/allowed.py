"""Rules about waivers: each names its rules and its reason, and none outlives its day."""

from __future__ import annotations

from collections.abc import Iterator

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.rules.base import Context, Rule
from compass.rules.place import Place
from compass.rules.postmortem.specimen import draft
from compass.rules.postmortem.waivers import WHOLE, waivers

_ALLOWED = "This should have been caught in review."


class WaiverWithoutReason(Rule):
    """A waiver that says nothing cannot be reviewed."""

    id = "waiver-without-reason"
    sentence = "A waiver names the rules that it allows and says why: `<!-- compass-lint: allow PM022 until 2027-01-31 reason -->`."
    severity = Severity.WARNING
    local = True
    good = draft(f"{_ALLOWED} <!-- compass-lint: allow PM022 the minutes of the meeting, word for word -->")
    bad = draft(f"{_ALLOWED} <!-- compass-lint: allow PM022 -->")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Read every waiver."""
        del context
        for one in waivers(loaded.body):
            if one.rules and loaded.kind != "postmortem" and not WHOLE.intersection(one.rules):
                continue  # it allows what nobody would find there
            lacks = "which rule it allows" if not one.rules else "" if one.reason else "why"
            if lacks:
                hint = "write it as `<!-- compass-lint: allow PM022 until <date> <reason> -->`; the date is optional"
                yield self.problem(
                    loaded,
                    f"this waiver does not say {lacks}, so it allows nothing",
                    Place(offset=one.offset),
                    hint,
                )


class WaiverEnded(Rule):
    """What was allowed for a while is not allowed for ever."""

    id = "waiver-ended"
    sentence = "A waiver is renewed or removed on the day that it names."
    good = draft(f"{_ALLOWED} <!-- compass-lint: allow PM022 until 2027-01-31 the minutes, word for word -->")
    bad = draft(f"{_ALLOWED} <!-- compass-lint: allow PM022 until 2026-01-31 the minutes, word for word -->")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Compare with today."""
        for rules, until, offset in context.facts(loaded).waivers:
            if until < context.day:
                hint = f"mend what {rules} says, or set a later day"
                yield self.problem(
                    loaded, f"the waiver of {rules} ended on {until}", Place(offset=offset), hint
                )
