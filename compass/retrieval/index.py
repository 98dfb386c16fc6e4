"""The index: postings of three overlapping fields in plain arrays, which can be written to a file and mapped back.

Fielded BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) with one saturated score per field:
the title, the lead (what an entry says first) and the whole text. Terms are kept as 64-bit hashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compass.retrieval.document import Document, Shown
from compass.retrieval.tokens import terms

FIELDS: Final = ("title", "lead", "body")
K1: Final = 1.2
B: Final = 0.75
USUAL: Final = (6.0, 80.0, 300.0)
"""Terms of a usual title, lead and text. Fixed, so that a score means the same in a small memory and in a large one."""

SCALE: Final = 255 / (K1 + 1)
"""Saturated term frequencies lie between 0 and K1 + 1 and are kept in one byte."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Index:
    """Sorted term hashes, where each one's postings start, and per posting a document and three saturated counts."""

    hashes: Array
    starts: Array
    documents: Array
    impacts: Array
    frequency: Array
    title_mass: Array
    operational: Array
    names: Array
    owners: Array
    lines: Array
    shown: Array

    def row(self, number: int) -> Shown:
        """What to show of a document."""
        part = self.shown[int(self.lines[number]) : int(self.lines[number + 1])]
        return Shown(**json.loads(part.tobytes()))

    def named(self, plain: str, *, declared: bool) -> list[int]:
        """The documents that declare this exact name, in its plain form, or else are merely called so."""
        value = np.uint64(_hash(_name_key(plain, declared=declared)))
        first, last = (int(np.searchsorted(self.names, value, side)) for side in ("left", "right"))
        return [int(owner) for owner in self.owners[first:last]]

    @property
    def size(self) -> int:
        """How many documents there are."""
        return len(self.operational)

    def find(self, term: str) -> int:
        """The number of a term, or -1."""
        value = np.uint64(_hash(term))
        at = int(np.searchsorted(self.hashes, value))
        return at if at < len(self.hashes) and self.hashes[at] == value else -1

    def known(self, term: str) -> bool:
        """Whether any document has the term."""
        return self.find(term) >= 0

    def idf(self, count: Array | int) -> Array:
        """The weight of a term that `count` documents have."""
        return np.asarray(
            np.log(1 + (self.size - np.asarray(count) + 0.5) / (np.asarray(count) + 0.5)), dtype=np.float32
        )

    def postings(self, number: int) -> tuple[Array, Array]:
        """Documents with a term, and their counts: shapes (n,) and (3, n), the latter between 0 and K1 + 1."""
        part = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return self.documents[part], self.impacts[:, part] * np.float32(1 / SCALE)

    def arrays(self) -> dict[str, Array]:
        """Everything as arrays, for a file."""
        return {name: getattr(self, name) for name in ARRAYS}


ARRAYS: Final = tuple(one.name for one in fields(Index))


def from_arrays(found: Mapping[str, Array]) -> Index:
    """An index of the arrays that `Index.arrays` gave; KeyError when one is missing."""
    return Index(**{name: found[name] for name in ARRAYS})


def build(documents: Iterable[Document]) -> Index:
    """Index documents in the order given; withdrawn ones are left out."""
    kept = [one for one in documents if one.shown.status != "withdrawn"]
    vocabulary: dict[str, int] = {}
    columns: list[tuple[list[int], list[int], list[int]]] = [([], [], []) for _ in FIELDS]
    lengths = np.zeros((3, len(kept)), np.float32)
    titles: list[list[int]] = []
    for number, one in enumerate(kept):
        for field, text in enumerate((one.shown.title, one.lead, f"{one.shown.title}\n{one.body}")):
            found = terms(text)
            counts: dict[str, int] = {}
            for term in (*found.words, *found.joined):
                counts[term] = counts.get(term, 0) + 1
            numbers = [vocabulary.setdefault(term, len(vocabulary)) for term in counts]
            lengths[field, number] = len(found.words) + len(found.joined)
            columns[field][0].extend(numbers)
            columns[field][1].extend([number] * len(numbers))
            columns[field][2].extend(counts.values())
            if field == 0:
                titles.append(numbers)
    return _assemble(kept, vocabulary, columns, lengths, titles)


def _assemble(
    kept: Sequence[Document],
    vocabulary: Mapping[str, int],
    columns: Sequence[tuple[list[int], list[int], list[int]]],
    lengths: Array,
    titles: Sequence[Sequence[int]],
) -> Index:
    hashes = np.array([_hash(term) for term in vocabulary], np.uint64)
    order = np.argsort(hashes)
    place = np.empty(len(hashes), np.int64)
    place[order] = np.arange(len(hashes))
    total = max(1, len(kept))
    # Every term of a title or lead is in the whole text too, so the last field's pairs are all the pairs there are.
    body = place[np.array(columns[2][0], np.int64)] * total + np.array(columns[2][1], np.int64)
    pairs = np.sort(body)
    impacts = np.zeros((3, len(pairs)), np.uint8)
    frequency = np.zeros((3, len(hashes)), np.uint32)
    for field, (numbers, owners, counts) in enumerate(columns):
        owner = np.array(owners, np.int64)
        term = place[np.array(numbers, np.int64)]
        at = np.searchsorted(pairs, term * total + owner)
        count = np.array(counts, np.float32)
        norm = 1 - B + B * lengths[field][owner] / USUAL[field]
        impacts[field, at] = np.maximum(1, np.rint(count * (K1 + 1) / (count + K1 * norm) * SCALE)).astype(
            np.uint8
        )
        frequency[field] = np.bincount(term, minlength=len(hashes))
    plain_names, name_owners = _names(kept)
    rows = [_line(document) for document in kept]
    made = Index(
        hashes[order],
        np.searchsorted(pairs, np.arange(len(hashes) + 1, dtype=np.int64) * total).astype(np.uint32),
        (pairs % total).astype(np.uint32),
        impacts,
        frequency,
        np.zeros(len(kept), np.float32),
        np.array([one.operational for one in kept], np.uint8),
        plain_names,
        name_owners,
        np.cumsum([0, *(len(row) for row in rows)]).astype(np.uint32),
        np.frombuffer(b"".join(rows), np.uint8),
    )
    weights = made.idf(frequency[2])
    for number, title in enumerate(titles):
        made.title_mass[number] = float(weights[place[title]].sum()) if title else 0.0
    return made


def _line(document: Document) -> bytes:
    return json.dumps(
        {one.name: getattr(document.shown, one.name) for one in fields(Shown)}, separators=(",", ":")
    ).encode()


def _names(kept: Sequence[Document]) -> tuple[Array, Array]:
    pairs = sorted(
        {
            (_hash(_name_key(plain, declared=declared)), number)
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


def _hash(term: str) -> int:
    return int.from_bytes(blake2b(term.encode("utf-8", "replace"), digest_size=8).digest(), "little")
