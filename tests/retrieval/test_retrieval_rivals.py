"""The measures to beat are plain ones, and they work."""

from __future__ import annotations

import pytest

from compass.retrieval.rivals import Rank, plain_bm25, tf_idf

TEXTS = ["the disk is full", "a pod crashes", "a disk"]


@pytest.mark.parametrize("rank", [plain_bm25(TEXTS), tf_idf(TEXTS)])
def test_the_text_with_the_words_of_the_query_comes_first(rank: Rank) -> None:
    assert rank("disk is full")[0][0] == 0
    assert rank("Pod crashes")[0][0] == 1
    assert all(score == 0 for _, score in rank("unheard"))
