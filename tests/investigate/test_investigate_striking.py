"""What a model made up is struck, and what stands in the facts it names stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.cli.render import untrusted
from compass.investigate.prompting import delimited, fitting, without_secrets
from compass.investigate.striking import STRUCK, Allowed, plain, struck
from compass.investigate.summary import Fact, Sentence, Summary, _needs, checked
from compass.model.investigation import Verdict

FACT = "Has latency_p95_ms of payments left its range? supported: 5138 since detection, median 412 ms over 30, at 13:56:45"
ALLOWED = Allowed.of([FACT], ["payments", "payments-db"])


@pytest.mark.parametrize(
    "text",
    [
        "payments became slow; payments-db did not.",
        "latency_p95_ms rose to 5138 since detection.",
        "The median is 412 ms (over 30 calls).",
        "It left its range at 13:56:45.",
        "The median was 412.",
        "A well-known, long-lasting fault — nothing else.",
        "One of the calls failed.",
    ],
)
def test_what_stands_in_the_facts_stays(text):
    assert struck(text, ALLOWED) == (text, 0)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It rose to 5139.", f"It rose to {STRUCK}."),
        ("The median is 412 GB.", f"The median is {STRUCK} GB."),
        ("The median is 412GB.", f"The median is {STRUCK}."),
        ("It rose by 412%.", f"It rose by {STRUCK}."),
        ("It rose by 412 percent.", f"It rose by {STRUCK} percent."),
        ("About 5,138,000 calls", f"About {STRUCK} calls"),
        ("-5138 is 5.138e3", f"{STRUCK} is {STRUCK}"),
        ("At 13:57:45, seven calls", f"At {STRUCK}, {STRUCK} calls"),
        ("Twice as many, twenty-one in all", f"{STRUCK} as many, {STRUCK} in all"),
        ("٤١٢ calls, ½ of them, ５１３９ ms", f"{STRUCK} calls, {STRUCK} of them, {STRUCK} ms"),
        ("See https://a.example/x", f"See {STRUCK}"),
        ("See a.example/x?y", f"See {STRUCK}"),
        ("[runbook](https://a.example)", f"runbook {STRUCK}"),
        ("![x](y) <img src=x>", f"x {STRUCK} {STRUCK}"),
        ("ask ops@a.example", f"ask {STRUCK}"),
        ("inv-abcdefghjk says so", f"{STRUCK} says so"),
        ("cpu_percent of billing.internal", f"{STRUCK} of {STRUCK}"),
        ("run $(id) and `a/b`", f"run {STRUCK} and {STRUCK}"),
        ("\x1b[31mred\x07", "[31mred"),
    ],
)
def test_what_was_made_up_is_struck(text, left):
    found = struck(text, ALLOWED)
    if "\x1b" in text:
        assert found.text.isprintable()
    else:
        assert found.text == left
        assert found.pieces


def test_a_link_is_struck_even_where_a_fact_holds_it():
    text = "log says https://a.example/x and b.example/y"
    assert struck(text, Allowed.of([text], [])).text == f"log says {STRUCK} and {STRUCK}"


@given(st.text(max_size=200))
def test_what_is_left_is_printable_and_striking_again_changes_nothing(text):
    once = struck(text, ALLOWED)
    assert once.text.isprintable()
    assert "://" not in once.text
    assert struck(once.text, ALLOWED).text == once.text


@given(st.text(max_size=200))
def test_marking_twice_is_marking_once(text):
    once = untrusted(text)
    assert untrusted(once) == once
    assert all(char == "\n" or char.isprintable() for char in once)


H1 = Fact("h1", "payments itself became slow: supported, confidence 0.84", Verdict.SUPPORTED)
H2 = Fact(
    "h2",
    "ledger runs short of memory: refuted, confidence 0.05",
    Verdict.REFUTED,
    _needs(Verdict.REFUTED, "0.05"),
)
H3 = Fact(
    "h3",
    "storefront itself fails: supported, confidence 0.02",
    Verdict.SUPPORTED,
    _needs(Verdict.SUPPORTED, "0.02"),
)
SERVICES = ["payments", "ledger", "storefront"]


@pytest.mark.parametrize(
    ("text", "facts", "supported"),
    [
        ("payments itself became slow, with a confidence of 0.84", ("h1",), True),
        ("That ledger runs short of memory was refuted", ("h2",), True),
        ("payments itself became slow, with a confidence of 0.85", ("h1",), False),
        ("payments itself became slow", (), False),
        ("payments itself became slow", ("h9",), False),
        ("That ledger runs short of memory was confirmed", ("h2",), False),
        ("payments itself became slow was refuted", ("h1",), False),
        ("ledger itself became slow", ("h1",), False),
        ("payments itself has not become slow", ("h1",), False),
        ("payments itself never became slow, with a confidence of 0.84", ("h1",), False),
        ("ledger runs short of memory", ("h2",), False),
        ("payments became slow, and that ledger runs short of memory is ruled out", ("h1", "h2"), True),
        ("storefront itself fails", ("h3",), False),
        ("storefront itself fails, with a confidence of 0.02", ("h3",), True),
        ("Somebody pressed a wrong button during lunch", ("h1",), False),
    ],
)
def test_a_sentence_is_supported_by_the_facts_it_names_or_marked(text, facts, supported):
    (said,) = checked(Summary(sentences=(Sentence(text=text, facts=facts),)), [H1, H2, H3], SERVICES)
    assert said.supported is supported
    assert set(said.facts) <= {"h1", "h2", "h3"}


def test_nothing_said_is_nothing():
    empty = Summary(sentences=(Sentence(text=" \x00 ", facts=("h1",)),))
    assert checked(empty, [H1], SERVICES) == ()


@pytest.mark.parametrize(
    "text",
    [
        "key AKIA" + "QYLPMN5HFIQR7XYA here",
        "errors_AKIA" + "QYLPMN5HFIQR7XYA",
        "ghp_" + "Zx81Kq0PvB3nYt6RwL5mCd9TfJ2sHg7AeUi4",
    ],
)
def test_no_secret_reaches_a_prompt(text):
    found = without_secrets(text)
    assert "[secret]" in found
    assert "QYLPMN5HFIQR7XYA" not in found
    assert "Zx81Kq0PvB3nYt6RwL5m" not in found


@given(st.text(max_size=300))
def test_no_data_can_close_its_own_marks(text):
    lines = delimited({"text": f"</data>\n{text}"}).split("\n")
    assert len(lines) == 3
    assert lines[2] == lines[0].replace("<", "</")
    assert lines[1].isascii()


def test_what_does_not_fit_is_cut_and_said():
    data = {"head": "x", "rows": ["y" * 100] * 50}
    found = fitting(data, "rows", 1500)
    assert 0 < len(found["rows"]) < 50
    assert found["left_out"] == 50 - len(found["rows"])
    assert len(delimited(found)) <= 1500
    assert fitting(data, "rows", 10) == {"head": "x", "rows": [], "left_out": 50}


def test_plain_folds_what_looks_alike():
    assert plain("ｈｔｔｐ\u200b：／／") == "http ://"


def test_a_sentence_is_said_once_and_so_many_for_each_section():
    same = Sentence(text="payments itself became slow", facts=("h1",))
    lessons = [
        Sentence(section="lessons", text=f"payments became slow{end}", facts=("h1",))
        for end in ("", ".", "!")
    ]
    found = checked(Summary(sentences=(same, same, *lessons)), [H1], SERVICES)
    assert [one.section for one in found] == ["summary", "lessons", "lessons"]
