"""Score every document on a few comparable signals, then join them with few, committed coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compass.retrieval.index import Index
from compass.retrieval.query import Query

SIGNALS: Final = ("title", "lead", "body", "title_share", "query_share", "lead_share", "operational")
"""Per field the BM25 score; how much of the title the query names; how much of the query's weight the entry has, and has
in its title or lead; and whether it is a runbook or a pattern rather than prose."""

UNKNOWN: Final = 0.5
"""A word that no document has weighs as much as half a unique one: it may be a name, it may be what was asked for."""

SMOOTH: Final = 0.4
"""Added to a title's mass, in unique words, so that a one-word title is not fully named by one common word."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Scored:
    """`signals` of shape (documents, 7), all but the last divided by the query's mass; `mass` is what was
    found of the query, in unique words.
    """

    signals: Array
    mass: float


def signals(index: Index, query: Query) -> Scored:
    """The signals of every document for a query."""
    count = index.size
    sums = np.zeros((count, 6), np.float32)
    mass = unknown = 0.0
    rarest = float(index.idf(0)) if count else 1.0
    for concept in query.concepts:
        numbers = [(index.find(term), factor) for term, factor in concept.terms]
        found = [(number, factor) for number, factor in numbers if number >= 0]
        if not found:
            if concept.terms[0][0] == concept.shown and concept.weight == 1:
                unknown += rarest * UNKNOWN
            continue
        best = np.zeros((count, 6), np.float32) if len(found) > 1 else None
        own = 0.0
        for number, factor in found:
            where, impact = index.postings(number)
            weights = index.idf(index.frequency[:, number])
            whole = float(weights[2])
            share = factor * concept.weight
            own = max(own, whole * share)
            part = np.empty((len(where), 6), np.float32)
            part[:, :3] = impact.T * weights * share
            part[:, 3] = (impact[0] > 0) * whole * share
            part[:, 4] = whole * share
            part[:, 5] = ((impact[0] > 0) | (impact[1] > 0)) * whole * share
            if best is None:
                sums[where] += part
            else:
                best[where] = np.maximum(best[where], part)
        if best is not None:
            sums += best
        mass += own
    total = max(mass + unknown, 1e-6)
    result = np.empty((count, len(SIGNALS)), np.float32)
    result[:, :3] = sums[:, :3] / total
    result[:, 3] = sums[:, 3] / (index.title_mass + SMOOTH * rarest)
    result[:, 4:6] = sums[:, 4:] / total
    result[:, 6] = index.operational
    return Scored(result, mass / rarest)
