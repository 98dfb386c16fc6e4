"""What goes together in the memory itself: words and entries as points in a space of topics, learnt from the postings.

Latent semantic analysis (Deerwester et al., "Indexing by latent semantic analysis", 1990) of the saturated counts: words
that occur in the same entries lie close, so an entry is found by words that it does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SIZE: Final = 96
"""Topics; with twice as many, words of unrelated entries were told apart less well."""

FEW: Final = 200
"""Below so many entries there is nothing to learn, and nothing is claimed."""

SAMPLE: Final = 8_000
"""Entries that topics are learnt from; the others of a larger memory are placed among them."""

WORDS: Final = 30_000
"""Words with a place of their own: those of the most entries."""

NONE: Final = (
    np.zeros(0, np.uint32),
    np.zeros(0, np.float32),
    np.zeros((0, SIZE), np.int8),
    np.zeros((0, SIZE), np.int8),
)
"""The arrays of an index without topics: terms, scales and vectors of terms, vectors of documents."""


@dataclass(frozen=True)
class Postings:
    """Postings by term: where each term's begin, their documents, and how much each says (saturated, in bytes)."""

    starts: Array
    documents: Array
    bodies: Array
    count: int


def learn(postings: Postings, words: Array) -> tuple[Array, Array, Array, Array]:
    """Terms with a place (k,), the scales (k,) and vectors (k, SIZE) of these, and documents (count, SIZE), in bytes.

    `words` are the numbers of the terms that are words. A term's vector is its scale times its bytes; documents have
    length 127. Too few documents or words: the arrays of NONE.
    """
    frequency = np.diff(postings.starts.astype(np.int64))[words]
    fit = (frequency >= 2) & (frequency * 3 <= postings.count)
    if postings.count < FEW or int(fit.sum()) <= SIZE:
        return NONE
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415  # half a second, which only building needs

    order = np.argsort(-frequency[fit], kind="stable")[:WORDS]
    chosen = np.sort(words[fit][order])
    rarity = np.log(postings.count / np.diff(postings.starts.astype(np.int64))[chosen]).astype(np.float32)
    matrix = _matrix(postings, chosen, rarity)
    rows = np.unique(np.linspace(0, postings.count - 1, min(postings.count, SAMPLE)).astype(np.int64))
    _, _, axes = randomized_svd(matrix[rows], SIZE, n_iter=4, random_state=0)
    axes = axes.astype(np.float32)
    vectors = axes.T * rarity[:, None]
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
    return (
        chosen.astype(np.uint32),
        scales.astype(np.float32),
        np.rint(vectors / scales[:, None]).astype(np.int8),
        _bytes(matrix @ axes.T),
    )


def place(postings: Postings, chosen: Array, vectors: Array) -> Array:
    """Documents that were not there when the topics were learnt, by the vectors of the `chosen` terms they have."""
    if not len(chosen):
        return np.zeros((postings.count, SIZE), np.int8)
    return _bytes(_matrix(postings, chosen, np.ones(len(chosen), np.float32), unit=False) @ vectors)


def _matrix(postings: Postings, chosen: Array, rarity: Array, *, unit: bool = True) -> Any:
    """A sparse matrix, documents by chosen terms."""
    from scipy.sparse import csc_matrix  # noqa: PLC0415  # a fifth of a second, which a search in one index does not need

    firsts = postings.starts[chosen].astype(np.int64)
    sizes = postings.starts[chosen.astype(np.int64) + 1].astype(np.int64) - firsts
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    at = np.arange(bounds[-1]) + np.repeat(firsts - bounds[:-1], sizes)
    values = postings.bodies[at].astype(np.float32) * np.repeat(rarity, sizes)
    found = csc_matrix((values, postings.documents[at], bounds), shape=(postings.count, len(chosen))).tocsr()
    if unit:
        lengths = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
        found.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(found.indptr)).astype(np.float32)
    return found


def _bytes(vectors: Array) -> Array:
    lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return np.asarray(np.rint(vectors / np.maximum(lengths, 1e-12) * 127).astype(np.int8))
