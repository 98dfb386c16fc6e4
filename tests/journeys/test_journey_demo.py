"""The demo, run from the installed wheel in an empty folder, keeps what it promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from compass.adapters.git import GitRepository
from compass.library import load
from compass.model.entry import Status

CITATION = re.compile(
    r"(?P<repo>[a-z-]+(?:/[a-z0-9-]+)?)@(?P<commit>[0-9a-f]{7,40}):(?P<path>[^\s#]+)#L(?P<first>\d+)-L(?P<last>\d+)"
)
FOLDERS = {
    "team/payments": "teams/payments",
    "tribe/product": "tribes/product",
    "hub": "hub",
    "personal/payments-oncall": "personal",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the demo left, and what it printed."""
    top = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(top / "wheel")],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wheel = next((top / "wheel").glob("*.whl"))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(top / "site-packages"),
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    empty = top / "empty"
    empty.mkdir()
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("COMPASS_", "GIT_", "XDG_"))
    }
    environ |= {"PYTHONPATH": str(top / "site-packages"), "HOME": str(top / "home"), "NO_COLOR": "1"}
    code = "import compass, sys; assert 'site-packages' in compass.__file__ and 'installed' in compass.__file__; from compass.cli import main; main()"
    command = [sys.executable, "-c", code, "--verbose", "demo", "--output", str(empty / "demo")]
    done = subprocess.run(command, cwd=empty, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert [path.name for path in empty.iterdir()] == ["demo"]
    return empty / "demo", done.stdout


def test_every_citation_that_was_printed_resolves_in_git(demo: tuple[Path, str]) -> None:
    root, output = demo
    found = list(CITATION.finditer(output))
    assert len(found) >= 5
    for citation in found:
        git = GitRepository.open(root / FOLDERS[citation["repo"]])
        entry = next(item for item in git.tree(citation["commit"]) if item.path == citation["path"])
        lines = git.read(entry.oid).decode().splitlines()
        assert 1 <= int(citation["first"]) <= int(citation["last"]) <= len(lines)


def test_no_object_of_the_team_reached_the_tribe(demo: tuple[Path, str]) -> None:
    root, _ = demo
    team, tribe = (
        GitRepository.open(root / "teams" / "payments"),
        GitRepository.open(root / "tribes" / "product"),
    )
    first = tribe.git("rev-list", "--max-parents=0", "refs/heads/main").decode().split()[0]
    landed = {
        row.split()[0]
        for row in tribe.git("rev-list", "--objects", "--all", f"^{first}").decode().splitlines()
    }
    of_team = set(team.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").decode().split())
    assert len(landed) >= 4
    assert not landed & of_team


def test_what_was_learnt_arrived_at_the_team_and_the_tribe(demo: tuple[Path, str]) -> None:
    root, _ = demo
    team, tribe = load(root / "teams" / "payments"), load(root / "tribes" / "product")
    before = load(ROOT / "knowledge" / "teams" / "payments", revision=None)
    new = {entry.id: entry for entry in team.entries}.keys() - {entry.id for entry in before.entries}
    assert {team.by_id[one].kind for one in new} == {"postmortem", "pattern"}
    promoted = new & tribe.by_id.keys()
    assert [tribe.by_id[one].kind for one in promoted] == ["pattern"]
    assert all(entry.status is not Status.WITHDRAWN for entry in tribe.entries)


def test_landed_commits_name_who_approved_them(demo: tuple[Path, str]) -> None:
    root, _ = demo
    commit = GitRepository.open(root / "tribes" / "product").info("refs/heads/main")
    approvers = [value for key, value in commit.trailers if key == "Approved-by"]
    assert len(approvers) == 2
    assert {value.split()[0] for value in approvers} == {"payments-engineer", "product-lead"}
    assert commit.trailer("Compass-Verb") == "promote"


def test_the_site_is_built_and_reaches_nowhere_else(demo: tuple[Path, str]) -> None:
    root, output = demo
    assert (root / "site" / "index.html").is_file()
    assert (root / "site" / "search" / "index.json").is_file()
    assert "site serve" in output
