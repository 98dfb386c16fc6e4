"""What was opened last for a folder, so that the next search need not read the repositories when none has moved."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compass.adapters.documents import write_atomically
from compass.adapters.git import head
from compass.errors import CompassError
from compass.retrieval import store
from compass.retrieval.search import Searcher
from compass.retrieval.segments import Place, Segment, Segments
from compass.retrieval.thesaurus import merged


@dataclass(frozen=True, slots=True)
class Part:
    """An index by its state in the cache, the state that it only adds to, what is hidden of it, and where it stands."""

    state: str
    base: str
    hidden: Sequence[int]
    place: Place


def remember(cache: Path, root: Path, parts: Sequence[Part], vocabularies: Sequence[str]) -> None:
    """Keep what the folder `root` was opened as; where that cannot be written, the next search is slower."""
    data = {"stamp": store.stamp(), "parts": [asdict(one) for one in parts], "vocabularies": vocabularies}
    with contextlib.suppress(OSError, CompassError):
        write_atomically(_path(cache, root), json.dumps(data).encode())


def reopen(cache: Path, root: Path, today: str = "") -> Searcher | None:
    """The searcher of last time; None when a repository has moved since, or anything is not as it was."""
    try:
        data = json.loads(_path(cache, root).read_bytes())
        if data["stamp"] != store.stamp():
            return None
        segments = tuple(_segment(cache, one) for one in data["parts"])
        vocabularies = [str(one) for one in data["vocabularies"]]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    places = {one.place for one in segments}
    if not segments or any(head(Path(one.root)) != one.commit for one in places):
        return None
    return Searcher(Segments(segments), merged(vocabularies), today=today)


def _segment(cache: Path, part: dict[str, Any]) -> Segment:
    """One part of what was kept; ValueError or TypeError when it is not as it was written."""
    state, base, place = part["state"], part["base"], Place(**part["place"])
    named = (state, base, place.repo, place.commit, place.root)
    if (
        not all(isinstance(one, str) and one.isprintable() for one in named)
        or type(place.distance) is not int
    ):
        raise TypeError("these are no names")
    index = store.load(cache, state, base=base)
    hidden = frozenset(part["hidden"])
    if index is None or not all(type(one) is int and 0 <= one < index.size for one in hidden):
        raise ValueError("the index is not there, or another one")
    return Segment(index, place, hidden)


def _path(cache: Path, root: Path) -> Path:
    name = hashlib.sha256(os.path.realpath(root).encode("utf-8", "replace")).hexdigest()[:32]
    return cache / "retrieval" / f"view-{name}.json"
