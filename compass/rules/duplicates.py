"""Near-duplicates: entries that say the same twice, found by their titles, texts and matches."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from compass.library import LoadedEntry
from compass.library.cache import ParseCache, version_of
from compass.model.base import Problem, Severity
from compass.model.entry import Pattern, Status
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place
from compass.rules.sketch import alike, words

ALIKE: Final = 0.72
"""From this score on two entries are near-duplicates; set on labelled pairs, see tests/rules/test_rules_duplicates.py."""

SHOWN: Final = 3
_LIKELY: Final = 0.45  # of the sketches; below, no text is read
_CROWD: Final = (
    40  # entries that share a band: more are a template's, and only the nearest in order are compared
)
_NEIGHBOURS: Final = 8
_SKETCH: Final = "compass.rules.sketch"
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DEAD: Final = frozenset({Status.WITHDRAWN, Status.DEPRECATED})


@dataclass(frozen=True)
class LookAlike:
    """Another entry, where it stands, and how alike it is: from 0 to 1, of title, text and (of patterns) match."""

    id: str
    place: str
    title: str
    score: float


def likeness(one: LoadedEntry, other: LoadedEntry) -> float:
    """How alike two entries of a kind are, from 0 to 1."""
    return score((one.title, other.title), (_prose(one), _prose(other)), (_match(one), _match(other)))


def score(
    titles: tuple[str, str], texts: tuple[str, str], matches: tuple[set[str], set[str]] = (set(), set())
) -> float:
    """Words and pairs of words of the texts, the titles whatever their order, and the matches where both have one."""
    from rapidfuzz import fuzz  # noqa: PLC0415  # only likely pairs need it

    found = [words(text) for text in texts]
    named = [" ".join(words(_CAMEL.sub(" ", title))) for title in titles]
    parts = [
        (0.35, _jaccard(*map(set, found))),
        (0.45, _jaccard(*(set(pairwise(text)) for text in found))),
        (0.20, fuzz.token_sort_ratio(*named) / 100),
    ]
    if all(matches):
        parts.append((0.20, _jaccard(*matches)))
    return sum(weight * value for weight, value in parts) / sum(weight for weight, _ in parts)


def _prose(loaded: LoadedEntry) -> str:
    return f"{loaded.entry.summary or ''}\n{loaded.body}"


def _match(loaded: LoadedEntry) -> set[str]:
    entry = loaded.entry
    return set(words(str(entry.match.signals))) if isinstance(entry, Pattern) and entry.match else set()


def _jaccard(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / len(one | other) if one or other else 0.0


def look_alikes(loaded: LoadedEntry, context: Context) -> tuple[LookAlike, ...]:
    """The entries most like this one, best first, be they linked or not."""
    found = []
    for other in context.library.entries:
        if other.kind == loaded.kind and other.id != loaded.id and other.status not in _DEAD:
            score = likeness(loaded, other)
            if score >= ALIKE:
                found.append(_shown(other, score))
    return tuple(sorted(found, key=lambda one: (-one.score, one.place))[:SHOWN])


def _shown(other: LoadedEntry, score: float) -> LookAlike:
    above = f"{other.mount.id}:" if other.mount.distance else ""
    return LookAlike(other.id, f"{above}{other.path}", other.title, round(score, 2))


class NearDuplicate(Rule):
    """Two entries about one thing are followed half each, and kept up to date by nobody."""

    id = "near-duplicate"
    sentence = (
        "Entries that are alike in title, text and match are linked, or one of them says why both are needed."
    )
    severity = Severity.WARNING
    gradual = True
    good = Example(
        "runbook",
        "related: [{id: run-0000000001, type: similar}]",
        "Restart the pool of connections, then watch the gauge for ten minutes.",
        beside=(
            Example(
                "runbook",
                "id: run-0000000001",
                "Restart the pool of connections, then watch the gauge for ten minutes.",
                path="runbooks/other.md",
            ),
        ),
    )
    bad = Example(
        "runbook",
        "",
        "Restart the pool of connections, then watch the gauge for ten minutes.",
        beside=(
            Example(
                "runbook",
                "id: run-0000000001",
                "Restart the pool of connections, then watch the gauge for ten minutes.",
                path="runbooks/other.md",
            ),
        ),
    )

    def finish(self, context: Context) -> Iterable[Problem]:
        """Of the pairs that are alike, one at least is the repository's own, and neither says why."""
        found: dict[str, list[LookAlike]] = defaultdict(list)
        places: dict[str, LoadedEntry] = {}
        for one, other, value in alike_pairs(context):
            if not _linked(one, other, context):
                later, earlier = sorted((one, other), key=_age)[::-1]
                places[later.id] = later
                found[later.id].append(_shown(earlier, value))
        for name, others in sorted(found.items()):
            best = sorted(others, key=lambda one: (-one.score, one.place))[:SHOWN]
            told = "; ".join(f"{one.id} in {one.place} ({one.score:.2f})" for one in best)
            hint = "link it under `related` as similar, duplicates or supersedes, make one entry of both, or allow it with a reason"
            yield self.problem(places[name], f"it is very much like {told}", Place(("title",)), hint)


