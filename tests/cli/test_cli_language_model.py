"""A language model from the settings: asked by `investigate`, shown by `doctor`, and left out with --no-llm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

from compass.cli import cli
from compass.config import LanguageModel, load_settings
from compass.errors import ConfigError
from compass.workflows.language import language_model, price

RECORDING = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"
SHAPE = [
    *("schema", "id", "hypotheses", "services", "contributing_causes", "cost", "unsupported"),
    *("timeline", "curves", "notes"),
]


def compass(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments], env=environment)


def investigated(*options: object, **environment: str) -> dict[str, Any]:
    done = compass(
        "investigate", "--recording", RECORDING, "--auto", "--format", "json", *options, **environment
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("llm:\n  provider: scripted\n  model: honest\n")
    return path


def with_config(config: Path, *arguments: object) -> Result:
    return compass("--config", config, *arguments)


def test_none_is_asked_unless_one_is_configured():
    assert list(investigated()) == SHAPE
    assert list(investigated(OLLAMA_HOST="http://127.0.0.1:9")) == SHAPE


def test_a_configured_model_is_asked_and_its_cost_stands_in_the_json(tmp_path):
    environment = {"COMPASS_LLM_PROVIDER": "scripted", "COMPASS_LLM_MODEL": "honest"}
    found = investigated(**environment)
    assert list(found) == [*SHAPE, "model"]
    assert found["cost"]["tokens"] == found["model"]["cost"]["tokens"] > 0
    assert set(found["cost"]) == set(found["model"]["estimate"]) == {"tokens", "usd", "seconds"}
    assert found["model"]["hypotheses"]
    assert found["model"]["estimate"]["tokens"] >= found["cost"]["tokens"]
    # Whoever remembers the first time asks otherwise.
    again = investigated(**environment, XDG_DATA_HOME=str(tmp_path / "nobody"))
    assert again["cost"]["tokens"] == 0
    assert all(one["cached"] for one in again["model"]["calls"])


def test_no_llm_means_none():
    found = investigated("--no-llm", COMPASS_LLM_PROVIDER="scripted", COMPASS_LLM_MODEL="honest")
    assert list(found) == SHAPE


@pytest.mark.parametrize("option", [("--budget-tokens", 5), ("--budget-seconds", 0), ("--budget-usd", 0)])
def test_a_budget_of_the_command_line_wins_over_the_settings(option):
    found = investigated(
        *option,
        COMPASS_LLM_PROVIDER="openai_compatible",
        COMPASS_LLM_MODEL="gpt",
        COMPASS_LLM_URL="http://127.0.0.1:9/v1",
    )
    assert found["cost"]["tokens"] == 0
    reasons = [one["error"] for one in found["model"]["calls"]]
    assert all("budget" in one for one in reasons)


def test_the_report_shows_summary_cost_and_estimate_in_80_columns(config):
    done = with_config(config, "investigate", "--recording", RECORDING, "--auto")
    assert done.exit_code == 0, done.output
    report = done.stdout.partition("\nRecord: ")[0]
    assert all(len(line) <= 80 for line in report.splitlines())
    for words in (
        "Summary in the words of the model honest",
        "Language model: at most",
        "hypotheses: ",
        "untested words",
    ):
        assert words in report


def test_a_model_that_is_down_leaves_the_investigation_whole():
    found = investigated(COMPASS_LLM_MODEL="qwen3:8b", OLLAMA_HOST="http://127.0.0.1:9")
    assert found["hypotheses"]
    assert "could not be reached" in found["model"]["calls"][0]["error"]
    assert found["cost"]["tokens"] == 0


def test_offline_a_model_elsewhere_is_left_out_and_named():
    done = compass(
        "--offline",
        "investigate",
        "--recording",
        RECORDING,
        "--auto",
        "--format",
        "json",
        COMPASS_LLM_MODEL="m",
        OLLAMA_HOST="gpu-box",
    )
    assert done.exit_code == 0, done.output
    assert list(json.loads(done.stdout)) == SHAPE
    assert "with --offline the language model at gpu-box may not be asked; none is asked" in done.stderr
    assert language_model(LanguageModel(model="m"), offline=True) is not None


def test_what_was_found_is_kept_before_the_model_writes_its_summary(monkeypatch, fixed_environment):
    def interrupted(_self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("compass.investigate.session.Session.summarize", interrupted)
    done = compass(
        "investigate", "--recording", RECORDING, "--auto",
        COMPASS_LLM_PROVIDER="scripted", COMPASS_LLM_MODEL="honest",
    )  # fmt: skip
    assert done.exit_code != 0
    assert len(list(fixed_environment.rglob("inv-*.yaml"))) == 1


def test_doctor_says_what_is_configured_and_whether_it_answers(config):
    checks = json.loads(compass("doctor", "--format", "json").stdout)["checks"]
    assert "none is configured" in checks[-1]["meaning"]
    assert checks[-1]["ok"]
    found = json.loads(with_config(config, "doctor", "--format", "json").stdout)
    assert found["checks"][-1] == {
        "name": "language model",
        "needed": False,
        "ok": True,
        "meaning": "the script honest answers; 0 and 0 USD per million tokens read and written",
    }
    down = compass("doctor", "--format", "json", COMPASS_LLM_MODEL="m", OLLAMA_HOST="127.0.0.1:9")
    row = json.loads(down.stdout)["checks"][-1]
    assert not row["ok"]
    rows = {one["name"]: one for one in json.loads(down.stdout)["settings"]}
    assert rows["llm.url"] == {"name": "llm.url", "value": "127.0.0.1:9", "source": "OLLAMA_HOST"}
    assert rows["llm.model"]["source"] == "COMPASS_LLM_MODEL"


def test_doctor_never_shows_the_key():
    done = compass(
        "doctor",
        "--format",
        "json",
        COMPASS_LLM_PROVIDER="openai_compatible",
        COMPASS_LLM_MODEL="m",
        COMPASS_LLM_URL="http://127.0.0.1:9",
        COMPASS_LLM_KEY="k-topsecret",
    )
    assert "k-topsecret" not in done.output
    assert '"set, not shown"' in done.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("llm:\n  modle: x\n", "llm.modle"),
        ("llm:\n  key: x\n", "llm.key"),
        ("llm: [x]\n", "llm"),
        ("llm:\n  context: 5\n", "llm.context"),
        ("llm:\n  url: https://me:secret@models.example\n", "no name or password"),
        ("llm:\n  prices: {m: {input: -1, output: 0}}\n", "llm.prices"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, message):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as wrong:
        load_settings({}, path)
    assert message in str(wrong.value)
    assert "me:secret" not in f"{wrong.value} {wrong.value.hint}"


def test_a_key_goes_only_where_it_was_made_for(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("llm: {provider: openai_compatible, model: m, url: 'https://own.example/v1'}\n")
    both = {"OPENAI_API_KEY": "k-openai", "OPENAI_BASE_URL": "https://proxy.example/v1"}
    assert load_settings(both, path).llm.key is None
    assert load_settings({**both, "COMPASS_LLM_KEY": "k-own"}, path).llm.key == "k-own"
    plain = {"COMPASS_LLM_PROVIDER": "openai_compatible", "COMPASS_LLM_MODEL": "m"}
    found = load_settings({**both, **plain}, None).llm
    assert (found.url, found.key) == ("https://proxy.example/v1", "k-openai")
    assert load_settings({**both, "COMPASS_LLM_MODEL": "m"}, None).llm.key is None


def test_prices_come_from_the_file(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        "llm:\n  provider: openai_compatible\n  model: m\n  prices: {m: {input: 0.5, output: 1.5}}\n"
    )
    settings = load_settings({}, path).llm
    model = language_model(settings)
    assert model is not None
    known = price(settings, model)
    assert known is not None
    assert known.usd(1_000_000, 2_000_000) == pytest.approx(3.5)
    other = LanguageModel(provider="openai_compatible", model="m")
    hosted = language_model(other)
    assert hosted is not None
    assert price(other, hosted) is None
