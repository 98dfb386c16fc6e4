"""The files of a recording, read with limits: whatever a row or an archive does, reading goes on and says so."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json


@dataclass(frozen=True)
class Limits:
    """How much of one file is read; what lies beyond is reported and left out."""

    file_bytes: int = 64_000_000
    unpacked_bytes: int = 256_000_000
    rows: int = 2_000_000
    columns: int = 20_000
    cells: int = 20_000_000


@dataclass
class Notes:
    """Sentences about what could not be read; many of one sort are told as one."""

    lines: list[str] = field(default_factory=list)

    def bad_rows(self, path: Path, count: int, example: str) -> None:
        """Say that `count` rows of a file were left out."""
        if count:
            rows = "one row was" if count == 1 else f"{count} rows were"
            self.lines.append(f"{path.name}: {rows} left out: {example[:200]}")

    def add(self, path: Path, sentence: str) -> None:
        """Say one thing about a file."""
        self.lines.append(f"{path.name}: {sentence}")


def find(folder: Path, name: str) -> Path | None:
    """`name` or `name.gz` in the folder, if it is a plain file that lies in it; a link out of the folder is not."""
    return next((one for one in (folder / name, folder / f"{name}.gz") if is_plain(one)), None)


def is_plain(path: Path) -> bool:
    """Whether there is a file, and it lies in its folder even if it is a link."""
    return path.is_file() and path.resolve().is_relative_to(path.parent.resolve())


def text(path: Path, limits: Limits, notes: Notes) -> str:
    """The file's text, unpacked if its name ends in .gz, cut at the limits; bytes that are not UTF-8 are replaced."""
    if path.stat().st_size > limits.file_bytes:
        notes.add(path, f"is larger than {limits.file_bytes} bytes and was cut there")
    with path.open("rb") as stream:
        data = stream.read(limits.file_bytes)
    if path.suffix == ".gz":
        data = _unpacked(data, path, limits, notes)
    if not data.endswith(b"\n") and len(data) >= limits.unpacked_bytes:
        data = data[: data.rfind(b"\n") + 1]
    return data.decode("utf-8", "replace")


def _unpacked(data: bytes, path: Path, limits: Limits, notes: Notes) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while chunk := stream.read1(1_000_000):
                chunks.append(chunk)
                size += len(chunk)
                if size > limits.unpacked_bytes:
                    notes.add(path, f"unpacks to more than {limits.unpacked_bytes} bytes and was cut there")
                    break
    except (OSError, EOFError, zlib.error) as problem:
        notes.add(path, f"is a damaged archive, read as far as possible: {problem}")
    return b"".join(chunks)[: limits.unpacked_bytes]


def rows(path: Path, limits: Limits, notes: Notes, make: Callable[[Any], Any]) -> list[Any]:
    """One row per JSON line, as `make` builds it; a line that is no JSON or that `make` refuses is counted and noted.

    `make` raises ValueError, TypeError, KeyError, AttributeError or OverflowError for a row it cannot use.
    """
    lines = text(path, limits, notes).split("\n")
    if not lines[-1]:
        lines.pop()
    if len(lines) > limits.rows:
        notes.add(path, f"has more than {limits.rows} rows; the rest was left out")
        del lines[limits.rows :]
    found: list[Any] = []
    bad, example = 0, ""
    for row in _decoded(lines):
        try:
            if isinstance(row, ValueError):
                raise row
            found.append(make(row))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as problem:
            bad += 1
            example = example or f"{type(problem).__name__}: {problem}"
    notes.bad_rows(path, bad, example)
    return found


def _decoded(lines: list[str]) -> list[Any]:
    """Every line decoded, or the ValueError it caused; all at once where no line is bad, which is twice as fast."""
    try:
        decoded: list[Any] = from_json("[" + ",".join(lines) + "]", cache_strings="all")
    except ValueError:
        decoded = []
    if len(decoded) == len(lines):
        return decoded
    return [_line(line) for line in lines]


def _line(line: str) -> Any:
    try:
        return from_json(line)
    except ValueError as problem:
        return problem


def json_object(path: Path, limits: Limits, notes: Notes) -> dict[str, Any]:
    """A file that is one JSON object; empty with a note if it is something else."""
    try:
        found = from_json(text(path, limits, notes))
    except ValueError as problem:
        notes.add(path, f"is no JSON and was left out: {problem}")
        return {}
    if not isinstance(found, dict):
        notes.add(path, "is no JSON object and was left out")
        return {}
    return found


def table(path: Path, limits: Limits, notes: Notes) -> list[list[str]]:
    """The rows of a CSV file, without blank lines."""
    found: list[list[str]] = []
    cells = 0
    reader = csv.reader(text(path, limits, notes).replace("\0", "").splitlines())
    try:
        for row in reader:
            cells += len(row)
            if cells > limits.cells:
                notes.add(path, f"has more than {limits.cells} cells; the rest was left out")
                break
            if row:
                found.append(row)
            if len(found) > limits.rows:
                notes.add(path, f"has more than {limits.rows} rows; the rest was left out")
                break
    except csv.Error as problem:
        notes.add(path, f"line {reader.line_num} is no CSV, and reading ended there: {problem}")
    return found


def seconds(value: Any) -> float:
    """Unix seconds, or RFC 3339 with a zone, as unix seconds to the millisecond."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9.eE+]+", value):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(f"{value!r} names no time zone")
        seconds = moment.timestamp()
    else:
        seconds = float(value)
    if not 0 <= seconds < 253_402_300_800:
        raise ValueError(f"{value!r} is no time")
    return round(seconds, 3)
