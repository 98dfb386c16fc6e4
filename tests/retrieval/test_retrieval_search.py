"""The right entry first, an honest nothing, and no query that breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.retrieval.confidence import LITTLE
from compass.retrieval.document import Document, from_text
from compass.retrieval.entries import file_names
from compass.retrieval.index import build
from compass.retrieval.search import Searcher
from compass.retrieval.segments import Place, Segment, Segments, single
from compass.retrieval.snippet import LONGEST, snippet
from compass.retrieval.thesaurus import Thesaurus, merged

TEXTS = {
    "KubePodCrashLooping": "## Meaning\nA pod is in CrashLoopBackOff.\n## Diagnosis\nRead the logs of the container.",
    "CertificateExpiresSoon": "## Meaning\nA TLS certificate expires within a week.\n## Mitigation\nRenew it.",
    "KafkaConsumerLagging": "## Meaning\nThe consumer group falls behind.\n```promql\nkafka_consumergroup_lag > 1000\n```",
    "NodeFilesystemFull": "## Meaning\nA filesystem has no space left.\n```promql\nnode_filesystem_avail_bytes == 0\n```",
    "PostgresLockQueue": "## Meaning\nStatements wait for a lock behind a schema change.",
    "Release notes of spring": "We released many things and thank everyone who helped with the release.",
}


def documents(texts: dict[str, str] = TEXTS) -> list[Document]:
    return [
        from_text(f"run-{number:010d}", title, text) for number, (title, text) in enumerate(texts.items())
    ]


def searcher(found: Sequence[Document] | None = None) -> Searcher:
    return Searcher(single(build(documents() if found is None else found)))


def first(text: str) -> str:
    return searcher().search(text).results[0].title


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("KubePodCrashLooping", "KubePodCrashLooping"),
        ("kube_pod_crash_looping", "KubePodCrashLooping"),
        ("the container keeps restarting", "KubePodCrashLooping"),
        ("our cert runs out on friday", "CertificateExpiresSoon"),
        ('max by (group) (kafka_consumergroup_lag{topic="orders"}) > 5', "KafkaConsumerLagging"),
        (
            'level=error ts=2026-03-14T09:26:53Z msg="write failed: no space left on device"',
            "NodeFilesystemFull",
        ),
        ("disk is full on node-17", "NodeFilesystemFull"),
        ("queries blocked, waiting for a lock", "PostgresLockQueue"),
    ],
)
def test_each_kind_of_query_finds_its_entry(query: str, title: str) -> None:
    assert first(query) == title


def test_an_exact_name_is_likely_and_says_so() -> None:
    answer = searcher().search("FIRING: KubePodCrashLooping in namespace shop")
    assert answer.band == "likely"
    assert answer.results[0].why.startswith("named: KubePodCrashLooping")


def test_two_entries_with_different_names_in_one_query_are_not_called_certain() -> None:
    answer = searcher().search("KubePodCrashLooping or NodeFilesystemFull")
    assert {one.title for one in answer.results[:2]} == {"KubePodCrashLooping", "NodeFilesystemFull"}
    assert answer.confidence < 0.8


def test_ordinary_compounds_in_a_sentence_are_not_taken_for_the_name_of_an_entry() -> None:
    texts = {"StatefulSet": "What a set is.", "ReadOnly": "A type.", **TEXTS}
    answer = searcher(documents(texts)).search(
        "filesystem has no space left and the StatefulSet became read-only"
    )
    assert answer.results[0].title == "NodeFilesystemFull"
    assert searcher(documents(texts)).search("StatefulSet").results[0].why.startswith("named")


def test_a_foreign_question_is_answered_with_nothing_but_results_are_filled() -> None:
    answer = searcher().search("the container ship is late in the harbour")
    assert answer.abstained
    assert answer.results


def test_why_names_the_words_that_were_found_and_the_status() -> None:
    why = searcher().search("certificates expire").results[0].why
    assert "certificates" in why
    assert why.endswith("draft")


def test_withdrawn_entries_never_appear() -> None:
    one = documents()[0]
    gone = replace(one, shown=replace(one.shown, status="withdrawn"))
    assert all(
        row.title != gone.shown.title
        for row in searcher([gone, *documents()[1:]]).search(gone.shown.title).results
    )


def test_a_confirmed_look_alike_comes_before_a_draft_and_a_deprecated_one_last() -> None:
    draft = documents()[0]
    twins = [
        replace(draft, shown=replace(draft.shown, id=f"run-{status}", status=status))
        for status in ("deprecated", "draft", "stable")
    ]
    found = [one.status for one in searcher(twins).search("pod crash looping").results]
    assert found == ["stable", "draft", "deprecated"]


def test_the_nearer_repository_wins_between_look_alikes() -> None:
    draft = documents()[0]
    segments = Segments(
        tuple(
            Segment(build([replace(draft, shown=replace(draft.shown, id=f"run-{place.repo}"))]), place)
            for place in (Place("hub", None, 2), Place("team", None, 0))
        )
    )
    found = Searcher(segments).search("pod crash looping").results
    assert [(one.id, one.repo) for one in found] == [("run-team", "team"), ("run-hub", "hub")]


def test_the_ranking_does_not_depend_on_the_order_of_the_files() -> None:
    shuffled = documents()
    Random(7).shuffle(shuffled)
    for query in ("pod crash", "no space", "lock"):
        ours = [(one.id, one.score) for one in searcher().search(query).results]
        assert ours == [(one.id, one.score) for one in searcher(shuffled).search(query).results]


def test_of_more_look_alikes_than_are_looked_at_the_same_are_chosen_whatever_their_order() -> None:
    alike = [from_text(f"run-{n:010d}", "Pool exhausted", "the pool is exhausted") for n in range(300)]
    ours = [one.id for one in searcher(alike).search("pool").results]
    Random(3).shuffle(alike)
    assert [one.id for one in searcher(alike).search("pool").results] == ours
    halves = Segments((Segment(build(alike[:120])), Segment(build(alike[120:]))))
    assert [one.id for one in Searcher(halves).search("pool").results] == ours


def test_an_entry_found_by_what_a_phrase_means_says_so_and_not_that_it_has_the_phrase() -> None:
    own = merged(["means:\n  big screen: [filesystem]\n"])
    why = replace(searcher(), thesaurus=own).search("big screen").results[0].why
    assert "big screen ~ filesystem" in why
    assert "big screen," not in why
    assert "big screen;" not in why


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   \n\t",
        "\0\x01\x02",
        "x" * 1_000_000,
        "pool " * 200_000,
        'title:"a" AND (b OR *~^ NOT [* TO *]',
        "' OR 1=1; DROP TABLE entries --",
        "{" * 5000,
        "((((" * 2000,
        "\ud800 lone surrogate",
        "a_" * 3000,
        "\u202e\u2066 hidden",
    ],
)
def test_no_query_breaks_the_search_or_takes_long(query: str) -> None:
    answer = searcher().search(query)
    assert 0 <= answer.confidence <= 1
    assert answer.milliseconds < 2000


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    answer = SHARED.search(text)
    assert 0 <= answer.confidence <= 1
    scores = [one.score for one in answer.results]
    assert scores == sorted(scores, reverse=True)


SHARED = Searcher(single(build(documents())))


def test_an_empty_memory_answers_nothing() -> None:
    answer = searcher([]).search("anything")
    assert answer.results == ()
    assert answer.confidence == 0
    assert answer.abstained


def test_documents_without_words_are_indexed_and_never_found() -> None:
    blank = from_text("run-blank", "🚒", "…")
    assert all(one.id != "run-blank" for one in searcher([*documents(), blank]).search("pod").results)


def test_the_answer_has_exactly_the_promised_shape() -> None:
    data = searcher().search("pod").as_json()
    assert list(data) == ["schema", "results", "confidence", "abstained", "milliseconds"]
    assert list(data["results"][0]) == ["id", "kind", "title", "path", "repo", "commit", "score", "why"]
    assert list(searcher().search("pod").as_json("q1"))[:2] == ["schema", "id"]


def test_an_index_knows_its_terms_and_names() -> None:
    index = searcher().index
    assert index.known("pod")
    assert not index.known("unheard")
    assert index.size == len(TEXTS)
    shown, place = index.row(index.named("kubepodcrashlooping", declared=False)[0])
    assert (shown.title, place.distance) == ("KubePodCrashLooping", 0)


def test_synonyms_can_be_left_out() -> None:
    without = replace(searcher(), thesaurus=Thesaurus()).search("cert")
    assert without.results == ()


@pytest.mark.parametrize(
    ("url", "names"),
    [
        (
            "https://example.com/runbooks/KubePodCrashLooping.md#meaning",
            ["KubePodCrashLooping.md", "KubePodCrashLooping"],
        ),
        ("etcd/no-leader.md", ["no-leader.md", "no-leader"]),
        ("https://example.com/a", []),
    ],
)
def test_file_names_of_references_are_exact_names(url: str, names: list[str]) -> None:
    assert file_names(url) == names


def test_the_shares_of_an_explained_result_add_up_to_its_score() -> None:
    for one in searcher().explain("pods keep crash looping KubePodCrashLooping"):
        assert sum(one.shares.values()) == pytest.approx(one.score, abs=0.01)
    assert searcher().explain("") == []


def test_an_overdue_review_is_said_and_costs_the_place_before_a_fresh_twin() -> None:
    draft = documents()[0]
    twins = [
        replace(
            draft, shown=replace(draft.shown, id=f"run-{due}", status="stable", checked="2026-01-01", due=due)
        )
        for due in ("2026-02-01", "2026-12-01")
    ]
    asked = replace(searcher(twins), today="2026-06-01")
    found = asked.search("pod crash looping").results
    assert [one.id for one in found] == ["run-2026-12-01", "run-2026-02-01"]
    assert "stable 2026-01-01, stale since 2026-02-01" in found[1].why
    assert "stale" not in found[0].why


def test_a_deprecated_entry_points_to_its_successor() -> None:
    old = documents()[0]
    shown = replace(old.shown, status="deprecated", successor="run-new")
    assert "see run-new" in searcher([replace(old, shown=shown)]).search("pod crash").results[0].why


@pytest.mark.parametrize(
    ("text", "first_title"),
    [
        ("kube-pod-crash-looping is a component", None),
        ("see https://runbooks.example/kube-pod-crash-looping.md", "KubePodCrashLooping"),
        ("[FIRING] KubePodCrashLooping shop/web-1", "KubePodCrashLooping"),
    ],
)
def test_a_title_in_a_text_is_a_name_only_where_it_is_meant_as_one(
    text: str, first_title: str | None
) -> None:
    found = searcher().search(text).results[0]
    assert found.why.startswith("named: ") == (first_title is not None)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("deployment", False),
        ("pod lifecycle", False),
        ("pod-lifecycle", True),
        ("see https://k8s.example/docs/pod-lifecycle-hooks/", True),
        ("Quota refuses pods", True),
    ],
)
def test_words_are_not_taken_for_the_name_of_a_page_that_an_entry_refers_to(
    query: str, *, named: bool
) -> None:
    quota = documents()[0]
    pages = ("deployment", "pod-lifecycle", "pod-lifecycle-hooks")
    shown = replace(quota.shown, title="Quota refuses pods")
    found = searcher([replace(quota, shown=shown, called=(shown.title, *pages)), *documents()[1:]])
    results = found.search(query).results
    assert bool(results and results[0].why.startswith("named: ")) == named


def test_the_line_that_answers_best_is_shown() -> None:
    text = "---\ntitle: pool pool pool\n---\n# Pool heading is left out\nNothing to see on this line at all.\n- The **pool** of connections is exhausted.\n"
    query = searcher().search("connection pool").query
    assert snippet(text, query) == "The pool of connections is exhausted."
    assert snippet("", query) == ""
    assert len(snippet("pool " * 200, query)) <= LONGEST


def test_a_common_word_alone_is_never_likely_to_mean_an_entry() -> None:
    texts = {
        title: f"{text} Ask for help." if number % 2 else text
        for number, (title, text) in enumerate(TEXTS.items())
    }
    answer = searcher(documents(texts)).search("please help me")
    assert answer.results
    assert answer.confidence <= LITTLE


@pytest.mark.parametrize("query", ["or", "we are on it", "what is this"])
def test_words_that_any_text_has_are_never_likely_to_mean_an_entry(query: str) -> None:
    texts = {**TEXTS, "Renew or replace a certificate": "What is this about? It is on us."}
    assert searcher(documents(texts)).search(query).confidence <= LITTLE


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_front_matter_is_no_line_that_answers_whatever_ends_its_lines(end: str) -> None:
    text = "---\nsummary: the connection pool is a connection pool\n---\nThe pool of the shop is exhausted.\n"
    query = searcher().search("connection pool").query
    assert snippet(text.replace("\n", end), query) == "The pool of the shop is exhausted."
