"""Rules that replay: a pattern is knowledge with regression tests, and every stored recording is one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import Pattern, Status
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place

_SLOW: Final = "match: {window: 15m, signals: {slow: {type: alert, matchers: ['alertname=\"HighLatency\"']}}, condition: slow}"
_OTHER: Final = _SLOW.replace("HighLatency", "HighCpu")


class ReplayTests(Rule):
    """A match that no longer recognizes its own incident says nothing at the next one."""

    id = "replay-tests"
    sentence = "A pattern matches the recordings that its tests say it must, and none that it must not."
    good = Example(front=f"{_SLOW}\ntests: {{must_match: [pool-exhausted]}}")
    bad = Example(front=f"{_OTHER}\ntests: {{must_match: [pool-exhausted]}}")

    def finish(self, context: Context) -> Iterable[Problem]:
        """Compare each test with what replay says."""
        for loaded, pattern in _patterns(context):
            tests = pattern.tests
            if tests is None:
                continue
            for number, name in enumerate(tests.must_match):
                found = context.outcomes.get((loaded.id, name))
                if found is None or found.truth is True:
                    continue
                place = Place(("tests", "must_match", number))
                if found.truth is False:
                    hint = "mend the match, or the recording's place among the tests"
                    message = f"it must match {name!r} and does not: {found.told()}"
                    yield self.problem(loaded, message, place, hint)
                else:
                    lacking = ", ".join(found.unknown)
                    what = f"no data for {lacking}" if lacking else found.told()
                    hint = "unknown never counts as a match: record the missing telemetry, or mend the signal"
                    yield self.problem(
                        loaded,
                        f"nobody can say whether it matches {name!r}: {what}",
                        place,
                        hint,
                        Severity.WARNING,
                    )
            for number, name in enumerate(tests.must_not_match):
                found = context.outcomes.get((loaded.id, name))
                if found is not None and found.truth is True:
                    place = Place(("tests", "must_not_match", number))
                    message = f"it must not match {name!r} and does: {found.told()}"
                    yield self.problem(loaded, message, place, "make the match narrower")


class ReplayUnlisted(Rule):
    """A match that nobody expected is a false alarm, or a discovery; it is never nothing."""

    id = "replay-unlisted"
    sentence = "A pattern matches no stored recording that its tests do not name; a stable one must not."
    severity = Severity.WARNING
    good = Example(front=f"{_SLOW}\ntests: {{must_match: [pool-exhausted]}}")
    bad = Example(front=_SLOW)

    def finish(self, context: Context) -> Iterable[Problem]:
        """Look at every recording of the repository."""
        for loaded, pattern in _patterns(context):
            tests = pattern.tests
            named = {*tests.must_match, *tests.must_not_match} if tests else set()
            for name in sorted(context.library.recordings):
                found = context.outcomes.get((loaded.id, name))
                if name in named or found is None or found.truth is not True:
                    continue
                message = f"it matches the recording {name!r}, which its tests do not name: {found.told()}"
                hint = "add it to `tests`: under must_match if that is right, else under must_not_match"
                stable = Severity.ERROR if loaded.status is Status.STABLE else None
                yield self.problem(loaded, message, Place(("match", "condition")), hint, stable)


def _patterns(context: Context) -> Iterator[tuple[LoadedEntry, Pattern]]:
    for loaded in context.replayable:
        pattern = loaded.entry
        if isinstance(pattern, Pattern) and pattern.match is not None:
            yield loaded, pattern
