"""Rules about the recordings that a pattern is tested with."""

from __future__ import annotations

from collections.abc import Iterator

from compass.library import LoadedEntry
from compass.model.base import Problem
from compass.rules.base import Context, Example, Rule, nearest
from compass.rules.place import Place


class UnknownRecording(Rule):
    """A test that cannot run never fails."""

    id = "unknown-recording"
    sentence = "The recordings that a pattern's tests name are in its repository, and none is in both lists."
    good = Example(front="tests: {must_match: [pool-exhausted]}")
    bad = Example(front="tests: {must_match: [pool-exausted]}")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look up each name."""
        named = context.facts(loaded).recordings
        must = {name for field, name in named if field == "must_match"}
        for number, (field, name) in enumerate(named):
            place = Place(("tests", field, number if field == "must_match" else number - len(must)))
            if name not in context.library.recordings:
                near = nearest(name, context.library.recordings)
                hint = f"did you mean {near!r}?" if near else f"add recordings/{name}/recording.yaml"
                yield self.problem(loaded, f"there is no recording {name!r}", place, hint)
            elif field == "must_not_match" and name in must:
                message = f"the recording {name!r} must match and must not"
                yield self.problem(loaded, message, place, "keep one of the two")