def alike_pairs(context: Context) -> list[tuple[LoadedEntry, LoadedEntry, float]]:
    """The pairs of near-duplicates with their likeness; remembered as long as no entry changes.

    Of a change that took nothing away only the pairs with what it touched are looked for.
    """
    if context.answerable is not context.own:
        return [*_judged(context)]
    entries = {f"{one.mount.id}:{one.path}": one for one in context.library.entries}
    key = hashlib.sha256(
        "\n".join(f"{place}\0{one.blob}" for place, one in entries.items()).encode()
    ).hexdigest()
    with ParseCache(context.cache, f"alike-{version_of(__name__, _SKETCH)}") as stored:
        row = stored.find([key]).get(key)
        if row is None:
            rows = [
                (f"{one.mount.id}:{one.path}", f"{other.mount.id}:{other.path}", value)
                for one, other, value in _judged(context)
            ]
            stored.remember(key, json.dumps(rows))
        else:
            rows = json.loads(row)
    return [(entries[one], entries[other], value) for one, other, value in rows]


def _age(loaded: LoadedEntry) -> tuple[int, str, str]:
    """The repository's own come last, then the younger: they are the ones to mend."""
    return -loaded.mount.distance, loaded.entry.created.isoformat(), loaded.path


def _linked(one: LoadedEntry, other: LoadedEntry, context: Context) -> bool:
    """Whether one says of the other how they belong together, or they are one entry at two levels."""
    return one.id == other.id or any(
        target in {one.id, other.id}
        for loaded in (one, other)
        for target, *_ in context.facts(loaded).links
        if target != loaded.id
    )


def _judged(context: Context) -> Iterator[tuple[LoadedEntry, LoadedEntry, float]]:
    for one, other in likely_pairs(context):
        value = likeness(one, other)
        if value >= ALIKE:
            yield one, other, value


def likely_pairs(context: Context) -> Iterator[tuple[LoadedEntry, LoadedEntry]]:
    """Pairs of a kind whose sketches agree enough for their texts to be compared, each once."""
    kinds: dict[str, list[LoadedEntry]] = defaultdict(list)
    for loaded in context.library.entries:
        if loaded.status not in _DEAD:
            kinds[loaded.kind].append(loaded)
    touched = None if context.answerable is context.own else {id(one) for one in context.answerable}
    for group in kinds.values():
        among = None if touched is None else [at for at, one in enumerate(group) if id(one) in touched]
        if among == []:
            continue
        for first, second in alike((context.facts(one).sketch for one in group), _LIKELY, among):
            one, other = group[first], group[second]
            if 0 in {one.mount.distance, other.mount.distance}:
                yield one, other
