"""A library becomes a searcher: one index for each repository, made once, and for changed files little more."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from compass.library import Library, LoadedEntry, Mount
from compass.library.alerts import Alert
from compass.model.entry import Status
from compass.retrieval import store, views
from compass.retrieval.entries import entry_key, from_entry, rules_by_path
from compass.retrieval.index import Array, Index, build
from compass.retrieval.search import Searcher
from compass.retrieval.segments import Place, Segment, Segments
from compass.retrieval.thesaurus import LARGEST, merged

PATCHED: Final = 0.1
"""An index is made anew when a larger share of its entries has changed; until then the changed ones lie beside it."""

FEW: Final = 50
"""So many changes are always few."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """An index, the state it has in the cache, the state that it only adds to, and the documents no longer there."""

    index: Index
    state: str = ""
    base: str = ""
    hidden: frozenset[int] = frozenset()


def open_searcher(library: Library, cache: Path | None, today: str = "") -> Searcher:
    """Search over every entry of the library's repositories, each id once; `cache` is the cache folder, or None.

    A withdrawn entry never appears, also where a copy of it in another repository is not withdrawn. `today` is a day as
    2026-01-31, after which reviews are overdue.
    """
    withdrawn = {one.id for one in library.entries if one.status is Status.WITHDRAWN}
    segments: list[Segment] = []
    remembered: list[views.Part] = []
    for mount in library.mounts:
        entries = [
            one for one in library.entries if one.mount is mount and one.status is not Status.WITHDRAWN
        ]
        entries.sort(key=lambda one: one.path)
        rules = rules_by_path(entries, library.alerts if mount is library.main else ())
        shadowed = {
            entry_key(one, rules.get(one.path, ()))
            for one in entries
            if one.id in withdrawn or library.by_id[one.id] is not one
        }
        place = Place(mount.id, mount.commit, mount.distance, str(mount.root))
        for one in _opened(mount, entries, rules, cache):
            keys = one.index.keys.tolist() if shadowed else ()
            hidden = one.hidden | {number for number, key in enumerate(keys) if key in shadowed}
            segments.append(Segment(one.index, place, hidden))
            remembered.append(views.Part(one.state, one.base, sorted(hidden), place))
    texts = vocabularies(library)
    if cache and _whole(library):
        views.remember(cache, library.main.root, remembered, texts)
    return Searcher(Segments(tuple(segments)), merged(texts), today=today)


def _whole(library: Library) -> bool:
    """Whether this is all that the committed settings name, as it was committed."""
    return (
        all(one.commit for one in library.mounts)
        and (len(library.mounts) > 1 or not library.main.config.parents)
        and not any(one.rule == "parent" for one in library.problems)
    )


def _opened(
    mount: Mount, entries: Sequence[LoadedEntry], rules: Mapping[str, Sequence[Alert]], cache: Path | None
) -> list[_Opened]:
    """The indexes of one repository: one, or an older one and what was added since."""

    def made(chosen: Sequence[LoadedEntry]) -> Index:
        return build(from_entry(one, rules.get(one.path, ())) for one in chosen)

    if cache is None:
        return [_Opened(made(entries))]
    name = hashlib.sha256(f"{store.stamp()}\0{mount.id}".encode()).hexdigest()[:16]
    wanted = np.array([entry_key(one, rules.get(one.path, ())) for one in entries], np.uint64)
    state = f"{name}-{hashlib.sha256(wanted.tobytes()).hexdigest()[:16]}"
    found = store.load(cache, state)
    if found is not None:
        return [_Opened(found, state)]
    base_state, base, patch = store.load_patched(cache, state)
    if base is None or patch is None:
        base_state, base = store.newest(cache, name)
        patch = None
    if base is not None:
        hidden = missing(base, wanted)
        added = [entries[number] for number in np.flatnonzero(~np.isin(wanted, base.keys)).tolist()]
        if patch is None and len(hidden) + len(added) <= max(FEW, PATCHED * len(entries)):
            patch = made(added)
            store.save(cache, state, patch, base=base_state)
        if patch is not None:
            return [_Opened(base, base_state, hidden=hidden), _Opened(patch, state, base_state)]
    found = made(entries)
    store.save(cache, state, found)
    return [_Opened(found, state)]


def missing(index: Index, wanted: Array) -> frozenset[int]:
    """The documents of an index whose key is not wanted any more."""
    return frozenset(np.flatnonzero(~np.isin(index.keys, wanted)).tolist())


def vocabularies(library: Library) -> list[str]:
    """The text of vocabulary/thesaurus.yaml of each repository that has one that can be read, nearest first."""
    found = []
    for mount in library.mounts:
        path = f"{mount.prefix}vocabulary/thesaurus.yaml"
        data = b""
        if mount.git and mount.commit:
            files = mount.git.tree(mount.commit, mount.prefix.rstrip("/"))
            oids = [one.oid for one in files if one.path == path and one.mode != "120000"]
            data = next(iter(mount.git.read_many(oids, LARGEST).values()), b"")
        else:
            file = mount.root / "vocabulary" / "thesaurus.yaml"
            with contextlib.suppress(OSError):
                if file.is_file() and not file.is_symlink() and not file.parent.is_symlink():
                    data = file.read_bytes() if file.stat().st_size <= LARGEST else b""
        if data:
            found.append(data.decode("utf-8", "replace"))
    return found
