"""Proposals and approvals in a plain Git repository: refs, moved by compare-and-swap alone.

A repository on this machine is written directly; one behind a URL through a mirror and leased pushes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from compass.adapters.git import ZERO, GitRepository, check_url
from compass.adapters.remotes import is_remote
from compass.errors import OutsideError, UsageError

MAIN: Final = "refs/heads/main"
_PROPOSE: Final = "refs/heads/compass/propose/"
_APPROVALS: Final = "refs/compass/approvals/"
_CLOSED: Final = "refs/compass/closed/"
_OUTBOX: Final = "refs/compass/outbox/"
_MAPS: Final = "refs/compass/maps"
_PID: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{16}")
_MIRRORED: Final = ("+refs/heads/*:refs/heads/*", "+refs/compass/*:refs/compass/*")


def branch_of(pid: str) -> str:
    """The branch of a proposal; UsageError when `pid` is not one."""
    if not _PID.fullmatch(pid):
        raise UsageError(f"{pid!r} is not a proposal", "list them with `compass review list`")
    return f"{_PROPOSE.removeprefix('refs/heads/')}{pid}"


@dataclass
class PlainForge:
    """One repository as a place of review; `git` is the repository itself, or its mirror when `url` is set."""

    git: GitRepository
    url: str | None = None
    _seen: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, location: str, mirror: Path) -> PlainForge:
        """The repository at a folder or URL; a URL is mirrored into the folder `mirror`."""
        if not is_remote(location):
            git = GitRepository.open(Path(location))
            if git.prefix:
                raise OutsideError(
                    f"{location} is a folder inside the repository {git.root}",
                    "proposals go between repositories; within one, commit to it",
                )
            return cls(git)
        forge = cls(GitRepository.init(mirror, bare=True), check_url(location))
        forge.refresh()
        return forge

    @property
    def name(self) -> str:
        """For messages: the URL or the folder."""
        return self.url or str(self.git.root)

    def refresh(self) -> None:
        """See what others did; a repository on this machine is always seen as it is."""
        if self.url:
            self._seen = self.git.ls_remote(self.url)
            self.git.fetch(self.url, _MIRRORED)

    def main(self) -> str | None:
        """The head of `main`."""
        return self._ref(MAIN)

    def advance(self, new: str, old: str) -> None:
        """Move `main`, and a clean checkout of it; ConflictError when it is not at `old` any more."""
        self._move(MAIN, new, old)
        self.git.refresh_worktree(old, new)

    def dirty(self) -> bool:
        """Whether a checkout of `main` holds changes that moving `main` would mix up."""
        git = self.git
        if git.bare or git.attempt("symbolic-ref", "--quiet", "HEAD")[1].decode().strip() != MAIN:
            return False
        work = f"--work-tree={git.root}"
        git.attempt(work, "update-index", "-q", "--refresh", extra={"GIT_OPTIONAL_LOCKS": "1"})
        tests = (("diff-index", "--quiet", "--cached", "HEAD"), ("diff-files", "--quiet"))
        return any(git.attempt(work, *test)[0] for test in tests)

    def proposals(self) -> dict[str, str]:
        """Heads of the open proposals by id."""
        return {ref.removeprefix(_PROPOSE): head for ref, head in self._refs(_PROPOSE).items()}

    def proposal(self, pid: str) -> str | None:
        """The head of one open proposal."""
        return self._ref(f"refs/heads/{branch_of(pid)}")

    def propose(self, pid: str, new: str | None, old: str | None) -> None:
        """Make, move or (None) close the branch of a proposal."""
        self._move(f"refs/heads/{branch_of(pid)}", new, old)

    def look(self, pid: str) -> tuple[str | None, str | None]:
        """The head of a proposal while it is open, and the commit that closed it."""
        head, end = f"refs/heads/{branch_of(pid)}", f"{_CLOSED}{pid}"
        found = self._refs(head, end)
        return found.get(head), found.get(end)

    def closed(self, pid: str) -> str | None:
        """The commit that closed a proposal: its landing, or the record of its rejection."""
        branch_of(pid)
        return self._ref(f"{_CLOSED}{pid}")

    def close(self, pid: str, commit: str) -> None:
        """Keep `commit` as the end of a proposal; ConflictError when it has another end already."""
        branch_of(pid)
        if self.closed(pid) != commit:
            self._move(f"{_CLOSED}{pid}", commit, None)

    def approvals(self, pid: str) -> dict[tuple[str, str], str]:
        """Approval commits of a proposal by (head, principal)."""
        branch_of(pid)
        found = {}
        for ref, oid in self._refs(f"{_APPROVALS}{pid}/").items():
            head, _, who = ref.removeprefix(f"{_APPROVALS}{pid}/").partition("/")
            found[head, who] = oid
        return found

    def approve(self, pid: str, head: str, who: str, new: str, old: str | None) -> None:
        """Keep an approval of `who` for one head."""
        branch_of(pid)
        self._move(f"{_APPROVALS}{pid}/{head}/{who}", new, old)

    def outbox(self, target: str, entry: str, verb: str) -> str | None:
        """What this repository keeps of a proposal that it sent: an object id."""
        return self._ref(f"{_OUTBOX}{target}/{entry}/{verb}")

    def keep(self, target: str, entry: str, verb: str, new: str, old: str | None) -> None:
        """Keep what was sent; ConflictError when somebody else was first."""
        self._move(f"{_OUTBOX}{target}/{entry}/{verb}", new, old)

    def maps(self) -> str | None:
        """The commit that holds the pseudonyms of the entries that were promoted from here."""
        return self._ref(_MAPS)

    def keep_maps(self, new: str, old: str | None) -> None:
        """Keep further pseudonyms; ConflictError when somebody else was first."""
        self._move(_MAPS, new, old)

    def _refs(self, *prefixes: str) -> dict[str, str]:
        if self.url:
            return {name: oid for name, oid in self._seen.items() if name.startswith(prefixes)}
        return self.git.refs(*prefixes)

    def _ref(self, name: str) -> str | None:
        return self._refs(name).get(name)

    def _move(self, name: str, new: str | None, old: str | None) -> None:
        if not self.url:
            self.git.update_ref(name, new, old or ZERO)
            return
        self.git.push(self.url, new or "", name, old or ZERO)
        if new:
            self._seen[name] = new
        else:
            self._seen.pop(name, None)
