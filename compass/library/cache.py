"""What follows from a blob, by its id, so that nothing is parsed twice; a broken or old cache is thrown away, never an error."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_VERSION: Final = 1
_CHUNK: Final = 500


def version_of(*names: str) -> str:
    """Changes whenever the code of the loaded modules whose names begin so may have; for the name of a cache."""
    state = hashlib.sha256()
    for name in sorted(sys.modules):
        file = getattr(sys.modules[name], "__file__", None)
        if name.startswith(names) and file:
            found = Path(file).stat()
            state.update(f"{name}:{found.st_size}:{found.st_mtime_ns}".encode())
    return state.hexdigest()[:12]


class ParseCache:
    """A context in which parsed front matter (or what else follows from a blob) is looked up and remembered; without a folder it remembers nothing."""

    def __init__(self, folder: Path | None, name: str = "front-matter") -> None:
        self._file = folder / f"{name}-{_VERSION}.sqlite" if folder else None
        self._connection: sqlite3.Connection | None = None
        self._new: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Open the file, or a new one when it cannot be read."""
        if self._file:
            try:
                self._connection = self._open(self._file)
            except (sqlite3.Error, OSError):
                self._connection = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what was learnt."""
        self._flush()
        if self._connection is not None:
            self._connection.close()

    def find(self, blobs: Iterable[str]) -> dict[str, str]:
        """What was remembered of these blobs."""
        if self._connection is None:
            return {}
        wanted = list(blobs)
        found: dict[str, str] = {}
        try:
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                query = f"SELECT blob, data FROM parsed WHERE blob IN ({marks})"  # noqa: S608  # only question marks are inserted
                rows = self._connection.execute(query, chunk)
                found.update(rows)
        except sqlite3.Error:
            return {}
        return found

    def remember(self, blob: str, data: str) -> None:
        """Keep what follows from a blob."""
        self._new[blob] = data
        if len(self._new) >= _CHUNK:
            self._flush()

    def keep(self, blobs: Iterable[str]) -> None:
        """Forget all others; failing to is no failure."""
        self._flush()
        if self._connection is not None:
            with suppress(sqlite3.Error), self._connection:
                self._connection.execute("CREATE TEMP TABLE kept (blob TEXT PRIMARY KEY) WITHOUT ROWID")
                self._connection.executemany(
                    "INSERT OR IGNORE INTO kept VALUES (?)", ((one,) for one in blobs)
                )
                self._connection.execute("DELETE FROM parsed WHERE blob NOT IN (SELECT blob FROM kept)")

    def _flush(self) -> None:
        """Write what is kept; failing to is no failure."""
        if self._connection is not None:
            with suppress(sqlite3.Error), self._connection:
                self._connection.executemany("INSERT OR IGNORE INTO parsed VALUES (?, ?)", self._new.items())
        self._new.clear()

    @staticmethod
    def _open(file: Path) -> sqlite3.Connection:
        file.parent.mkdir(parents=True, exist_ok=True)
        for attempt in (1, 2):
            connection = sqlite3.connect(file, timeout=5)
            try:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS parsed (blob TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID"
                )
            except sqlite3.DatabaseError:
                connection.close()
                if attempt == 2:
                    raise
                file.unlink(missing_ok=True)
            else:
                return connection
        raise sqlite3.DatabaseError(str(file))
