"""`compass import`: foreign Markdown, rule files and catalogs become drafts; a second run updates, never duplicates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from compass import __version__
from compass.adapters.documents import YamlProblem, edited, split, write_atomically
from compass.errors import UsageError
from compass.library import Library, LoadedEntry, load
from compass.library.source import plain_path
from compass.model.base import Model, SchemaVersion
from compass.model.entry import FOLDERS, Runbook, Status
from compass.model.ids import new_id, slug
from compass.workflows.backstage import CatalogFile, merge_catalog
from compass.workflows.foreign import Draft, Found, Remark, read_folder
from compass.workflows.frontmatter import draft_file

_CLOSED: Final = frozenset({Status.DEPRECATED, Status.WITHDRAWN})
_FIELDS: Final = ("summary", "times", "what_went_well", "where_we_got_lucky", "what_surprised_us", "actions")
"""What the words of a post-mortem fill, and what counts as edited here when it differs."""


class Imported(Model):
    """One file or alert, and the entry that stands for it."""

    source: str
    path: str
    id: str
    title: str


class Left(Model):
    """One file that was not imported, or an entry that was not touched, and why; with its line where that is known."""

    source: str
    reason: str
    path: str | None = None
    line: int | None = None

    @model_serializer(mode="wrap")
    def _without_unknown_line(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in write(self).items() if key != "line" or value is not None}


class Catalogued(Model):
    """One catalog file: the entities that it added to a file below `catalog/`."""

    source: str
    path: str
    added: tuple[str, ...]


class ImportReport(Model):
    """What an import did; paths are those of the repository, sources those of the folder."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    created: tuple[Imported, ...] = ()
    updated: tuple[Imported, ...] = ()
    unchanged: int = 0
    kept: tuple[Left, ...] = Field(
        default=(), description="edited here, so left as they are though the source changed"
    )
    skipped: tuple[Left, ...] = Field(default=(), description="not understood, so not imported")
    remarks: tuple[Left, ...] = Field(default=(), description="imported, but only after a guess")
    ignored: int = Field(default=0, description="files of other types")
    catalog: tuple[Catalogued, ...] = ()

    @model_serializer(mode="wrap")
    def _without_empty_catalog(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in write(self).items() if key != "catalog" or value}


@dataclass
class _Work:
    """What is known while an import runs."""

    library: Library
    folder: Path
    today: date
    random: Random
    mine: dict[str, list[LoadedEntry]] = field(default_factory=dict)
    lost: list[LoadedEntry] = field(default_factory=list)
    taken: dict[str, set[str]] = field(default_factory=dict)
    broken: str = ""
    kind: str | None = None
    created: list[Imported] = field(default_factory=list)
    updated: list[Imported] = field(default_factory=list)
    kept: list[Left] = field(default_factory=list)
    catalog: list[Catalogued] = field(default_factory=list)
    unchanged: int = 0


def import_folder(
    root: Path,
    folder: Path,
    *,
    today: date,
    random: Random,
    kind: str | None = None,
    cache: Path | None = None,
    clones: Path | None = None,
) -> ImportReport:
    """Import `folder` into the working tree of the repository at `root`; `kind` forces what its documents are.

    UsageError when there is no such folder, ConfigError when `root` is not a knowledge repository.
    """
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}", "name the folder that holds the Markdown, rule or catalog files"
        )
    library = load(root, revision=None, parents=True, cache=cache, clones=clones)
    found = read_folder(folder, _served(library), today=today, kind=kind)
    work = _prepare(library, folder.resolve(), found, today, random)
    work.kind = kind
    for draft in found.drafts:
        _place(work, draft)
    for file in found.catalogs:
        _catalog(work, file)
    return ImportReport(
        created=tuple(work.created),
        updated=tuple(work.updated),
        unchanged=work.unchanged,
        kept=tuple(work.kept),
        skipped=tuple(_left(one) for one in found.remarks if not one.imported),
        remarks=tuple(_left(one) for one in found.remarks if one.imported),
        ignored=found.ignored,
        catalog=tuple(work.catalog),
    )


def _left(remark: Remark) -> Left:
    return Left(source=remark.source, reason=remark.reason, line=remark.line)


