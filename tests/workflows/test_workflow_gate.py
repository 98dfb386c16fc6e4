"""The gate that `init` writes: a workflow in which what a proposal brings stays data, and CODEOWNERS from the owners."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, commit_all, organization

from compass.adapters.documents import dump_entry, parse_yaml
from compass.federation.comment import MARK
from compass.library import load
from compass.model.scope import Level
from compass.rules.codeowners import CODEOWNERS, MADE, codeowners, handle_of
from compass.workflows.check import check
from compass.workflows.formatting import format_files
from compass.workflows.gate import GATE, workflow
from compass.workflows.initialize import Plan, initialize

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BIN = Path(sys.executable).parent


def steps() -> list[dict[str, Any]]:
    return [step for job in parse_yaml(workflow())["jobs"].values() for step in job["steps"]]


def test_every_repository_but_a_personal_one_gets_the_gate(tmp_path: Path) -> None:
    for level in Level:
        root = tmp_path / level.value
        initialize(Plan(root, level), now=NOW)
        assert (root / GATE).is_file() is (level is not Level.PERSONAL)


def test_nothing_is_permitted_by_default_and_only_the_comment_may_be_written() -> None:
    found = parse_yaml(workflow())
    assert found["permissions"] == {}
    assert "pull_request_target" not in found["on"]
    jobs = found["jobs"]
    assert jobs["check"]["permissions"] == {"contents": "read"}
    assert jobs["comment"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "head.repo.full_name == github.repository" in jobs["comment"]["if"]


def test_no_action_of_others_is_used_and_no_expression_reaches_a_shell() -> None:
    for step in steps():
        assert "uses" not in step
        assert "${{" not in step["run"], step["name"]
        done = subprocess.run(["bash", "-n"], input=step["run"], text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert f'startswith("{MARK}")' in workflow()


@pytest.mark.services
def test_the_workflow_is_one_by_githubs_own_schema(tmp_path: Path) -> None:
    file = tmp_path / "compass.yml"
    file.write_text(workflow(), encoding="utf-8")
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_steps_check_a_proposal_as_it_would_be_merged(tmp_path: Path) -> None:
    """The steps themselves, run by bash over a real repository in the place of GitHub's."""
    team = organization(tmp_path / "server" / "acme") / "teams" / "payments"
    base = subprocess.run(
        ["git", "-C", team, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    runbook = team / "runbooks" / "relieve-an-exhausted-connection-pool.md"
    runbook.write_text(
        runbook.read_text("utf-8").replace("owner: group:default/payments", "owner: x"), "utf-8"
    )
    pattern = team / "patterns" / "connection-pool-exhaustion-after-a-rollout.md"
    text = pattern.read_text("utf-8")
    loose = text.replace("condition: slow and roll and (pool or waiting)", "condition: slow or not slow")
    assert loose != text
    pattern.write_text(loose, "utf-8")
    head = commit_all(team).resolve("refs/heads/main") or ""
    work = tmp_path / "work"
    work.mkdir()
    environment = os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "GITHUB_SERVER_URL": (tmp_path / "server").as_uri(),
        "GITHUB_REPOSITORY": "acme/organization/teams/payments",
        "GITHUB_SHA": head,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "TOKEN": "none",
        "BASE": base,
    }
    named = {step["name"]: step["run"] for step in steps()}

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", named[name]]
        return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)

    assert run("Check out").returncode == 0
    done = run("Check")
    assert done.returncode == 1
    assert re.search(r"::error file=runbooks/relieve-an-exhausted-connection-pool\.md,line=\d+,", done.stdout)
    assert "it must not match 'quiet-afternoon' and does" in done.stdout
    touched = ("relieve-an-exhausted-connection-pool", "connection-pool-exhaustion-after-a-rollout")
    assert all(
        any(name in line for name in touched) for line in done.stdout.splitlines() if "::error" in line
    )
    assert run("Report").returncode == 0
    summary = (tmp_path / "summary.md").read_text("utf-8")
    assert summary.startswith(MARK)
    assert "matches wrongly" in summary


def handles(top: Path) -> None:
    """Give the teams and tribes of the example organization names at the forge."""
    file = top / "org" / "teams.yaml"
    text = re.sub(
        r"^( *)- id: (\w+)$",
        r"\1- id: \2\n\1  handle: '@acme/\2'",
        file.read_text("utf-8"),
        flags=re.MULTILINE,
    )
    file.write_text(text, "utf-8")


def runbook(owner: str, number: int) -> str:
    data = {
        "schema": 1,
        "kind": "runbook",
        "id": f"run-000000000{number}",
        "title": f"Number {number}",
        "status": "draft",
        "created": "2026-01-01",
        "owner": f"group:default/{owner}",
    }
    return dump_entry(data, "## Meaning\n", "yaml-language-server: $schema=../.compass/schema/runbook.json")


def test_codeowners_names_one_team_for_a_folder_and_the_others_by_file(tmp_path: Path) -> None:
    top = organization(tmp_path)
    handles(top)
    root = top / "teams" / "payments"
    for number, owner in enumerate(("kubernetes", "hub-stewards")):
        (root / f"runbooks/number-{number}.md").write_text(runbook(owner, number), "utf-8")
    library = load(root, revision=None, parents=True)
    text = codeowners(library) or ""
    lines = text.splitlines()
    assert lines[0] == MADE
    assert lines.index("/runbooks/ @acme/payments") < lines.index("/runbooks/number-0.md @acme/kubernetes")
    assert "/runbooks/number-1.md" in lines
    assert "# group:default/hub-stewards has no `handle` in teams.yaml" in lines
    assert "/compass.yaml @acme/product" in lines
    assert handle_of(library.teams, "group:default/payments") == "@acme/payments"
    assert codeowners(load(root, revision=None)) is None


def test_fmt_makes_the_file_and_check_sees_it_drift(tmp_path: Path) -> None:
    top = organization(tmp_path)
    root = top / "teams" / "payments"
    assert format_files(root).changed == ()
    (root / GATE).parent.mkdir(parents=True)
    (root / GATE).write_text(workflow(), "utf-8")
    assert format_files(root).changed == ()
    handles(top)
    commit_all(top / "org")
    assert format_files(root, write=False).changed == (CODEOWNERS,)
    assert not (root / CODEOWNERS).exists()
    assert format_files(root).changed == (CODEOWNERS,)
    assert format_files(root).changed == ()
    assert drift(root) == []
    (root / "runbooks/number-0.md").write_text(runbook("kubernetes", 0), "utf-8")
    assert len(drift(root)) == 1
    assert format_files(root).changed == (CODEOWNERS,)
    assert drift(root) == []


def test_a_file_that_people_wrote_and_a_link_are_left_alone(tmp_path: Path) -> None:
    top = organization(tmp_path)
    handles(top)
    root = top / "teams" / "payments"
    file = root / CODEOWNERS
    file.parent.mkdir()
    file.write_text("* @acme/everybody\n")
    assert format_files(root).changed == ()
    assert drift(root) == []
    file.unlink()
    file.symlink_to(ROOT / "README.md")
    assert format_files(root).changed == ()


def drift(root: Path) -> list[str]:
    return [
        one.message for one in check(root, today=date(2026, 6, 1)).problems if one.rule == "codeowners-drift"
    ]
