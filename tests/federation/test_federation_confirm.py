"""A pattern rises by evidence alone, in a proposal that people approve; what the evidence does not show is said."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import commit_all, organization

from compass.adapters.git import GitRepository
from compass.errors import NegativeAnswerError, UsageError
from compass.federation.moves import contribute
from compass.federation.setting import Setting
from compass.model.proposal import Proposal, State

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PATTERN = "patterns/connection-pool-exhaustion-after-a-rollout.md"
PAT = "pat-3qbhrnha5p"


def clone_with(tmp_path: Path, old: str, new: str) -> Path:
    """A clone of the payments team's repository, after an edit of its pattern there."""
    team = organization(tmp_path) / "teams" / "payments"
    file = team / PATTERN
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    commit_all(team)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", team, clone], check=True)
    return clone


def confirmed(clone: Path, step: str | None = None) -> Proposal:
    def crash(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt(name)

    setting = Setting(
        clones=clone.parent / "clones",
        cache=None,
        now=NOW,
        draw=lambda: "0" * 16,
        principal="payments-engineer",
        step=crash,
    )
    return contribute(clone, PAT, setting, confirmed=True)


def proposed(clone: Path) -> str:
    git = GitRepository.open(clone.parent / "organization" / "teams" / "payments")
    head = git.resolve("refs/heads/compass/propose/" + "0" * 16) or ""
    return git.read(next(one.oid for one in git.tree(head, PATTERN))).decode()


def test_a_draft_that_matches_its_recording_is_proposed_as_verified_and_waits_for_people(
    tmp_path: Path,
) -> None:
    clone = clone_with(tmp_path, "status: verified", "status: draft")
    found = confirmed(clone)
    assert found.state is State.OPEN
    assert [(need.count, need.have) for need in found.needs] == [(1, 0)]
    matched = "it matches lab-pool-too-small, pool-exhaustion-after-rollout, as it must"
    assert f"earned the status verified: {matched}" in found.notes[0]
    text = proposed(clone)
    assert "status: verified" in text
    assert "last_verified: 2026-11-20" in text
    assert (clone / PATTERN).read_text("utf-8") == text
    status = subprocess.run(["git", "-C", clone, "status", "--porcelain"], capture_output=True, check=True)
    assert status.stdout == b""


ONE = "services:\n  - component:default/payments\n"
TWO = f"{ONE}  - component:default/checkout\n"
COUNTED = "confirmed:\n  incidents: {}\n  tribes: 1\n"


def test_three_incidents_on_two_services_make_it_stable(tmp_path: Path) -> None:
    clone = clone_with(tmp_path, TWO, COUNTED.format(3) + TWO)
    assert confirmed(clone).state is State.OPEN
    assert "status: stable" in proposed(clone)


@pytest.mark.parametrize(("incidents", "services"), [(2, TWO), (3, ONE)])
def test_fewer_incidents_or_one_service_do_not(tmp_path: Path, incidents: int, services: str) -> None:
    clone = clone_with(tmp_path, TWO, COUNTED.format(incidents) + services)
    with pytest.raises(NegativeAnswerError, match=f"does not carry {PAT} beyond verified"):
        confirmed(clone)


def test_a_run_that_was_interrupted_can_be_repeated(tmp_path: Path) -> None:
    clone = clone_with(tmp_path, "status: verified", "status: draft")
    with pytest.raises(KeyboardInterrupt):
        confirmed(clone, step="written")
    found = confirmed(clone)
    assert found.state is State.OPEN
    assert "status: verified" in proposed(clone)


def test_a_draft_that_lacks_what_its_status_needs_is_told_so(tmp_path: Path) -> None:
    clone = clone_with(tmp_path, "status: verified", "status: draft")
    team = tmp_path / "organization" / "teams" / "payments"
    text = (team / PATTERN).read_text("utf-8")
    start = text.index("review_by:")
    (team / PATTERN).write_text(text[:start] + text[text.index("\n", start) + 1 :], "utf-8")
    commit_all(team)
    subprocess.run(["git", "-C", clone, "pull", "-q"], check=True)
    with pytest.raises(NegativeAnswerError, match="still lacks review_by"):
        confirmed(clone)


def test_edits_that_are_not_committed_and_other_places_are_refused(tmp_path: Path) -> None:
    clone = clone_with(tmp_path, "status: verified", "status: draft")
    with (clone / PATTERN).open("a") as file:
        file.write("\nMore.\n")
    with pytest.raises(UsageError, match="changes that are not committed"):
        confirmed(clone)
    with pytest.raises(UsageError, match="no clone of a team's or tribe's repository"):
        confirmed(tmp_path / "organization" / "teams" / "payments")
