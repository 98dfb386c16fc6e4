"""The wiring to real models, by hand: a server of Ollama, an OpenAI-compatible endpoint, or both.

OLLAMA_HOST and OLLAMA_MODEL, or OPENAI_BASE_URL and OPENAI_MODEL (and OPENAI_API_KEY, if it wants a key), name them:
`OLLAMA_HOST=127.0.0.1:11434 OLLAMA_MODEL=qwen3:8b pytest -m live tests/services/test_live_language_model.py -s`
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from conftest import ROOT, WHEN

from compass.adapters.llm.answers import Answers
from compass.adapters.llm.call import LLM, Call, UnreachableError
from compass.adapters.llm.ollama import Ollama
from compass.adapters.llm.openai_compatible import OpenAICompatible
from compass.errors import OutsideError
from compass.investigate.budget import Budget, Ledger, Price
from compass.investigate.ideas import Ideas, schema
from compass.investigate.words import Limits, Words
from compass.model.investigation import Investigation, Origin
from compass.workflows.investigate import Memory, investigation_of

NAMED = {
    "ollama": (os.environ.get("OLLAMA_MODEL", ""), os.environ.get("OLLAMA_HOST", "")),
    "openai": (os.environ.get("OPENAI_MODEL", ""), os.environ.get("OPENAI_BASE_URL", "")),
}
KEY = os.environ.get("OPENAI_API_KEY")
RECORDING = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"
CALL = Call(
    "Answer with JSON by the given schema.",
    "payments became slow after a rollout. Propose one explanation.",
    schema(["payments", "ledger"]),
    max_tokens=400,
    context=4096,
    seconds=300,
)

pytestmark = [pytest.mark.live, pytest.mark.enable_socket]


def model_of(kind: str, name: str = "") -> LLM:
    model, url = NAMED[kind]
    if kind == "ollama":
        return Ollama(name or model, url)
    return OpenAICompatible(name or model, url, KEY)


KINDS = [kind for kind, (model, url) in NAMED.items() if model and url]


@pytest.fixture(params=KINDS or ["none"])
def kind(request) -> str:
    if request.param == "none":
        pytest.fail(
            "no model is named: set OLLAMA_HOST and OLLAMA_MODEL, or OPENAI_BASE_URL and OPENAI_MODEL"
        )
    return request.param


def told(text: str) -> None:
    sys.stderr.write(f"\n{text}")


def test_a_real_server_answers_by_the_schema_and_counts_its_tokens(kind):
    model = model_of(kind)
    assert model.model in model.alive(30)
    reply = model.ask(CALL)
    told(f"{kind}: {reply.tokens_in} tokens read, {reply.tokens_out} written, {reply.seconds:.1f} s")
    assert Ideas.model_validate_json(reply.text)
    assert not reply.cut
    assert reply.tokens_in
    assert reply.tokens_out
    assert reply.tokens_in <= CALL.most_tokens_in
    assert reply.tokens_out <= CALL.max_tokens


def test_an_answer_is_cut_off_where_it_was_bounded(kind):
    reply = model_of(kind).ask(replace(CALL, max_tokens=5))
    assert reply.cut
    assert reply.tokens_out is not None
    assert reply.tokens_out <= 6


def test_a_call_that_takes_too_long_is_given_up_and_the_server_still_answers(kind):
    model, began = model_of(kind), time.monotonic()
    with pytest.raises(OutsideError, match="did not answer within"):
        model.ask(replace(CALL, prompt=f"{CALL.prompt} Be thorough.", seconds=0.2))
    assert time.monotonic() - began < 5.0
    assert model.model in model.alive(30)


@pytest.mark.parametrize("kind", [one for one in KINDS if one == "ollama"], indirect=True)
def test_the_size_of_the_context_reaches_ollama(kind):
    for context in (2048, 3072):
        model_of(kind).ask(replace(CALL, context=context, max_tokens=5))
        url = NAMED[kind][1]
        base = url if "://" in url else f"http://{url}"
        loaded = httpx.get(f"{base}/api/ps", timeout=30).json()["models"]
        assert [one["context_length"] for one in loaded] == [context]


def test_a_model_that_was_never_pulled_is_named_with_what_to_do(kind):
    model = model_of(kind, "no-such-model")
    with pytest.raises(OutsideError, match="no-such-model") as absent:
        model.alive(30)
    if kind == "ollama":
        assert absent.value.hint == "ollama pull no-such-model"
        with pytest.raises(UnreachableError, match="has no model 'no-such-model'"):
            model.ask(CALL)


def decided(record: Investigation) -> Any:
    """What no model may change: statements, verdicts, confidences, order, citations, scores and causes."""
    own = [one for one in record.hypotheses if one.origin is not Origin.MODEL]
    return (
        [(one.statement, one.service, one.verdict, one.confidence, one.citations, one.experiments) for one in own],
        record.services,
        record.contributing_causes,
        record.recognized_by,
        record.timeline,
    )  # fmt: skip


def test_a_whole_investigation_decides_as_without_a_model_and_the_second_time_costs_nothing(kind, tmp_path):
    memory = Memory(Path(), tmp_path / "data", tmp_path / "cache")
    records = []
    for asked in (False, True, True):
        with investigation_of(RECORDING, memory, now=WHEN, random=Random(3), clock=time.monotonic) as session:
            if asked:
                words = Words(
                    model_of(kind),
                    Ledger(Budget(tokens=100_000), Price(0.0, 0.0)),
                    Limits(context=8192, seconds=600),
                    Answers(tmp_path / "answers"),
                    time.monotonic,
                )
                session.consult(words, lambda _: None)
            for place in range(len(session.candidates)):
                session.test(place)
            session.summarize()
            records.append(session.record())
    plain, record, again = records
    used = record.language_model
    assert used is not None
    for call in used.calls:
        told(
            f"{kind}: {call.purpose} {call.cost.tokens} tokens, {call.cost.seconds:.1f} s, {call.error or 'used'}"
        )
    told(f"{kind}: {sum(one.supported for one in record.summary)} of {len(record.summary)} sentences hold")
    assert decided(record) == decided(plain)
    assert decided(again) == decided(plain)
    assert 0 < record.cost.tokens <= used.estimate.tokens <= 100_000
    answered = {call.purpose for call in used.calls if call.error is None}
    assert again.language_model is not None
    assert {call.purpose for call in again.language_model.calls if call.cached} == answered
    if answered == {"hypotheses", "summary"}:
        assert again.cost.tokens == 0
