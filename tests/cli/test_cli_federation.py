"""contribute, promote, review and sync as people and programs call them."""

import json
import shutil

import federation_world
import pytest
from click.testing import CliRunner
from federation_world import KEYS, PAT, World, config, entry, save

from compass.cli import cli
from compass.cli.failures import guarded
from compass.rules.samples import ALERTS, RECORDING

PROPOSAL = {"schema", "proposal", "branch", "head", "tree", "target", "state", "needs", "replaced"}
MATCH = """\
match:
  window: 15m
  signals:
    slow:
      type: alert
      matchers:
        - alertname="HighLatency"
  condition: slow"""

template = federation_world.template


@pytest.fixture
def world(template, tmp_path):
    shutil.copytree(template, tmp_path / "world", dirs_exist_ok=True)
    for who in ("ben", "ann", "lead", "chief"):
        (tmp_path / "world" / f"{who}.key").write_bytes(KEYS[who].openssh())
    return World(tmp_path / "world")


@pytest.fixture
def compass(world, monkeypatch):
    """`compass -C REPO …` as somebody; the result, with its JSON when that was asked for."""

    def run(who, repo, *arguments, code=0):
        monkeypatch.setenv("COMPASS_PRINCIPAL", who)
        result = CliRunner().invoke(cli, ["-C", str(world.root / repo), *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return json.loads(result.stdout) if "json" in arguments else result

    return run


def test_a_contribution_through_review_to_landing_in_json(world, compass):
    world.write(entry())
    dry = compass("ann", "me", "contribute", PAT, "--dry-run", "--format", "json")
    assert dry["leaves"]["patterns/pool.md"].startswith("---\n")
    sent = compass("ann", "me", "contribute", "patterns/pool.md", "--format", "json")
    assert set(sent) >= PROPOSAL
    assert "leaves" not in sent
    assert sent["needs"] == [{"role": "team_member", "count": 1, "have": 0}]
    pid = sent["proposal"]
    assert [one["proposal"] for one in compass("ben", "pay.git", "review", "list", "--format", "json")] == [
        pid
    ]
    assert compass("ben", "pay.git", "review", "show", pid, "--format", "json")["head"] == sent["head"]
    key = str(world.root / "ben.key")
    approved = compass("ben", "pay.git", "review", "approve", pid, "--key", key, "--format", "json")
    assert approved["needs"] == [{"role": "team_member", "count": 1, "have": 1}]
    landed = compass("ben", "pay.git", "review", "land", pid, "--format", "json")
    assert (landed["state"], set(landed) >= PROPOSAL) == ("landed", True)
    assert compass("ben", "pay.git", "review", "list", "--format", "json") == []
    seen = compass("ann", "me", "sync", "--format", "json")
    assert set(seen) == {"schema", "parents", "added", "changed", "withdrawn", "alarms"}
    assert [one["id"] for one in seen["added"]] == [PAT]
    assert set(seen["parents"][0]) == {"repo", "from", "to"}


def test_a_contribution_through_review_to_landing_in_words(world, compass):
    world.write(entry())
    assert "--- patterns/pool.md" in compass("ann", "me", "contribute", PAT, "--dry-run").output
    output = compass("ann", "me", "contribute", PAT).output
    assert "Contribute pattern: Connection pool is exhausted: open in team/pay" in output
    pid = json.loads(json.dumps(world.contribute().proposal))
    listed = compass("ben", "pay.git", "review", "list").output
    assert "0/1 team_member" in listed
    shown = compass("ben", "pay.git", "review", "show", pid).output
    assert "+title: Connection pool is exhausted" in shown
    assert "1 more team_member (who may: ben, cleo, lead)" in shown
    compass("ben", "pay.git", "review", "approve", pid, "--key", str(world.root / "ben.key"))
    assert "landed" in compass("ben", "pay.git", "review", "land", pid).output
    assert "Nothing waits" in compass("ben", "pay.git", "review", "list").output
    output = compass("ann", "me", "sync").output
    assert "team/pay: nothing -> " in output
    assert f"added  {PAT}" in output
    assert "team/pay: as before" in compass("ann", "me", "sync").output


def test_a_dry_run_and_a_review_show_what_the_pattern_matches_of_the_recordings(world, compass):
    recording = {
        f"recordings/pool-exhausted/{name}": text
        for name, text in (("recording.yaml", RECORDING), ("alerts.jsonl", ALERTS))
    }
    save(world.git("pay.git"), recording, "ben")
    world.write(entry().replace("\n---\n", f"\n{MATCH}\n---\n", 1))
    dry = compass("ann", "me", "contribute", PAT, "--dry-run", "--format", "json")
    [pattern] = dry["replay"]["patterns"]
    [told] = pattern["recordings"]
    assert (told["recording"], told["judgement"]) == ("pool-exhausted", "matches_unlisted")
    assert told["signals"] == [{"name": "slow", "truth": True}]
    assert "pool-exhausted: matches unlisted" in compass("ann", "me", "contribute", PAT, "--dry-run").output
    pid = compass("ann", "me", "contribute", PAT, "--format", "json")["proposal"]
    shown = compass("ben", "pay.git", "review", "show", pid, "--format", "json")
    assert shown["replay"] == dry["replay"]
    assert "pool-exhausted: matches unlisted" in compass("ben", "pay.git", "review", "show", pid).output


def test_a_rejection_is_told_and_sending_the_same_again_ends_with_one(world, compass):
    world.write(entry())
    pid = compass("ann", "me", "contribute", PAT, "--format", "json")["proposal"]
    assert "rejected" in compass("ben", "pay.git", "review", "reject", pid, "--reason", "Say more.").output
    rejected = compass("ben", "pay.git", "review", "reject", pid, "--reason", "Say more.", "--format", "json")
    assert rejected["state"] == "rejected"
    assert compass("ann", "me", "contribute", PAT, "--format", "json", code=1)["state"] == "rejected"
    assert "rejected: Say more." in compass("ann", "me", "contribute", PAT, code=1).output


def test_a_promotion_prints_what_was_replaced_and_a_conflict_ends_with_one(world, compass):
    private = "customers: [Globex]\n"
    text = entry().replace("The pool is", "At Globex, the pool is")
    save(world.git("pay.git"), {"patterns/pool.md": text, "catalog/private.yaml": private}, "ben")
    proposal = compass("ann", "pay.git", "promote", PAT, "--to", "tribe", "--format", "json")
    assert proposal["replaced"]
    assert set(proposal["replaced"][0]) == {"class", "rule", "count"}
    assert "replaced" in compass("ann", "pay.git", "promote", PAT).output
    for who in ("lead", "chief"):
        compass(
            who,
            "shop.git",
            "review",
            "approve",
            proposal["proposal"],
            "--key",
            str(world.root / f"{who}.key"),
        )
    landed = compass("chief", "shop.git", "review", "land", proposal["proposal"], "--format", "json")
    assert landed["replaced"] == proposal["replaced"]
    path = "patterns/connection-pool-is-exhausted.md"
    save(
        world.git("shop.git"),
        {path: world.text("shop.git", path).replace("title: C", "title: Our c")},
        "chief",
    )
    save(world.git("pay.git"), {"patterns/pool.md": text.replace("title: C", "title: The c")}, "ben")
    assert "both sides changed title" in compass("ann", "pay.git", "promote", PAT, code=1).output


def test_an_alarm_of_sync_ends_with_one(world, compass):
    save(world.git("me"), {"compass.yaml": config("personal", "personal/ann", "../gone")}, "ann")
    assert compass("ann", "me", "sync", "--format", "json", code=1)["alarms"]
    assert "alarm:" in compass("ann", "me", "sync", code=1).output


def test_errors_of_a_command_are_no_tracebacks(world, monkeypatch):
    monkeypatch.setenv("COMPASS_PRINCIPAL", "ann")
    assert guarded(cli, ["-C", str(world.root / "pay.git"), "review", "show", "nothing"]) == 2
    assert guarded(cli, ["-C", str(world.root / "me"), "contribute", "pat-0000000009"]) == 1
    assert guarded(cli, ["-C", str(world.root / "nowhere"), "sync"]) == 3
