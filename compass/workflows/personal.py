"""The personal repository: made on first use, local, read by its engineer alone; its records are committed at once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from compass.adapters.git import GitRepository, Signature
from compass.errors import ConflictError, OutsideError, UsageError
from compass.model.scope import Level
from compass.workflows.initialize import FALLBACK, Plan, initialize

_MAIN: Final = "refs/heads/main"
_TRIES: Final = 5


def personal_path(data: Path) -> Path:
    """Where the personal repository lies, whether it is there yet or not; `data` is the settings' data folder."""
    return data / "personal"


def personal_repository(data: Path, *, now: datetime) -> Path:
    """The personal repository's folder; it is made if it is not there. OutsideError when Git fails."""
    root = personal_path(data)
    if not (root / "compass.yaml").is_file():
        try:
            initialize(Plan(root, Level.PERSONAL), now=now)
        except UsageError:
            # Another investigation made it in the same moment.
            if not (root / "compass.yaml").is_file():
                raise
    return root


def commit_record(root: Path, path: Path, *, now: datetime) -> bool:
    """Commit one record of the personal repository, so that later investigations can cite it; whether that was done.

    Nothing is written where the folder belongs to a repository of another purpose, or its branch is not `main`.
    """
    try:
        git = GitRepository.open(root)
    except OutsideError:
        return False
    on_main = git.attempt("symbolic-ref", "--quiet", "HEAD")[1].decode().strip() == _MAIN
    if git.bare or git.prefix or not on_main:
        return False
    name, email = git.identity() or FALLBACK
    who = Signature(name, email, now)
    place = path.relative_to(root).as_posix()
    for attempt in range(_TRIES):
        old = git.resolve(_MAIN)
        if old is None:
            return False
        tree = git.write_tree(old, {place: path.read_bytes()})
        if tree == git.git("rev-parse", f"{old}^{{tree}}").decode().strip():
            return True
        commit = git.commit(tree, [old], f"Investigation {path.stem}", who)
        try:
            git.update_ref(_MAIN, commit, old)
            break
        except ConflictError:
            # Another investigation ended in the same moment; its record is kept as well.
            if attempt == _TRIES - 1:
                raise
    oid = git.write_blob(path.read_bytes())
    git.attempt("update-index", "--add", "--cacheinfo", f"100644,{oid},{place}")
    return True
