"""Foreign folders read as drafts: Markdown of any origin, alerts of Prometheus and Loki rule files, and catalogs.

Everything in them is data: nothing is executed, followed or fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, Final

from compass.library.alerts import Alert, read_alerts
from compass.library.source import MAX_FILE, shown, walk
from compass.workflows.alertrules import alert_body
from compass.workflows.backstage import CatalogFile, read_catalog
from compass.workflows.foreign_postmortem import is_postmortem, read_account
from compass.workflows.markdown import read_markdown

_MAX_TEXT: Final = MAX_FILE - 64 * 1024
_MARKDOWN: Final = (".md", ".markdown")
_YAML: Final = (".yaml", ".yml", ".rules")
_ABOUT: Final = frozenset({"readme", "index", "_index", "template", "_template", "postmortem-template"})


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be; `source` is its file's name relative to the folder, with `#<alert>` for one of a rule file."""

    source: str
    title: str
    body: str
    front: str = ""
    summary: str | None = None
    alerts: tuple[str, ...] = ()
    kind: str = "runbook"
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What a post-mortem's own words fill beyond its title."""
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was not understood, or only after a guess (`imported`)."""

    source: str
    reason: str
    imported: bool = False
    line: int | None = None


@dataclass
class Found:
    """What a folder holds; `ignored` counts files of other types."""

    drafts: list[Draft] = field(default_factory=list)
    catalogs: list[CatalogFile] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    ignored: int = 0


def read_folder(folder: Path, served: Iterable[str], *, today: date, kind: str | None = None) -> Found:
    """Each Markdown file, by name, then each alert that has no runbook among them or in `served` (alerts, titles).

    A file is told for a runbook or a post-mortem by what it says, unless `kind` is given.
    """
    found = Found()
    alerts: list[Alert] = []
    for name in _files(folder):
        path = folder / name
        if name.endswith("/"):
            found.remarks.append(Remark(shown(name), "lies too deep to be looked into"))
            continue
        suffix = path.suffix.lower()
        if suffix not in {*_MARKDOWN, *_YAML}:
            found.ignored += 1
            continue
        if shown(name) != name:
            found.remarks.append(Remark(shown(name), "its name is not UTF-8; rename it"))
            continue
        text = _text(folder, path, name, found)
        if text is None:
            continue
        if suffix in _MARKDOWN:
            _read_document(found, name, text, today, kind)
        else:
            alerts += _read_rules(found, name, text)
    _join(found, alerts, {name.casefold() for name in served})
    return found


def _read_document(found: Found, name: str, text: str, today: date, kind: str | None) -> None:
    read = read_markdown(name, text)
    if isinstance(read, str):
        found.remarks.append(Remark(name, read))
    elif kind == "runbook" or (kind is None and not is_postmortem(name, read.title, read.body)):
        found.drafts.append(Draft(name, read.title, read.body, read.front, read.summary))
    elif PurePosixPath(name).stem.lower() in _ABOUT:
        found.remarks.append(Remark(name, "about the folder, or a template, and so no post-mortem"))
    else:
        account = read_account(name, read.title, read.body, read.line, today)
        summary = {"summary": read.summary} if read.summary else {}
        found.drafts.append(
            Draft(
                name,
                read.title,
                read.body,
                read.front,
                kind="postmortem",
                fields={**summary, **account.fields},
                year=account.year,
            )
        )
        found.remarks += [
            Remark(name, why, imported=True, line=max(line, 1)) for line, why in account.remarks
        ]


def _read_rules(found: Found, name: str, text: str) -> list[Alert]:
    """The alerts of a YAML file; a catalog among them is kept for `catalog/`."""
    if catalog := read_catalog(name, text):
        found.catalogs.append(catalog)
        found.remarks += [Remark(name, why, line=line) for line, why in catalog.faults]
        return []
    alerts = read_alerts(name, text)
    if isinstance(alerts, str):
        found.remarks.append(Remark(name, alerts))
        return []
    found.ignored += not alerts
    return alerts


def _files(folder: Path) -> list[str]:
    """Files by their relative name, hidden folders and files left out."""
    return sorted(walk(folder, hidden=False))


def _text(folder: Path, path: Path, name: str, found: Found) -> str | None:
    """The file as text with LF, or None and a remark."""
    reason = None
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        reason = "a symbolic link that leads out of the folder"
    elif not path.is_file():
        reason = "not a plain file"
    elif path.stat().st_size > _MAX_TEXT:
        reason = f"larger than {_MAX_TEXT // 1024} kB"
    else:
        data = path.read_bytes()
        text, guess = _decoded(data)
        if text is None:
            reason = "a binary file"
        else:
            if guess:
                found.remarks.append(Remark(name, guess, imported=True))
            return text.replace("\r\n", "\n").replace("\r", "\n")
    found.remarks.append(Remark(name, reason))
    return None


def _decoded(data: bytes) -> tuple[str | None, str | None]:
    """The text and, when it was not UTF-8, how it was read; no text for binary data."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace"), "read as UTF-16"
    if b"\0" in data:
        return None, None
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), "not UTF-8; read as Windows-1252"


def _join(found: Found, alerts: list[Alert], served: set[str]) -> None:
    """Give alerts to the documents named after them, and the others a draft of their own."""
    rules: dict[str, list[Alert]] = {}
    for alert in alerts:
        rules.setdefault(alert.name, []).append(alert)
    documents = _by_name(found.drafts)
    for name, group in rules.items():
        number = next((documents[key] for key in _names(group) if key in documents), None)
        if number is not None:
            draft = found.drafts[number]
            found.drafts[number] = replace(draft, alerts=(*draft.alerts, name))
        elif name.casefold() not in served:
            found.drafts.append(Draft(f"{group[0].source}#{name}", name, alert_body(group), alerts=(name,)))


def _by_name(drafts: list[Draft]) -> Mapping[str, int]:
    """Where the draft stands whose file or title has this name, case-folded."""
    found: dict[str, int] = {}
    for number, draft in enumerate(drafts):
        if draft.kind != "runbook":
            continue
        for key in (PurePosixPath(draft.source).stem, draft.title):
            found.setdefault(key.casefold(), number)
    return found


def _names(group: list[Alert]) -> Iterator[str]:
    """The names under which the runbook of an alert may be found: its own, and the end of its `runbook_url`."""
    yield group[0].name.casefold()
    for alert in group:
        if url := alert.annotations.get("runbook_url", "").rstrip("/"):
            yield PurePosixPath(url.rpartition("/")[2].partition("#")[0]).name.removesuffix(".md").casefold()
