"""An investigation in a real terminal of 80 columns: what is typed, what is seen, and how it ends."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

from compass.cli import cli

pty = pytest.importorskip("pty")
RECORDING = ROOT / "knowledge/tribes/product/recordings/slow-dependency-behind-three-services"


def compass(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


class Terminal:
    """`compass` with a terminal for its input, output and errors."""

    def __init__(self, *arguments: object) -> None:
        self._own, theirs = pty.openpty()
        streams: Any = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        command = [sys.executable, "-m", "compass", *map(str, arguments)]
        self.process = subprocess.Popen(command, start_new_session=True, **streams)
        os.close(theirs)
        self.seen = ""

    def until(self, words: str, seconds: float = 120) -> None:
        """Read until these words are there."""
        place, end = len(self.seen), time.monotonic() + seconds
        while words not in self.seen[place:]:
            assert time.monotonic() < end, self.seen
            if select.select([self._own], [], [], 0.5)[0]:
                try:
                    self.seen += os.read(self._own, 65536).decode("utf-8", "replace")
                except OSError:
                    # The terminal is gone with the process that had it.
                    assert words in self.seen[place:], self.seen
                    return

    def type(self, line: str) -> None:
        """A line and the key that ends it."""
        os.write(self._own, f"{line}\n".encode())

    def interrupt(self) -> None:
        """The key that interrupts, again after a while: Python may lose one just before it starts to read."""
        for _once in range(5):
            self.process.send_signal(signal.SIGINT)
            # What is written meanwhile stays in the terminal, which holds far more than is written here.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
                return

    def end(self) -> int:
        """How it ended."""
        try:
            self.until("\0", 120)
        except AssertionError:
            self.process.kill()
        finally:
            os.close(self._own)
        return self.process.wait(60)


def test_progress_a_draft_an_interruption_and_the_rest_of_the_story(fixed_environment):
    one = Terminal("investigate", "--recording", RECORDING, "--no-llm")
    one.until("compass> ")
    one.type("test 2")
    one.until("compass> ")
    assert "testing  2 +." in one.seen
    one.type("note nobody was hurt")
    one.until("compass> ")
    one.interrupt()
    assert one.end() == 130
    assert "kept; go on with: compass investigate --resume inv-" in one.seen
    two = Terminal("investigate", "--resume", "--no-llm")
    two.until("compass> ")
    two.type("confirm 1 the nightly job held the lock")
    two.until("compass> ")
    two.type("draft")
    two.until("compass> ")
    two.type("quit")
    assert two.end() == 0
    personal = fixed_environment / "data/compass/personal"
    (postmortem,) = personal.glob("postmortems/*/*.md")
    for words in ("nobody was hurt", "the nightly job held the lock", "A person confirmed it."):
        assert words in postmortem.read_text()
    assert "Decisions and notes" in two.seen
    lines = two.seen.replace("\r\n", "\n").split("\n")
    wide = [line for line in lines if len(line) > 80 and "\r" not in line and "/" not in line]
    assert wide == []


@pytest.mark.parametrize("kept", [("logs.jsonl.gz",), ("traces.jsonl.gz", "graph.csv"), ("alerts.jsonl",)])
def test_a_recording_with_hardly_anything_in_it_is_worked_all_the_same(tmp_path, kept):
    place = tmp_path / "sparse"
    shutil.copytree(RECORDING, place, ignore=shutil.ignore_patterns("history"))
    for path in place.iterdir():
        if path.name not in {"recording.yaml", *kept}:
            path.unlink()
    text = (place / "recording.yaml").read_text().replace("history: history\n", "")
    (place / "recording.yaml").write_text(text)
    done = compass("investigate", "--recording", place, "--auto", "--no-llm")
    assert done.exit_code == 0, done.output
    assert "Metrics that carry the evidence" not in done.stdout
    assert "Not seen" in done.stdout
    identifier = done.stdout.splitlines()[0]
    assert compass("investigate", "--replay", identifier, "--recording", place).exit_code == 0
    assert compass("draft", identifier).exit_code == 0


def test_where_the_terminal_cannot_show_blocks_the_curves_are_drawn_plainly():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "compass", "investigate", "--recording", str(RECORDING), "--auto", "--no-llm"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert b"____" in done.stdout
    assert done.stderr == b""
