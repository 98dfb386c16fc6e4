"""A library becomes a searcher: from the cached index when there is one for exactly these entries."""

from __future__ import annotations

import hashlib
from pathlib import Path

from compass.library import Library, LoadedEntry
from compass.model.entry import Status
from compass.retrieval import store
from compass.retrieval.document import from_entry
from compass.retrieval.index import build
from compass.retrieval.search import Searcher
from compass.retrieval.thesaurus import merged


def open_searcher(library: Library, cache: Path | None) -> Searcher:
    """Search over every entry of the library's repositories, each id once; `cache` is the cache folder, or None.

    A withdrawn entry never appears, also where a copy of it in another repository is not withdrawn.
    """
    withdrawn = {one.id for one in library.entries if one.status is Status.WITHDRAWN}
    entries = [one for identifier, one in sorted(library.by_id.items()) if identifier not in withdrawn]
    key = key_of(entries)
    found = store.load(cache, key) if cache else None
    if found is None:
        found = build(from_entry(one) for one in entries)
        if cache:
            store.save(cache, key, found)
    return Searcher(found, merged(_vocabularies(library)))


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


def key_of(entries: list[LoadedEntry]) -> str:
    """What the index of these entries is called: a digest of where each stands, its blob, and the tokenizer."""
    digest = hashlib.sha256(store.stamp().encode())
    for one in entries:
        digest.update(
            f"\0{one.mount.id}\0{one.mount.commit}\0{one.mount.distance}\0{one.path}\0{one.blob}".encode()
        )
    return digest.hexdigest()[:32]
