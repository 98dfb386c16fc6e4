"""The files of one repository at one moment, from Git or from the working tree; nothing is interpreted here."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.adapters.git import GitRepository
from compass.adapters.remotes import beside, is_remote, origin_of
from compass.errors import ConfigError, Location, OutsideError, UsageError
from compass.model.base import Problem, Severity
from compass.model.scope import Level, Repository

MAX_FILE: Final = 2 * 1024 * 1024
WANTED: Final = re.compile(
    r"(?:patterns|runbooks)/[^/]+\.md|postmortems/(?:[^/]+/)?[^/]+\.md|catalog/[^/]+\.ya?ml|catalog/mcp\.json|vocabulary/[^/]+\.ya?ml"
    r"|compass\.yaml|people\.yaml|teams\.yaml"
)
_DEEPEST: Final = 64
_FOLDERS: Final = ("patterns", "runbooks", "postmortems", "catalog", "vocabulary")
_RECORDING: Final = re.compile(r"recordings/([^/.][^/]*)/recording\.yaml")


@dataclass(frozen=True)
class Mount:
    """One repository of a library; `root` is its folder, `prefix` where that lies in its Git repository."""

    id: str
    level: Level
    root: Path
    git: GitRepository | None
    commit: str | None
    config: Repository
    distance: int
    prefix: str = ""


@dataclass(frozen=True)
class Source:
    """Path -> (blob id, bytes) of the files that matter, and what was wrong with the others."""

    mount: Mount
    revision: str | None
    files: Mapping[str, tuple[str, bytes]]
    recordings: Mapping[str, Path] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def blob_id(data: bytes) -> str:
    """The id that Git gives these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def clone_path(clones: Path, url: str) -> Path:
    """Where `sync` keeps the bare clone of a remote repository."""
    return clones / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.git"


def locate_parent(root: Path, parent: str, origin: str | None) -> str:
    """A parent named in the compass.yaml at `root`: a URL as it is, a path made absolute.

    A clone may lie elsewhere than its origin; then a relative path counts from the origin.
    """
    if is_remote(parent):
        return parent
    path = os.path.normpath(root / parent)
    return beside(origin, parent) if origin and not Path(path).is_dir() else path


def parent_folder(mount: Mount, parent: str, clones: Path | None) -> Path:
    """The folder to read a parent from: its own, or the clone that `sync` keeps of a remote one."""
    found = locate_parent(mount.root, parent, origin_of(mount.git) if mount.git else None)
    if is_remote(found):
        return clone_path(clones, found) if clones else Path(os.devnull)
    return Path(found)


def open_source(root: Path, revision: str | None = "HEAD", *, distance: int = 0) -> Source:
    """Read the wanted files of the repository at `root`; ConfigError when it is not a knowledge repository."""
    root = Path(os.path.realpath(root))
    if not root.is_dir():
        raise ConfigError(f"there is no folder {root}", "name a knowledge repository with -C")
    try:
        git = GitRepository.open(root)
    except OutsideError as error:
        if revision is not None and not (root / "compass.yaml").exists():
            raise _no_repository(root) from error
        if revision is not None:
            raise ConfigError(
                f"{error.message}; its HEAD cannot be read", "git init, then commit what is there"
            ) from error
        git = None
    if revision is None and git is not None and git.bare:
        revision = "HEAD"
    commit = git.resolve(f"{revision}^{{commit}}") if git and revision else None
    if revision is not None and commit is None:
        raise ConfigError(f"{root} has no commit {revision}", "commit what is there first")
    prefix = git.prefix if git else ""
    if commit and git:
        files, problems, names = _from_git(git, commit, prefix)
    else:
        files, problems, names = _from_folder(root)
    config = _config(root, files)
    mount = Mount(config.id, config.level, root, git, commit, config, distance, prefix)
    problems += [_set_aside(key) for key in git.distrusted] if git else []
    recordings = {name: root / "recordings" / name for name in names} if git is None or not git.bare else {}
    return Source(mount, revision, files, recordings, tuple(problems))


def _no_repository(root: Path) -> ConfigError:
    hint = "name one with -C, or make one with `compass init`"
    return ConfigError(f"{root} is not a knowledge repository: it has no compass.yaml", hint)


def _config(root: Path, files: Mapping[str, tuple[str, bytes]]) -> Repository:
    if "compass.yaml" not in files:
        raise _no_repository(root)
    path = str(root / "compass.yaml")
    try:
        return Repository.model_validate(parse_yaml(files["compass.yaml"][1].decode("utf-8")))
    except YamlProblem as problem:
        raise ConfigError(problem.message, location=Location(path, problem.line, problem.column)) from problem
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8", location=Location(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}", location=Location(path)
        ) from error


_Found = tuple[dict[str, tuple[str, bytes]], list[Problem], list[str]]


