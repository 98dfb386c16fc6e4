"""Where an entry stands in a repository, and who made it: its commits, followed through renames by its id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from compass.adapters.git import CommitInfo, GitRepository, TreeEntry

_ENTRY: Final = re.compile(r"(?:patterns|runbooks)/[^/]+\.md|postmortems/(?:[^/]+/)?[^/]+\.md")
_ID: Final = re.compile(rb"""^id:[ ]+["']?([a-z]+-[0-9a-z]{10})["']?[ ]*(?:#.*)?\r?$""", re.MULTILINE)


def id_in(data: bytes) -> str | None:
    """The id in an entry's front matter, without parsing it."""
    end = data.find(b"\n---", 3)
    found = _ID.search(data[:end] if end > 0 else b"")
    return found[1].decode() if found else None


def entry_files(git: GitRepository, revision: str) -> dict[str, TreeEntry]:
    """The files of a revision that may be entries, by path."""
    return {
        one.path: one for one in git.tree(revision) if one.mode != "120000" and _ENTRY.fullmatch(one.path)
    }


def find_entry(git: GitRepository, revision: str, entry: str) -> TreeEntry | None:
    """The file with this id, the first by path."""
    files = entry_files(git, revision)
    blobs = git.read_many(one.oid for one in files.values())
    return next((one for _, one in sorted(files.items()) if id_in(blobs.get(one.oid, b"")) == entry), None)


def lineage(
    git: GitRepository, revision: str, path: str, entry: str, *, first_parent: bool = False
) -> Iterator[CommitInfo]:
    """Commits that changed an entry, newest first; renames are followed because the id stays.

    Without `first_parent`, a merge that took one side's text as it was is left out: it wrote nothing of it.
    """
    start: str | None = revision
    where = path
    seen: set[str] = set()
    while start:
        commits = git.history(start, (where,), first_parent=first_parent)
        yield from (one for one in commits if one.oid not in seen)
        seen.update(one.oid for one in commits)
        start, where = _before(git, commits[-1], entry) if commits else (None, where)


def _before(git: GitRepository, commit: CommitInfo, entry: str) -> tuple[str | None, str]:
    """The parent and path that an entry had before the commit that put it where it is."""
    here = entry_files(git, commit.oid)
    for parent in commit.parents[:1]:
        gone = {path: one for path, one in entry_files(git, parent).items() if path not in here}
        blobs = git.read_many(one.oid for one in gone.values())
        for path, one in sorted(gone.items()):
            if id_in(blobs.get(one.oid, b"")) == entry:
                return parent, path
    return None, ""
