"""The how-tos whose commands are shown with a `$`: every one is run, in order, and prints what the page shows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import ROOT, commit_all
from documented import Shell, commands, missing
from published import team

from compass.workflows.demo import prepare

HOWTOS = ROOT / "site" / "docs" / "how-to"
RUN = sorted(path for path in HOWTOS.glob("*.md") if "```console" in path.read_text("utf-8"))
OWN = {"import-runbooks", "set-up-a-team"}
"""Pages that begin in an empty folder; `publish-a-site` begins in a repository, the others in the demo's organization."""


def environment(tmp_path: Path) -> dict[str, str]:
    values = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
    }
    wiki = tmp_path / "home" / "wiki" / "runbooks"
    wiki.mkdir(parents=True)
    (wiki / "checkout.md").write_text("# Checkout is slow\n\nLook at the last deployment and take it back.\n")
    return values


def place(page: str, tmp_path: Path) -> Shell:
    """Where the page begins."""
    values = environment(tmp_path)
    folder = tmp_path / "here"
    if page == "publish-a-site":
        root = team(tmp_path)
        commit_all(root)
        return Shell(root, values)
    folder.mkdir()
    shell = Shell(folder, values)
    if page not in OWN:
        prepare(folder, now=datetime.now(UTC), clock=time.monotonic)
        start = (
            ". ./environment && compass init personal --level personal --id personal/payments-oncall"
            " --parent ../teams/payments --yes && export -p"
        )
        done = subprocess.run(
            ["bash", "-c", start], cwd=folder, env=values, capture_output=True, text=True, check=True
        )
        shell.exported.write_text("\n".join(line for line in done.stdout.splitlines() if "declare" in line))
    return shell


@pytest.mark.services
@pytest.mark.parametrize("page", [path.stem for path in RUN])
def test_a_how_to_does_what_it_says(page: str, tmp_path: Path) -> None:
    shell = place(page, tmp_path)
    for command in commands(HOWTOS / f"{page}.md"):
        output = shell.run(command)
        lacking = missing(command, output)
        assert not lacking, f"$ {command.text}\nmissing: {lacking}\n{output}"


def test_the_common_tasks_are_among_them() -> None:
    assert {path.stem for path in RUN} >= {
        "set-up-a-team",
        "publish-a-site",
        "turn-an-investigation-into-knowledge",
        "review-and-land",
        "import-runbooks",
        "promote-an-entry",
        "who-may-read-what",
    }


def test_the_first_page_leads_to_every_how_to_and_explanation() -> None:
    first = (ROOT / "site" / "docs" / "index.md").read_text("utf-8")
    for folder in ("tutorial", "how-to", "explanation"):
        for page in (ROOT / "site" / "docs" / folder).glob("*.md"):
            assert f"({folder}/{page.name})" in first, page.name
