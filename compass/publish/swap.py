"""A fresh folder beside the one to be replaced, and the one move that replaces it; whatever happens, one site is whole."""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

if sys.platform != "win32":
    import fcntl

_EXCHANGE: Final = 2
"""Both Linux's RENAME_EXCHANGE and macOS' RENAME_SWAP."""
_HERE: Final = -100
"""Linux's AT_FDCWD: a path that is not absolute counts from the current folder."""
_KEPT: Final = "replaced"


@contextmanager
def workshop(output: Path) -> Iterator[Path]:
    """An empty folder beside `output`, on the same file system, removed at the end; so are those of dead processes."""
    output.parent.mkdir(parents=True, exist_ok=True)
    _sweep(output)
    while True:
        work = output.parent / f".{output.name}.{secrets.token_hex(6)}"
        work.mkdir()
        held = _hold(work)
        if held is not None:
            break
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if held >= 0:
            os.close(held)


def swap(site: Path, output: Path) -> None:
    """Put the finished `site` where `output` is; what was there stays in the folder of `site`, to be removed with it.

    Where the system can exchange two folders, there is no moment without a site. Elsewhere there is one between
    two renames; a build that dies in it is mended by the next.
    """
    try:
        site.rename(output)
    except OSError:
        if not output.is_dir():
            raise
    else:
        return
    if _exchange(site, output):
        return
    old = site.parent / _KEPT
    output.rename(old)
    try:
        site.rename(output)
    except OSError:
        old.rename(output)
        raise


def _sweep(output: Path) -> None:
    """Remove the folders of builds that were killed; a site that one of them had just put aside comes back."""
    name = re.compile(rf"\.{re.escape(output.name)}\.[0-9a-f]{{12}}")
    for left in sorted(output.parent.iterdir()):
        if not name.fullmatch(left.name) or left.is_symlink() or not left.is_dir():
            continue
        held = _hold(left)
        if held is None or held < 0:
            continue
        if (left / _KEPT).is_dir() and not output.exists():
            (left / _KEPT).rename(output)
        shutil.rmtree(left, ignore_errors=True)
        os.close(held)


def _hold(folder: Path) -> int | None:
    """A lock on the folder that ends with this process, as a descriptor; None if another process has it.

    -1 where the system has no such locks: then nothing is swept either.
    """
    if sys.platform == "win32":
        return -1
    try:
        held = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.stat().st_ino == os.fstat(held).st_ino:
            return held
    except OSError:
        pass
    os.close(held)
    return None


def _exchange(first: Path, second: Path) -> bool:
    """Let two folders change places in one step; False where the system or the file system cannot."""
    paths = (os.fsencode(first), os.fsencode(second))
    library: Any = None if sys.platform == "win32" else ctypes.CDLL(None)
    if hasattr(library, "renameat2"):
        return bool(library.renameat2(_HERE, paths[0], _HERE, paths[1], _EXCHANGE) == 0)
    if hasattr(library, "renamex_np"):
        return bool(library.renamex_np(*paths, _EXCHANGE) == 0)
    return False
