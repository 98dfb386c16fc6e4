"""Rules about what each status promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import HEADINGS, Pattern, Status
from compass.model.scope import Level
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place
from compass.rules.text import headings

CONFIRMED: Final = frozenset({Status.VERIFIED, Status.STABLE})
REQUIRED: Final = ("summary", "owner", "evidence", "review_by", "last_verified")
_HUB: Final = frozenset({Level.HUB, Level.HUB_FOR})
_WHY: Final = {
    "summary": "say in at most 400 characters what the reader needs first",
    "owner": "name the team that keeps it alive, such as group:default/payments",
    "evidence": "add what was seen: a query, its window and the excerpt",
    "review_by": "say when it must be looked at again",
    "last_verified": "say when an incident or a replay last confirmed it",
}
_VERIFIED: Final = """status: verified
summary: Callers wait for a connection because the pool is smaller than the work.
owner: group:default/payments
evidence: [{id: e1, type: metric, redacted: true}]
review_by: 2027-01-01
last_verified: 2026-01-01
"""
_MATCH: Final = "match: {window: 15m, signals: {slow: {type: alert, matchers: ['alertname=\"HighLatency\"']}}, condition: slow}\n"
_ONE: Final = "{id: h1, statement: The pool is too small., predicts: Waiting callers., refuted_by: {query: pool_waiting, when: it stays at 0}}"
_TWO: Final = "{id: h2, statement: The database is slow., predicts: Slow queries., refuted_by: {query: query_seconds, when: it is flat}}"
_BODY: Final = "Callers waited.[^e1]\n\n[^e1]: The pool's gauge."


class MissingFields(Rule):
    """Drafts are never blocked by form; what others rely on is complete."""

    id = "missing-fields"
    sentence = "From `verified`, an entry has a summary, an owner, evidence, and the dates of its last and next check."
    local = True
    good = Example("runbook", _VERIFIED, _BODY)
    bad = Example("runbook", "status: verified\nsummary: What to do.\nowner: group:default/payments")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Name each missing field."""
        del context
        if loaded.status in CONFIRMED:
            for name in REQUIRED:
                if not getattr(loaded.entry, name):
                    yield self.problem(
                        loaded,
                        f"a {loaded.status} {loaded.kind} needs {name!r}",
                        Place(("status",)),
                        _WHY[name],
                    )


class CompetingHypotheses(Rule):
    """One explanation alone is a belief; two that can be told apart are a diagnosis."""

    id = "competing-hypotheses"
    sentence = "From `verified`, a pattern has at least two competing hypotheses."
    local = True
    good = Example(front=f"{_VERIFIED}{_MATCH}hypotheses: [{_ONE}, {_TWO}]", body=_BODY)
    bad = Example(front=f"{_VERIFIED}{_MATCH}hypotheses: [{_ONE}]", body=_BODY)

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Count them."""
        del context
        entry = loaded.entry
        if isinstance(entry, Pattern) and entry.status in CONFIRMED and len(entry.hypotheses) < 2:
            message = (
                f"a {entry.status} pattern has {len(entry.hypotheses)} of the two hypotheses that it needs"
            )
            yield self.problem(
                loaded,
                message,
                Place(("hypotheses",), key=True),
                "add the explanation that you would test next",
            )


class MissingMatch(Rule):
    """Without a match no machine can recognize the pattern, and no replay can confirm it."""

    id = "missing-match"
    sentence = "From `verified`, a pattern below the hub has a match."
    good = Example(front=f"{_VERIFIED}{_MATCH}hypotheses: [{_ONE}, {_TWO}]", body=_BODY)
    bad = Example(front=f"{_VERIFIED}hypotheses: [{_ONE}, {_TWO}]", body=_BODY)

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """At the hub a match may have been lost to the anonymizer."""
        if loaded.kind != "pattern" or loaded.status not in CONFIRMED or loaded.mount.level in _HUB:
            return
        if not context.facts(loaded).match:
            hint = "add signals and a condition; `compass schema pattern` describes them"
            yield self.problem(loaded, f"a {loaded.status} pattern needs 'match'", Place(("status",)), hint)


class StableUnconfirmed(Rule):
    """Evidence promotes, never age."""

    id = "stable-unconfirmed"
    sentence = "A stable entry was confirmed by at least three incidents on two services."
    local = True
    good = Example("runbook", f"{_VERIFIED}confirmed: {{incidents: 3, tribes: 1}}\nservices: [component:default/checkout, component:default/cart]".replace("status: verified", "status: stable"), _BODY)  # fmt: skip
    bad = Example(
        "runbook",
        f"{_VERIFIED}confirmed: {{incidents: 1, tribes: 1}}".replace("status: verified", "status: stable"),
        _BODY,
    )

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look at the counts; a category stands for several services."""
        del context
        entry = loaded.entry
        if entry.status is not Status.STABLE:
            return
        incidents = entry.confirmed.incidents if entry.confirmed else 0
        if incidents < 3:
            message = f"a stable entry was confirmed by three incidents, this one by {incidents}"
            yield self.problem(loaded, message, Place(("status",)), "keep it `verified` until it was")
        if len(entry.services) < 2 and not any(name.startswith("category:") for name in entry.services):
            hint = "keep it `verified`, or add the other service"
            yield self.problem(
                loaded,
                "a stable entry was confirmed on two services, this one names fewer",
                Place(("status",)),
                hint,
            )