def _served(library: Library) -> Iterator[str]:
    """Names of alerts that have a runbook, here or above; drafts of earlier imports are found by their source."""
    for loaded in library.entries:
        if isinstance(loaded.entry, Runbook) and loaded.status not in _CLOSED and not _is_alert_draft(loaded):
            yield from (alert.name for alert in loaded.entry.alerts)
            yield loaded.title


def _is_alert_draft(loaded: LoadedEntry) -> bool:
    return loaded.mount.distance == 0 and any("#" in source for source in _sources(loaded))


def _prepare(library: Library, folder: Path, found: Found, today: date, random: Random) -> _Work:
    work = _Work(library, folder, today, random)
    present = {one.source for one in found.drafts} | {one.source for one in found.remarks}
    for loaded in library.entries:
        if loaded.mount.distance == 0:
            sources = list(_sources(loaded))
            for source in sources:
                work.mine.setdefault(source, []).append(loaded)
            if _mark(loaded).get("folder") == folder.name and not present.intersection(sources):
                work.lost.append(loaded)
    folders = tuple(f"{FOLDERS[kind]}/" for kind in ("runbook", "postmortem"))
    wrong = {problem.path for problem in library.problems if problem.path.startswith(folders)}
    wrong -= {loaded.path for loaded in library.entries if loaded.mount.distance == 0}
    texts = (library.main.root / path for path in sorted(wrong))
    work.broken = "\n".join(
        path.read_text("utf-8", "replace")[:65536]
        for path in texts
        if path.is_file() and not path.is_symlink()
    )
    return work


def _sources(loaded: LoadedEntry) -> Iterator[str]:
    """Names of files from which an entry was imported."""
    if loaded.kind in {"runbook", "postmortem"}:
        yield from (one.url for one in loaded.entry.references if one.type == "WEB" and "://" not in one.url)


def _place(work: _Work, draft: Draft) -> None:
    """Create the draft's entry, or bring the one that came from the same source up to date."""
    known = next((loaded for loaded in work.mine.get(draft.source, ()) if _same(work, loaded, draft)), None)
    known = known or _renamed(work, draft)
    if known and work.kind and known.kind != draft.kind:
        reason = (
            f"it was imported as a {known.kind}; withdraw or remove that entry to import it as a {draft.kind}"
        )
        work.kept.append(Left(source=draft.source, reason=reason, path=known.path))
    elif known:
        _update(work, known, draft)
    elif f"url: {draft.source}\n" in work.broken or f'url: "{draft.source}"\n' in work.broken:
        reason = "the entry that came from it cannot be read; run `compass check`"
        work.kept.append(Left(source=draft.source, reason=reason))
    else:
        _create(work, draft)


def _renamed(work: _Work, draft: Draft) -> LoadedEntry | None:
    """The entry whose source is gone from the folder and had the same content as this one."""
    digest = _digest(draft)
    for loaded in work.lost:
        mark = _mark(loaded)
        same = mark.get("source") == digest or (
            loaded.body.strip("\n") == draft.body.strip("\n") != ""
            and mark.get("front", "") == draft.front
            and not _edited(loaded)
        )
        if same:
            work.lost.remove(loaded)
            return loaded
    return None


def _same(work: _Work, loaded: LoadedEntry, draft: Draft) -> bool:
    """Whether the entry came from this file, and not from one of the same name in another folder."""
    mark = _mark(loaded)
    return (
        not mark
        or mark.get("folder") == work.folder.name
        or mark.get("source") == _digest(draft)
        or loaded.title == draft.title
    )


def _create(work: _Work, draft: Draft) -> None:
    folder = FOLDERS[draft.kind]
    if draft.kind == "postmortem":
        folder = f"{folder}/{draft.year or work.today.year}"
    path = f"{folder}/{_free(work, folder, slug(draft.title))}"
    data: dict[str, Any] = {
        "schema": 1,
        "kind": draft.kind,
        "id": new_id(draft.kind, work.random),
        "title": draft.title,
        "status": "draft",
        "created": work.today,
        **draft.fields,
    }
    if draft.summary:
        data["summary"] = draft.summary
    if draft.alerts:
        data["alerts"] = [{"name": alert} for alert in draft.alerts]
    data["references"] = [{"type": "WEB", "url": draft.source}]
    data["provenance"] = {"drafted_by": "human", "tool": f"compass {__version__} import"}
    data["x"] = {"import": _fresh_mark(work, draft)}
    write_atomically(plain_path(work.library.main.root, path), draft_file(data, draft.body).encode())
    work.created.append(Imported(source=draft.source, path=path, id=data["id"], title=draft.title))


