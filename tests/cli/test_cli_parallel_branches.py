"""Branches that know nothing of each other: what each adds merges clean, and an id that two share is caught."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from compass.cli import cli

KINDS = ("pattern", "runbook", "postmortem")


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout


def compass(root: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["-C", str(root), *arguments, "--format", "json"])
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def main(tmp_path: Path) -> Path:
    root = tmp_path / "payments"
    CliRunner().invoke(cli, ["init", str(root), "--level", "team", "--yes"], catch_exceptions=False)
    return root


def test_ten_parallel_branches_that_each_add_an_entry_merge_clean_with_no_id_twice(
    main: Path, tmp_path: Path
) -> None:
    for number in range(10):
        tree = tmp_path / f"engineer-{number}"
        git(main, "worktree", "add", "--quiet", "-b", f"entry-{number}", str(tree), "main")
        if number % 2:
            compass(tree, "new", KINDS[number % 3], "--title", f"Entry of engineer {number}")
        else:
            wiki = tmp_path / f"wiki-{number}"
            wiki.mkdir()
            (wiki / "page.md").write_text(f"# Page of engineer {number}\n\nText.\n")
            compass(tree, "import", str(wiki))
        git(tree, "add", "--all")
        git(tree, "commit", "--quiet", "--message", f"Add entry {number}")
        added = git(main, "diff", "--name-status", f"main...entry-{number}").split("\n")
        assert len(added) == 2, "an entry is one file, and nothing that all branches share"
        assert added[0].startswith("A\t")
    for number in range(10):
        git(main, "merge", "--quiet", "--no-edit", f"entry-{number}")
    report = compass(main, "check")
    assert report["entries"] == 10
    assert [one for one in report["problems"] if one["severity"] == "error"] == []
    ids = {
        line
        for path in main.glob("*/**/*.md")
        for line in path.read_text().split("\n")
        if line.startswith("id: ")
    }
    assert len(ids) == 10


def test_an_id_that_two_branches_share_merges_clean_in_git_and_is_an_error_in_check(main: Path) -> None:
    text = "---\nschema: 1\nkind: runbook\nid: run-0000000001\ntitle: {0}\nstatus: draft\ncreated: 2026-01-01\n---\n"
    for name in ("one", "two"):
        git(main, "switch", "--quiet", "--create", name, "main")
        (main / "runbooks" / f"{name}.md").write_text(text.format(name))
        git(main, "add", "--all")
        git(main, "commit", "--quiet", "--message", name)
    git(main, "switch", "--quiet", "main")
    git(main, "merge", "--quiet", "--no-edit", "one")
    git(main, "merge", "--quiet", "--no-edit", "two")
    problems = compass(main, "check", code=1)["problems"]
    assert {one["rule"] for one in problems if one["severity"] == "error"} == {"duplicate-id"}
