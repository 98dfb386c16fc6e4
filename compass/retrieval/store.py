"""Indexes on disk: one file per repository and state, checked when read, written in one step, never needed.

A file whose name ends in `.add` holds only what was added since another state, which its head names.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
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

MAGIC: Final = b"compass-index-5\n"
KEPT: Final = 36
"""Files kept in the folder; those not used for longest go first."""

_TYPES: Final = {"<u8", "<u4", "|u1", "|i1", "<f4"}
_ALIGN: Final = 64


def stamp() -> str:
    """What an index depends on beside the entries; part of every name."""
    return f"{__version__}/{tokens.VERSION}/{MAGIC.decode().strip()}"


def path_of(folder: Path, state: str, *, patch: bool = False) -> Path:
    """Where the index of this state lies, or what was added for it to another."""
    return folder / "retrieval" / f"{state}.{'add' if patch else 'idx'}"


def load(folder: Path, state: str, *, base: str = "") -> Index | None:
    """The index of this state, or what it adds to that of `base`; None when there is none, or an old or damaged one."""
    found, added_to = _read(path_of(folder, state, patch=bool(base)))
    return found if added_to == base else None


def load_patched(folder: Path, state: str) -> tuple[str, Index | None, Index | None]:
    """The state and index that this state was patched from, and what was added to it; None for what is not there."""
    patch, base = _read(path_of(folder, state, patch=True))
    return base, load(folder, base) if base else None, patch


def newest(folder: Path, name: str) -> tuple[str, Index | None]:
    """The latest usable index of the repository that `name` stands for, and its state."""
    found = []
    with contextlib.suppress(OSError):
        found = sorted((folder / "retrieval").glob(f"{name}-*.idx"), key=_used, reverse=True)
    for path in found:
        index, _ = _read(path)
        if index is not None:
            return path.stem, index
    return "", None


def save(folder: Path, state: str, index: Index, *, base: str = "") -> bool:
    """Write an index in one step and drop the oldest files; False when the folder cannot be written.

    `base` is the state to which this index adds, if it is not whole.
    """
    path = path_of(folder, state, patch=bool(base))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, packed(index.arrays(), base))
    except (OSError, CompassError):
        return False
    with contextlib.suppress(OSError):
        for old in sorted(path.parent.glob("*-*.*"), key=_used, reverse=True)[KEPT:]:
            old.unlink(missing_ok=True)
    return True


def _used(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _read(path: Path) -> tuple[Index | None, str]:
    """An index file, and the state that it adds to."""
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None, ""
    with contextlib.suppress(OSError):
        os.utime(path)
    try:
        arrays, base = _unpacked(data)
        return from_arrays(arrays), base
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None, ""


def packed(arrays: Mapping[str, Array], base: str = "") -> bytes:
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
    text = json.dumps({"stamp": stamp(), "base": base, "crc32": check, "arrays": head}).encode()
    text += b" " * (-(len(MAGIC) + 8 + len(text)) % _ALIGN)
    return b"".join([MAGIC, len(text).to_bytes(8, "little"), text, *parts])


def _unpacked(data: mmap.mmap) -> tuple[dict[str, Array], str]:
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
    return found, str(head["base"])
