"""The example organization that the wheel carries, and a copy of it in which everything is a real repository."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from compass.adapters.documents import dump_yaml, parse_yaml, write_atomically
from compass.adapters.git import ZERO, GitRepository, Signature
from compass.adapters.sshsig import generate
from compass.errors import UsageError

STEWARD: Final = "hub-steward-1"
_MARK: Final = ".compass-demo"


@dataclass(frozen=True)
class Organization:
    """Where the copy lies; `keys` holds one private SSH key for each principal."""

    root: Path
    keys: Path


def packaged_knowledge() -> Path:
    """The folder `knowledge/`: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_knowledge"
    return inside if inside.is_dir() else package.parent / "knowledge"


def make_organization(
    root: Path, *, now: datetime, entropy: Callable[[int], bytes] = os.urandom
) -> Organization:
    """Copy the example organization to `root`, enrol a fresh key for each person, commit each repository.

    `root` must be new, empty, or an earlier demo, which is replaced.
    """
    if root.exists() and any(root.iterdir()):
        if not (root / _MARK).is_file():
            raise UsageError(
                f"{root} is not empty and is not an earlier demo", "name a new folder with --output"
            )
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    write_atomically(root / _MARK, b"Made by `compass demo`; it may replace this folder.\n")
    source = packaged_knowledge()
    for config in sorted(source.rglob("compass.yaml")):
        place = config.parent.relative_to(source)
        shutil.copytree(config.parent, root / place, dirs_exist_ok=True)
    keys = root / "keys"
    _enrol(root / "org" / "people.yaml", keys, entropy)
    for config in sorted(root.rglob("compass.yaml")):
        _commit(config.parent, now)
    return Organization(root, keys)


def _enrol(people: Path, keys: Path, entropy: Callable[[int], bytes]) -> None:
    keys.mkdir(mode=0o700)
    data: Mapping[str, Any] = parse_yaml(people.read_text("utf-8"))
    enrolled = []
    for person in data["people"]:
        key = generate(entropy(32))
        path = keys / person["id"]
        write_atomically(path, key.openssh())
        path.chmod(0o600)
        enrolled.append({**person, "keys": [key.authorized]})
    write_atomically(people, dump_yaml({**data, "people": enrolled}).encode())


def _commit(folder: Path, now: datetime) -> None:
    git = GitRepository.init(folder)
    files: dict[str, bytes | None] = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
    who = Signature(STEWARD, f"{STEWARD}@example.com", now)
    head = git.commit(git.write_tree(None, files), [], "The memory so far", who)
    git.update_ref("refs/heads/main", head, git.resolve("refs/heads/main") or ZERO)
    git.refresh_worktree(None, head)
