"""The commands of a page of the documentation: found in it, run in order in one shell, held against what it shows."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = re.compile(
    r"\b(?:inv|pm|pat|run)-[0-9a-hjkmnp-tv-z]{10}\b|@[0-9a-f]{12}|\bhead [0-9a-f]{12}\b|\bproposal [0-9a-z]{16}\b|\b[0-9a-f]{40}\b|\b\d+ (?:ms|seconds)\b|\d+\.\d+(?: s)?\b"
)
PROMPT = "compass> "


@dataclass(frozen=True)
class Command:
    """What a page says to type, what it answers to questions, and what it shows."""

    text: str
    typed: tuple[str, ...]
    shown: tuple[str, ...]


@dataclass
class Shell:
    """A shell that remembers where it is and what was exported, as a person's does."""

    folder: Path
    environment: Mapping[str, str]
    seconds: float = 0.0
    printed: str = ""
    here: Path = field(init=False)

    def __post_init__(self) -> None:
        self.here = self.folder
        self.exported = self.folder.parent / f"{self.folder.name}.exports"
        self.exported.write_text("")

    def run(self, command: Command) -> str:
        """What it prints; AssertionError when it fails."""
        text = self._filled(command.text)
        after = self.folder.parent / f"{self.folder.name}.here"
        script = f'. "{self.exported}"\n{text}\nstatus=$?\npwd >"{after}"\nexport -p >"{self.exported}"\nexit $status\n'
        started = time.monotonic()
        status, output = self._shell(script, command.typed)
        self.seconds += time.monotonic() - started
        assert status == 0, f"$ {text}\n{output}"
        self.here = Path(after.read_text().strip())
        self.printed += output
        return output

    def _shell(self, script: str, typed: tuple[str, ...]) -> tuple[int, str]:
        if typed:
            return self._terminal(script, typed)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script],
            cwd=self.here,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _terminal(self, script: str, typed: tuple[str, ...]) -> tuple[int, str]:
        """With a terminal, on which each line is typed when the prompt stands there."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.here,
            env=dict(self.environment),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        output, waiting, answered = b"", list(typed), 0
        while process.poll() is None or select.select([ours], [], [], 0)[0]:
            if select.select([ours], [], [], 1)[0]:
                try:
                    output += os.read(ours, 65536)
                except OSError:
                    break
            if waiting and output.count(PROMPT.encode()) > answered and output.endswith(PROMPT.encode()):
                answered = output.count(PROMPT.encode())
                os.write(ours, f"{waiting.pop(0)}\n".encode())
        os.close(ours)
        return process.wait(), output.decode().replace("\r\n", "\n")

    def _filled(self, text: str) -> str:
        """Words in capitals become what was printed last of that sort."""
        for word, pattern in (
            ("INVESTIGATION", r"\b(inv-[0-9a-z]{10})\b"),
            ("POSTMORTEM", r"\((pm-[0-9a-z]{10})\)"),
            ("PROPOSAL", r"proposal ([0-9a-z]{16})\b"),
        ):
            if word in text:
                text = text.replace(word, re.findall(pattern, self.printed)[-1])
        return text


def commands(page: Path) -> Iterator[Command]:
    """Every command of the page's console blocks, in order."""
    for block in re.findall(r"^```console\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *rest = part.splitlines()
            while rest and rest[0].startswith("> "):
                first += f"\n{rest.pop(0).removeprefix('> ')}"
            typed = tuple(line.removeprefix(PROMPT) for line in rest if line.startswith(PROMPT))
            yield Command(first, typed, tuple(line for line in rest if not line.startswith(PROMPT)))


def plain(line: str) -> str:
    """Without what is another on each machine."""
    return " ".join(VARIABLE.sub("…", line).split())


def missing(command: Command, output: str) -> str:
    """The first line that the page shows and the command did not print after the ones before, or nothing."""
    printed = [plain(line) for line in output.splitlines()]
    place = 0
    for line in command.shown:
        wanted = plain(line)
        if wanted in {"", "…"}:
            continue
        found = next((i for i, one in enumerate(printed[place:], place) if one.endswith(wanted)), None)
        if found is None:
            return line
        place = found + 1
    return ""
