"""What a query is decides what in it counts."""

from __future__ import annotations

import pytest

from compass.retrieval.query import LIMIT, MOST, PART, Query, analyse, shape_of
from compass.retrieval.thesaurus import Thesaurus, default, merged, read


def ask(text: str, *known: str, thesaurus: Thesaurus | None = None) -> Query:
    return analyse(text, lambda term: term in known, thesaurus or Thesaurus())


def weights(query: Query) -> dict[str, float]:
    return {one.shown: one.weight for one in query.concepts}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("pods keep restarting", "prose"),
        ("Filesystem has less than 5% inodes left", "prose"),
        ('up{job="x"} == 0', "expression"),
        ("node_md_disks_required > 0", "expression"),
        ("sum by (pod) (rate(http_requests_total[5m]))", "expression"),
        ('level=error msg="compaction failed" err="no space left"', "log"),
        ("E0301 10:12:01.331 1 certificate_manager.go:471] Failed", "log"),
        ('{"level":"warn","msg":"apply request took too long"}', "log"),
        ("2026-03-14 09:26:53 ERROR pool exhausted", "log"),
    ],
)
def test_shapes_are_recognized(text: str, shape: str) -> None:
    assert shape_of(text) == shape


def test_function_words_count_only_when_nothing_else_is_there() -> None:
    assert set(weights(ask("what should I do about the pool"))) == {"pool"}
    assert weights(ask("what is this"))


def test_the_words_of_promql_are_no_evidence_and_label_values_are_little() -> None:
    found = weights(ask('sum by (namespace) (rate(etcd_server_failures_total{job="api"}[5m])) > 3'))
    assert found["etcd"] == 1
    assert found["api"] < 0.5
    assert found["namespac"] < 0.3
    assert not {"sum", "rate", "by"} & set(found)


def test_values_that_vary_from_case_to_case_count_little() -> None:
    found = weights(ask("Namespace openshift-storage on cluster prod-eu-1 has overcommitted memory"))
    assert found["memori"] == 1
    assert found["openshift"] < 0.5
    assert found["prod"] < 0.5


def test_a_log_line_is_read_for_its_message() -> None:
    found = weights(ask('level=error ts=x caller=compact.go:481 component=tsdb msg="compaction failed"'))
    assert {"compact", "fail", "tsdb"} <= set(found)
    assert "caller" not in found
    assert "level" not in found


def test_neighbouring_words_are_joined_when_documents_write_them_as_one() -> None:
    assert "crashloop" in weights(ask("crash loop", "crash", "loop", "crashloop"))
    assert "crashloop" not in weights(ask("crash loop", "crash", "loop"))


def test_an_unknown_compound_is_split_into_known_words() -> None:
    weights = {one.shown: one.weight for one in ask("diskpressure", "disk", "pressur").concepts}
    assert weights == {"diskpressur": 1.0, "disk": PART, "pressur": PART}


def test_long_and_empty_queries_are_bounded() -> None:
    assert ask("").concepts == ()
    found = ask(" ".join(f"word{letter}x" for letter in map(str, range(5000))))
    assert len(found.concepts) <= MOST
    assert len(ask("x" * 1_000_000).text) == LIMIT


def test_a_synonym_counts_less_than_the_word_itself() -> None:
    thesaurus = read({"groups": [["certificate", "cert", "tls"], ["oom", "out of memory"]]})
    concept = next(one for one in ask("cert", thesaurus=thesaurus).concepts if one.shown == "cert")
    assert dict(concept.terms)["cert"] == 1
    assert 0 < dict(concept.terms)["tls"] < 1


def test_a_phrase_stands_for_the_words_of_its_group() -> None:
    thesaurus = read({"groups": [["oom", "out of memory"]]})
    shown = {one.shown: one.terms for one in ask("we ran out of memory", thesaurus=thesaurus).concepts}
    assert shown["out of memori"][0][0] == "oom"


def test_the_thesaurus_that_comes_along_is_readable_and_a_repository_adds_to_it() -> None:
    assert default().terms("cert")
    own = merged(["groups:\n  - [frobnicator, widget]\n"])
    assert own.terms("frobnic")
    assert own.terms("cert") == default().terms("cert")


@pytest.mark.parametrize("text", ["", "groups: [", "groups: 3", "just text", "groups: [[a], 3, [[]]]"])
def test_a_broken_thesaurus_leaves_the_default(text: str) -> None:
    assert merged([text]).terms("cert") == default().terms("cert")


def test_a_known_word_is_split_only_where_its_parts_are_far_more_usual() -> None:
    usual = {"restart": 40, "rest": 50, "art": 60, "resourcequota": 2, "resourc": 30, "quota": 20}
    query = analyse("restart resourcequota", lambda term: usual.get(term, 0), Thesaurus())
    assert {one.shown for one in query.concepts} == {"restart", "resourcequota", "resourc", "quota"}


def test_neighbouring_words_that_a_title_has_are_kept_together() -> None:
    assert ask("samples out of order", "out of", "of order").pairs == ("out of", "of order")


def test_plain_words_find_the_technical_ones_and_not_the_other_way() -> None:
    thesaurus = read({"means": {"eats up": ["usage", "high"], "box": ["node"]}})
    shown = {one.shown: dict(one.terms) for one in ask("it eats up the box", thesaurus=thesaurus).concepts}
    assert set(shown["eat up"]) == {"usag", "high"}
    assert set(shown["box"]) == {"box", "node"}
    assert {one.shown: len(one.terms) for one in ask("node", thesaurus=thesaurus).concepts} == {"node": 1}


def test_a_phrase_is_known_when_it_is_written_as_one_word() -> None:
    thesaurus = read({"groups": [["hpa", "horizontal pod autoscaler"]]})
    concept = ask("horizontalpodautoscaler", thesaurus=thesaurus).concepts[0]
    assert "hpa" in dict(concept.terms)
