"""The index on disk: one file per set of trees and tokenizer, checked when read, written in one step, never needed."""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from compass import __version__
from compass.adapters.documents import write_atomically
from compass.errors import CompassError
from compass.retrieval import tokens
from compass.retrieval.index import ARRAYS, Array, Index, from_arrays

MAGIC: Final = b"compass-index-2\n"
KEPT: Final = 12
"""Index files kept in the folder; the oldest go first."""

_TYPES: Final = {"<u8", "<u4", "|u1", "<f4"}
_ALIGN: Final = 64


def stamp() -> str:
    """What an index depends on beside the entries; part of every key."""
    return f"{__version__}/{tokens.VERSION}/{MAGIC.decode().strip()}"


def path_of(folder: Path, key: str) -> Path:
    """Where the index with this key lies."""
    return folder / "retrieval" / f"{key}.idx"


def load(folder: Path, key: str) -> Index | None:
    """The index with this key; None when there is none, or an old, cut or damaged one."""
    try:
        with path_of(folder, key).open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    try:
        return from_arrays(_unpacked(data))
    except (KeyError, ValueError, TypeError, IndexError):
        return None


def save(folder: Path, key: str, index: Index) -> bool:
    """Write the index in one step and drop the oldest files; False when the folder cannot be written."""
    path = path_of(folder, key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, packed(index.arrays()))
    except (OSError, CompassError):
        return False
    with contextlib.suppress(OSError):
        found = sorted(path.parent.glob("*.idx"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in found[KEPT:]:
            old.unlink(missing_ok=True)
    return True


def packed(arrays: Mapping[str, Array]) -> bytes:
    """Arrays as bytes: magic, length and JSON of the head, then each array at a multiple of 64 bytes."""
    head: dict[str, Any] = {}
    parts: list[bytes] = []
    offset = 0
    check = 0
    for name in ARRAYS:
        array = np.ascontiguousarray(arrays[name])
        data = array.tobytes()
        data += b"\0" * (-len(data) % _ALIGN)
        head[name] = {"type": array.dtype.str, "shape": array.shape, "offset": offset}
        check = zlib.crc32(data, check)
        offset += len(data)
        parts.append(data)
    text = json.dumps({"stamp": stamp(), "crc32": check, "arrays": head}).encode()
    text += b" " * (-(len(MAGIC) + 8 + len(text)) % _ALIGN)
    return b"".join([MAGIC, len(text).to_bytes(8, "little"), text, *parts])


def _unpacked(data: mmap.mmap) -> dict[str, Array]:
    start = len(MAGIC) + 8
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError("not an index")
    start += int.from_bytes(data[len(MAGIC) : start], "little")
    head = json.loads(data[len(MAGIC) + 8 : start])
    with memoryview(data) as view:
        intact = head["stamp"] == stamp() and zlib.crc32(view[start:]) == head["crc32"]
    if not intact:
        raise ValueError("old or damaged")
    found = {}
    for name, one in head["arrays"].items():
        if one["type"] not in _TYPES:
            raise ValueError("not an index")
        count = math.prod(one["shape"])
        array = np.frombuffer(data, np.dtype(one["type"]), count, start + one["offset"])
        found[name] = array.reshape(one["shape"])
    return found
