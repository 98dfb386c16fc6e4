"""Backstage catalogs: their documents are copied as they stand into `catalog/`; what is there already is never touched.

Format: https://backstage.io/docs/features/software-catalog/descriptor-format/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from pydantic import ValidationError

from compass.adapters.documents import YamlProblem, parse_yaml, write_atomically
from compass.library import Library
from compass.library.source import MAX_FILE, plain_path
from compass.model.catalog import Entity
from compass.model.ids import slug

_MARKER: Final = re.compile(r"^---(?=[ \t]|$)", re.MULTILINE)
_BACKSTAGE: Final = re.compile(r"^apiVersion:[ \t]*[\"']?backstage\.io/", re.MULTILINE)
_RESERVED: Final = "private"


@dataclass(frozen=True, slots=True)
class Described:
    """One document that describes an entity: as it stands in its file, and the line on which it begins."""

    entity: Entity
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """A file with at least one document of Backstage's; `faults` are documents that describe nothing: (line, why)."""

    source: str
    text: str
    described: tuple[Described, ...]
    faults: tuple[tuple[int, str], ...] = ()


@dataclass
class Merged:
    """What came of one file: the references that were added to `path`, and what was left, each with its line."""

    path: str
    added: list[str] = field(default_factory=list)
    conflicts: list[tuple[int, str]] = field(default_factory=list)


def read_catalog(source: str, text: str) -> CatalogFile | None:
    """The entities of a file; None for YAML of another sort."""
    if not _BACKSTAGE.search(text):
        return None
    described: list[Described] = []
    faults: list[tuple[int, str]] = []
    for line, part in _documents(text):
        try:
            data = parse_yaml(part)
            if isinstance(data, dict) and str(data.get("apiVersion", "")).startswith("backstage.io/"):
                described.append(Described(Entity.model_validate(data), part, line))
        except YamlProblem as problem:
            faults.append((line + problem.line - 1, problem.message))
        except ValidationError as error:
            first = error.errors()[0]
            faults.append((line, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
    return CatalogFile(source, text, tuple(described), tuple(faults))


def merge_catalog(library: Library, file: CatalogFile) -> Merged:
    """Write those entities of `file` that nothing knows into the working tree of the library's first repository."""
    merged = Merged(_target(file.source))
    own = _own(library)
    new: list[Described] = []
    fresh: dict[str, Entity] = {}
    for one in file.described:
        ref = one.entity.ref
        known = own[ref][1] if ref in own else library.entities.get(ref) or fresh.get(ref)
        if known is None:
            fresh[ref] = one.entity
            new.append(one)
        elif known != one.entity:
            place = (
                own[ref][0] if ref in own else "an earlier document" if ref in fresh else "a repository above"
            )
            merged.conflicts.append(
                (one.line, f"{ref} stands already in {place}, and says something else there")
            )
    if new:
        _write(library, file, new, merged)
    return merged


def _write(library: Library, file: CatalogFile, new: list[Described], merged: Merged) -> None:
    text = file.text
    path = library.main.root / merged.path
    broken = any(problem.path == merged.path for problem in library.problems)
    if broken or (path.exists() and not path.is_file()):
        merged.conflicts.append((1, f"{merged.path} cannot be added to; run `compass check`"))
        return
    plain_path(library.main.root, merged.path)
    if path.is_file():
        text = _before(path.read_bytes()) + "".join(_marked(one.text) for one in new)
    elif len(new) < len(file.described) or file.faults:
        text = "".join(_marked(one.text) for one in new)
    if len(text.encode()) > MAX_FILE:
        merged.conflicts.append((1, f"{merged.path} would be larger than {MAX_FILE // 1024 // 1024} MB"))
        return
    write_atomically(path, text.encode())
    merged.added += [one.entity.ref for one in new]


def _before(data: bytes) -> str:
    """What stands in a file that is added to, byte for byte but for the line end that it may lack."""
    text = data.decode("utf-8", "surrogateescape")
    return text if text.endswith("\n") or not text else f"{text}\n"


def _marked(text: str) -> str:
    whole = text if _MARKER.match(text) else f"---\n{text}"
    return f"{whole.rstrip(chr(10))}\n"


def _own(library: Library) -> Mapping[str, tuple[str, Entity]]:
    """The entities of the repository itself: where each stands, as `path:line`, and what it says."""
    found: dict[str, tuple[str, Entity]] = {}
    folder = library.main.root / "catalog"
    for path in sorted(folder.glob("*.y*ml")) if folder.is_dir() and not folder.is_symlink() else ():
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_FILE:
            continue
        file = read_catalog(path.name, path.read_text("utf-8", "replace").removeprefix("\ufeff"))
        for one in file.described if file else ():
            found.setdefault(one.entity.ref, (f"catalog/{path.name}:{one.line}", one.entity))
    return found


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """Each document of a stream with the line on which it begins; a line of three hyphens begins one everywhere."""
    starts = sorted({0, *(found.start() for found in _MARKER.finditer(text))})
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if text[start:end].strip():
            yield text.count("\n", 0, start) + 1, text[start:end]


def _target(source: str) -> str:
    """Where a file's entities go: `catalog-info.yaml` of a folder is named after its folder."""
    path = PurePosixPath(source)
    generic = path.stem in {"catalog-info", "catalog", "all"}
    name = "-".join([*path.parts[:-1], *([] if generic and len(path.parts) > 1 else [path.stem])])
    short = slug(name)
    return f"catalog/{'catalog-info' if short == _RESERVED else short}.yaml"
