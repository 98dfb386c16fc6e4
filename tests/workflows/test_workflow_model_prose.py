"""A model's words in a draft: those that the record holds, marked; the text of the draft stands without them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import ROOT, WHEN

from compass.adapters.documents import parse_yaml, split
from compass.adapters.llm.call import Call
from compass.adapters.llm.scripted import Scripted
from compass.investigate.budget import Budget, Ledger, Price
from compass.investigate.prompting import prompt
from compass.investigate.session import Session
from compass.investigate.words import SUMMARY, Words
from compass.model.entry import Postmortem
from compass.model.investigation import Investigation
from compass.workflows.draft import _Making as Making
from compass.workflows.draft import _postmortem, _seen
from compass.workflows.drafted_text import postmortem_body
from compass.workflows.investigate import Memory, investigation_of
from compass.workflows.model_prose import phrased

RECORDING = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Investigation:
    """The investigation without a model."""
    return investigated(tmp_path_factory.mktemp("plain"), None)


def investigated(where: Path, script) -> Investigation:
    memory = Memory(Path(), where / "data", where / "cache")
    with investigation_of(RECORDING, memory, now=WHEN, random=Random(3), clock=lambda: 0.0) as session:
        if script:
            session.consult(
                Words(Scripted(script, "small:1b"), Ledger(Budget(), Price(0.0, 0.0))), lambda _: None
            )
        return finished(session)


def finished(session: Session) -> Investigation:
    for place in range(len(session.candidates)):
        session.test(place)
    session.summarize()
    return session.record()


def saying(*sentences: tuple[str, str, list[str]]):
    rows = [{"section": section, "text": text, "facts": facts} for section, text, facts in sentences]

    def script(call: Call) -> str:
        asked = "hypotheses" in call.schema["properties"]
        return json.dumps({"hypotheses": []} if asked else {"sentences": rows})

    return script


def drafted(record: Investigation) -> tuple[dict[str, Any], str, str]:
    """Front matter and body with the model's words, and the body as it is without them."""
    seen = [one for _, one in _seen(record)]
    made = Making(datetime(2026, 3, 14, tzinfo=UTC).date(), Random(1), None)
    data, body = _postmortem(record, made), postmortem_body(record, seen)
    front, phrased_body = phrased(record, seen, data, body)
    Postmortem.model_validate(front)
    return front, phrased_body, body


def test_what_the_record_holds_is_written_and_says_who_spoke(tmp_path, plain):
    best = plain.hypotheses[0]
    reason = best.experiments[0].reason
    front, body, without = drafted(
        investigated(
            tmp_path,
            saying(
                ("summary", f"{best.statement}: {best.verdict}", ["h1"]),
                ("impact", plain.incident.symptom, ["s"]),
                ("investigation", reason, ["h1e1"]),
                ("lessons", f"{best.statement}, and 98765 requests failed", ["h1"]),
                ("lessons", "See https://evil.example/lesson", ["h1"]),
                ("investigation", "The pilot fell asleep after the storm", ["h1"]),
            ),
        )
    )
    assert front["summary"] == f"{best.statement}: {best.verdict}."
    assert front["provenance"]["model"] == "small:1b"
    assert front["provenance"]["tool"].startswith("compass ")
    assert front["provenance"]["prompts"] == [f"{SUMMARY} sha256:{prompt(SUMMARY).sha256}"]
    added = [line for line in body.splitlines() if line not in without.splitlines()]
    assert len(added) == 2
    assert all("language model small:1b, checked against the record" in line for line in added)
    assert "(the symptom)" in added[0]
    assert "[^e1]" in added[1]
    for text in ("98765", "evil.example", "pilot", "[struck]"):
        assert text not in body
    assert [line for line in body.splitlines() if line and line not in added] == [
        line for line in without.splitlines() if line
    ]


def test_without_a_model_or_with_one_that_says_nothing_that_holds_the_draft_is_the_same(tmp_path, plain):
    for record in (plain, investigated(tmp_path, saying(("summary", "All is well in 7 ways", ["h1"])))):
        front, body, without = drafted(record)
        assert body == without
        assert "model" not in front["provenance"]
        assert front["summary"].startswith(plain.incident.symptom)


def test_a_sentence_is_checked_again_against_the_record_as_it_is_now(tmp_path, plain):
    best = plain.hypotheses[0]
    said = ("summary", f"{best.statement}: {best.verdict}, confidence {best.confidence:.2f}", ["h1"])
    record = investigated(tmp_path, saying(said))
    assert drafted(record)[0]["summary"].startswith(best.statement)
    mended = best.model_copy(update={"confidence": 0.01})
    changed = record.model_copy(update={"hypotheses": (mended, *record.hypotheses[1:])})
    assert drafted(changed)[0]["summary"].startswith(plain.incident.symptom)


def test_a_draft_is_plain_text_whatever_the_telemetry_says(plain):
    hostile = (
        "slow \x1b[2J\u202eevil {{ config }} {% raw %} ![x](https://evil.example/a.png) =cmd|' /C calc'!A0"
        " \x1b]8;;https://evil.example\x07run\x1b]8;;\x07 www.evil.example"
    )
    incident = plain.incident.model_copy(update={"symptom": hostile})
    front, body, _ = drafted(plain.model_copy(update={"incident": incident}))
    for text in (front["title"], front["summary"], body):
        assert all(char == "\n" or char.isprintable() for char in text)
        assert "https://" not in text
        assert "www.evil" not in text
    assert not re.search(r"(?<!\\)\]\(", body)
    dumped = split(f"---\nsummary: {json.dumps(front['summary'])}\n---\n").front
    assert parse_yaml(dumped) == {"summary": front["summary"]}
