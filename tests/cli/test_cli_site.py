"""`compass site` on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from compass.cli import cli
from compass.cli.failures import guarded
from compass.errors import UsageError


@pytest.fixture
def payments(knowledge_repo: Path) -> Path:
    """The example team, with one file in it that is no valid entry, committed; and one edit that is not."""
    from conftest import commit_all

    (knowledge_repo / "patterns" / "broken.md").write_text(
        "---\nkind: pattern\nid: nonsense\n---\n\nBROKENCANARY\n", "utf-8"
    )
    commit_all(knowledge_repo)
    path = next(iter(sorted((knowledge_repo / "runbooks").glob("*.md"))))
    path.write_text(path.read_text("utf-8") + "\nUNCOMMITTEDCANARY\n", "utf-8")
    return knowledge_repo


def test_build_publishes_head_and_names_what_it_left_out(payments: Path, tmp_path: Path) -> None:
    output = tmp_path / "site"
    done = CliRunner().invoke(
        cli, ["-C", str(payments), "site", "build", "--output", str(output), "--format", "json"]
    )
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["schema"] == 1
    assert answer["audience"] == "team"
    assert answer["repositories"]["team/payments"]
    assert any(problem["path"].endswith("patterns/broken.md") for problem in answer["problems"])
    assert "left out: " in done.stderr
    assert "broken.md" in done.stderr
    pages = "".join(path.read_text("utf-8") for path in output.rglob("*.html"))
    assert "BROKENCANARY" not in pages
    assert "UNCOMMITTEDCANARY" not in pages


def test_build_says_for_whom_and_what_to_do_next(knowledge_repo: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["-C", str(knowledge_repo), "site", "build", "-o", str(tmp_path / "site")])
    assert done.exit_code == 0, done.output
    assert "for team readers" in done.stdout
    assert "http.server" in done.stderr


def test_an_audience_that_may_not_read_it_is_refused_with_status_2(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    arguments = [
        "-C",
        str(knowledge_repo),
        "site",
        "build",
        "--audience",
        "hub",
        "-o",
        str(tmp_path / "site"),
    ]
    assert guarded(cli, arguments) == UsageError.exit_code
    assert not (tmp_path / "site").exists()


def test_a_folder_of_somebody_else_is_refused(knowledge_repo: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "precious").write_text("x", "utf-8")
    assert guarded(cli, ["-C", str(knowledge_repo), "site", "build", "-o", str(tmp_path / "site")]) == 2
    assert (tmp_path / "site" / "precious").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_address_and_ends_cleanly(
    knowledge_repo: Path, tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "compass", "-C", str(knowledge_repo), "site", "serve", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.endswith("ended\n")
    assert "Traceback" not in err
    assert not list(tmp_path.glob("compass-site-*"))
