"""Journey: an engineer without any repository works an incident, and ends with drafts that `check` accepts."""

from __future__ import annotations

import json

from click.testing import CliRunner
from conftest import ROOT

from compass.cli import cli

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
