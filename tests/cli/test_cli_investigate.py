"""`investigate`, `draft` and `bench rca` from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from compass.cli import cli
from compass.library import load
from compass.model.entry import Pattern, Postmortem

RECORDING = "recordings/pool-exhaustion-after-rollout"


def compass(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments], input=text)


def investigated(repo: Path) -> dict[str, Any]:
    done = compass(
        "-C", repo, "investigate", "--recording", repo / RECORDING, "--auto", "--no-llm", "--format", "json"
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_json_has_exactly_the_promised_shape(knowledge_repo):
    found = investigated(knowledge_repo)
    assert list(found) == [
        "schema", "id", "hypotheses", "services", "contributing_causes", "cost", "unsupported",
    ]  # fmt: skip
    assert set(found["hypotheses"][0]) == {
        "rank", "statement", "service", "confidence", "verdict", "experiments", "citations",
    }  # fmt: skip
    assert set(found["hypotheses"][0]["citations"][0]) == {"ref", "quote"}
    assert all(set(one) == {"service", "score"} for one in found["services"])
    scores = [one["score"] for one in found["services"]]
    assert scores == sorted(scores, reverse=True)
    assert found["cost"]["tokens"] == 0
    assert set(found["cost"]) == {"tokens", "usd", "seconds"}


def test_the_record_is_written_into_the_repository_and_the_text_fits_80_columns(knowledge_repo):
    done = compass("-C", knowledge_repo, "investigate", "--recording", knowledge_repo / RECORDING, "--auto")
    assert done.exit_code == 0
    assert list((knowledge_repo / "investigations" / "2026").glob("inv-*.yaml"))
    report = done.stdout.partition("\nRecord: ")[0]
    # A reference stays whole, so that it can be copied; it is alone on its line.
    wide = [line.split() for line in report.splitlines() if len(line) > 80]
    assert all(len(words) == 2 and words[0] == "cites" for words in wide)
    for word in (
        "Hypotheses",
        "Contributing causes",
        "Without a citation",
        "Cost: 0 tokens, 0.00 USD",
        "cites team/payments@",
    ):
        assert word in report


def test_without_a_terminal_somebody_has_to_say_auto(knowledge_repo):
    done = compass("-C", knowledge_repo, "investigate", "--recording", knowledge_repo / RECORDING)
    assert done.exit_code != 0
    assert "without a terminal" in str(done.exception)
    assert getattr(done.exception, "exit_code", None) == 2


def test_a_folder_that_is_no_recording_is_refused_with_its_name(knowledge_repo, tmp_path):
    done = compass("-C", knowledge_repo, "investigate", "--recording", tmp_path, "--auto")
    assert "has no recording.yaml" in str(done.exception)


def test_drafts_are_valid_and_a_second_run_writes_nothing(knowledge_repo):
    identifier = investigated(knowledge_repo)["id"]
    first = json.loads(compass("-C", knowledge_repo, "draft", identifier, "--format", "json").stdout)
    assert [one["kind"] for one in first["drafts"]] == ["postmortem", "pattern"]
    second = json.loads(compass("-C", knowledge_repo, "draft", identifier, "--format", "json").stdout)
    assert [one["written"] for one in first["drafts"]] == [True, True]
    assert [one["written"] for one in second["drafts"]] == [False, False]
    assert [one["id"] for one in second["drafts"]] == [one["id"] for one in first["drafts"]]
    library = load(knowledge_repo, revision=None, parents=True)
    entries = {one.id: one.entry for one in library.entries}
    postmortem, pattern = (entries[one["id"]] for one in first["drafts"])
    assert isinstance(postmortem, Postmortem)
    assert isinstance(pattern, Pattern)
    assert postmortem.provenance is not None
    assert pattern.provenance is not None
    assert postmortem.provenance.drafted_by == pattern.provenance.drafted_by == "agent"
    assert postmortem.provenance.investigation == identifier
    assert postmortem.status == pattern.status == "draft"
    assert postmortem.owner == "group:default/payments"
    assert all(action.text.endswith("?") for action in postmortem.actions)
    assert len(pattern.hypotheses) >= 2
    assert pattern.match is not None
    done = compass("-C", knowledge_repo, "check", "--format", "json")
    drafts = {one["path"] for one in first["drafts"]}
    errors = [
        one
        for one in json.loads(done.stdout)["problems"]
        if one["path"] in drafts and one["severity"] == "error"
    ]
    assert errors == []


def test_one_kind_of_draft_can_be_asked_for(knowledge_repo):
    identifier = investigated(knowledge_repo)["id"]
    done = json.loads(
        compass("-C", knowledge_repo, "draft", identifier, "--kind", "pattern", "--format", "json").stdout
    )
    assert [one["kind"] for one in done["drafts"]] == ["pattern"]


@pytest.mark.parametrize("name", ["inv-0000000000", "../../etc/passwd", "latest"])
def test_an_investigation_that_is_not_there_is_a_wrong_usage(knowledge_repo, name):
    done = compass("-C", knowledge_repo, "draft", name)
    assert getattr(done.exception, "exit_code", None) == 2


def bench(folder: Path) -> Path:
    """Two recordings in which the processor of one of four services jumps."""
    truth = []
    for number, guilty in enumerate(("b", "d")):
        place = folder / f"made-up-{number}"
        place.mkdir(parents=True)
        (place / "recording.yaml").write_text(
            f"schema: 1\nid: made-up-{number}\nwindow: {{from: 2026-03-14T09:00:00Z, to: 2026-03-14T09:30:00Z}}\n"
            "detected: 2026-03-14T09:20:00Z\nsymptom: {text: slow}\n"
        )
        with (place / "metrics.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["time", *(f"{name}|cpu_percent" for name in "abcd")])
            for minute in range(30):
                since = minute >= 20
                rows.writerow(
                    [
                        1773478800 + 60 * minute,
                        *(80 if since and name == guilty else 20 + minute % 3 for name in "abcd"),
                    ]
                )
        truth.append({"id": f"made-up-{number}", "service": guilty, "fault": "cpu"})
    (folder / "truth.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in truth))
    return folder


def test_bench_rca_counts_what_was_right_and_writes_the_rankings(tmp_path):
    folder, rankings = bench(tmp_path / "set"), tmp_path / "rankings.jsonl"
    done = compass("bench", "rca", folder, "--alone", "--rankings", rankings, "--format", "json")
    assert done.exit_code == 0, done.output
    rows = {(row["group"], row["method"]): row for row in json.loads(done.stdout)["rows"]}
    assert rows["all", "compass"]["first"] == 1.0
    assert rows["all", "compass"]["cases"] == 2
    assert rows["made-up cpu", "n-sigma"]["chance"] == 0.25
    first = [json.loads(line) for line in rankings.read_text().splitlines()]
    assert [one["ranking"][0] for one in first] == ["b", "d"]
    assert sorted(first[0]["ranking"]) == list("abcd")


def test_bench_rca_takes_the_suite_and_the_place_of_a_recording_from_the_truth_file(tmp_path):
    folder = bench(tmp_path / "set")
    (folder / "made-up-0").rename(folder / "elsewhere")
    row = {"id": "x", "suite": "lab", "service": "b", "fault": "cpu", "recording": "elsewhere"}
    (folder / "truth.jsonl").write_text(f"{json.dumps(row)}\n")
    done = compass("bench", "rca", folder, "--format", "json")
    assert done.exit_code == 0, done.output
    rows = {(row["group"], row["method"]): row for row in json.loads(done.stdout)["rows"]}
    assert rows["lab", "compass"]["first"] == 1.0


def test_bench_rca_skips_a_folder_that_is_not_there_and_says_so(tmp_path):
    done = compass("bench", "rca", tmp_path / "nowhere")
    assert done.exit_code == 0
    assert "skipped" in done.stderr
