"""What the records of investigations show of the use of entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.library import Library, LoadedEntry, Mount
from compass.model.investigation import Verdict

_MOST: Final = 2 * 1024 * 1024
_FOLDER: Final = "investigations"
_RECORD: Final = re.compile(r"/\d{4}/inv-[0-9a-z]+\.yaml$")
_STARTED: Final = re.compile(r"^started: ['\"]?(\d{4}-\d{2}-\d{2})", re.MULTILINE)
_NAMED: Final = re.compile(r"\b(?:pat|run|pm)-[0-9a-hjkmnp-tv-z]{10}\b")
_PLACE: Final = re.compile(r"@[0-9a-f]{40,64}:([^\n#]+\.md)#L")


class Use(NamedTuple):
    """The last record that names or cites an entry, and the ISO day on which it began."""

    day: str
    record: str


class Confirmation(NamedTuple):
    """One incident that an investigation explained with a pattern: when it was noticed, where, on which recording."""

    detected: str
    service: str | None
    recording: str | None


def last_use(library: Library, own: tuple[LoadedEntry, ...]) -> dict[str, Use]:
    """By the entry's id, from the records of the first repository.

    The records are searched and not parsed: a broken one says what it names all the same.
    """
    texts = list(records(library.main))
    ids = {f"{library.main.prefix}{one.path}": one.id for one in own} if texts else {}
    found: dict[str, Use] = {}
    for record, text in texts:
        started = _STARTED.search(text)
        if started:
            use = Use(started[1], record)
            for name in {*_NAMED.findall(text), *(ids.get(path, "") for path in _PLACE.findall(text))}:
                found[name] = max(use, found.get(name, use))
    return found


def confirming(library: Library, pattern: str) -> Iterator[Confirmation]:
    """Investigations of the first repository in which experiments supported a pattern; a broken record confirms nothing."""
    for _, text in records(library.main):
        if pattern not in text:
            continue
        try:
            record = parse_yaml(text)
            incident = record["incident"]
            for one in record["hypotheses"]:
                if one.get("pattern") == pattern and one.get("verdict") == Verdict.SUPPORTED:
                    yield Confirmation(
                        str(incident["detected"]), one.get("service"), incident.get("recording")
                    )
        except (YamlProblem, TypeError, KeyError, AttributeError):
            continue


def records(mount: Mount) -> Iterator[tuple[str, str]]:
    """Name and text of each record of one repository, from the commit or the working tree that was read."""
    if mount.commit and mount.git:
        top = f"{mount.prefix}{_FOLDER}"
        oids = {one.path: one.oid for one in mount.git.tree(mount.commit, top) if one.mode != "120000"}
        blobs = mount.git.read_many(oids.values(), _MOST)
        files = {path: blobs[oid] for path, oid in sorted(oids.items()) if oid in blobs}
        yield from (
            (PurePosixPath(path).stem, data.decode("utf-8", "replace"))
            for path, data in files.items()
            if _RECORD.search(path)
        )
        return
    folder = mount.root / _FOLDER
    for path in sorted(folder.glob("*/inv-*.yaml")) if not folder.is_symlink() else ():
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MOST:
            yield path.stem, path.read_text(encoding="utf-8", errors="replace")
