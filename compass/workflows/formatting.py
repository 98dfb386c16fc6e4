"""`compass fmt`: bring entries into the canonical form, one atomic write each; broken files are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from compass.adapters.documents import YamlProblem, canonical, parse_yaml, split, write_atomically
from compass.errors import ConfigError
from compass.library import load
from compass.library.source import MAX_FILE, WANTED, shown
from compass.model.base import Model, Problem, SchemaVersion, Severity
from compass.rules.codeowners import CODEOWNERS, MADE, codeowners
from compass.workflows.check import among, inside
from compass.workflows.gate import GATE

_FOLDERS = ("patterns", "runbooks", "postmortems")


class FormatReport(Model):
    """Which files were rewritten (or would be), and which could not be read."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    changed: tuple[str, ...] = ()
    unchanged: int = 0
    problems: tuple[Problem, ...] = ()
    written: bool = True


def format_files(
    root: Path, *, paths: Sequence[Path] = (), write: bool = True, clones: Path | None = None
) -> FormatReport:
    """Format the entries of the working tree at `root`, or those among `paths`; with `write` false only say which.

    Without `paths` CODEOWNERS is made, too, where there is the gate, or a file that was made before.
    """
    root = root.resolve()
    if not (root / "compass.yaml").is_file():
        raise ConfigError(
            f"{root} is not a knowledge repository: it has no compass.yaml", "make one with `compass init`"
        )
    wanted = [inside(root, path) for path in paths] or ["."]
    changed: list[str] = []
    problems: list[Problem] = []
    unchanged = 0
    for path in _entry_files(root):
        name = path.relative_to(root).as_posix()
        if not among(name, wanted):
            continue
        found = _formatted(path, name) if shown(name) == name else _unnamed(name)
        if isinstance(found, Problem):
            problems.append(found)
        elif found is None:
            unchanged += 1
        else:
            changed.append(name)
            if write:
                write_atomically(path, found)
    if not paths and (owners := _owners(root, clones)):
        changed.append(CODEOWNERS)
        if write:
            write_atomically(root / CODEOWNERS, owners)
    return FormatReport(changed=tuple(changed), unchanged=unchanged, problems=tuple(problems), written=write)


def _owners(root: Path, clones: Path | None) -> bytes | None:
    """CODEOWNERS as it should be, where it is ours to make and differs."""
    file = root / CODEOWNERS
    if file.is_symlink() or not (file.is_file() or (root / GATE).is_file()):
        return None
    there = file.read_bytes() if file.is_file() else b""
    if there and not there.startswith(MADE.encode()):
        return None
    wanted = (codeowners(load(root, revision=None, parents=True, clones=clones)) or "").encode()
    return wanted if wanted and wanted != there else None


def _entry_files(root: Path) -> list[Path]:
    folders = [root / name for name in _FOLDERS]
    folders += sorted((root / "postmortems").glob("*/"))
    found = (path for folder in folders if not folder.is_symlink() for path in folder.glob("*.md"))
    return sorted(path for path in found if WANTED.fullmatch(path.relative_to(root).as_posix()))


def _formatted(path: Path, name: str) -> Problem | bytes | None:
    """The canonical bytes of a file; None when it already has them, a problem when it cannot be read."""
    if path.is_symlink() or not path.is_file():
        what = "symbolic links are not followed" if path.is_symlink() else "this is no plain file"
        return _left(name, "link", what)
    if path.stat().st_size > MAX_FILE:
        return _left(name, "size", f"the file is larger than {MAX_FILE // 1024 // 1024} MB")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
        wanted = canonical(text)
        before = split(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
        if parse_yaml(split(wanted).front) != parse_yaml(before.front):
            return _left(name, "canonical-form", "rewriting the file would change what it says")
    except UnicodeDecodeError as error:
        return _left(name, "encoding", "the file is not UTF-8", data[: error.start].count(b"\n") + 1)
    except YamlProblem as problem:
        return _left(name, "yaml", problem.message, problem.line + 1, problem.column)
    return None if wanted.encode() == data else wanted.encode()


def _unnamed(name: str) -> Problem:
    return _left(shown(name), "encoding", "the file's name is not UTF-8")


def _left(path: str, rule: str, message: str, line: int = 1, column: int = 1) -> Problem:
    hint = "left as it is; mend it, then run `compass fmt` again"
    return Problem(
        rule=rule, severity=Severity.ERROR, message=message, path=path, line=line, column=column, hint=hint
    )
