"""From one engineer's draft to the team, to the tribe and back down to everybody, by the commands alone."""

import json
import re

import pytest
from click.testing import CliRunner
from conftest import commit_all, organization

from compass.adapters import sshsig
from compass.adapters.git import GitRepository
from compass.cli import cli

DRAFT = """\
---
# yaml-language-server: $schema=../.compass/schema/pattern.json
schema: 1
kind: pattern
id: pat-7k3x9q2m4t
title: Payments wait for a database connection after a rollout
status: draft
created: 2026-03-14
summary: A rollout made the pool smaller than the number of workers, so requests wait and then fail.
owner: group:default/payments
services:
  - component:default/payments
---

## Symptoms

Requests wait for a connection and then fail.
Seen at Example Department Store on pay-prod-1; payments-engineer@example.com looked at it.

## Mechanism

The pool is smaller than the number of workers.

## Diagnosis

Look at the number of connections in use.

## Mitigation

Roll back, or make the pool larger.
"""


@pytest.fixture
def top(tmp_path):
    """The example organization, in which everybody has a key."""
    top = organization(tmp_path)
    people = top / "org" / "people.yaml"
    text = people.read_text()
    for number, who in enumerate(re.findall(r"- id: (\S+)", text)):
        key = sshsig.generate(bytes([number + 1] * 32))
        (tmp_path / f"{who}.key").write_bytes(key.openssh())
        text = re.sub(
            rf"(- id: {who}\n    emails:\n.*\n    keys:) \[\]", rf"\1\n      - {key.authorized}", text
        )
    people.write_text(text)
    commit_all(top / "org")
    return top


def test_a_draft_travels_from_one_engineer_to_the_tribe_and_back_down(top, tmp_path, monkeypatch):
    def compass(who, repo, *arguments):
        monkeypatch.setenv("COMPASS_PRINCIPAL", who)
        result = CliRunner().invoke(cli, ["-C", str(repo), *arguments, "--format", "json"])
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    def decide(repo, proposal, *people):
        for who in people:
            compass(
                who, repo, "review", "approve", proposal["proposal"], "--key", str(tmp_path / f"{who}.key")
            )
        return compass(people[-1], repo, "review", "land", proposal["proposal"])

    mine, team, tribe = tmp_path / "mine", top / "teams" / "payments", top / "tribes" / "product"
    (mine / "patterns").mkdir(parents=True)
    (mine / "compass.yaml").write_text(
        f"schema: 1\nlevel: personal\nid: personal/oncall\nparents:\n  - {team}\n"
    )
    commit_all(mine)
    (mine / "patterns" / "pool.md").write_text(DRAFT)

    proposal = compass("payments-oncall", mine, "contribute", "patterns/pool.md")
    assert decide(team, proposal, "payments-lead")["state"] == "landed"
    assert (team / "patterns" / "pool.md").is_file()

    proposal = compass("payments-oncall", team, "promote", "pat-7k3x9q2m4t", "--to", "tribe")
    assert {one["role"]: one["count"] for one in proposal["needs"]} == {"team_lead": 1, "tribal_lead": 1}
    assert proposal["replaced"]
    assert decide(tribe, proposal, "payments-lead", "product-lead")["state"] == "landed"

    team_git, tribe_git = GitRepository.open(team), GitRepository.open(tribe)
    path = next(
        one.path for one in tribe_git.tree("HEAD", "patterns") if b"pat-7k3x9q2m4t" in tribe_git.read(one.oid)
    )
    text = (tribe / path).read_text()
    for word in ("Department", "pay-prod-1", "payments-engineer@"):
        assert word not in text
    listing = ("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    new = set(
        tribe_git.git("rev-list", "--objects", "--no-object-names", "refs/heads/main", "^refs/heads/main~1")
        .decode()
        .split()
    )
    assert new
    assert not new & set(team_git.git(*listing).decode().split())

    news = compass("payments-oncall", mine, "sync")
    assert ("tribe/product", "pat-7k3x9q2m4t") in {(one["repo"], one["id"]) for one in news["added"]}
    assert not news["alarms"]


@pytest.mark.slow
def test_every_entry_of_the_example_teams_may_be_promoted(top, monkeypatch):
    for team, who in (("payments", "payments-oncall"), ("kubernetes", "kubernetes-oncall")):
        monkeypatch.setenv("COMPASS_PRINCIPAL", who)
        repo = top / "teams" / team
        paths = [*repo.glob("patterns/*.md"), *repo.glob("runbooks/*.md"), *repo.glob("postmortems/*/*.md")]
        assert paths
        for path in sorted(paths):
            name = path.relative_to(repo).as_posix()
            result = CliRunner().invoke(cli, ["-C", str(repo), "promote", name, "--dry-run"])
            assert result.exit_code == 0, (name, result.exception)
