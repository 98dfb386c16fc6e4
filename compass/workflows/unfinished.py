"""Investigations in progress, kept after each step in the user's data folder, so that a crash loses nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from compass.adapters.documents import write_atomically
from compass.errors import ConfigError, UsageError
from compass.investigate.kept_observation import packed, unpacked
from compass.investigate.observation import Observation
from compass.investigate.resuming import Setting, progress_of
from compass.investigate.session import Session, Step
from compass.model.ids import INVESTIGATION_PREFIX
from compass.model.progress import Progress

try:
    import fcntl
except ImportError:  # Windows: two processes that resume one investigation are not told apart there
    fcntl = None  # type: ignore[assignment]

_FOLDER: Final = "unfinished"


@dataclass(frozen=True)
class Unfinished:
    """The kept investigations below a data folder."""

    data: Path

    @property
    def folder(self) -> Path:
        """Readable by its user alone: it names servers and commands as they were typed."""
        return self.data / _FOLDER

    @contextmanager
    def keeping(self, session: Session, setting: Setting) -> Iterator[None]:
        """Keep the session now and after each of its steps, and away from any other process until this ends."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone(session.id):
            if setting.asked.recording is None and not self._observed(session.id).exists():
                write_atomically(self._observed(session.id), packed(session.observed))
            self._write(session, setting)

            def step(done: Step) -> None:
                self._write(session, setting)
                before(done)

            before = session.on_step
            session.on_step = step
            try:
                yield
            finally:
                session.on_step = before

    def _write(self, session: Session, setting: Setting) -> None:
        write_atomically(
            self._path(session.id), progress_of(session, setting).model_dump_json(by_alias=True).encode()
        )

    def forget(self, identifier: str) -> None:
        """Its record is written: there is nothing to go on with."""
        # Beside it lie its lock, and what a kill left half written.
        for path in [*self.folder.glob(f"{identifier}.*"), *self.folder.glob(f".{identifier}.*")]:
            path.unlink(missing_ok=True)

    def ids(self) -> list[str]:
        """Those that are kept, the one that was worked on last first."""
        found = sorted(self.folder.glob("inv-*.json"), key=lambda one: (-one.stat().st_mtime_ns, one.name))
        return [one.stem for one in found]

    def read(self, identifier: str | None) -> Progress:
        """One by its id or the beginning of it, the last one without; UsageError when there is none."""
        known = self.ids()
        if identifier is None:
            fitting = known[:1]
        elif INVESTIGATION_PREFIX.fullmatch(identifier):
            fitting = [one for one in known if one.startswith(identifier)]
        else:
            fitting = []
        if len(fitting) > 1:
            raise UsageError(f"{identifier} is the beginning of {', '.join(fitting)}", "write more of it")
        if not fitting:
            what = "to resume" if identifier is None else f"with the id {identifier} to resume"
            hint = (
                f"kept are {', '.join(known[:5])}"
                if known
                else "one that is finished is shown by --replay ID"
            )
            raise UsageError(f"there is no investigation {what}", hint)
        path = self._path(fitting[0])
        try:
            return Progress.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as problem:
            raise ConfigError(
                f"{path} cannot be read: {str(problem).splitlines()[0]}", "remove it, and start anew"
            ) from problem

    def observation(self, kept: Progress) -> Observation | None:
        """What was seen of a running system; None for a recording, which can be read again, and where it is lost."""
        try:
            return unpacked(self._observed(kept.id).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, EOFError, ValueError, KeyError, TypeError) as problem:
            path = self._observed(kept.id)
            raise ConfigError(
                f"{path} cannot be read: {problem}", "remove it: then the servers are asked again"
            ) from problem

    def _observed(self, identifier: str) -> Path:
        return self.folder / f"{identifier}.observed.gz"

    def _path(self, identifier: str) -> Path:
        return self.folder / f"{identifier}.json"

    @contextmanager
    def _alone(self, identifier: str) -> Iterator[None]:
        handle = os.open(self._path(identifier).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if fcntl is not None:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as held:
                    raise UsageError(
                        f"{identifier} is being worked on by another process", "end that one first"
                    ) from held
            yield
        finally:
            os.close(handle)
