"""Pseudonyms are permanent: each entry's map stays in its source, on a branch of its own that nothing publishes.

The map holds the private words themselves. On a ref beside `main` it lies in no tree that a site, a search or a
promotion reads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from compass.adapters.forge.plain import PlainForge
from compass.adapters.git import Signature
from compass.errors import ConflictError
from compass.federation.messages import message
from compass.federation.repositories import read_file

_ATTEMPTS: Final = 20
_AUTOMATION: Final = ("compass", "compass@users.noreply.invalid")


def map_path(entry: str) -> str:
    """Where the map of an entry lies in the tree of the ref."""
    return f".compass/maps/{entry}.json"


def read_map(source: PlainForge, entry: str) -> str | None:
    """The map of an entry, or None when it was never promoted."""
    head = source.maps()
    data = read_file(source.git, head, map_path(entry)) if head else None
    return data.decode("utf-8") if data is not None else None


def keep_map(source: PlainForge, entry: str, known: str | None, text: str, now: datetime) -> None:
    """Keep the map that was made from `known`; ConflictError when somebody else kept another one meanwhile."""
    for _ in range(_ATTEMPTS):
        current = read_map(source, entry)
        if current == text:
            return
        if current != known:
            break
        head = source.maps()
        tree = source.git.write_tree(head, {map_path(entry): text.encode()})
        what = message(f"Keep the pseudonyms of {entry}", (), [("Compass-Entry", entry)])
        new = source.git.commit(tree, [head] if head else [], what, Signature(*_AUTOMATION, now))
        try:
            source.keep_maps(new, head)
        except ConflictError:
            source.refresh()
            continue
        return
    raise ConflictError(f"the pseudonyms of {entry} were changed by somebody else", "run the command again")
