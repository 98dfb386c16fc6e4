"""Fixtures for every test: a fixed environment, and real repositories in `tmp_path`."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from compass.adapters.git import ZERO, GitRepository, Signature

ROOT = Path(__file__).resolve().parent.parent
WHEN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
AUTHOR = Signature("Payments engineer", "payments-engineer@example.com", WHEN)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than cores, as many tests wait for others; only this one for a single file, for what shares servers
    or measures, and where somebody wants to see output."""
    option = config.option
    marked = not str(option.markexpr).startswith("not slow")
    single = len(config.args) == 1 and config.args[0].partition("::")[0].endswith(".py")
    return 0 if marked or single or option.capture == "no" else (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def environment_of_what_is_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The same fixed environment for whatever several tests share."""
    with pytest.MonkeyPatch.context() as patch:
        _fix(patch, tmp_path_factory.mktemp("shared-home"))
        yield


@pytest.fixture(autouse=True)
def fixed_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, no configuration of the machine, one identity, one clock zone."""
    home = tmp_path_factory.mktemp("home")
    _fix(monkeypatch, home)
    monkeypatch.setenv("HOME", str(home))
    return home


def _fix(patch: pytest.MonkeyPatch, home: Path) -> None:
    tools = ("COMPASS_", "GIT_", "GITHUB_", "XDG_", "OLLAMA_", "OPENAI_")
    for name in [name for name in os.environ if name.startswith(tools)]:
        patch.delenv(name)
    values = {
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": AUTHOR.name,
        "GIT_AUTHOR_EMAIL": AUTHOR.email,
        "GIT_COMMITTER_NAME": AUTHOR.name,
        "GIT_COMMITTER_EMAIL": AUTHOR.email,
        "TZ": "UTC",
        "COLUMNS": "80",
    }
    for name, value in values.items():
        patch.setenv(name, value)


def commit_all(folder: Path, message: str = "knowledge\n", author: Signature = AUTHOR) -> GitRepository:
    """Commit every file below `folder` to `main` of a repository there, making it first if need be."""
    git = GitRepository.init(folder) if not (folder / ".git").exists() else GitRepository.open(folder)
    old = git.resolve("refs/heads/main")
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
    head = git.commit(git.write_tree(None, dict(files)), [old] if old else [], message, author)
    git.update_ref("refs/heads/main", head, old or ZERO)
    git.refresh_worktree(None, head)
    return git


@pytest.fixture
def knowledge_repo(tmp_path: Path) -> Path:
    """The payments team's repository of the example organization, committed, with its parents beside it."""
    return organization(tmp_path) / "teams" / "payments"


@pytest.fixture
def team_and_tribe(tmp_path: Path) -> tuple[Path, Path]:
    """The payments team's and the product tribe's repositories, committed."""
    top = organization(tmp_path)
    return top / "teams" / "payments", top / "tribes" / "product"


def organization(folder: Path) -> Path:
    """A copy of the example organization in which every folder is a repository of its own."""
    return Path(shutil.copytree(_organization(), folder / "organization", symlinks=True))


@cache
def _organization() -> Path:
    """The one that is copied, since committing it takes ten times as long; gone when the tests have ended."""
    folder = Path(tempfile.mkdtemp(prefix="compass-organization-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    top = folder / "organization"
    shutil.copytree(ROOT / "knowledge", top)
    for config in sorted(top.rglob("compass.yaml")):
        commit_all(config.parent)
    return top
