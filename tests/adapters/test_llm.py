"""Language models over real sockets: what is sent, what is counted, and every way to fail."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from model_servers import (
    ANSWER,
    cut,
    denying,
    dripping,
    hanging_up,
    miscounting,
    nonsense,
    ollama,
    openai,
    refusing,
    send,
    serving,
    strict,
    unfinished,
)

from compass.adapters.llm.answers import Answers
from compass.adapters.llm.call import Call, Reply, UnreachableError
from compass.adapters.llm.limits import is_loopback
from compass.adapters.llm.ollama import Ollama
from compass.adapters.llm.openai_compatible import OpenAICompatible
from compass.adapters.llm.scripted import Scripted, honest, scripted
from compass.errors import ConfigError, OutsideError

SCHEMA = {"type": "object", "properties": {"hypotheses": {"type": "array", "items": {"type": "string"}}}}
CALL = Call("be brief", "what happened?", SCHEMA, max_tokens=99, context=4096, seconds=5.0)
BOTH = [pytest.param(Ollama, id="ollama"), pytest.param(OpenAICompatible, id="openai")]


def test_ollama_gets_the_schema_and_an_explicit_context() -> None:
    with serving(ollama) as served:
        reply = Ollama("small", served.url).ask(CALL)
    assert (reply.text, reply.tokens_in, reply.tokens_out, reply.model) == (ANSWER, 41, 7, "small")
    path, _, body = served.requests[0]
    assert path == "/api/chat"
    assert body["format"] == SCHEMA
    assert body["options"] == {"num_ctx": 4096, "num_predict": 99, "temperature": 0.0, "seed": 0}
    assert [one["content"] for one in body["messages"]] == ["be brief", "what happened?"]


def test_an_openai_compatible_endpoint_gets_the_schema_and_the_key() -> None:
    with serving(openai) as served:
        reply = OpenAICompatible("gpt-small", f"{served.url}/v1", "k-123").ask(CALL)
    assert (reply.text, reply.tokens_in, reply.tokens_out) == (ANSWER, 52, 9)
    path, headers, body = served.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer k-123"
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["max_tokens"] == 99


@pytest.mark.parametrize("kind", BOTH)
def test_counts_that_are_none_leave_the_count_open(kind) -> None:
    with serving(miscounting) as served:
        reply = kind("small", served.url).ask(CALL)
    assert (reply.text, reply.tokens_in, reply.tokens_out) == (ANSWER, None, None)


def test_an_endpoint_that_does_not_count_leaves_the_count_open() -> None:
    with serving(lambda handler, _: send(handler, {"choices": [{"message": {"content": "x"}}]})) as served:
        reply = OpenAICompatible("gpt-small", served.url).ask(CALL)
    assert (reply.tokens_in, reply.tokens_out) == (None, None)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("handle", [nonsense, unfinished, hanging_up])
def test_a_server_that_answers_otherwise_is_an_outside_error_that_names_it(kind, handle) -> None:
    with serving(handle) as served, pytest.raises(OutsideError, match=r"127\.0\.0\.1:\d+ ") as failure:
        kind("small", served.url).ask(CALL)
    assert not isinstance(failure.value, UnreachableError)


def test_a_model_that_is_not_there_cost_nothing_and_the_next_step_is_named() -> None:
    with serving(refusing) as served:
        with pytest.raises(UnreachableError, match="has no model 'small'") as failure:
            Ollama("small", served.url).ask(CALL)
        assert failure.value.hint == "ollama pull small"
        with pytest.raises(UnreachableError, match="404") as failure:
            OpenAICompatible("small", served.url).ask(CALL)
        assert "`llm.model`" in str(failure.value.hint)
    with serving(denying) as served, pytest.raises(UnreachableError, match="401") as failure:
        OpenAICompatible("small", served.url).ask(CALL)
    assert "COMPASS_LLM_KEY" in str(failure.value.hint)


@pytest.mark.parametrize("kind", BOTH)
def test_an_answer_that_was_cut_off_says_so(kind) -> None:
    with serving(cut) as served:
        reply = kind("small", served.url).ask(CALL)
    assert (reply.text, reply.cut) == (ANSWER[:5], True)
    with serving(ollama if kind is Ollama else openai) as served:
        assert not kind("small", served.url).ask(CALL).cut


def test_an_endpoint_that_refuses_bounds_of_length_gets_the_schema_without_them() -> None:
    text = {"type": "string", "maxLength": 9}
    rows = {"type": "array", "items": text, "maxItems": 2}
    bounded = {"type": "object", "properties": {"hypotheses": rows}}
    with serving(strict) as served:
        assert OpenAICompatible("gpt-small", served.url).ask(replace(CALL, schema=bounded)).text == ANSWER
    sent = [body["response_format"]["json_schema"]["schema"] for _, _, body in served.requests]
    assert sent == [bounded, SCHEMA]


@pytest.mark.parametrize("kind", BOTH)
def test_a_server_that_drips_is_given_up_in_time(kind) -> None:
    with serving(dripping) as served:
        began = time.monotonic()
        with pytest.raises(OutsideError, match=r"did not answer within 0\.3 seconds"):
            kind("small", served.url).ask(replace(CALL, seconds=0.3))
        assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("kind", BOTH)
def test_where_nobody_listens_nothing_was_sent(kind) -> None:
    with pytest.raises(UnreachableError, match="could not be reached"):
        kind("small", "http://127.0.0.1:9").ask(CALL)


@pytest.mark.parametrize("kind", BOTH)
def test_a_redirect_carries_the_prompt_nowhere(kind) -> None:
    with serving(openai) as elsewhere:

        def moved(handler, _body) -> None:
            send(handler, {}, status=307, headers=[("Location", f"{elsewhere.url}/api/chat")])

        with serving(moved) as served, pytest.raises(OutsideError):
            kind("small", served.url).ask(CALL)
    assert elsewhere.requests == []


def test_alive_says_whether_the_model_is_there() -> None:
    with serving(ollama) as served:
        assert "answers and has small" in Ollama("small", served.url).alive(5)
        with pytest.raises(OutsideError, match="has no model 'large'") as failure:
            Ollama("large", served.url).alive(5)
        assert failure.value.hint == "ollama pull large"
    with serving(openai) as served:
        assert "has gpt-small" in OpenAICompatible("gpt-small", served.url).alive(5)
        with pytest.raises(OutsideError, match="has no model"):
            OpenAICompatible("gpt-large", served.url).alive(5)


@pytest.mark.parametrize("kind", BOTH)
def test_alive_fails_where_nobody_listens(kind) -> None:
    with pytest.raises(OutsideError):
        kind("small", "http://127.0.0.1:9").alive(2)


@pytest.mark.parametrize(
    ("url", "key"),
    [("http://models.example/v1", "k"), ("models.example", None), ("https://models.example", "k\nHost: x")],
)
def test_a_key_goes_out_encrypted_and_whole_or_not_at_all(url, key) -> None:
    with pytest.raises(ConfigError) as refused:
        OpenAICompatible("m", url, key)
    assert "Host: x" not in str(refused.value)


def test_the_key_is_in_no_text_about_the_model() -> None:
    model = OpenAICompatible("m", "https://models.example/v1", "k-secret")
    assert "k-secret" not in f"{model!r} {model.identity}"


@pytest.mark.parametrize(
    ("model", "free"),
    [
        (Ollama("qwen3:8b"), True),
        (Ollama("qwen3:8b", ":11434"), True),
        (Ollama("qwen3:8b", "gpu-box:11434"), False),
        (Ollama("gpt-oss:120b-cloud"), False),
        (OpenAICompatible("m", "http://127.0.0.1:8000/v1"), False),
    ],
)
def test_only_what_surely_runs_here_is_free(model, free) -> None:
    assert model.free is free


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1", True),
        ("[::1]:11434", True),
        ("localhost.evil.example", False),
        ("10.0.0.1", False),
    ],
)
def test_this_machine_is_known_by_its_names(url, here) -> None:
    assert is_loopback(url) is here


def test_an_identical_call_is_answered_from_the_folder_and_costs_nothing(tmp_path) -> None:
    answers, model = Answers(tmp_path), Scripted(honest)
    assert answers.known(model, CALL) is None
    answers.keep(model, CALL, Reply("{}", "scripted", 5, 6, 1.0))
    assert answers.known(model, CALL) == Reply("{}", "scripted", 0, 0, 0.0, cached=True)
    assert answers.known(model, replace(CALL, seconds=1.0)) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "what else?"},
        {"system": "be long"},
        {"schema": {}},
        {"max_tokens": 98},
        {"context": 8192},
        {"temperature": 0.1},
        {"seed": 1},
    ],
)
def test_every_part_of_a_call_counts_for_its_digest(tmp_path, change) -> None:
    answers, model = Answers(tmp_path), Scripted(honest)
    answers.keep(model, CALL, Reply("{}", "scripted", 5, 6, 1.0))
    assert answers.known(model, replace(CALL, **change)) is None
    assert answers.known(Scripted(honest, "another"), CALL) is None


def test_a_damaged_answer_is_asked_again(tmp_path) -> None:
    answers, model = Answers(tmp_path), Scripted(honest)
    answers.keep(model, CALL, Reply("{}", "scripted", 5, 6, 1.0))
    next(tmp_path.glob("*/*.json")).write_text("[")
    assert answers.known(model, CALL) is None


def test_a_script_may_be_a_file_of_answers(tmp_path) -> None:
    (tmp_path / "answers").write_text('{"a": 1}\n{"b": 2}\n')
    model = scripted(str(tmp_path / "answers"))
    assert [model.ask(CALL).text for _ in range(3)] == ['{"a": 1}', '{"b": 2}', '{"b": 2}']
    assert "answers" in model.alive(1)
    with pytest.raises(ConfigError, match="is no script"):
        scripted("nobody")
    with pytest.raises(OutsideError):
        scripted("slow").ask(CALL)


def test_no_text_has_more_tokens_than_the_bound_says() -> None:
    text = "ä€𝄞 x" * 50
    assert replace(CALL, prompt=text).most_tokens_in >= len(text.encode())
