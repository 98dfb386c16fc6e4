"""Foreign folders read as drafts of runbooks: Markdown of any origin, and alerts of Prometheus and Loki rule files.

Everything in them is data: nothing is executed, followed or fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from compass.library.source import MAX_FILE
from compass.workflows.alertrules import Alert, alert_body, read_alerts
from compass.workflows.markdown import Document, read_markdown

_MAX_TEXT: Final = MAX_FILE - 64 * 1024
_MARKDOWN: Final = (".md", ".markdown")
_YAML: Final = (".yaml", ".yml", ".rules")


@dataclass(frozen=True, slots=True)
class Draft:
    """A runbook to be; `source` is its file's name relative to the folder, with `#<alert>` for one of a rule file."""

    source: str
    title: str
    body: str
    front: str = ""
    summary: str | None = None
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was not understood, or only after a guess (`imported`)."""

    source: str
    reason: str
    imported: bool = False


@dataclass
class Found:
    """What a folder holds; `ignored` counts files of other types."""

    drafts: list[Draft] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    ignored: int = 0


def read_folder(folder: Path, served: Iterable[str]) -> Found:
    """Each Markdown file, by name, then each alert that has no runbook among them or in `served` (alerts, titles)."""
    found = Found()
    alerts: list[Alert] = []
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        suffix = path.suffix.lower()
        if suffix not in {*_MARKDOWN, *_YAML}:
            found.ignored += 1
            continue
        text = _text(folder, path, name, found)
        if text is None:
            continue
        if suffix in _MARKDOWN:
            read = read_markdown(name, text)
            if isinstance(read, Document):
                found.drafts.append(Draft(name, read.title, read.body, read.front, read.summary))
            else:
                found.remarks.append(Remark(name, read))
        else:
            more = read_alerts(name, text)
            if isinstance(more, str):
                found.remarks.append(Remark(name, more))
            else:
                alerts += more
                found.ignored += not more
    _join(found, alerts, {name.casefold() for name in served})
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Files by their relative name, hidden folders and files left out."""
    found = []
    for top, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(top) / name for name in names if not name.startswith(".")]
    yield from sorted(found, key=lambda path: path.relative_to(folder).as_posix())


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
        for key in (PurePosixPath(draft.source).stem, draft.title):
            found.setdefault(key.casefold(), number)
    return found


def _names(group: list[Alert]) -> Iterator[str]:
    """The names under which the runbook of an alert may be found: its own, and the end of its `runbook_url`."""
    yield group[0].name.casefold()
    for alert in group:
        if url := alert.annotations.get("runbook_url", "").rstrip("/"):
            yield PurePosixPath(url.rpartition("/")[2].partition("#")[0]).name.removesuffix(".md").casefold()
