"""One index: postings of three overlapping fields in plain arrays, which can be written to a file and mapped back.

Fielded BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) with one saturated score per field:
the title, the lead (what an entry says first) and the whole text. Terms are kept as 64-bit hashes. How rare a
term is depends on the other documents and is no part of it, so that several indexes can be searched as one.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from hashlib import blake2b
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compass.retrieval import topics
from compass.retrieval.document import Document, Shown
from compass.retrieval.tokens import paired, terms

FIELDS: Final = ("title", "lead", "body")
K1: Final = 1.2
B: Final = 0.75
USUAL: Final = (6.0, 80.0, 300.0)
"""Terms of a usual title, lead and text. Fixed, so that a score means the same in a small memory and in a large one."""

SCALE: Final = (15 / (K1 + 1), 15 / (K1 + 1), 255 / (K1 + 1))
"""Saturated term frequencies lie between 0 and K1 + 1; those of title and lead share one byte, that of the text has one."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Index:
    """Sorted term hashes, where each one's postings start, and per posting a document and three saturated counts."""

    hashes: Array
    starts: Array
    documents: Array
    bodies: Array
    fronts: Array
    title_terms: Array
    title_starts: Array
    operational: Array
    keys: Array
    names: Array
    owners: Array
    lines: Array
    shown: Array
    topic_terms: Array
    topic_scales: Array
    topic_vectors: Array
    topic_documents: Array

    @property
    def size(self) -> int:
        """How many documents there are."""
        return len(self.operational)

    def row(self, number: int) -> Shown:
        """What to show of a document."""
        part = self.shown[int(self.lines[number]) : int(self.lines[number + 1])]
        return Shown(*json.loads(part.tobytes()))

    def named(self, plain: str, *, declared: bool) -> list[int]:
        """The documents that declare this exact name, in its plain form, or else are merely called so."""
        value = np.uint64(hashed(_name_key(plain, declared=declared)))
        first, last = (int(np.searchsorted(self.names, value, side)) for side in ("left", "right"))
        return [int(owner) for owner in self.owners[first:last]]

    def find(self, value: np.uint64) -> int:
        """The number of the term with this hash, or -1."""
        at = int(np.searchsorted(self.hashes, value))
        return at if at < len(self.hashes) and self.hashes[at] == value else -1

    def postings(self, number: int) -> tuple[Array, Array]:
        """Documents with a term, and their counts: shapes (n,) and (3, n), the latter between 0 and K1 + 1."""
        part = slice(int(self.starts[number]), int(self.starts[number + 1]))
        fronts = self.fronts[part]
        counts = np.empty((3, len(fronts)), np.float32)
        for row, values in enumerate((fronts >> 4, fronts & 15, self.bodies[part])):
            np.multiply(values, np.float32(1 / SCALE[row]), out=counts[row])
        return self.documents[part], counts

    def arrays(self) -> dict[str, Array]:
        """Everything as arrays, for a file."""
        return {name: getattr(self, name) for name in ARRAYS}


ARRAYS: Final = tuple(one.name for one in fields(Index))


def from_arrays(found: Mapping[str, Array]) -> Index:
    """An index of the arrays that `Index.arrays` gave; KeyError when one is missing, ValueError when they do not fit."""
    index = Index(**{name: found[name] for name in ARRAYS})
    if not (_shaped(index) and _bounded(index)):
        raise ValueError("the arrays do not fit together")
    return index


def _shaped(index: Index) -> bool:
    """Whether every array has the type and the length that the others ask for."""
    like = build(()).arrays()
    size, rank = index.size, topics.SIZE
    known = size if len(index.topic_terms) else 0
    return (
        all(array.dtype == like[name].dtype for name, array in index.arrays().items())
        and all(getattr(index, name).ndim == one.ndim for name, one in like.items())
        and len(index.keys) == size
        and len(index.documents) == len(index.bodies) == len(index.fronts)
        and len(index.names) == len(index.owners)
        and len(index.topic_terms) == len(index.topic_scales)
        and index.topic_vectors.shape == (len(index.topic_terms), rank)
        and index.topic_documents.shape == (known, rank)
        and bool(np.isfinite(index.topic_scales).all())
    )


def _bounded(index: Index) -> bool:
    """Whether every number that points into another array points to a place there."""
    size, terms_known = index.size, len(index.hashes)
    parted = (
        (index.starts, terms_known, len(index.documents)),
        (index.title_starts, size, len(index.title_terms)),
        (index.lines, size, len(index.shown)),
    )
    pointing = (
        (index.documents, size),
        (index.owners, size),
        (index.title_terms, terms_known),
        (index.topic_terms, terms_known),
    )
    return all(
        len(starts) == parts + 1
        and starts[0] == 0
        and starts[-1] == end
        and bool((starts[1:] >= starts[:-1]).all())
        for starts, parts, end in parted
    ) and all(not len(numbers) or int(numbers.max()) < limit for numbers, limit in pointing)


