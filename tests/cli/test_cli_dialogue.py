"""The dialogue of an investigation: every command, and what of it stays in the record and the drafts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT

from compass.cli.dialogue import HELP, Dialogue
from compass.cli.sparkline import PLAIN, spark
from compass.investigate.session import Session
from compass.model.investigation import Deed, Verdict
from compass.workflows.drafted_text import postmortem_body
from compass.workflows.investigate import Memory, investigation_of

RECORDING = ROOT / "knowledge/tribes/product/recordings/slow-dependency-behind-three-services"
NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Iterator[Session]:
    home = tmp_path_factory.mktemp("dialogue")
    where = Memory(Path(), home / "data", home / "cache")
    with investigation_of(RECORDING, where, now=NOW, random=Random(1), clock=lambda: 0.0) as session:
        yield session


@pytest.fixture
def session(opened) -> Session:
    """The same look at the telemetry, with nothing said or tested yet."""
    opened.done, opened.refuted, opened.confirmed, opened.notes = {}, {}, set(), []
    return opened


def said(session: Session, capsys: pytest.CaptureFixture[str], *typed: str) -> str:
    """What the terminal shows for these lines."""
    lines = iter(typed)

    def read(_prompt: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    Dialogue(session, lambda: NOW, read, lambda: iter(["drafted"]), PLAIN).run()
    return capsys.readouterr().out


def test_a_human_picks_tests_asks_why_refutes_confirms_and_notes(session, capsys):
    out = said(
        session, capsys, "pick 2 it was rolled out just before", "test", "why 1", "evidence 2",
        "refute 4 its owner looked", "confirm 1", "note called the owner", "list", "quit",
    )  # fmt: skip
    for words in ("predicts:", "would be refuted when", "sha256", "picked 2", ", picked)"):
        assert words in out
    record = session.record()
    assert [(one.deed, one.reason) for one in record.notes] == [
        (Deed.PICK, "it was rolled out just before"),
        (Deed.REFUTE, "its owner looked"),
        (Deed.CONFIRM, None),
        (None, None),
    ]
    assert all(one.time == NOW for one in record.notes)
    refuted = next(one for one in record.hypotheses if one.refuted_by_person)
    assert (refuted.verdict, refuted.refuted_by_person) == (Verdict.REFUTED, "its owner looked")
    body = postmortem_body(record, [])
    for words in (
        "What people decided and noted",
        "A person refuted it: its owner looked",
        "called the owner",
    ):
        assert words in body


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("tset 1", "'tset' is no command; did you mean test?"),
        ("xyzzy", "'xyzzy' is no command; type help"),
        ("pick 9", "'9' is none of them: there are hypotheses 1 to 5"),
        ("pick", "which one? There are hypotheses 1 to 5"),
        ("why ²", "'²' is none of them: there are hypotheses 1 to 5"),
        ("refute 2", "say how you know: refute 2 REASON"),
        ("note", "what is to be noted? note TEXT"),
        ("evidence 3", "3 was not tested yet: test 3"),
    ],
)
def test_wrong_input_gets_one_clear_line_and_changes_nothing(session, capsys, typed, answer):
    before = said(session, capsys)
    assert said(session, capsys, typed).removeprefix(before.rstrip("\n")).strip() == answer
    assert session.notes == []


def test_help_names_every_command_and_nothing_is_wider_than_80_columns(session, capsys):
    out = said(session, capsys, "help", "test all", "timeline", "why 1", "evidence 1", "draft", "q")
    assert all(command in out for command in HELP)
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "drafted" in out
    assert out.isascii() or all(ord(char) < 0x2580 or ord(char) > 0x259F for char in out)


def test_the_last_word_of_a_person_counts(session):
    session.decide(Deed.REFUTE, 0, "no", NOW)
    session.decide(Deed.CONFIRM, 0, "yes, after all", NOW)
    one = session.hypothesis(0)
    assert (one.refuted_by_person, one.confirmed_by_person) == (None, True)
    assert [each.statement for each in session.hypotheses()] == [one.statement]


@pytest.mark.parametrize(
    ("values", "drawn"),
    [((0.0, 1.0, 2.0, 7.0), "_.-#"), ((5.0, 5.0), "__"), ((None, 1.0, None), " _ "), ((), "")],
)
def test_a_curve_is_drawn_from_its_lowest_to_its_highest_value(values, drawn):
    assert spark(values, PLAIN) == drawn
