"""Several indexes searched as one: what is rare is rare in all of them together, and what is hidden counts nowhere.

Only the topics are those of the largest index, as it was when they were learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import numpy as np

from compass.retrieval import topics
from compass.retrieval.document import Shown
from compass.retrieval.index import Array, Index, hashed

REMEMBERED: Final = 20_000
"""So many terms are looked up once; a server that is asked for days forgets them then and begins again."""
EMPTY: Final = (np.zeros(0, np.uint32), np.zeros((3, 0), np.float32))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the documents of an index stand: `distance` is 0 in the repository that was asked, `root` its folder."""

    repo: str = ""
    commit: str | None = None
    distance: int = 0
    root: str = ""


@dataclass(frozen=True)
class Segment:
    """An index, where it stands, and which of its documents are not to be found."""

    index: Index
    place: Place = field(default_factory=Place)
    hidden: frozenset[int] = frozenset()

    @cached_property
    def kept(self) -> Array | None:
        """Whether each document may be found; None when all may."""
        if not self.hidden:
            return None
        found = np.ones(self.index.size, bool)
        found[list(self.hidden)] = False
        return found

    @cached_property
    def frequency(self) -> Array:
        """How many documents that may be found have each term."""
        starts = self.index.starts.astype(np.int64)
        if self.kept is None:
            return np.diff(starts)
        before = np.concatenate([[0], np.cumsum(self.kept[self.index.documents])])
        return np.diff(before[starts])