def _from_git(git: GitRepository, commit: str, prefix: str) -> _Found:
    wanted: dict[str, str] = {}
    problems: list[Problem] = []
    names = []
    for item in git.tree(commit, prefix.rstrip("/")):
        path = item.path.removeprefix(prefix)
        if shown(path) != path:
            problems += [_unnamed(path)] if WANTED.fullmatch(path) else []
            continue
        if found := _RECORDING.fullmatch(path):
            names.append(found[1])
        if not WANTED.fullmatch(path):
            continue
        if item.mode == "120000":
            problems.append(
                _problem("link", path, "symbolic links are not followed", "commit the file itself")
            )
        else:
            wanted[path] = item.oid
    blobs = git.read_many(wanted.values(), MAX_FILE)
    problems += [_too_large(path) for path, oid in wanted.items() if oid not in blobs]
    return {path: (oid, blobs[oid]) for path, oid in sorted(wanted.items()) if oid in blobs}, problems, names


def _from_folder(root: Path) -> _Found:
    files: dict[str, tuple[str, bytes]] = {}
    problems: list[Problem] = []
    top = ((name, item) for name, item in _listed(root, "", 0) if name.endswith(".yaml") or name in _FOLDERS)
    for name, item in sorted(
        [*top, *(one for folder in _FOLDERS for one in _listed(root, folder, 1))], key=_name
    ):
        if shown(name) != name:
            problems += [_unnamed(name)] if WANTED.fullmatch(name) else []
        elif item.is_symlink() and (name in _FOLDERS or WANTED.fullmatch(name)):
            problems.append(
                _problem("link", name, "symbolic links are not followed", "put the file itself here")
            )
        elif not WANTED.fullmatch(name) or item.is_dir(follow_symlinks=False):
            continue
        elif not item.is_file(follow_symlinks=False):
            problems.append(_problem("link", name, "this is no plain file and was not opened", "remove it"))
        elif item.stat(follow_symlinks=False).st_size > MAX_FILE:
            problems.append(_too_large(name))
        else:
            with FileIO(item.path) as stream:
                data = stream.readall()
            files[name] = (blob_id(data), data)
    recordings = root / "recordings"
    # A hidden folder is one that `record` has not finished.
    names = (
        [one.parent.name for one in recordings.glob("[!.]*/recording.yaml")]
        if not recordings.is_symlink()
        else []
    )
    return files, problems, sorted(name for name in names if shown(name) == name)


def _name(found: tuple[str, os.DirEntry[str]]) -> str:
    return found[0]


def walk(folder: Path, *, hidden: bool = True) -> Iterator[str]:
    """Every file below a folder by its relative name; links are named and never followed.

    A folder deeper than any knowledge lies is named with a slash at its end, and not entered.
    """
    waiting = [""]
    while waiting:
        above = waiting.pop()
        if above.count("/") > _DEEPEST:
            yield above
            continue
        for item in _items(folder / above):
            if hidden or not item.name.startswith("."):
                if item.is_dir(follow_symlinks=False):
                    waiting.append(f"{above}{item.name}/")
                else:
                    yield f"{above}{item.name}"


def _items(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:  # gone meanwhile, or not ours to read
        return []


def _listed(root: Path, folder: str, depth: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """What lies in a folder and `depth` folders below it, by path; links are listed and never followed."""
    if (root / folder).is_symlink() or not (root / folder).is_dir():
        return
    with os.scandir(root / folder) as found:
        for item in found:
            name = f"{folder}/{item.name}" if folder else item.name
            if depth and item.is_dir(follow_symlinks=False):
                yield from _listed(root, name, depth - 1)
            else:
                yield name, item


def shown(name: str) -> str:
    """A file's name as text that can be printed and stored; bytes that are not UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _unnamed(path: str) -> Problem:
    return _problem("encoding", shown(path), "the file's name is not UTF-8, so it was not read", "rename it")


def plain_path(root: Path, name: str) -> Path:
    """Where to write the file `name` of the repository at `root`; UsageError when a link on the way leads elsewhere."""
    path = root / name
    for step in (path, *path.parents):
        if step == root:
            break
        if step.is_symlink():
            raise UsageError(
                f"{step.relative_to(root)} is a symbolic link, so nothing is written through it",
                "put the file or folder itself there",
            )
    return path


def _set_aside(key: str) -> Problem:
    return Problem(
        rule="git-config",
        severity=Severity.INFO,
        message=f"{key} of this repository's own Git configuration names a program, which is not run",
        path=".git/config",
        hint="set it in your own configuration (`git config --global`) if you need it",
    )


def _too_large(path: str) -> Problem:
    return _problem(
        "size", path, f"the file is larger than {MAX_FILE // 1024 // 1024} MB and was not read", "split it"
    )


def _problem(rule: str, path: str, message: str, hint: str) -> Problem:
    return Problem(rule=rule, severity=Severity.ERROR, message=message, path=path, hint=hint)
