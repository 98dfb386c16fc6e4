"""`compass check` as programs read it: SARIF and annotations, on the whole tree and on a change."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result
from conftest import commit_all

from compass.cli import cli
from compass.rules.base import Example
from compass.rules.samples import files

_BROKEN = "evidence: [{id: e1, type: metric, query: 'rate(x)'}]"


def write(folder: Path, example: Example) -> None:
    for path, text in files(example).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["-C", str(folder), "check", *arguments])


def test_sarif_has_what_the_standard_requires_and_places_that_fit(tmp_path: Path) -> None:
    write(
        tmp_path,
        Example(front=f"{_BROKEN}\nowner: group:default/paymnts", path="patterns/two words, 100%.md"),
    )
    done = run(tmp_path, "--format", "sarif")
    assert done.exit_code == 1
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0"
    (one,) = log["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert one["tool"]["driver"]["name"] == "compass"
    assert {result["level"] for result in one["results"]} == {"error", "warning"}
    for result in one["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "patterns/two%20words%2C%20100%25.md"
        assert min(place["region"].values()) >= 1


def test_annotations_escape_what_a_workflow_command_reads(tmp_path: Path) -> None:
    write(tmp_path, Example(front="owner: group:default/paymnts", path="patterns/two words, 100%.md"))
    lines = run(tmp_path, "--format", "github").stdout.splitlines()
    assert lines
    assert all(line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in lines)
    assert all("file=patterns/two words%2C 100%25.md,line=" in line for line in lines)


def test_a_gradual_rule_warns_about_the_old_and_stops_the_changed(tmp_path: Path) -> None:
    write(tmp_path, Example(front=_BROKEN))
    commit_all(tmp_path)
    assert run(tmp_path).exit_code == 0
    assert "query-syntax" not in run(tmp_path, "--changed-since", "HEAD").stdout
    changed = tmp_path / "patterns" / "example.md"
    changed.write_text(changed.read_text(encoding="utf-8") + "\nOne more line.\n", encoding="utf-8")
    done = run(tmp_path, "--changed-since", "HEAD")
    assert done.exit_code == 1
    assert "error: this is not PromQL" in done.stdout


def test_a_revision_that_does_not_exist_is_one_clear_message(tmp_path: Path) -> None:
    write(tmp_path, Example())
    commit_all(tmp_path)
    done = run(tmp_path, "--changed-since", "nowhere")
    assert done.exit_code != 0
    assert "nowhere" in done.output + str(done.exception)