@dataclass(frozen=True)
class Segments:
    """Documents of all segments, numbered through; a term's documents and weights are those of all that may be found."""

    segments: tuple[Segment, ...]

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """The number of each segment's first document, and behind them how many numbers there are."""
        return tuple(int(one) for one in np.cumsum([0, *(one.index.size for one in self.segments)]))

    @property
    def size(self) -> int:
        """How many numbers there are, hidden documents included."""
        return self.offsets[-1]

    @cached_property
    def count(self) -> int:
        """How many documents may be found."""
        return self.size - sum(len(one.hidden) for one in self.segments)

    def at(self, number: int) -> tuple[Segment, int]:
        """The segment of a document, and its number there."""
        place = self._place(number)
        return self.segments[place], number - self.offsets[place]

    def _place(self, number: int) -> int:
        return int(np.searchsorted(self.offsets, number, "right")) - 1

    def row(self, number: int) -> tuple[Shown, Place]:
        """What to show of a document."""
        segment, local = self.at(number)
        return segment.index.row(local), segment.place

    def named(self, plain: str, *, declared: bool) -> list[int]:
        """The documents that declare this exact name, in its plain form, or else are merely called so."""
        return [
            offset + number
            for offset, one in zip(self.offsets, self.segments, strict=False)
            for number in one.index.named(plain, declared=declared)
            if number not in one.hidden
        ]

    def postings(self, term: str) -> tuple[Array, Array]:
        """Documents with a term, and their counts: shapes (n,) and (3, n), the latter between 0 and K1 + 1."""
        parts = []
        for offset, one, number in zip(self.offsets, self.segments, self.find(term), strict=False):
            if number >= 0:
                where, counts = one.index.postings(number)
                if one.kept is not None:
                    chosen = one.kept[where]
                    where, counts = where[chosen], counts[:, chosen]
                parts.append((where + np.uint32(offset) if offset else where, counts))
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return EMPTY
        return np.concatenate([where for where, _ in parts]), np.hstack([counts for _, counts in parts])

    def known(self, term: str) -> int:
        """How many documents have the term."""
        found = zip(self.segments, self.find(term), strict=True)
        return sum(int(one.frequency[number]) for one, number in found if number >= 0)

    def has(self, number: int, term: str) -> Literal["", "title", "text"]:
        """Where a document has a term."""
        place = self._place(number)
        index, local = self.segments[place].index, number - self.offsets[place]
        at = self.find(term)[place]
        if at < 0:
            return ""
        first, last = int(index.starts[at]), int(index.starts[at + 1])
        found = first + int(np.searchsorted(index.documents[first:last], local))
        if found == last or index.documents[found] != local:
            return ""
        return "title" if index.fronts[found] >> 4 else "text"

    def find(self, term: str) -> tuple[int, ...]:
        """The number of a term in each segment, or -1; looked up once."""
        found = self._found.get(term)
        if found is None:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            value = np.uint64(hashed(term))
            found = self._found[term] = tuple(one.index.find(value) for one in self.segments)
        return found

    @cached_property
    def _found(self) -> dict[str, tuple[int, ...]]:
        return {}

    def idf(self, count: Array | int) -> Array:
        """The weight of a term that `count` documents have."""
        return np.asarray(
            np.log(1 + (self.count - np.asarray(count) + 0.5) / (np.asarray(count) + 0.5)), dtype=np.float32
        )

    @cached_property
    def operational(self) -> Array:
        """Whether each document is made for operations, shape (size,)."""
        return np.concatenate([np.zeros(0, np.uint8), *(one.index.operational for one in self.segments)])

    @cached_property
    def keys(self) -> Array:
        """Of each document the number that changes with its path and content, shape (size,)."""
        return np.concatenate([np.zeros(0, np.uint64), *(one.index.keys for one in self.segments)])

    @cached_property
    def title_mass(self) -> Array:
        """The weight of all the words of each title, shape (size,)."""
        masses = [np.zeros(0, np.float32)]
        for one in self.segments:
            index = one.index
            terms = np.unique(index.title_terms)
            counts = np.zeros(len(index.hashes), np.int64)
            counts[terms] = self._frequency(index.hashes[terms])
            weights = np.concatenate(
                [[0.0], np.cumsum(self.idf(counts[index.title_terms]), dtype=np.float64)]
            )
            bounds = index.title_starts.astype(np.int64)
            masses.append((weights[bounds[1:]] - weights[bounds[:-1]]).astype(np.float32))
        return np.concatenate(masses)

    def _frequency(self, hashes: Array) -> Array:
        """How many documents have each of these terms."""
        found = np.zeros(len(hashes), np.int64)
        for one in self.segments:
            index = one.index
            if not len(index.hashes):
                continue
            at = np.minimum(np.searchsorted(index.hashes, hashes), len(index.hashes) - 1)
            found += np.where(index.hashes[at] == hashes, one.frequency[at], 0)
        return found

    @cached_property
    def _guide(self) -> Index | None:
        """The index whose topics are used for all: the largest."""
        largest = max((one.index for one in self.segments), key=lambda one: one.size, default=None)
        return largest if largest is not None and len(largest.topic_terms) else None

    @cached_property
    def _topics(self) -> tuple[Array, ...]:
        """Per segment the documents among the topics; those of smaller segments are placed there by their words."""
        guide = self._guide
        if guide is None:
            return ()
        vectors = guide.topic_vectors * guide.topic_scales[:, None]
        found = []
        for one in self.segments:
            index = one.index
            if index is guide:
                found.append(index.topic_documents)
                continue
            at = np.searchsorted(index.hashes, guide.hashes[guide.topic_terms])
            at = np.minimum(at, max(0, len(index.hashes) - 1))
            same = index.hashes[at] == guide.hashes[guide.topic_terms] if len(index.hashes) else at < 0
            postings = topics.Postings(index.starts, index.documents, index.bodies, index.size)
            found.append(topics.place(postings, at[same], vectors[same]))
        return tuple(found)

    def topical(self, weighted: Sequence[tuple[str, float]], numbers: Sequence[int]) -> Array:
        """How close each document is to these terms among the topics, from 0 to 1, shape (n,); 0 without topics."""
        guide = self._guide
        closeness = np.zeros(len(numbers), np.float32)
        if guide is None:
            return closeness
        sought = np.zeros(topics.SIZE, np.float32)
        for term, weight in weighted:
            number = guide.find(np.uint64(hashed(term)))
            at = int(np.searchsorted(guide.topic_terms, number)) if number >= 0 else len(guide.topic_terms)
            if at < len(guide.topic_terms) and guide.topic_terms[at] == number:
                sought += weight * guide.topic_scales[at] * guide.topic_vectors[at]
        length = float(np.sqrt(sought @ sought))
        if length < 1e-12:
            return closeness
        chosen = np.asarray(numbers, np.int64)
        which = np.searchsorted(self.offsets, chosen, "right") - 1
        for place, vectors in enumerate(self._topics):
            here = np.flatnonzero(which == place)
            closeness[here] = vectors[chosen[here] - self.offsets[place]] @ sought / (127 * length)
        return np.maximum(closeness, 0)


def single(index: Index) -> Segments:
    """One index alone."""
    return Segments((Segment(index),))
