"""One incident becomes shared knowledge: the commands of `compass demo`, in the order in which people would type them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from compass.adapters.documents import write_atomically
from compass.errors import OutsideError
from compass.workflows.example import Organization, make_organization

ENGINEER: Final = "payments-oncall"
LEAD: Final = "payments-lead"
RECORDING: Final = "teams/payments/recordings/pool-exhaustion-after-rollout"


@dataclass(frozen=True)
class Step:
    """One command: who types it, why, and the command itself without the word `compass`."""

    chapter: str
    why: str
    who: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """What a step printed."""

    step: Step
    status: int
    output: str
    errors: str
    seconds: float


@dataclass
class Stage:
    """The folder in which the story happens, and the environment that keeps it from touching anything else."""

    organization: Organization
    environ: Mapping[str, str]
    clock: Callable[[], float]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder that the commands run in."""
        return self.organization.root

    def run(self, step: Step) -> Done:
        """Run one step as its own process, exactly as a person would."""
        started = self.clock()
        done = self._process(step.who, step.arguments)
        return Done(step, done.returncode, done.stdout, done.stderr, self.clock() - started)

    def ask(self, *arguments: str) -> Any:
        """The JSON answer of a reading command; OutsideError when it fails."""
        done = self._process(ENGINEER, (*arguments, "--format", "json"))
        if done.returncode:
            raise OutsideError(f"compass {' '.join(arguments)} failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def _process(self, who: str, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, **self.environ, **_identity(who)}
        command = [sys.executable, "-m", "compass", *arguments]
        return subprocess.run(
            command, cwd=self.root, env=environ, capture_output=True, text=True, encoding="utf-8", check=False
        )


def prepare(root: Path, *, now: datetime, clock: Callable[[], float]) -> Stage:
    """Make the organization under `root`, and `environment`: a file to source before typing the commands again."""
    organization = make_organization(root, now=now)
    home = root / "home"
    environ = {
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "COLUMNS": "100",
    }
    lines = [
        f"export {name}='{value}'"
        for name, value in {**environ, **_identity(ENGINEER)}.items()
        if name != "COLUMNS"
    ]
    write_atomically(root / "environment", ("\n".join(lines) + "\n").encode())
    return Stage(organization, environ, clock)


def story(stage: Stage) -> Iterator[Step]:
    """The steps, one by one: each is made when the one before has run, since it names what that one made."""
    yield from _incident(stage)
    postmortem = _newest(stage.root / "personal" / "postmortems", "*/*.md")
    pattern = _newest(stage.root / "personal" / "patterns", "*.md")
    chapter = "The next morning"
    yield _engineer(
        "Propose the post-mortem to the team.",
        "-C",
        "personal",
        "contribute",
        _inside(postmortem, stage),
        chapter=chapter,
    )
    yield from _land(stage, "teams/payments", ["payments-engineer"])
    yield _engineer("And the pattern.", "-C", "personal", "contribute", _inside(pattern, stage))
    yield from _land(stage, "teams/payments", ["payments-engineer"])
    promote = ("-C", "teams/payments", "promote", _id_of(pattern), "--to", "tribe")
    yield Step(
        "A week later",
        "The tribe would profit: see what would leave the team.",
        LEAD,
        (*promote, "--dry-run"),
    )
    yield Step("", "Propose it to the tribe.", LEAD, promote)
    yield from _land(stage, "tribes/product", ["payments-engineer", "product-lead"])
    yield _engineer("Context flows back down.", "-C", "teams/payments", "sync")
    yield _engineer(
        "Who would find it now?",
        "-C",
        "tribes/product",
        "search",
        "connection pool exhausted after a deployment",
    )
    yield _engineer(
        "Publish what the tribe may read, with its search.",
        "-C",
        "tribes/product",
        "site",
        "build",
        "--output",
        "site",
    )


def _incident(stage: Stage) -> Iterator[Step]:
    """From the alert to the drafts."""
    check = "The knowledge that the team has, checked before anyone relies on it."
    yield _engineer(check, "-C", "teams/payments", "check", chapter="Before")
    place = ("--level", "personal", "--id", f"personal/{ENGINEER}", "--parent", "../teams/payments", "--yes")
    yield _engineer("A place of your own, whose parent is the team.", "init", "personal", *place)
    alert = "Checkout is slow. Test competing explanations against the recorded telemetry."
    yield _engineer(
        alert,
        "-C",
        "personal",
        "investigate",
        "--recording",
        RECORDING,
        "--auto",
        "--no-llm",
        chapter="At night, the alert",
    )
    investigation = _newest(stage.root / "personal" / "investigations", "*/*.yaml").stem
    yield _engineer(
        "Ask the memory for what the log says.",
        "-C",
        "personal",
        "search",
        "timeout acquiring connection after 5000 ms",
    )
    yield _engineer("It is over: turn what was learnt into drafts.", "-C", "personal", "draft", investigation)


def _engineer(why: str, *arguments: str, chapter: str = "") -> Step:
    return Step(chapter, why, ENGINEER, arguments)


def _land(stage: Stage, target: str, approvers: list[str]) -> Iterator[Step]:
    """Show, approve and land the one open proposal of a repository."""
    proposal = next(
        row["proposal"] for row in stage.ask("-C", target, "review", "list") if row["state"] == "open"
    )
    yield Step("", "What a reviewer sees.", approvers[0], ("-C", target, "review", "show", proposal))
    for who in approvers:
        yield Step(
            "",
            f"{who} approves, with a signature over exactly this text.",
            who,
            ("-C", target, "review", "approve", proposal, "--key", f"keys/{who}"),
        )
    yield Step("", "It lands.", approvers[-1], ("-C", target, "review", "land", proposal))


def _identity(who: str) -> dict[str, str]:
    mail = f"{who}@example.com"
    return {
        "GIT_AUTHOR_NAME": who,
        "GIT_AUTHOR_EMAIL": mail,
        "GIT_COMMITTER_NAME": who,
        "GIT_COMMITTER_EMAIL": mail,
    }


def _newest(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not found:
        raise OutsideError(
            f"the step before should have written into {folder}", "run the demo with --verbose"
        )
    return found[-1]


def _inside(path: Path, stage: Stage) -> str:
    return path.relative_to(stage.root / "personal").as_posix()


def _id_of(path: Path) -> str:
    return next(line.split()[1] for line in path.read_text("utf-8").splitlines() if line.startswith("id: "))
