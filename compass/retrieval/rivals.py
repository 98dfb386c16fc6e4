"""Plain ways to search, to be measured beside: what a search box without any knowledge of operations does."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

BEST: Final = 10

Rank = Callable[[str], list[tuple[int, float]]]
"""From a query to the ten best documents by number, each with its score."""


def plain_bm25(texts: Sequence[str]) -> Rank:
    """BM25 over lower-case words (k1 1.2, b 0.75)."""
    counts = [Counter(re.findall(r"\w+", text.lower())) for text in texts]
    lengths = [sum(count.values()) for count in counts]
    mean = max(1.0, sum(lengths) / max(1, len(lengths)))
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, count in enumerate(counts):
        for word, times in count.items():
            value = times * 2.2 / (times + 1.2 * (0.25 + 0.75 * lengths[number] / mean))
            postings[word].append((number, value))

    def rank(query: str) -> list[tuple[int, float]]:
        scores: dict[int, float] = defaultdict(float)
        for word in set(re.findall(r"\w+", query.lower())):
            found = postings.get(word, [])
            weight = math.log(1 + (len(counts) - len(found) + 0.5) / (len(found) + 0.5))
            for number, value in found:
                scores[number] += weight * value
        return sorted(scores.items(), key=lambda one: (-one[1], one[0]))[:BEST]

    return rank


def tf_idf(texts: Sequence[str]) -> Rank:
    """The cosine of TF-IDF over words and pairs of words, as scikit-learn makes it."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  # a second, and only measuring needs it

    model = TfidfVectorizer(ngram_range=(1, 2))
    matrix = model.fit_transform(texts)

    def rank(query: str) -> list[tuple[int, float]]:
        scores = np.asarray((matrix @ model.transform([query]).T).todense()).ravel()
        return [(int(number), float(scores[number])) for number in np.argsort(-scores, kind="stable")[:BEST]]

    return rank