def _update(work: _Work, loaded: LoadedEntry, draft: Draft) -> None:
    mark = _mark(loaded)
    same = mark.get("source") == _digest(draft)
    known = draft.source in _sources(loaded)
    reason = None
    if loaded.status in _CLOSED:
        reason = f"the entry is {loaded.status}"
    elif _edited(loaded):
        reason = "the entry was edited here"
    if same and (known or reason):
        work.unchanged += 1
        return
    if reason:
        work.kept.append(
            Left(source=draft.source, reason=f"{reason}, and its source has changed", path=loaded.path)
        )
        return
    changes: dict[str, Any] = {"title": draft.title}
    if loaded.kind == "postmortem":
        changes |= {key: draft.fields.get(key) for key in _FIELDS}
    if not known:
        old = next(_sources(loaded), None)
        changes["references"] = [
            {"type": str(one.type), "url": draft.source if one.url == old else one.url}
            for one in loaded.entry.references
        ]
    changes["x"] = {**loaded.entry.x, "import": _fresh_mark(work, draft, loaded.kind)}
    try:
        fields = edited(loaded.text, changes)
    except YamlProblem as problem:
        work.kept.append(Left(source=draft.source, reason=problem.message, path=loaded.path))
        return
    head = fields[: len(fields) - len(split(fields).body)]
    target = plain_path(work.library.main.root, loaded.path)
    write_atomically(target, f"{head}\n{draft.body.strip(chr(10))}\n".encode())
    work.updated.append(Imported(source=draft.source, path=loaded.path, id=loaded.id, title=draft.title))


def _edited(loaded: LoadedEntry) -> bool:
    """Whether somebody changed here what the import wrote."""
    mark = _mark(loaded)
    if mark.get("text") != _text_digest(loaded.title, loaded.body):
        return True
    if loaded.kind != "postmortem":
        return False
    data = json.loads(loaded.front) if isinstance(loaded.front, str) else loaded.front
    return bool(mark.get("fields") != _fields_digest(data))


def _catalog(work: _Work, file: CatalogFile) -> None:
    merged = merge_catalog(work.library, file)
    for line, reason in merged.conflicts:
        work.kept.append(Left(source=file.source, reason=reason, path=merged.path, line=line))
    if merged.added:
        work.catalog.append(Catalogued(source=file.source, path=merged.path, added=tuple(merged.added)))
    elif not merged.conflicts:
        work.unchanged += 1


def _free(work: _Work, folder: str, base: str) -> str:
    """A file name that is not taken: the slug, or the slug with -2, -3, …."""
    if folder not in work.taken:
        path = work.library.main.root / folder
        work.taken[folder] = {one.name.lower() for one in path.iterdir()} if path.is_dir() else set()
    name, number = f"{base}.md", 1
    while name in work.taken[folder]:
        number += 1
        name = f"{base}-{number}.md"
    work.taken[folder].add(name)
    return name


def _mark(loaded: LoadedEntry) -> dict[str, Any]:
    found = loaded.entry.x.get("import")
    return found if isinstance(found, dict) else {}


def _fresh_mark(work: _Work, draft: Draft, kind: str | None = None) -> dict[str, str]:
    """What a later import needs to know: the folder's name, and digests of the source and of what was made of it."""
    mark = {
        "folder": work.folder.name,
        "source": _digest(draft),
        "text": _text_digest(draft.title, draft.body),
    }
    if (kind or draft.kind) == "postmortem":
        mark["fields"] = _fields_digest(draft.fields)
    return mark | ({"front": draft.front} if draft.front else {})


def _digest(draft: Draft) -> str:
    return hashlib.sha256(f"{draft.title}\0{draft.front}\0{draft.body}".encode()).hexdigest()[:16]


def _text_digest(title: str, body: str) -> str:
    return hashlib.sha256(f"{title}\0{body.strip(chr(10))}".encode()).hexdigest()[:16]


def _fields_digest(data: Mapping[str, Any]) -> str:
    told = json.dumps({key: data[key] for key in _FIELDS if key in data}, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
