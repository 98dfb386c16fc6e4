"""What the search is compared with: cosine of TF-IDF, as scikit-learn makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from compass.retrieval.index import Array


def tf_idf(texts: Iterable[str]) -> Callable[[str], Array]:
    """A function from a query to its closeness to each text, shape (n,), over words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  # a second, and only measuring needs it

    model = TfidfVectorizer(ngram_range=(1, 2))
    matrix = model.fit_transform(texts)

    def closeness(query: str) -> Array:
        return np.asarray((matrix @ model.transform([query]).T).todense()).ravel()

    return closeness
