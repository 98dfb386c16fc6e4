"""The entry that moves, as it stands in its source: found by id or path, read, and attributed to the people who wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from compass.adapters.documents import YamlProblem
from compass.adapters.git import CommitInfo, GitRepository
from compass.errors import NegativeAnswerError, UsageError
from compass.federation.endorsement import signature_of
from compass.federation.lineage import entry_files, find_entry, id_in, lineage
from compass.federation.messages import message, people_of
from compass.federation.repositories import Member
from compass.federation.roster import Roster
from compass.library import LoadedEntry, Mount, Source, blob_id
from compass.library.cache import ParseCache
from compass.library.reading import read_source
from compass.model.base import Problem, Severity
from compass.model.ids import ENTRY_ID
from compass.model.scope import Level

UNCOMMITTED: Final = "uncommitted"


@dataclass(frozen=True)
class SourceEntry:
    """An entry of a source repository; `commit` last changed it (None: it is not committed yet)."""

    member: Member
    loaded: LoadedEntry
    commit: str | None
    authors: tuple[str, ...] = ()
    """Principals who wrote it, none twice."""
    notes: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """`team/payments@<commit>`."""
        return f"{self.member.id}@{self.commit or UNCOMMITTED}"


def read_source_entry(source: Member, entry: str, roster: Roster, *, since: str | None = None) -> SourceEntry:
    """The entry (id or path) in the source's commit.

    Its authors are those of every commit that changed it and is not in `since`. NegativeAnswerError when it is not
    committed, not valid, or partly by nobody whom the organization knows.
    """
    git = source.git
    path = _path(source, entry)
    files = entry_files(git, source.commit)
    if path is None or path not in files:
        raise _not_committed(source, entry, path)
    loaded = parse_entry(source, path, git.read(files[path].oid))
    touched = list(lineage(git, source.commit, path, loaded.id))
    if since:
        touched = [one for one in touched if not git.is_ancestor(one.oid, since)]
    last = git.git("rev-list", "-1", "--first-parent", source.commit, "--", path).decode().strip()
    notes = (
        ()
        if not _differs(git, path, files[path].oid)
        else (f"{path} differs in the working tree; HEAD was sent",)
    )
    return SourceEntry(source, loaded, last, _principals(source, touched, roster), notes)


def commit_personal(
    source: Member, entry: str, by: str, roster: Roster, now: datetime, *, dry: bool
) -> SourceEntry | Member:
    """Commit the working tree's version of an entry of the personal repository for its owner.

    Returns the repository as it stands then; with `dry` nothing is written and the entry is returned as it would be.
    """
    git = source.git
    path = _path(source, entry) or _path_in_folder(git.root, entry)
    file = git.root / path if path else None
    if path is None or file is None or not file.is_file() or file.is_symlink():
        return source
    data = file.read_bytes()
    committed = next((one for one in git.tree(source.commit, path) if one.path == path), None)
    if committed and committed.oid == blob_id(data):
        return source
    loaded = parse_entry(source, path, data)
    if dry:
        return SourceEntry(source, loaded, None, (by,), (f"{path} would be committed to {source.id} first",))
    tree = git.write_tree(source.commit, {path: data})
    text = message(f"Write {loaded.id}", (), [("Compass-Entry", loaded.id)])
    new = git.commit(tree, [source.commit], text, signature_of(roster, by, now))
    git.update_ref("HEAD", new, source.commit)
    # The index learns of the one path, so that nothing else that is staged or edited is touched.
    git.attempt("update-index", "--add", "--cacheinfo", f"100644,{blob_id(data)},{path}")
    return Member(source.forge, new, source.config)


def parse_entry(member: Member, path: str, data: bytes) -> LoadedEntry:
    """The entry in a file; NegativeAnswerError with every error and its place."""
    mount = Mount(
        member.id, member.config.level, member.git.root, member.git, member.commit, member.config, 0
    )
    with ParseCache(None) as cache:
        part = read_source(Source(mount, member.commit, {path: (blob_id(data), data)}), cache)
    if not part.entries:
        raise refused(f"{path} is not a valid entry", part.problems)
    return part.entries[0]


def unwritable(where: str, problem: YamlProblem) -> NegativeAnswerError:
    """An error for an entry whose front matter cannot be changed without changing what else it says."""
    return NegativeAnswerError(
        f"{where}: {problem.message}",
        "write this field more plainly there, in quotes, then run the command again",
    )


def refused(what: str, problems: Iterable[Problem]) -> NegativeAnswerError:
    """An error that lists problems, one a line, as `check` prints them."""
    errors = [one for one in problems if one.severity is Severity.ERROR]
    lines = [f"{one.location}: {one.message}" + (f" ({one.hint})" if one.hint else "") for one in errors]
    return NegativeAnswerError("\n  ".join([f"{what}:", *lines]), "mend this, then run the command again")


def requester_of(member: Member, roster: Roster, principal: str | None) -> str:
    """Who asks: the principal that is set, else whose e-mail address Git knows; UsageError when it is nobody."""
    if principal:
        if principal not in roster.by_id:
            raise UsageError(f"COMPASS_PRINCIPAL {principal!r} is not in the organization's people.yaml")
        return principal
    identity = member.git.identity()
    who = roster.by_mail(identity[1]) if identity else None
    if who is None:
        raise UsageError(
            f"{identity[1] if identity else 'nobody'} is no person of the organization",
            "set git's user.email to the address that people.yaml knows, or COMPASS_PRINCIPAL to your principal id",
        )
    return who


def _path(source: Member, entry: str) -> str | None:
    """The path that an id or a path means in the source's commit; None for an id that is not there."""
    if ENTRY_ID.fullmatch(entry):
        found = find_entry(source.git, source.commit, entry)
        return found.path if found else None
    root = source.git.root.resolve()
    files = entry_files(source.git, source.commit)
    for candidate in (root / entry, Path.cwd() / entry):
        absolute = candidate.parent.resolve() / candidate.name
        if absolute.is_relative_to(root):
            inside = absolute.relative_to(root).as_posix()
            if inside in files or absolute.is_file():
                return inside
    return None


