"""The tutorial, done as it says: every command in order in an empty folder, within its thirty minutes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from documented import Shell, commands, missing

PAGE = ROOT / "site" / "docs" / "tutorial" / "first-investigation.md"
READING = 1000
"""Words in five minutes: a tenth under what adults read of prose (Brysbaert 2019: 238 a minute)."""


@pytest.mark.services
def test_the_tutorial_does_what_it_says_within_thirty_minutes(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    shell = Shell(folder, environment)
    found = list(commands(PAGE))
    assert len(found) >= 15
    for command in found:
        output = shell.run(command)
        assert not missing(command, output), (
            f"$ {command.text}\nmissing: {missing(command, output)}\n{output}"
        )
    reading = len(PAGE.read_text("utf-8").split()) / READING * 5 * 60
    typing = 10 * sum(1 + len(command.typed) for command in found)
    assert shell.seconds + reading + typing < 30 * 60
    record_property("seconds", f"commands {shell.seconds:.0f}, reading {reading:.0f}, typing {typing}")
    assert [path.name for path in folder.iterdir()] == ["compass-demo"]


def test_every_command_of_the_tutorial_is_one_that_is_run() -> None:
    """No shell block is left that the test above would not run."""
    text = PAGE.read_text("utf-8")
    assert "```shell" not in text
    assert text.count("```console") >= 10
