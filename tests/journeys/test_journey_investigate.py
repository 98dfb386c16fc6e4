"""Journey: an engineer without any repository works an incident, and ends with drafts that `check` accepts."""

from __future__ import annotations

import json

from click.testing import CliRunner
from conftest import ROOT

from compass.cli import cli
from compass.cli.dialogue import converse
from compass.workflows.investigate import Memory, investigation_of

RECORDING = ROOT / "knowledge/tribes/product/recordings/slow-dependency-behind-three-services"


def test_from_an_alert_to_cited_drafts_in_the_personal_repository(fixed_environment):
    run = CliRunner().invoke
    done = run(cli, ["investigate", "--recording", str(RECORDING), "--auto", "--no-llm", "--format", "json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    drafted = run(cli, ["draft", found["id"], "--format", "json"])
    assert drafted.exit_code == 0, drafted.output
    answer = json.loads(drafted.stdout)
    assert answer["repository"] == str(fixed_environment / "data" / "compass" / "personal")
    checked = run(cli, ["-C", answer["repository"], "check", "--format", "json"])
    assert checked.exit_code == 0, checked.output


def test_at_the_terminal_a_human_picks_tests_and_asks_why(tmp_path, monkeypatch, capsys):
    from datetime import UTC, datetime
    from pathlib import Path
    from random import Random

    typed = iter(
        [
            "pick 2",
            "test",
            "why 1",
            "evidence 2",
            "evidence 9",
            "note called the owner",
            "what",
            "draft",
            "quit",
        ]
    )
    monkeypatch.setattr("click.prompt", lambda *_args, **_options: next(typed))
    now = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
    where = Memory(Path(), tmp_path / "data", tmp_path / "cache")
    with investigation_of(RECORDING, where, now=now, random=Random(1), clock=lambda: 0.0) as session:
        converse(session, lambda: now)
        record = session.record()
    said = capsys.readouterr().out
    assert [note.text for note in record.notes][1:] == ["called the owner"]
    assert record.notes[0].text.startswith("picked: ")
    assert len(record.hypotheses) == len(session.candidates)
    for words in (
        "predicts:",
        "would be refuted when",
        "sha256",
        "there are hypotheses 1 to",
        "pick N | test",
    ):
        assert words in said
