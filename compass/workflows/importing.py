"""`compass import`: foreign Markdown and rule files become draft runbooks; a second run updates, never duplicates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

from pydantic import Field

from compass import __version__
from compass.adapters.documents import edited, split, write_atomically
from compass.errors import UsageError
from compass.library import Library, LoadedEntry, load
from compass.model.base import Model, SchemaVersion
from compass.model.entry import FOLDERS, Runbook, Status
from compass.model.ids import new_id, slug
from compass.workflows.foreign import Draft, read_folder
from compass.workflows.frontmatter import draft_file

_FOLDER: Final = FOLDERS["runbook"]
_CLOSED: Final = frozenset({Status.DEPRECATED, Status.WITHDRAWN})


class Imported(Model):
    """One file or alert, and the entry that stands for it."""

    source: str
    path: str
    id: str
    title: str


class Left(Model):
    """One file that was not imported, or an entry that was not touched, and why."""

    source: str
    reason: str
    path: str | None = None


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


@dataclass
class _Work:
    """What is known while an import runs."""

    library: Library
    folder: Path
    today: date
    random: Random
    mine: dict[str, list[LoadedEntry]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    broken: str = ""
    created: list[Imported] = field(default_factory=list)
    updated: list[Imported] = field(default_factory=list)
    kept: list[Left] = field(default_factory=list)
    unchanged: int = 0


def import_folder(
    root: Path,
    folder: Path,
    *,
    today: date,
    random: Random,
    cache: Path | None = None,
    clones: Path | None = None,
) -> ImportReport:
    """Import `folder` into the working tree of the repository at `root`.

    UsageError when there is no such folder, ConfigError when `root` is not a knowledge repository.
    """
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}", "name the folder that holds the Markdown or rule files"
        )
    library = load(root, revision=None, parents=True, cache=cache, clones=clones)
    work = _prepare(library, folder.resolve(), today, random)
    found = read_folder(folder, _served(library))
    for draft in found.drafts:
        _place(work, draft)
    return ImportReport(
        created=tuple(work.created),
        updated=tuple(work.updated),
        unchanged=work.unchanged,
        kept=tuple(work.kept),
        skipped=tuple(
            Left(source=one.source, reason=one.reason) for one in found.remarks if not one.imported
        ),
        remarks=tuple(Left(source=one.source, reason=one.reason) for one in found.remarks if one.imported),
        ignored=found.ignored,
    )


def _served(library: Library) -> Iterator[str]:
    """Names of alerts that have a runbook, here or above; drafts of earlier imports are found by their source."""
    for loaded in library.entries:
        if isinstance(loaded.entry, Runbook) and loaded.status not in _CLOSED and not _is_alert_draft(loaded):
            yield from (alert.name for alert in loaded.entry.alerts)
            yield loaded.title


def _is_alert_draft(loaded: LoadedEntry) -> bool:
    return loaded.mount.distance == 0 and any("#" in source for source in _sources(loaded))


def _prepare(library: Library, folder: Path, today: date, random: Random) -> _Work:
    work = _Work(library, folder, today, random)
    for loaded in library.entries:
        if loaded.mount.distance == 0:
            for source in _sources(loaded):
                work.mine.setdefault(source, []).append(loaded)
    runbooks = library.main.root / _FOLDER
    work.taken = {path.name.lower() for path in runbooks.iterdir()} if runbooks.is_dir() else set()
    wrong = {problem.path for problem in library.problems if problem.path.startswith(f"{_FOLDER}/")}
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
    if loaded.kind == "runbook":
        yield from (one.url for one in loaded.entry.references if one.type == "WEB" and "://" not in one.url)


def _place(work: _Work, draft: Draft) -> None:
    """Create the draft's entry, or bring the one that came from the same source up to date."""
    known = next((loaded for loaded in work.mine.get(draft.source, ()) if _same(work, loaded, draft)), None)
    if known:
        _update(work, known, draft)
    elif f"url: {draft.source}\n" in work.broken or f'url: "{draft.source}"\n' in work.broken:
        reason = "the entry that came from it cannot be read; run `compass check`"
        work.kept.append(Left(source=draft.source, reason=reason))
    else:
        _create(work, draft)


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
    name = _free(work, slug(draft.title))
    path = f"{_FOLDER}/{name}"
    data: dict[str, Any] = {
        "schema": 1,
        "kind": "runbook",
        "id": new_id("runbook", work.random),
        "title": draft.title,
        "status": "draft",
        "created": work.today,
    }
    if draft.summary:
        data["summary"] = draft.summary
    if draft.alerts:
        data["alerts"] = [{"name": alert} for alert in draft.alerts]
    data["references"] = [{"type": "WEB", "url": draft.source}]
    data["provenance"] = {"drafted_by": "human", "tool": f"compass {__version__} import"}
    data["x"] = {"import": _fresh_mark(work, draft)}
    write_atomically(work.library.main.root / path, draft_file(data, draft.body).encode())
    work.created.append(Imported(source=draft.source, path=path, id=data["id"], title=draft.title))


def _update(work: _Work, loaded: LoadedEntry, draft: Draft) -> None:
    mark = _mark(loaded)
    if mark.get("source") == _digest(draft):
        work.unchanged += 1
        return
    reason = None
    if loaded.status in _CLOSED:
        reason = f"the entry is {loaded.status}"
    elif mark.get("text") != _text_digest(loaded.title, loaded.body):
        reason = "the entry was edited here"
    if reason:
        work.kept.append(
            Left(source=draft.source, reason=f"{reason}, and its source has changed", path=loaded.path)
        )
        return
    extension = {**loaded.entry.x, "import": _fresh_mark(work, draft)}
    fields = edited(loaded.text, {"title": draft.title, "x": extension})
    head = fields[: len(fields) - len(split(fields).body)]
    write_atomically(work.library.main.root / loaded.path, f"{head}\n{draft.body.strip(chr(10))}\n".encode())
    work.updated.append(Imported(source=draft.source, path=loaded.path, id=loaded.id, title=draft.title))


def _free(work: _Work, base: str) -> str:
    """A file name that is not taken: the slug, or the slug with -2, -3, …."""
    name, number = f"{base}.md", 1
    while name in work.taken:
        number += 1
        name = f"{base}-{number}.md"
    work.taken.add(name)
    return name


def _mark(loaded: LoadedEntry) -> dict[str, Any]:
    found = loaded.entry.x.get("import")
    return found if isinstance(found, dict) else {}


def _fresh_mark(work: _Work, draft: Draft) -> dict[str, str]:
    """What a later import needs to know: the folder's name, and digests of the source and of what was made of it."""
    mark = {
        "folder": work.folder.name,
        "source": _digest(draft),
        "text": _text_digest(draft.title, draft.body),
    }
    return mark | ({"front": draft.front} if draft.front else {})


def _digest(draft: Draft) -> str:
    return hashlib.sha256(f"{draft.title}\0{draft.front}\0{draft.body}".encode()).hexdigest()[:16]


def _text_digest(title: str, body: str) -> str:
    return hashlib.sha256(f"{title}\0{body.strip(chr(10))}".encode()).hexdigest()[:16]
