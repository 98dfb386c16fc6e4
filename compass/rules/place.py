"""Where in an entry's file a problem is."""

from __future__ import annotations

from typing import Final, NamedTuple

from compass.adapters.documents import locate, split
from compass.library import LoadedEntry


class Place(NamedTuple):
    """A field of the front matter (`key`: its name, not its value), or an offset in the body."""

    fields: tuple[str | int, ...] = ()
    offset: int | None = None
    key: bool = False


TOP: Final = Place()


def position(loaded: LoadedEntry, place: Place) -> tuple[int, int]:
    """Line and column, from 1 in the file."""
    if place.offset is not None:
        before = loaded.body[: place.offset]
        return loaded.body_line + before.count("\n"), place.offset - before.rfind("\n")
    if not place.fields:
        return 1, 1
    parts = split(loaded.text)
    line, column = locate(parts.front, place.fields, key=place.key)
    return line + parts.front_line - 1, column
