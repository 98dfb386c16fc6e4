"""The commands of `knowledge/` can be pasted: a shell can read every one of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from compass.adapters.documents import parse_yaml, split

ENTRIES = [
    path
    for folder in ("patterns", "runbooks", "postmortems")
    for path in sorted((ROOT / "knowledge").rglob(f"{folder}/**/*.md"))
]
FENCE = re.compile(r"^( *)```shell\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands(path: Path) -> Iterator[str]:
    parts = split(path.read_text("utf-8"))
    for step in parse_yaml(parts.front).get("steps", []):
        if "command" in step:
            yield step["command"]
    for indent, text in FENCE.findall(parts.body):
        yield re.sub(f"^{indent}", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.stem)
def test_a_shell_can_read_every_command_of_an_entry(path: Path) -> None:
    script = "\n".join(commands(path))
    read = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


def test_a_command_that_a_shell_cannot_read_is_found_out() -> None:
    read = subprocess.run(
        ["bash", "-n"], input="kubectl get 'pods", capture_output=True, text=True, check=False
    )
    assert read.returncode != 0
