"""Rules about the recordings that a pattern is tested with."""

from __future__ import annotations

from collections.abc import Iterator

from compass.library import LoadedEntry
from compass.model.base import Problem
from compass.model.entry import Pattern
from compass.rules.base import Context, Example, Place, Rule, nearest


class UnknownRecording(Rule):
    """A test that cannot run never fails."""

    id = "unknown-recording"
    sentence = "The recordings that a pattern's tests name are in its repository, and none is in both lists."
    good = Example(front="tests: {must_match: [pool-exhausted]}")
    bad = Example(front="tests: {must_match: [pool-exausted]}")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look up each name."""
        if not isinstance(loaded.entry, Pattern) or not loaded.entry.tests:
            return
        tests = loaded.entry.tests
        for field in ("must_match", "must_not_match"):
            for number, name in enumerate(getattr(tests, field)):
                place = Place(("tests", field, number))
                if name not in context.library.recordings:
                    near = nearest(name, context.library.recordings)
                    hint = f"did you mean {near!r}?" if near else f"add recordings/{name}/recording.yaml"
                    yield self.problem(loaded, f"there is no recording {name!r}", place, hint)
                elif field == "must_not_match" and name in tests.must_match:
                    yield self.problem(
                        loaded,
                        f"the recording {name!r} must match and must not",
                        place,
                        "keep one of the two",
                    )
