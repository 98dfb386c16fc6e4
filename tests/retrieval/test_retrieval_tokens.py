"""Every spelling of a name gives the same words; noise gives none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.retrieval.document import from_text
from compass.retrieval.stem import stem
from compass.retrieval.tokens import LIMIT, LONGEST, surfaces, terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("KubePodCrashLooping", ("kube", "pod", "crash", "loop")),
        ("kube_pod_crash_looping", ("kube", "pod", "crash", "loop")),
        ("kube pod crash looping", ("kube", "pod", "crash", "loop")),
        ("kube-pod/crash.looping", ("kube", "pod", "crash", "loop")),
        ("etcdGRPCRequestsSlow", ("etcd", "grpc", "request", "slow")),
        ("HTTPServer", ("http", "server")),
        ("OOMKilled", ("oom", "kill")),
        ("PVCs", ("pvc",)),
        ("instance:node_cpu:ratio", ("instanc", "node", "cpu", "ratio")),
        ("s3 ec2 p99 k8s", ("s3", "ec2", "p99", "k8s")),
        ("RAID1", ("raid1", "raid")),
        ("error 503", ("error", "503", "5xx")),
        ("more than 5xx", ("more", "than", "5xx")),
        ("Überlauf déjà-vu", ("uberlauf", "deja", "vu")),
    ],
)
def test_identifiers_split_into_their_stemmed_words(text: str, words: tuple[str, ...]) -> None:
    assert terms(text).words == words


def test_identifiers_are_also_kept_whole_whatever_joins_them() -> None:
    camel, snake = terms("KubePodCrashLooping").joined, terms("kube_pod_crash_looping").joined
    assert set(camel) == set(snake) == {stem("kubepodcrashlooping")}
    assert "nodecpusecondstot" in terms('rate(node_cpu_seconds_total{job="x"}[5m]) > 0.9').joined


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14T09:26:53.123Z",
        "10.42.3.17:9100",
        "ip-10-0-1-55.ec2.internal:9100",
        "0xdeadbeef 42 7 99.5",
        "6f1c2d3e-0000-4a5b-8c7d-001122334455",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "{{ $labels.instance }}",
        "🚒 ✅ …",
    ],
)
def test_times_addresses_digests_and_bare_numbers_say_nothing(text: str) -> None:
    assert terms(text).words == ()


def test_versions_are_kept_exact_and_short() -> None:
    assert terms("v22.2.1").joined == ("v22.2", "v22.2.1")
    assert terms("22.2.1").joined == terms("v22.2.1").joined


def test_cjk_text_is_searched_by_pairs_of_characters() -> None:
    assert set(terms("接続プール").words) & set(terms("接続").words)


@given(st.text(max_size=400))
def test_any_text_gives_short_terms_without_blanks(text: str) -> None:
    found = terms(text)
    for term in (*found.words, *found.joined):
        assert term
        assert len(term) <= LONGEST + 1
        assert not any(letter.isspace() for letter in term)


def test_a_text_of_a_megabyte_is_cut() -> None:
    assert len(terms("pool exhausted " * 70_000).words) == LIMIT


def test_surfaces_remember_how_a_term_was_written() -> None:
    assert surfaces("Certificates expire")["certif"] == "certificates"


@pytest.mark.parametrize(
    ("forms", "wanted"),
    [
        ("restart restarts restarted restarting", "restart"),
        ("expire expired expires expiration", "expir"),
        ("certificate certificates", "certif"),
        ("failing failed fails", "fail"),
        ("queries query", "queri"),
        ("relational relation", "relat"),
        ("hopefulness hopeful", "hope"),
        ("controlling controlled", "control"),
    ],
)
def test_forms_of_a_word_share_a_stem(forms: str, wanted: str) -> None:
    assert {stem(form) for form in forms.split()} == {wanted}


@pytest.mark.parametrize("word", ["status", "redis", "dns", "5xx", "接続", "tls", "feed"])
def test_names_and_short_words_are_left_alone(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize("text", ["\n" * 200_000, " \n" * 100_000, "# a\n" + "\n\t" * 100_000 + "b"])
def test_an_entry_of_blank_lines_is_read_as_fast_as_another(text: str) -> None:
    start = time.process_time()
    from_text("run-1", "Blank", text)
    assert time.process_time() - start < 5


def test_attributes_comments_and_includes_are_no_text_also_after_blank_lines() -> None:
    found = from_text(
        "run-1", "Noise", "first\n\n\n  :toc: left\n\n// said aside\n[source]\ninclude::a[]\nlast"
    )
    assert found.lead == "first\nlast"
