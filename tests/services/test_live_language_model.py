"""The wiring to a real Ollama server, by hand: OLLAMA_HOST=… COMPASS_LLM_MODEL=… pytest -m live."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT, WHEN

from compass.adapters.llm.call import Call
from compass.adapters.llm.ollama import Ollama
from compass.investigate.budget import Budget, Ledger, Price
from compass.investigate.ideas import Ideas, schema
from compass.investigate.words import Limits, Words
from compass.model.investigation import Origin
from compass.workflows.investigate import Memory, investigation_of

HOST = os.environ.get("OLLAMA_HOST", "")
MODEL = os.environ.get("COMPASS_LLM_MODEL", "")
RECORDING = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"

pytestmark = [
    pytest.mark.live,
    pytest.mark.enable_socket,
    pytest.mark.skipif(
        not (HOST and MODEL), reason="OLLAMA_HOST and COMPASS_LLM_MODEL name no server and model"
    ),
]


def test_a_real_server_answers_by_the_schema_and_counts_its_tokens():
    model = Ollama(MODEL, HOST)
    assert MODEL in model.alive(10)
    call = Call(
        "Answer with JSON by the given schema.",
        "payments became slow after a rollout. Propose one explanation.",
        schema(["payments", "ledger"]),
        max_tokens=400,
        context=4096,
        seconds=300,
    )
    reply = model.ask(call)
    assert Ideas.model_validate_json(reply.text)
    assert reply.tokens_in
    assert reply.tokens_out
    assert reply.tokens_in <= call.most_tokens_in
    assert reply.tokens_out <= call.max_tokens


def test_a_whole_investigation_with_a_real_server_decides_as_without_one(tmp_path):
    memory = Memory(Path(), tmp_path / "data", tmp_path / "cache")
    records = []
    for asked in (False, True):
        with investigation_of(RECORDING, memory, now=WHEN, random=Random(3), clock=lambda: 0.0) as session:
            if asked:
                words = Words(
                    Ollama(MODEL, HOST),
                    Ledger(Budget(tokens=100_000), Price(0.0, 0.0)),
                    Limits(context=8192, seconds=600),
                )
                session.consult(words, lambda _: None)
            for place in range(len(session.candidates)):
                session.test(place)
            session.summarize()
            records.append(session.record())
    plain, record = records
    own = [
        (one.statement, one.verdict, one.confidence)
        for one in record.hypotheses
        if one.origin is not Origin.MODEL
    ]
    assert own == [(one.statement, one.verdict, one.confidence) for one in plain.hypotheses]
    assert record.services == plain.services
    assert record.cost.tokens
