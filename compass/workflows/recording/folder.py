"""A finished recording put in its place: written aside, then renamed, so that nobody ever sees half of it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from compass.errors import UsageError

ASIDE: Final = ".partial"
BEFORE: Final = ".before"
STALE: Final = 60.0
"""Seconds after which a folder written aside belongs to nobody any more: writing takes much less than one."""


def check(target: Path, *, replace: bool) -> None:
    """UsageError where the folder may not be written."""
    if target.is_symlink() or target.parent.is_symlink():
        raise UsageError(f"{target} is behind a symbolic link", "name the real folder")
    above = next(one for one in target.absolute().parents if one.exists())
    if not above.is_dir():
        raise UsageError(f"{target} cannot be made: {above} is no folder", "choose another place")
    if not target.exists():
        return
    if not target.is_dir() or not ((target / "recording.yaml").is_file() or not any(target.iterdir())):
        raise UsageError(f"{target} is there and is no recording", "choose another name, or remove it")
    if not replace and any(target.iterdir()):
        raise UsageError(f"there is a recording in {target} already", "choose another name, or add --replace")


def recover(target: Path, now: Callable[[], float] = time.time) -> None:
    """Finish what a killed run left: a recording that it had moved away comes back, its own half goes."""
    if target.parent.is_symlink():
        return
    kept = target.with_name(f".{target.name}{BEFORE}")
    if kept.is_dir() and not kept.is_symlink():
        if target.exists():
            shutil.rmtree(kept)
        else:
            kept.rename(target)
    for aside in target.parent.glob(f".{target.name}.*{ASIDE}"):
        if not aside.is_symlink() and now() - aside.stat().st_mtime > STALE:
            shutil.rmtree(aside, ignore_errors=True)


def put(target: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, then let the folder appear at once; a folder that was there gives way to it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=ASIDE, dir=target.parent))
    except OSError as error:
        raise UsageError(f"cannot write beside {target}: {error.strerror}") from error
    try:
        # The description comes last: without it the rest is no recording, wherever a reader looks.
        for name, data in sorted(files.items(), key=lambda pair: pair[0] == "recording.yaml"):
            path = aside / name
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        aside.chmod(0o755)
        kept = target.with_name(f".{target.name}{BEFORE}")
        if target.exists():
            target.rename(kept)
        aside.rename(target)
        shutil.rmtree(kept, ignore_errors=True)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        recover(target)