def _path_in_folder(root: Path, entry: str) -> str | None:
    """The path of an entry that stands only in the working tree."""
    for path in sorted(
        path
        for folder in ("patterns", "runbooks", "postmortems", "postmortems/*")
        for path in root.glob(f"{folder}/*.md")
    ):
        if path.is_file() and not path.is_symlink() and id_in(path.read_bytes()) == entry:
            return path.relative_to(root).as_posix()
    return None


def _not_committed(source: Member, entry: str, path: str | None) -> NegativeAnswerError:
    git = source.git
    where = path or (_path_in_folder(git.root, entry) if not git.bare else None)
    if where and not git.bare and (git.root / where).is_file():
        return NegativeAnswerError(
            f"{where} is only in the working tree of {git.root}",
            f"commit it: git -C {git.root} add {where} && git -C {git.root} commit -m 'Add {Path(where).stem}'",
        )
    return NegativeAnswerError(
        f"{source.id} has no entry {entry}", "name an id, or a path such as patterns/<slug>.md"
    )


def _differs(git: GitRepository, path: str, oid: str) -> bool:
    file = git.root / path
    return not git.bare and file.is_file() and blob_id(file.read_bytes()) != oid


def _principals(source: Member, commits: Iterable[CommitInfo], roster: Roster) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for commit in commits:
        for mail in people_of(commit):
            who = roster.by_mail(mail)
            if who is None and source.config.level is not Level.PERSONAL:
                raise NegativeAnswerError(
                    f"commit {commit.oid[:12]} of {source.id} changed the entry and is by {mail or 'nobody'}, "
                    "whom the organization does not know",
                    "add the address to its owner in the org repository's people.yaml",
                )
            if who:
                found[who] = None
        found.update(
            (value, None)
            for key, value in commit.trailers
            if key == "Compass-Excluded" and value in roster.by_id
        )
    return tuple(sorted(found))
