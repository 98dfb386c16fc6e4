"""Evidence promotes, never age: which patterns have earned their next status, and by what; nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from compass.errors import ConfigError
from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import Pattern, Status
from compass.replay.load import load_info
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place
from compass.rules.status import REQUIRED
from compass.rules.use import confirming

_MATCH: Final = "match: {window: 15m, signals: {slow: {type: alert, matchers: ['alertname=\"HighLatency\"']}}, condition: slow}"
_INCIDENTS: Final = 3
_SERVICES: Final = 2


class Due(NamedTuple):
    """The status that an entry has earned, the evidence in words, the fields that it still lacks for it, and by how many
    incidents it is confirmed.
    """

    status: Status
    reason: str
    lacking: tuple[str, ...] = ()
    incidents: int = 0


def due(loaded: LoadedEntry, context: Context) -> Due | None:
    """The next status of a pattern, if replay and the counts of `confirmed` have earned it.

    A draft is confirmed by one recording that it must match and does. A verified pattern is due for `stable` after
    three incidents on two services, with no match in a recording that it need not match. The incidents are those of
    recordings and investigations, or the count in `confirmed` (and the services of the entry) where that is greater.
    """
    pattern = loaded.entry
    if not isinstance(pattern, Pattern) or pattern.tests is None:
        return None
    matched = {
        name
        for name in context.library.recordings
        if (found := context.outcomes.get((loaded.id, name))) is not None and found.truth is True
    }
    right = matched.intersection(pattern.tests.must_match)
    if not right or right != set(pattern.tests.must_match) or matched != right:
        return None
    counted = pattern.confirmed.incidents if pattern.confirmed else 0
    seen = _incidents(context, pattern.id, right)
    incidents = max(counted, len(seen))
    services = {one for one in seen.values() if one}
    if counted > len(seen) or not services:
        services |= {name.rpartition("/")[2] for name in pattern.services}
    if loaded.status is Status.DRAFT:
        lacking = tuple(name for name in (*REQUIRED, "services") if not getattr(pattern, name))
        few = ("a second hypothesis",) if len(pattern.hypotheses) < 2 else ()
        return Due(
            Status.VERIFIED, f"it matches {', '.join(sorted(right))}, as it must", lacking + few, incidents
        )
    if loaded.status is not Status.VERIFIED or incidents < _INCIDENTS or len(services) < _SERVICES:
        return None
    reason = f"{incidents} incidents on {len(services)} services confirm it, and no stored recording speaks against it"
    return Due(Status.STABLE, reason, incidents=incidents)


def _incidents(context: Context, pattern: str, matched: set[str]) -> dict[str, str | None]:
    """The incidents that confirm a pattern, by the moment at which each was noticed, with the service where it was.

    Recordings that it matches as it must, and investigations in which experiments supported it; of one incident there
    may be both. What was made by a generator, or an exercise on it, is no incident.
    """
    made: set[str] = set()
    found: dict[str, str | None] = {}
    for name in sorted(context.library.recordings):
        try:
            info = load_info(context.library.recordings[name])
        except ConfigError:
            continue  # `check` says elsewhere that it cannot be read; it confirms nothing
        if info.synthetic:
            made.add(info.id)
        elif name in matched:
            found[info.detected.isoformat()] = info.symptom.service
    for one in confirming(context.library, pattern):
        if one.recording not in made:
            try:
                moment = datetime.fromisoformat(one.detected).astimezone(UTC).isoformat()
            except ValueError:
                continue
            found[moment] = one.service or found.get(moment)
    return found


class PromotionDue(Rule):
    """A pattern that has proved itself should say so; a person proposes it, and others approve."""

    id = "promotion-due"
    sentence = "A pattern that evidence has confirmed is proposed for its next status."
    severity = Severity.INFO
    good = Example(front=_MATCH.replace("HighLatency", "HighCpu"))
    bad = Example(front=f"{_MATCH}\ntests: {{must_match: [pool-exhausted]}}")

    def finish(self, context: Context) -> Iterable[Problem]:
        """Ask for each pattern that is replayed."""
        for loaded in context.replayable:
            found = due(loaded, context)
            if found is None:
                continue
            first = f"add {', '.join(found.lacking)}; then " if found.lacking else ""
            hint = f"{first}propose it with `compass contribute {loaded.id} --confirm` in a clone: reviewers decide"
            message = f"it has earned the status {found.status}: {found.reason}"
            yield self.problem(loaded, message, Place(("status",)), hint)
