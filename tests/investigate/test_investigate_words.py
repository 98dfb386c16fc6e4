"""With a model and without one: the same verdicts; and a budget that holds."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any

import pytest
from conftest import ROOT, WHEN

from compass.adapters.llm.answers import Answers
from compass.adapters.llm.call import Call, Reply, UnreachableError
from compass.adapters.llm.scripted import SCRIPTS, Scripted, garbage, honest, slow
from compass.errors import OutsideError
from compass.investigate.budget import Budget, Ledger, Price
from compass.investigate.ideas import MOST, services_of
from compass.investigate.session import Session
from compass.investigate.words import Limits, Words
from compass.model.investigation import Cost, Investigation, Origin, Verdict
from compass.workflows.investigate import Memory, investigation_of

RECORDINGS = sorted(path.parent for path in (ROOT / "knowledge").rglob("recording.yaml"))
POOL = next(path for path in RECORDINGS if path.name.startswith("pool"))
FREE = Price(0.0, 0.0)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory) -> Any:
    """A session over each recording."""
    where = tmp_path_factory.mktemp("data")
    memory = Memory(Path(), where / "data", where / "cache")
    opened = {}
    managers = []
    for path in RECORDINGS:
        manager = investigation_of(path, memory, now=WHEN, random=Random(3), clock=lambda: 0.0)
        opened[path] = manager.__enter__()
        managers.append(manager)
    yield opened
    for manager in managers:
        manager.__exit__(None, None, None)


def words_of(model: Any, budget: Budget | None = None, price: Price | None = FREE, **more: Any) -> Words:
    return Words(model, Ledger(budget or Budget(), price), **more)


def run(session: Session, words: Words | None) -> Investigation:
    again = replace(session, results={}, notes=[])
    if words is not None:
        again.consult(words, lambda _: None)
    for place in range(len(again.candidates)):
        again.test(place)
    again.summarize()
    return again.record()


def ideas(*rows: tuple[str, str]) -> str:
    return json.dumps(
        {
            "hypotheses": [
                {"statement": "s", "service": service, "kind": kind, "prediction": "p"}
                for service, kind in rows
            ]
        }
    )


def answering(first: str, then: str = '{"sentences":[]}') -> Scripted:
    return Scripted(lambda call: first if "hypotheses" in call.schema["properties"] else then)


@pytest.mark.parametrize("script", list(SCRIPTS))
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_verdicts_confidences_rankings_and_causes_are_those_without_a_model(sessions, path, script):
    plain = run(sessions[path], None)
    record = run(sessions[path], words_of(Scripted(SCRIPTS[script], script)))
    own = [one for one in record.hypotheses if one.origin is not Origin.MODEL]
    assert [one.model_copy(update={"rank": 0}) for one in own] == [
        one.model_copy(update={"rank": 0}) for one in plain.hypotheses
    ]
    for name in ("services", "contributing_causes", "recognized_by", "timeline", "missing"):
        assert getattr(record, name) == getattr(plain, name)
    assert record.language_model is not None
    assert record.language_model.calls
    assert all(one.confidence < 0.5 for one in record.hypotheses if one.origin is Origin.MODEL)


def test_an_honest_model_adds_a_hypothesis_that_our_experiments_judge_and_a_summary(sessions):
    session = sessions[POOL]
    model = answering(
        ideas(("ledger", "cpu"), ("ghost", "cpu"), ("payments-db", "stopped")),
        json.dumps(
            {
                "sentences": [
                    {
                        "section": "summary",
                        "text": "payments-db has stopped, or can no longer be observed: refuted",
                        "facts": ["h6"],
                    }
                ]
            }
        ),
    )
    record = run(session, words_of(model))
    added = {one.statement: one for one in record.hypotheses if one.origin is Origin.MODEL}
    assert list(added) == [
        "ledger runs short of processor time",
        "payments-db has stopped, or can no longer be observed",
    ] or set(added) == {
        "ledger runs short of processor time",
        "payments-db has stopped, or can no longer be observed",
    }
    assert all(one.experiments and one.verdict is Verdict.REFUTED for one in added.values())
    assert record.language_model is not None
    assert record.language_model.dropped == ("a service that is not known",)
    assert len(record.summary) == 1
    assert sum(one.cost.tokens for one in added.values()) <= record.cost.tokens
    assert all(one.cost.tokens for one in added.values())


def test_what_is_there_already_and_what_cannot_be_tested_is_dropped_with_the_reason(sessions):
    session = sessions[POOL]
    known = next(one for one in session.candidates if one.statement.endswith("runs short of processor time"))
    model = answering(
        ideas(
            (str(known.service), "cpu"),
            ("ledger", "disk"),
            ("ledger", "cpu"),
            ("checkout", "cpu"),
            ("storefront", "cpu"),
        )
    )
    record = run(session, words_of(model))
    assert record.language_model is not None
    told = " ".join(record.language_model.dropped)
    assert "already considered" in told
    assert "no telemetry here could refute it" in told
    assert f"{MOST} are enough" in told
    assert sum(one.origin is Origin.MODEL for one in record.hypotheses) == MOST


def test_the_statement_is_ours_and_the_words_of_the_model_are_marked(sessions):
    row = {
        "statement": "Bob broke 77 things",
        "service": "ledger",
        "kind": "cpu",
        "prediction": "see http://x.example",
    }
    record = run(sessions[POOL], words_of(answering(json.dumps({"hypotheses": [row]}))))
    (added,) = [one for one in record.hypotheses if one.origin is Origin.MODEL]
    assert "Bob" not in added.statement + added.predicts
    assert added.why == (
        "the model's statement, untested words: Bob broke [struck] things",
        "the model's prediction, untested words: see [struck]",
    )


def test_garbage_is_tried_twice_and_then_done_without(sessions):
    model = Scripted(garbage)
    record = run(sessions[POOL], words_of(model))
    assert record.language_model is not None
    assert [one.purpose for one in record.language_model.calls] == ["hypotheses"] * 2 + ["summary"] * 2
    assert all("not of the asked shape" in (one.error or "") for one in record.language_model.calls)
    assert "{{{" not in " ".join(call.prompt for call in model.calls)


def test_a_second_try_may_succeed(sessions):
    answers = iter(["nonsense", ideas(("ledger", "cpu")), '{"sentences":[]}'])
    record = run(sessions[POOL], words_of(Scripted(lambda _: next(answers))))
    assert any(one.origin is Origin.MODEL for one in record.hypotheses)


def test_a_model_that_does_not_answer_is_charged_what_it_may_have_cost(sessions):
    record = run(sessions[POOL], words_of(Scripted(slow), price=Price(1.0, 2.0)))
    assert record.language_model is not None
    assert all(one.estimated and one.cost.tokens for one in record.language_model.calls)
    assert record.cost.usd
    assert "did not answer" in (record.language_model.calls[0].error or "")


def test_where_nobody_listens_nothing_is_charged(sessions):
    def absent(_call: Call) -> str:
        raise UnreachableError("nobody there")

    record = run(sessions[POOL], words_of(Scripted(absent), price=None))
    assert (record.cost.tokens, record.cost.usd) == (0, 0.0)
    assert record.language_model is not None
    assert record.language_model.calls[0].error == "nobody there"


@pytest.mark.parametrize(
    ("budget", "price", "reason"),
    [
        (Budget(tokens=10), FREE, "10 tokens"),
        (Budget(usd=0.000001), Price(5.0, 10.0), "USD does not cover"),
        (Budget(usd=5.0), None, "price of the model is not known"),
        (Budget(seconds=0.0), FREE, "seconds is used up"),
    ],
)
def test_a_budget_that_a_call_could_exceed_prevents_the_call(sessions, budget, price, reason):
    model = Scripted(honest)
    record = run(sessions[POOL], words_of(model, budget, price))
    assert model.calls == []
    assert record.language_model is not None
    assert all(reason in (one.error or "") for one in record.language_model.calls)
    assert record.cost.tokens == 0


@pytest.mark.parametrize("tokens", [0, 3000, 5000, 8000, 12000, 20000, 40000])
@pytest.mark.parametrize("script", [honest, garbage, slow])
def test_no_budget_is_ever_exceeded(sessions, tokens, script):
    budget = Budget(tokens=tokens, usd=tokens * 2e-6)
    record = run(sessions[POOL], words_of(Scripted(script), budget, Price(1.0, 3.0)))
    assert record.cost.tokens <= tokens
    assert record.cost.usd is not None
    assert record.cost.usd <= tokens * 2e-6
    assert record.language_model is not None
    assert record.language_model.estimate.tokens <= tokens


def test_the_time_that_is_left_bounds_the_next_call(sessions):
    ticks = iter(range(0, 1000, 7))
    model = Scripted(honest)
    run(sessions[POOL], words_of(model, Budget(seconds=10.0), clock=lambda: float(next(ticks))))
    assert [call.seconds for call in model.calls] == [10.0, 3.0]


def test_calls_beside_each_other_never_exceed_the_budget_together():
    ledger = Ledger(Budget(tokens=1000, usd=0.0015, seconds=30.0), Price(1.0, 2.0))
    gate = Barrier(8)

    def call(_: int) -> Cost | None:
        gate.wait()
        reserved = ledger.reserve(200, 100, 8.0)
        gate.wait()
        return None if isinstance(reserved, str) else ledger.charge(reserved, 200, 100, reserved.seconds)

    with ThreadPoolExecutor(8) as pool:
        done = [one for one in pool.map(call, range(8)) if one]
    assert len(done) == 3
    assert (ledger.tokens, ledger.seconds) == (900, 24.0)
    assert ledger.usd == pytest.approx(0.0012)
    last = ledger.reserve(10, 10, 8.0)
    assert not isinstance(last, str)
    assert last.seconds == 6.0
    assert ledger.reserve(1, 1, 8.0) == "the budget of 30 seconds is used up"
    ledger.charge(last, 0, 0, 1.0)
    assert not isinstance(ledger.reserve(1, 1, 8.0), str)


def test_what_the_server_refuses_says_what_next_and_what_was_cut_off_says_so(sessions):
    def absent(_call: Call) -> str:
        raise UnreachableError("Ollama has no model 'x'", "ollama pull x")

    class Cut(Scripted):
        def ask(self, call: Call) -> Reply:
            return replace(super().ask(call), text='{"hypo', cut=True)

    for model, told in ((Scripted(absent), "; ollama pull x"), (Cut(honest), "cut off after 800 tokens")):
        record = run(sessions[POOL], words_of(model))
        assert record.language_model is not None
        assert told in (record.language_model.calls[0].error or "")


def test_an_unknown_price_is_unknown_and_never_nothing(sessions):
    record = run(sessions[POOL], words_of(Scripted(honest), price=None))
    assert record.cost.tokens
    assert record.cost.usd is None
    assert record.as_json()["cost"]["usd"] is None
    assert record.as_json()["model"]["estimate"]["usd"] is None


def test_a_server_that_does_not_count_is_charged_the_most(sessions):
    class Silent(Scripted):
        def ask(self, call: Call) -> Reply:
            return replace(super().ask(call), tokens_in=None, tokens_out=None)

    record = run(sessions[POOL], words_of(Silent(honest)))
    assert record.language_model is not None
    assert all(one.estimated and one.cost.tokens > 1000 for one in record.language_model.calls)


def test_identical_calls_are_answered_from_the_cache(sessions, tmp_path):
    answers = Answers(tmp_path)
    first = run(sessions[POOL], words_of(Scripted(honest), answers=answers))
    model = Scripted(honest)
    second = run(sessions[POOL], words_of(model, answers=answers))
    assert model.calls == []
    assert second.cost.tokens == 0
    assert second.language_model is not None
    assert all(one.cached for one in second.language_model.calls)
    assert [one.statement for one in first.hypotheses] == [one.statement for one in second.hypotheses]
    assert first.summary == second.summary


def test_garbage_is_not_kept(sessions, tmp_path):
    run(sessions[POOL], words_of(Scripted(garbage), answers=Answers(tmp_path)))
    assert list(tmp_path.rglob("*.json")) == []


def test_a_prompt_that_does_not_fit_is_not_sent(sessions):
    model = Scripted(honest)
    record = run(sessions[POOL], words_of(model, limits=Limits(context=2048, max_tokens=1500)))
    assert model.calls == []
    assert record.language_model is not None
    assert "does not fit" in (record.language_model.calls[0].error or "")


def test_every_prompt_fits_into_the_context_with_its_answer(sessions):
    model = Scripted(honest)
    run(sessions[POOL], words_of(model, limits=Limits(context=6144, max_tokens=500)))
    assert model.calls
    assert all(call.most_tokens_in + call.max_tokens <= 6144 for call in model.calls)


def test_prompts_have_a_version_and_their_digest_stands_in_the_record(sessions):
    record = run(sessions[POOL], words_of(Scripted(honest)))
    assert record.language_model is not None
    assert {one.prompt for one in record.language_model.calls} == {"hypotheses-1", "summary-2"}
    assert len({one.prompt_sha256 for one in record.language_model.calls}) == 2


def test_only_known_services_may_be_named(sessions):
    session = sessions[POOL]
    model = Scripted(honest)
    run(session, words_of(model))
    enum = model.calls[0].schema["properties"]["hypotheses"]["items"]["properties"]["service"]["enum"]
    assert enum == services_of(session.ranking)


def test_without_telemetry_no_model_is_asked_for_ideas(sessions):
    session = sessions[POOL]
    model = Scripted(honest)
    bare = session.ranking._replace(components=())
    assert words_of(model).ideas(session.incident, session.bench, bare, ()) == ()
    assert model.calls == []


def test_an_outside_failure_of_the_model_ends_no_investigation(sessions):
    def broken(_call: Call) -> str:
        raise OutsideError("the server burns")

    record = run(sessions[POOL], words_of(Scripted(broken)))
    assert record.hypotheses
