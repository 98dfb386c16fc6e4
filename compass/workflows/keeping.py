"""The recording that a drafted pattern is tested with: in its repository, or a copy of the one that was investigated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from compass.adapters.documents import write_atomically
from compass.errors import ConfigError
from compass.library.source import plain_path
from compass.model.investigation import Investigation
from compass.replay.load import load

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
MOST: Final = 2 * 1024 * 1024


def kept_recording(root: Path, record: Investigation, folder: Path | None, notes: list[str]) -> str | None:
    """The name of the recording below `recordings/`; None, and a sentence more in `notes`, where there is none."""
    name = record.incident.recording
    if name is None:
        notes.append("the pattern has no recording: `compass record` keeps the window of the incident as one")
        return None
    if (root / "recordings" / name / "recording.yaml").is_file():
        return name
    if folder is None:
        notes.append("the pattern has no recording: name the one that was investigated with --recording DIR")
        return None
    refusal = _refusal(folder, name)
    if refusal:
        notes.append(f"{folder} is not copied: {refusal}")
        return None
    # recording.yaml comes last: without it, half a copy is no recording.
    for path in sorted(_files(folder), key=lambda one: (one == folder / "recording.yaml", one)):
        place = path.relative_to(folder).as_posix()
        write_atomically(plain_path(root, f"recordings/{name}/{place}"), path.read_bytes())
    return name


def _files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


def _refusal(folder: Path, name: str) -> str:
    """Why a folder cannot become a recording of the repository as it is; empty if it can."""
    try:
        info = load(folder).info
    except ConfigError as problem:
        return problem.message
    size = sum(one.stat().st_size for one in _files(folder))
    if info.id != name:
        return f"it is the recording {info.id}, and {name} was investigated"
    if not _NAME.fullmatch(name):
        return f"{name!r} cannot be the name of a folder"
    if info.history and not (folder / info.history).resolve().is_relative_to(folder.resolve()):
        return "its fault-free time lies outside of it"
    if any(one.is_symlink() for one in folder.rglob("*")):
        return "it holds links"
    return f"it is larger than {MOST:,} bytes" if size > MOST else ""
