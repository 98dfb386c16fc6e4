"""A library becomes a searcher: one index for each repository, made once, and for changed files little more."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from compass.library import Library, LoadedEntry, Mount
from compass.model.entry import Status
from compass.retrieval import store
from compass.retrieval.document import from_entry, key_of
from compass.retrieval.index import Array, Index, build
from compass.retrieval.search import Searcher
from compass.retrieval.segments import Place, Segment, Segments
from compass.retrieval.thesaurus import merged

PATCHED: Final = 0.1
"""An index is made anew when a larger share of its entries has changed; until then the changed ones lie beside it."""

FEW: Final = 50
"""So many changes are always few."""


def open_searcher(library: Library, cache: Path | None) -> Searcher:
    """Search over every entry of the library's repositories, each id once; `cache` is the cache folder, or None.

    A withdrawn entry never appears, also where a copy of it in another repository is not withdrawn.
    """
    withdrawn = {one.id for one in library.entries if one.status is Status.WITHDRAWN}
    segments: list[Segment] = []
    for mount in library.mounts:
        entries = [
            one for one in library.entries if one.mount is mount and one.status is not Status.WITHDRAWN
        ]
        entries.sort(key=lambda one: one.path)
        shadowed = {
            key_of(one.path, one.blob)
            for one in entries
            if one.id in withdrawn or library.by_id[one.id] is not one
        }
        for index, hidden in _indexes(mount, entries, cache):
            gone = (
                {number for number, key in enumerate(index.keys.tolist()) if key in shadowed}
                if shadowed
                else set()
            )
            place = Place(mount.id, mount.commit, mount.distance)
            segments.append(Segment(index, place, hidden | gone))
    return Searcher(Segments(tuple(segments)), merged(_vocabularies(library)))


def _indexes(
    mount: Mount, entries: Sequence[LoadedEntry], cache: Path | None
) -> list[tuple[Index, frozenset[int]]]:
    """The indexes of one repository, each with the documents in it that are no longer there."""
    if cache is None:
        return [(build(from_entry(one) for one in entries), frozenset())]
    name = hashlib.sha256(f"{store.stamp()}\0{mount.id}".encode()).hexdigest()[:16]
    wanted = np.array([key_of(one.path, one.blob) for one in entries], np.uint64)
    state = f"{name}-{hashlib.sha256(wanted.tobytes()).hexdigest()[:16]}"
    found = store.load(cache, state)
    if found is not None:
        return [(found, frozenset())]
    base, patch = store.load_patched(cache, state)
    if base is not None and patch is not None:
        return [(base, missing(base, wanted)), (patch, frozenset())]
    base_state, base = store.newest(cache, name)
    if base is not None and base_state is not None:
        hidden = missing(base, wanted)
        added = [entries[number] for number in np.flatnonzero(~np.isin(wanted, base.keys)).tolist()]
        if len(hidden) + len(added) <= max(FEW, PATCHED * len(entries)):
            patch = build(from_entry(one) for one in added)
            store.save(cache, state, patch, base=base_state)
            return [(base, hidden), (patch, frozenset())]
    found = build(from_entry(one) for one in entries)
    store.save(cache, state, found)
    return [(found, frozenset())]


def missing(index: Index, wanted: Array) -> frozenset[int]:
    """The documents of an index whose key is not wanted any more."""
    return frozenset(np.flatnonzero(~np.isin(index.keys, wanted)).tolist())


def _vocabularies(library: Library) -> list[str]:
    """The text of vocabulary/thesaurus.yaml of each repository that has one, nearest first."""
    found = []
    for mount in library.mounts:
        path = f"{mount.prefix}vocabulary/thesaurus.yaml"
        if mount.git and mount.commit:
            files = mount.git.tree(mount.commit, mount.prefix.rstrip("/"))
            data = next((mount.git.read(one.oid) for one in files if one.path == path), b"")
        else:
            file = mount.root / "vocabulary" / "thesaurus.yaml"
            data = file.read_bytes() if file.is_file() and not file.is_symlink() else b""
        if data:
            found.append(data.decode("utf-8", "replace"))
    return found
