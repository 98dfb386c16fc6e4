"""Several indexes are searched as one: nothing is lost against one big index, and what is hidden leaves no trace."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from compass.retrieval import topics
from compass.retrieval.document import Document, from_text
from compass.retrieval.index import build
from compass.retrieval.search import Searcher
from compass.retrieval.segments import Place, Segment, Segments, single

WORDS = (
    "disk",
    "pod",
    "node",
    "queue",
    "lag",
    "error",
    "restart",
    "memory",
    "network",
    "certificate",
    "lock",
    "shard",
)
FILLERS = tuple(
    f"{first}{second}o"
    for first in ("ba", "de", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "zy")
    for second in ("bil", "dor", "fan", "gim", "kul", "lep", "mos", "nar", "pid", "rug", "sav", "tem")
)
COMPANIONS = {"disk": "platter", "queue": "consumer", "certificate": "authority", "memory": "heap"}


def documents(count: int, seed: int = 1) -> list[Document]:
    """Made-up runbooks over a few subjects; words of one subject come together."""
    draw = Random(seed)
    found = []
    for number in range(count):
        subject = draw.choice(WORDS)
        words = [subject, COMPANIONS.get(subject, subject), *draw.choices(FILLERS, k=12)]
        title = f"{subject.title()}{draw.choice(FILLERS).title()}{draw.choice(['High', 'Low', 'Stuck'])}"
        found.append(from_text(f"run-{number:010d}", title, f"{' '.join(words)} unit{number}."))
    return found


QUERIES = ("disk lag", "CertificateLockHigh", "memory restart pod", "rate(queue_lag[5m]) > 3", "unit17 broke")


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("parts", [2, 5])
def test_several_indexes_answer_as_one_big_index(query: str, parts: int) -> None:
    found = documents(150)
    whole = Searcher(single(build(found))).search(query)
    several = Segments(tuple(Segment(build(found[part::parts])) for part in range(parts)))
    answer = Searcher(several).search(query)
    assert [(one.id, one.score) for one in answer.results] == [(one.id, one.score) for one in whole.results]
    assert answer.confidence == whole.confidence


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_hidden_is_as_if_it_had_never_been_there(query: str) -> None:
    found = documents(120)
    hidden = frozenset(range(0, 120, 7))
    kept = [one for number, one in enumerate(found) if number not in hidden]
    answer = Searcher(Segments((Segment(build(found), hidden=hidden),))).search(query)
    expected = Searcher(single(build(kept))).search(query)
    assert not {found[number].shown.id for number in hidden} & {one.id for one in answer.results}
    assert [(one.id, one.score) for one in answer.results] == [
        (one.id, one.score) for one in expected.results
    ]
    assert answer.confidence == expected.confidence


@pytest.mark.parametrize("query", QUERIES)
def test_with_topics_parts_and_hidden_documents_move_the_confidence_by_little(query: str) -> None:
    count = topics.FEW * 2
    found = documents(count)
    hidden = frozenset(range(0, count, 7))
    kept = [one for number, one in enumerate(found) if number not in hidden]
    expected = Searcher(single(build(kept))).search(query).confidence
    parts = Segments(tuple(Segment(build(kept[part::2])) for part in range(2)))
    masked = Segments((Segment(build(found), hidden=hidden),))
    for one in (parts, masked):
        assert Searcher(one).search(query).confidence == pytest.approx(expected, abs=0.03)


def test_a_hidden_name_is_not_found_by_its_name() -> None:
    found = documents(5)
    answer = Searcher(Segments((Segment(build(found), hidden=frozenset({2})),))).search(found[2].shown.title)
    assert found[2].shown.id not in {one.id for one in answer.results}


def test_words_that_come_together_lie_close_and_others_do_not() -> None:
    segments = single(build(documents(topics.FEW * 2)))
    disk = [n for n in range(segments.size) if segments.row(n)[0].title.startswith("Disk")]
    queue = [n for n in range(segments.size) if segments.row(n)[0].title.startswith("Queue")]
    near = segments.topical([("platter", 1.0)], disk).mean()
    far = segments.topical([("platter", 1.0)], queue).mean()
    assert near > 2 * far


def test_a_small_memory_claims_no_topics() -> None:
    segments = single(build(documents(topics.FEW - 1)))
    assert not segments.topical([("disk", 1.0)], range(5)).any()


def test_documents_of_a_smaller_index_are_placed_among_the_topics_of_the_largest() -> None:
    found = documents(topics.FEW * 2 + 40)
    large, small = build(found[:-40]), build(found[-40:])
    one = Segments((Segment(small, Place("team")), Segment(large, Place("hub"))))
    together = single(large)
    numbers = [n for n in range(40) if one.row(n)[0].title.startswith("Disk")]
    assert numbers
    placed = one.topical([("platter", 1.0)], numbers).mean()
    known = together.topical(
        [("platter", 1.0)],
        [n for n in range(together.size) if together.row(n)[0].title.startswith("Disk")],
    ).mean()
    assert placed == pytest.approx(known, rel=0.25)


def test_the_same_documents_give_the_same_topics() -> None:
    first, second = (build(documents(topics.FEW * 2)).topic_documents for _ in range(2))
    assert np.array_equal(first, second)


def test_what_is_remembered_of_terms_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compass.retrieval.segments.REMEMBERED", 3)
    segments = Segments((Segment(build(documents(5))),))
    found = {term: segments.find(term) for term in (*WORDS, "unheard-of")}
    assert len(segments._found) <= 3
    assert found == {term: segments.find(term) for term in found}
    assert len(set(found.values())) > 1
