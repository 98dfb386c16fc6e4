"""Where other repositories are: URLs, folders, and paths that count from where a clone came from."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from compass.adapters.git import GitRepository

_REMOTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[\w.-]+@[\w.-]+:")


def is_remote(location: str) -> bool:
    """Whether a location is a URL rather than a folder."""
    return _REMOTE.match(location) is not None


def beside(origin: str, relative: str) -> str:
    """A relative path counted from a URL or folder, as Git does it for submodules: `../hub` beside `…/team` is `…/hub`."""
    if "://" in origin:
        head, mark, tail = origin.rpartition("://")
    else:
        head, mark, tail = origin.rpartition(":") if is_remote(origin) else ("", "", origin)
    return f"{head}{mark}{posixpath.normpath(posixpath.join(tail, relative))}"


def origin_of(git: GitRepository) -> str | None:
    """The URL or folder of the remote `origin`."""
    status, out, _ = git.attempt("config", "--get", "remote.origin.url")
    text = out.decode("utf-8", "replace").strip()
    if status or not text:
        return None
    return text if is_remote(text) else str((git.root / text).resolve())


def branch_of(git: GitRepository) -> str | None:
    """The branch that readers of `origin` see first; else the one that is checked out; None where neither is known."""
    for reference in ("refs/remotes/origin/HEAD", "HEAD"):
        status, out, _ = git.attempt("symbolic-ref", "--quiet", reference)
        text = out.decode("utf-8", "replace").strip()
        name = text.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")
        if not status and name and name != text:
            return name
    return None
