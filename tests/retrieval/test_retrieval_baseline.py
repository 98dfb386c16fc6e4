"""The measure to beat is a plain one."""

from __future__ import annotations

from compass.retrieval.baseline import tf_idf


def test_the_text_with_the_words_of_the_query_is_closest() -> None:
    closeness = tf_idf(["the disk is full", "a pod crashes", "a disk"])
    assert closeness("disk is full").argmax() == 0
    assert closeness("pod crashes").argmax() == 1
    assert not closeness("unheard").any()
