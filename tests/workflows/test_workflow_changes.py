"""What a change touched, what it took away, and which ids were used before it."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path

import pytest
from conftest import AUTHOR, commit_all

from compass.adapters.documents import dump_entry
from compass.adapters.git import GitRepository
from compass.errors import ConfigError, UsageError
from compass.library import load
from compass.model.base import Problem
from compass.workflows.changes import base_of
from compass.workflows.check import examine

TODAY = date(2026, 6, 1)


def runbook(number: int, *, created: str = "2026-01-01", body: str = "", **more: object) -> str:
    data = {
        "schema": 1,
        "kind": "runbook",
        "id": f"run-{number:010d}",
        "title": f"Runbook number {number}",
        "status": "draft",
        "created": created,
    } | more
    return dump_entry(
        data, body or f"Step {number}.\n", "yaml-language-server: $schema=../.compass/schema/runbook.json"
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "runbooks").mkdir(parents=True)
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    for number in range(3):
        write(root, number)
    commit_all(root)
    return root


def write(
    root: Path, number: int, *, name: str = "", created: str = "2026-01-01", body: str = "", **more: object
) -> None:
    path = root / "runbooks" / f"{name or number}.md"
    path.write_text(runbook(number, created=created, body=body, **more), "utf-8")


def problems(root: Path, since: str = "HEAD") -> list[Problem]:
    return [one for one in examine(root, today=TODAY, since=since).report.problems if one.severity == "error"]


def test_only_files_that_differ_are_touched_and_an_old_error_elsewhere_is_not_told(repo: Path) -> None:
    write(repo, 1, body="See [[run-9999999999]].\n")
    commit_all(repo)
    assert problems(repo) == []
    write(repo, 2, body="See [[run-8888888888]].\n")
    assert [one.path for one in problems(repo)] == ["runbooks/2.md"]
    found = examine(repo, today=TODAY, since="HEAD")
    assert found.base is not None
    assert found.base.changed == {"runbooks/2.md"}
    assert found.report.entries == 1


def test_what_a_deletion_breaks_elsewhere_is_told_and_so_is_the_missing_tombstone(repo: Path) -> None:
    write(repo, 1, body="See [[run-0000000002]].\n")
    commit_all(repo)
    (repo / "runbooks" / "2.md").unlink()
    assert [(one.rule, one.path) for one in problems(repo)] == [
        ("dangling-link", "runbooks/1.md"),
        ("tombstone", "runbooks/2.md"),
    ]


def test_a_file_that_moved_is_the_same_entry(repo: Path) -> None:
    (repo / "runbooks" / "2.md").rename(repo / "runbooks" / "two.md")
    assert problems(repo) == []


def test_an_id_of_history_is_not_used_again_but_the_entry_itself_may_come_back(repo: Path) -> None:
    (repo / "runbooks" / "2.md").unlink()
    commit_all(repo)
    write(repo, 2, name="back")
    assert problems(repo) == []
    write(repo, 2, name="back", created="2026-02-01")
    (problem,) = problems(repo)
    assert (problem.rule, problem.path) == ("reused-id", "runbooks/back.md")
    assert problem.line > 1


def test_an_id_of_an_open_proposal_is_taken(repo: Path) -> None:
    git = GitRepository.open(repo)
    main = git.resolve("refs/heads/main") or ""
    tree = git.write_tree(main, {"runbooks/new.md": runbook(7).encode()})
    proposal = git.commit(tree, [main], "Contribute\n", AUTHOR)
    git.update_ref("refs/remotes/origin/compass/propose/" + "0" * 16, proposal, "0" * 40)
    write(repo, 7)
    assert problems(repo) == []
    write(repo, 7, created="2026-02-01")
    assert [one.rule for one in problems(repo)] == ["reused-id"]


def test_the_comparison_starts_where_the_two_parted(repo: Path) -> None:
    git = GitRepository.open(repo)
    main = git.resolve("refs/heads/main") or ""
    other = git.commit(
        git.write_tree(main, {"runbooks/0.md": runbook(0, body="Other.\n").encode()}), [main], "x\n", AUTHOR
    )
    git.update_ref("refs/heads/other", other, "0" * 40)
    write(repo, 1, body="Here.\n")
    assert base_of(load(repo, revision=None), "other").changed == {"runbooks/1.md"}


def test_a_revision_that_is_not_there_is_one_clear_error(repo: Path, tmp_path: Path) -> None:
    library = load(repo, revision=None)
    for revision in ("nowhere", "--output=x", "HEAD~99"):
        with pytest.raises(UsageError, match="has no commit"):
            base_of(library, revision)
    git = GitRepository.open(repo)
    alone = git.commit(git.write_tree(None, {"a": b"b"}), [], "x\n", AUTHOR)
    with pytest.raises(UsageError, match="nothing in common"):
        base_of(library, alone)
    subprocess.run(["cp", "-r", repo, tmp_path / "bare"], check=True)
    subprocess.run(["rm", "-rf", tmp_path / "bare" / ".git"], check=True)
    with pytest.raises(ConfigError, match="not in a Git repository"):
        base_of(load(tmp_path / "bare", revision=None), "HEAD")