class DeprecatedNeedsSuccessor(Rule):
    """Whoever finds the old entry must be sent on."""

    id = "deprecated-needs-successor"
    sentence = "A deprecated entry names its successor, and only a deprecated or withdrawn one does."
    local = True
    good = Example(
        front="status: deprecated\nsuperseded_by: pat-0000000002",
        beside=(Example(front="id: pat-0000000002", path="patterns/b.md"),),
    )
    bad = Example(front="status: deprecated")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Compare status and field, both ways."""
        del context
        if loaded.status is Status.DEPRECATED and not loaded.entry.superseded_by:
            yield self.problem(
                loaded,
                "a deprecated entry needs 'superseded_by'",
                Place(("status",)),
                "name the entry to read instead, or withdraw this one",
            )
        elif loaded.entry.superseded_by and loaded.status not in {Status.DEPRECATED, Status.WITHDRAWN}:
            yield self.problem(
                loaded,
                f"a {loaded.status} entry is not superseded",
                Place(("superseded_by",), key=True),
                "set `status: deprecated`",
            )


class WithdrawnNeedsReason(Rule):
    """A tombstone says why, so that nobody writes the same thing again."""

    id = "withdrawn-needs-reason"
    sentence = "A withdrawn entry says why and since when, and only a withdrawn one does."
    local = True
    good = Example(
        front="status: withdrawn\nwithdrawn: {reason: The metric was removed in version 3., at: 2026-01-02}"
    )
    bad = Example(front="status: withdrawn")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Compare status and field, both ways."""
        del context
        if loaded.status is Status.WITHDRAWN and not loaded.entry.withdrawn:
            yield self.problem(
                loaded,
                "a withdrawn entry needs 'withdrawn' with a reason",
                Place(("status",)),
                "add `withdrawn: {reason: …, at: <date>}`",
            )
        elif loaded.entry.withdrawn and loaded.status is not Status.WITHDRAWN:
            message = f"the entry gives a reason for its withdrawal but is {loaded.status}"
            yield self.problem(
                loaded,
                message,
                Place(("withdrawn",), key=True),
                "set `status: withdrawn`, or remove the field",
            )


class MissingHeadings(Rule):
    """At night people look for the same heading in the same place."""

    id = "missing-headings"
    sentence = "From `verified`, a runbook has the headings Meaning, Impact, Diagnosis, Mitigation, Rollback and Escalation."
    severity = Severity.WARNING
    local = True
    good = Example(
        "runbook",
        _VERIFIED,
        "\n\n".join(f"## {name}\n\nText.[^e1]" for name in HEADINGS["runbook"]) + "\n\n[^e1]: The gauge.",
    )
    bad = Example("runbook", _VERIFIED, "## Meaning\n\nCallers waited.[^e1]\n\n[^e1]: The gauge.")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """One finding names all that are missing."""
        del context
        if loaded.status not in CONFIRMED or loaded.kind != "runbook":
            return
        there = {text.casefold() for _, text, _ in headings(loaded.body)}
        missing = [name for name in HEADINGS["runbook"] if name.casefold() not in there]
        if missing:
            yield self.problem(
                loaded,
                f"headings are missing: {', '.join(missing)}",
                Place(offset=0),
                f"add `## {missing[0]}`, even if it says `none`",
            )
