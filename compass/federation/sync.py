"""Context down: see what the parents have, take what is new, hide what was withdrawn, and notice a parent that was rewound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from compass.adapters.documents import YamlProblem, dump_yaml, parse_yaml, split, write_atomically
from compass.adapters.forge.plain import MAIN, PlainForge
from compass.adapters.git import ZERO, GitRepository
from compass.adapters.remotes import is_remote
from compass.errors import ConfigError, OutsideError
from compass.federation.lineage import entry_files, id_in
from compass.federation.repositories import CONFIG, Member, open_member, parents, read_model
from compass.library import clone_path
from compass.library.source import WANTED
from compass.model.base import Model, SchemaVersion
from compass.model.entry import Status
from compass.model.scope import Repository

_INCOMING: Final = "refs/compass/incoming/main"


class Seen(Model):
    """One parent: the commit that was seen before (None the first time) and the one seen now."""

    repo: str
    before: str | None = Field(alias="from")
    after: str = Field(alias="to")


class News(Model):
    """An entry of a parent that is new, changed or withdrawn."""

    id: str
    kind: str
    title: str
    status: str
    repo: str
    path: str
    reason: str | None = None


class SyncReport(Model):
    """What `sync` found; with alarms, the parents that they name were left where they were."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    parents: tuple[Seen, ...] = ()
    added: tuple[News, ...] = ()
    changed: tuple[News, ...] = ()
    withdrawn: tuple[News, ...] = ()
    alarms: tuple[str, ...] = ()


class Lock(Model):
    """compass.lock: the commit of each parent that was seen last, by repository id."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    parents: dict[str, str] = Field(default_factory=dict)


@dataclass
class _Findings:
    parents: list[Seen] = field(default_factory=list)
    added: list[News] = field(default_factory=list)
    changed: list[News] = field(default_factory=list)
    withdrawn: list[News] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)


def lock_path(repo: GitRepository, clones: Path) -> Path:
    """Where what this reader saw last is kept: beside the clones, never in a repository."""
    key = hashlib.sha256(str(repo.root).encode()).hexdigest()[:16]
    return clones / key / "compass.lock"


def sync(repo: Path, clones: Path, *, offline: bool = False) -> SyncReport:
    """Bring every ancestor of the repository at `repo` up to date and tell what is new.

    Folders are read in place, URLs through bare blobless clones below `clones`. Everything is compared in full, so
    nothing depends on having seen each step. A parent that cannot be read, or was rewound, is an alarm.
    """
    reader = open_member(str(repo), clones, "HEAD")
    place = lock_path(reader.git, clones)
    lock = _read_lock(place)
    found = _Findings()
    known = dict(lock.parents)
    for parent in _ancestors(reader, clones, found, offline=offline):
        before = known.get(parent.id)
        if before and not parent.git.is_ancestor(before, parent.commit):
            found.alarms.append(
                f"{parent.id} was rewound: it no longer contains {before[:12]}, which was seen before; nothing of it was "
                f"taken. If that was meant, remove its line from {place}"
            )
            continue
        if parent.forge.url:
            _advance(parent)
        _compare(parent, before, found)
        found.parents.append(Seen(repo=parent.id, before=before, after=parent.commit))
        known[parent.id] = parent.commit
    if known != lock.parents:
        data = dump_yaml({"schema": 1, "parents": dict(sorted(known.items()))})
        write_atomically(
            place, f"# Written by `compass sync`: what it saw last of each parent.\n{data}".encode()
        )
    return SyncReport(
        parents=tuple(found.parents),
        added=tuple(found.added),
        changed=tuple(found.changed),
        withdrawn=tuple(found.withdrawn),
        alarms=tuple(found.alarms),
    )


def _ancestors(reader: Member, clones: Path, found: _Findings, *, offline: bool) -> Iterator[Member]:
    """Every repository above the reader, nearest first, each once."""
    queue = [reader]
    seen = {reader.id}
    for one in queue:
        for location in parents(one):
            try:
                parent = (
                    _look(location, clones, offline=offline)
                    if is_remote(location)
                    else open_member(location, clones)
                )
            except (ConfigError, OutsideError) as error:
                found.alarms.append(f"{location} cannot be read: {error.message}")
                continue
            if parent.id not in seen:
                seen.add(parent.id)
                queue.append(parent)
                yield parent


def _look(url: str, clones: Path, *, offline: bool) -> Member:
    """The parent behind a URL as it is now; its clone's `main`, which readers use, is not moved yet."""
    git = GitRepository.init(clone_path(clones, url), bare=True)
    if not offline:
        git.fetch(url, [f"+{MAIN}:{_INCOMING}"], blobless=True)
    commit = git.resolve(_INCOMING)
    if commit is None:
        raise OutsideError(f"{url} was never fetched", "run `compass sync` without --offline")
    git.fetch_missing(url, commit, _wanted(git, commit))
    return Member(PlainForge(git, url), commit, read_model(git, commit, CONFIG, Repository))


def _wanted(git: GitRepository, commit: str) -> list[str]:
    return [one.oid for one in git.tree(commit) if WANTED.fullmatch(one.path)]


def _advance(parent: Member) -> None:
    old = parent.git.resolve(MAIN)
    if old != parent.commit:
        parent.git.update_ref(MAIN, parent.commit, old or ZERO)


def _compare(parent: Member, before: str | None, found: _Findings) -> None:
    """Add what differs between two commits of a parent, over the full sets of ids."""
    git = parent.git
    old = _by_id(git, before) if before else {}
    new = _by_id(git, parent.commit)
    blobs = git.read_many(oid for entry, (_, oid) in new.items() if old.get(entry, ("", ""))[1] != oid)
    for entry, (path, oid) in sorted(new.items()):
        if oid not in blobs or (entry in old and old[entry][1] == oid):
            continue
        news = _news(parent, entry, path, blobs[oid])
        if news.status == Status.WITHDRAWN:
            found.withdrawn.append(news)
        else:
            (found.changed if entry in old else found.added).append(news)
    for entry in sorted(old.keys() - new.keys()):
        found.alarms.append(f"{parent.id}: {entry} vanished without a tombstone; it was {old[entry][0]}")


def _by_id(git: GitRepository, commit: str) -> dict[str, tuple[str, str]]:
    files = entry_files(git, commit)
    blobs = git.read_many(one.oid for one in files.values())
    found: dict[str, tuple[str, str]] = {}
    for path, one in sorted(files.items()):
        entry = id_in(blobs.get(one.oid, b""))
        if entry:
            found.setdefault(entry, (path, one.oid))
    return found


def _news(parent: Member, entry: str, path: str, data: bytes) -> News:
    try:
        front: Any = parse_yaml(split(data.decode("utf-8")).front)
    except (YamlProblem, UnicodeDecodeError):
        front = {}
    values: Mapping[str, Any] = front if isinstance(front, dict) else {}
    withdrawn = values.get("withdrawn")
    return News(
        id=entry,
        kind=str(values.get("kind", "")),
        title=str(values.get("title", "")),
        status=str(values.get("status", "")),
        repo=parent.id,
        path=path,
        reason=str(withdrawn.get("reason")) if isinstance(withdrawn, dict) else None,
    )


def _read_lock(path: Path) -> Lock:
    try:
        return Lock.model_validate(parse_yaml(path.read_text("utf-8")))
    except FileNotFoundError:
        return Lock()
    except (YamlProblem, ValidationError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read", "delete it; the next sync cannot notice rewinds since the last one"
        ) from error