@dataclass
class _Columns:
    """While building: the terms seen, which of them are words, and per field parallel columns of postings."""

    vocabulary: dict[str, int] = field(default_factory=dict)
    words: set[int] = field(default_factory=set)
    postings: tuple[tuple[array[int], array[int], array[int]], ...] = field(
        default_factory=lambda: tuple((array("I"), array("I"), array("I")) for _ in FIELDS)
    )
    lengths: tuple[array[int], ...] = field(default_factory=lambda: tuple(array("I") for _ in FIELDS))
    titles: list[list[int]] = field(default_factory=list)

    def add(self, document: Document) -> None:
        """Count the terms of one document."""
        parts = [terms(text) for text in (document.shown.title, document.lead, document.rest)]
        title, lead, rest = ([*one.words, *one.joined] for one in parts)
        pairs = paired(parts[0].words)
        for row, found in enumerate((title, lead, [*title, *lead, *rest])):
            self.lengths[row].append(len(found))
        owner = len(self.titles)
        self._count(0, owner, chain(title, pairs))
        self._count(1, owner, lead)
        self._count(2, owner, chain(title, pairs, lead, rest))
        self.titles.append([self.vocabulary[term] for term in dict.fromkeys(parts[0].words)])
        self.words.update(self.vocabulary[term] for one in parts for term in one.words)

    def _count(self, row: int, owner: int, found: Iterable[str]) -> None:
        vocabulary = self.vocabulary
        counts: dict[int, int] = {}
        for term in found:
            number = vocabulary.get(term)
            if number is None:
                number = vocabulary[term] = len(vocabulary)
            counts[number] = counts.get(number, 0) + 1
        numbers, owners, times = self.postings[row]
        numbers.extend(counts)
        owners.extend([owner] * len(counts))
        times.extend(counts.values())


def build(documents: Iterable[Document]) -> Index:
    """Index documents in the order given; withdrawn ones are left out."""
    kept: list[Document] = []
    columns = _Columns()
    for one in documents:
        if one.shown.status != "withdrawn":
            columns.add(one)
            kept.append(one)
    hashes = np.array([hashed(term) for term in columns.vocabulary], np.uint64)
    order = np.argsort(hashes)
    place = np.empty(len(hashes), np.int64)
    place[order] = np.arange(len(hashes))
    starts, documents_of, bodies, fronts = _postings(columns, place, len(kept))
    titles = [place[numbers] for numbers in columns.titles]
    names, owners = _names(kept)
    rows = [json.dumps(astuple(one.shown), separators=(",", ":")).encode() for one in kept]
    return Index(
        hashes[order],
        starts,
        documents_of,
        bodies,
        fronts,
        np.concatenate([np.zeros(0, np.uint32), *titles]).astype(np.uint32),
        np.cumsum([0, *(len(one) for one in titles)]).astype(np.uint32),
        np.array([one.operational for one in kept], np.uint8),
        np.array([one.key for one in kept], np.uint64),
        names,
        owners,
        np.cumsum([0, *(len(row) for row in rows)]).astype(np.uint32),
        np.frombuffer(b"".join(rows), np.uint8),
        *topics.learn(
            topics.Postings(starts, documents_of, bodies, len(kept)), np.sort(place[list(columns.words)])
        ),
    )


def _postings(columns: _Columns, place: Array, size: int) -> tuple[Array, Array, Array, Array]:
    """Starts per term, then per posting its document, its count in the text, and those in title and lead."""
    total = max(1, size)
    found = []
    for numbers, owners, times in columns.postings:
        owner, count = _values(owners).astype(np.int64), _values(times).astype(np.float32)
        found.append((place[_values(numbers)] * total + owner, owner, count))
    # Every term of a title or lead is in the whole text too, so the last field's pairs are all the pairs there are.
    pairs = np.sort(found[2][0])
    impacts = []
    for row, (pair, owner, count) in enumerate(found):
        norm = 1 - B + B * np.array(columns.lengths[row], np.float32)[owner] / USUAL[row]
        saturated = np.maximum(1, np.rint(count * (K1 + 1) / (count + K1 * norm) * SCALE[row]))
        impacts.append(np.zeros(len(pairs), np.uint8))
        impacts[row][np.searchsorted(pairs, pair)] = saturated.astype(np.uint8)
    starts = np.searchsorted(pairs, np.arange(len(place) + 1, dtype=np.int64) * total)
    fronts = (impacts[0] << 4) | impacts[1]
    return starts.astype(np.uint32), (pairs % total).astype(np.uint32), impacts[2], fronts


def _values(column: array[int]) -> Array:
    return np.frombuffer(column, np.uint32) if column else np.zeros(0, np.uint32)


def _names(kept: Sequence[Document]) -> tuple[Array, Array]:
    pairs = sorted(
        {
            (hashed(_name_key(plain, declared=declared)), number)
            for number, one in enumerate(kept)
            for declared, names in ((True, one.names), (False, one.called))
            for name in names
            if (plain := plain_name(name))
        }
    )
    return np.array([value for value, _ in pairs], np.uint64), np.array(
        [number for _, number in pairs], np.uint32
    )


def _name_key(plain: str, *, declared: bool) -> str:
    return f"{'declared' if declared else 'called'} {plain}"


def plain_name(name: str) -> str:
    """A name without case and separators: `KubePodCrashLooping`, `kube_pod_crash_looping` and the words are one."""
    return re.sub(r"[\W_]+", "", name).casefold()


def hashed(term: str) -> int:
    """A term as 64 bits."""
    return int.from_bytes(blake2b(term.encode("utf-8", "replace"), digest_size=8).digest(), "little")
