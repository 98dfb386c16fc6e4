"""README's session is what the commands really print, but for ids, commits and seconds."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT, organization

from compass.cli import cli

VARIABLE = re.compile(r"inv-[0-9a-z]{10}|@[0-9a-f]{12}|\d+\.\d+(?: s)?\b")


def plain(line: str) -> str:
    return VARIABLE.sub("…", line).strip()


def test_the_session_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    block = re.search(r"```console\n\$ compass (.*?)\n(.*?)```", text, re.DOTALL)
    assert block
    top = organization(tmp_path)
    arguments = [str(top / part) if part.startswith("teams/") else part for part in shlex.split(block[1])]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    printed = [plain(line) for line in result.output.splitlines()]
    place = 0
    for line in block[2].splitlines():
        if plain(line) not in {"", "…"}:
            assert plain(line) in printed[place:], line
            place = printed.index(plain(line), place) + 1


def test_the_two_commands_are_one_line_each() -> None:
    commands = re.findall(r"^    (\S.*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith("compass demo")
    assert commands[1].endswith("pytest")


def test_every_link_of_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8")):
        assert (ROOT / target).exists(), target
