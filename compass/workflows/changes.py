"""What a change touched: the working tree beside the commit that it started from, read by blob id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from compass.adapters.git import GitRepository
from compass.errors import ConfigError, UsageError
from compass.library import Library, LoadedEntry, Mount, Source, blob_id
from compass.library.cache import ParseCache
from compass.library.reading import read_source
from compass.library.source import MAX_FILE, WANTED
from compass.model.entry import FOLDERS
from compass.rules.base import Base

_HEAD: Final = 4096
_MOST: Final = 500  # open proposals that are looked at
_PROPOSE: Final = "compass/propose/"
_ID: Final = re.compile(rb"^id:[ \t]*[\"']?([a-z]{2,3}-[0-9a-z]{10})\b", re.MULTILINE)
_CREATED: Final = re.compile(rb"^created:[ \t]*[\"']?(\d{4}-\d\d-\d\d)", re.MULTILINE)


def base_of(library: Library, revision: str) -> Base:
    """The first repository of a library beside the last commit that it has in common with `revision`.

    ConfigError when it is in no Git repository, UsageError when there is no such revision or nothing in common.
    """
    mount = library.main
    if mount.git is None:
        raise ConfigError(f"{mount.root} is not in a Git repository: there is nothing to compare with")
    commit = _fork(mount.git, revision)
    before = {
        one.path.removeprefix(mount.prefix): one.oid
        for one in mount.git.tree(commit, mount.prefix.rstrip("/"))
        if one.mode != "120000"
    }
    now = {loaded.path: loaded.blob for loaded in library.entries if loaded.mount.distance == 0}
    others = {path for path in before if _matters(path)} | {problem.path for problem in library.problems}
    now |= {path: blob for path in others - now.keys() if (blob := _blob(mount.root, path))}
    paths = {path for path in before if _matters(path)} | now.keys()
    changed = frozenset(path for path in paths if before.get(path) != now.get(path))
    stood = [path for path in changed if path in before and path.endswith(".md") and WANTED.fullmatch(path)]
    entries = _read(mount, {path: before[path] for path in sorted(stood)})
    fresh = {one.id for one in library.entries if one.mount.distance == 0 and one.path in changed}
    if fresh <= entries.keys():
        return Base(entries, changed)
    return Base(entries, changed, dict(_gone(mount, commit)) | dict(_proposed(mount, commit)))


def _matters(path: str) -> bool:
    """Whether a rule looks at a file that is no entry."""
    return bool(WANTED.fullmatch(path)) or path.startswith(("recordings/", "investigations/", ".github/"))


def _fork(git: GitRepository, revision: str) -> str:
    commit = git.resolve(f"{revision}^{{commit}}")
    if commit is None:
        raise UsageError(
            f"{git.root} has no commit {revision!r}",
            "name a branch or commit, such as origin/main; fetch it first",
        )
    status, out, _ = git.attempt("merge-base", commit, "HEAD")
    if status:
        raise UsageError(
            f"HEAD and {revision!r} have nothing in common", "fetch the whole history, then try again"
        )
    return out.decode().split()[0]


def _blob(root: Path, path: str) -> str | None:
    """The blob id of a file of the working tree; None where it is gone, a link, or larger than any file of ours."""
    file = root / path
    if file.is_symlink() or not file.is_file():
        return None
    if file.stat().st_size > MAX_FILE:
        return "too large"
    return blob_id(file.read_bytes())


def _read(mount: Mount, files: dict[str, str]) -> dict[str, LoadedEntry]:
    assert mount.git is not None  # noqa: S101  # the caller has looked
    blobs = mount.git.read_many(files.values(), MAX_FILE)
    source = Source(mount, None, {path: (oid, blobs[oid]) for path, oid in files.items() if oid in blobs})
    with ParseCache(None, "base") as cache:
        return {loaded.id: loaded for loaded in read_source(source, cache).entries}


def _gone(mount: Mount, commit: str) -> Iterator[tuple[str, str]]:
    """Id and day of creation of each entry whose file was deleted in the history of a commit."""
    git = mount.git
    assert git is not None  # noqa: S101  # the caller has looked
    folders = [f"{mount.prefix}{folder}" for folder in FOLDERS.values()]
    options = ("--diff-filter=D", "--no-renames", "--no-ext-diff", "--no-textconv", "--raw", "--no-abbrev")
    rows = git.git("log", *options, "-z", "--format=", commit, "--", *folders).split(b"\0")
    yield from _named(git, rows, 2)


def _proposed(mount: Mount, commit: str) -> Iterator[tuple[str, str]]:
    """The same of each entry that an open proposal brings, as far as its branch has been fetched."""
    git = mount.git
    assert git is not None  # noqa: S101  # the caller has looked
    folders = [f"{mount.prefix}{folder}" for folder in FOLDERS.values()]
    refs = {head for name, head in git.refs("refs/heads/", "refs/remotes/").items() if _PROPOSE in name}
    for head in sorted(refs)[:_MOST]:
        options = ("-r", "--raw", "--no-abbrev", "--no-renames", "--diff-filter=A", "-z")
        status, out, _ = git.attempt("diff-tree", *options, commit, head, "--", *folders)
        if not status:
            yield from _named(git, out.split(b"\0"), 3)


def _named(git: GitRepository, rows: list[bytes], side: int) -> Iterator[tuple[str, str]]:
    """Id and day of the entries in the raw output of a diff; `side` is the column of their blobs."""
    blobs = {
        head.split()[side].decode()
        for head, path in zip(rows[0::2], rows[1::2], strict=False)
        if head.startswith(b":") and path.endswith(b".md")
    }
    for data in git.read_many(sorted(blobs), MAX_FILE).values():
        name, day = _ID.search(data[:_HEAD]), _CREATED.search(data[:_HEAD])
        if name and day:
            yield name[1].decode(), day[1].decode()
