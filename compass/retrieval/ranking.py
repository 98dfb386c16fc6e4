"""Score every document on a few comparable signals, then join them with few, committed coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compass.retrieval.query import Query
from compass.retrieval.segments import Segments

WIDE: Final = (
    "title",
    "lead",
    "body",
    "title_share",
    "query_share",
    "lead_share",
    "operational",
    "pairs",
)
"""Of every document: per field the BM25 score; how much of the title the query names; how much of the query's weight the
entry has, and has in its title or lead; whether it is a runbook or a pattern rather than prose; and the neighbouring words
that query and title share."""

CLOSE: Final = ("topics",)
"""Of the candidates only: how close they are among the topics of the memory."""

SIGNALS: Final = WIDE + CLOSE

UNKNOWN: Final = 0.5
"""A word that no document has weighs as much as half a unique one: it may be a name, it may be what was asked for."""

SMOOTH: Final = 0.4
"""Added to a title's mass, in unique words, so that a one-word title is not fully named by one common word."""

PAIR: Final = 0.5
"""What a shared pair counts beside a unique word."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Scored:
    """`wide` has shape (documents, 8); the first six are divided by the query's mass or the title's. `mass` is what was
    found of the query, in unique words.
    """

    wide: Array
    mass: float


def signals(index: Segments, query: Query) -> Scored:
    """The signals of every document for a query."""
    sums = np.zeros((index.size, 6), np.float32)
    mass = unknown = 0.0
    rarest = float(index.idf(0)) if index.count else 1.0
    for concept in query.concepts:
        found = [(*index.postings(term), factor) for term, factor in concept.terms]
        found = [one for one in found if len(one[0])]
        if not found:
            unknown += rarest * UNKNOWN if concept.asked else 0.0
            continue
        best = np.zeros((index.size, 6), np.float32) if len(found) > 1 else None
        own = 0.0
        for where, counts, factor in found:
            share = factor * concept.weight
            part, whole = _part(index, counts, share)
            own = max(own, whole * share)
            if best is None:
                sums[where] += part
            else:
                best[where] = np.maximum(best[where], part)
        if best is not None:
            sums += best
        mass += own
    total = max(mass + unknown, 1e-6)
    result = np.empty((index.size, len(WIDE)), np.float32)
    result[:, :3] = sums[:, :3] / total
    result[:, 3] = np.minimum(1, sums[:, 3] / (index.title_mass + SMOOTH * rarest))
    result[:, 4:6] = sums[:, 4:] / total
    result[:, 6] = index.operational
    result[:, 7] = _pairs(index, query) / rarest
    return Scored(result, mass / rarest)


def _part(index: Segments, counts: Array, share: float) -> tuple[Array, float]:
    """What one term gives to the documents that have it, shape (n, 6), and what the term weighs."""
    has = counts > 0
    weights = index.idf(has.sum(axis=1))
    whole = float(weights[2])
    part = np.empty((counts.shape[1], 6), np.float32)
    part[:, :3] = counts.T * weights * share
    part[:, 3] = has[0] * whole * share
    part[:, 4] = whole * share
    part[:, 5] = (has[0] | has[1]) * whole * share
    return part, whole


def _pairs(index: Segments, query: Query) -> Array:
    found = np.zeros(index.size, np.float32)
    for pair in query.pairs:
        where, _ = index.postings(pair)
        if len(where):
            found[where] += float(index.idf(len(where))) * PAIR
    return found


def close(index: Segments, query: Query, numbers: Sequence[int]) -> Array:
    """The signals of candidates, shape (n, 1)."""
    weighted = [(one.terms[0][0], one.weight) for one in query.concepts if one.asked]
    return index.topical(weighted, numbers)[:, None]
