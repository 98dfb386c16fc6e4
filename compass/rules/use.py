"""What the records of investigations show of the use of entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from compass.library import Library, LoadedEntry

_MOST: Final = 2 * 1024 * 1024
_STARTED: Final = re.compile(r"^started: ['\"]?(\d{4}-\d{2}-\d{2})", re.MULTILINE)
_NAMED: Final = re.compile(r"\b(?:pat|run|pm)-[0-9a-hjkmnp-tv-z]{10}\b")
_PLACE: Final = re.compile(r"@[0-9a-f]{40,64}:([^\n#]+\.md)#L")


class Use(NamedTuple):
    """The last record that names or cites an entry, and the ISO day on which it began."""

    day: str
    record: str


def last_use(library: Library, own: tuple[LoadedEntry, ...]) -> dict[str, Use]:
    """By the entry's id, from the records in the working tree of the first repository.

    The records are searched and not parsed: a broken one says what it names all the same.
    """
    texts = list(_records(library))
    ids = {f"{library.main.prefix}{one.path}": one.id for one in own} if texts else {}
    found: dict[str, Use] = {}
    for record, text in texts:
        started = _STARTED.search(text)
        if started:
            use = Use(started[1], record)
            for name in {*_NAMED.findall(text), *(ids.get(path, "") for path in _PLACE.findall(text))}:
                found[name] = max(use, found.get(name, use))
    return found


def _records(library: Library) -> Iterator[tuple[str, str]]:
    folder = library.main.root / "investigations"
    if library.main.commit or folder.is_symlink():
        return
    for path in sorted(folder.glob("*/inv-*.yaml")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MOST:
            yield path.stem, path.read_text(encoding="utf-8", errors="replace")
