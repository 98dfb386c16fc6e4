"""`compass investigate`: a recording and the memory in, a session out; its record goes into a repository."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Final

from compass.adapters.garbage import collected_later
from compass.errors import ConfigError
from compass.investigate.past import Past
from compass.investigate.resuming import Opening
from compass.investigate.session import Session, open_session
from compass.library import Library, load
from compass.model.entry import TimeWindow
from compass.model.investigation import Incident, Investigation
from compass.model.recording import Recording
from compass.replay.load import load as load_recording
from compass.workflows.personal import personal_path, personal_repository
from compass.workflows.records import Found, find, remembered, write_record

_BEHIND: Final = 1000
_NOBODY: Final = Library(mounts=())


@dataclass(frozen=True)
class Memory:
    """Which repositories are read and where records go: the repository named, else the personal one."""

    repo: Path
    data: Path
    cache: Path

    @property
    def named(self) -> bool:
        """Whether `repo` is a knowledge repository with a working tree."""
        return (self.repo / "compass.yaml").is_file()

    @cached_property
    def library(self) -> Library:
        """What is known: the repository at HEAD with its parents, and behind it the personal one; read once.

        Of the personal repository, drafts that nobody committed yet count as well.
        """
        if not self.named and self.repo != Path():
            raise ConfigError(
                f"{self.repo} is not a knowledge repository: it has no compass.yaml",
                "make one with `compass init`, or leave -C out",
            )
        personal = personal_path(self.data)
        known = [self._read(self.repo)] if self.named else []
        if (personal / "compass.yaml").is_file() and not (self.named and self.repo.samefile(personal)):
            known += [self._read(personal), load(personal, revision=None, cache=self.cache)]
        return joined(known)

    def _read(self, root: Path) -> Library:
        return load(root, parents=True, cache=self.cache, clones=self.data / "clones")

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that hold records: the repository named, then the personal one."""
        personal = personal_path(self.data)
        return (self.repo, personal) if self.named else (personal,)

    def past(self, library: Library, components: Iterable[str], told: Callable[[str], None]) -> list[Past]:
        """Earlier records that may speak of these components; `told` hears of those that cannot be read."""
        found = []
        for one in remembered(library, self.roots, components):
            if isinstance(one, Past):
                found.append(one)
            else:
                told(one.message)
        return found

    def home(self, now: datetime) -> Path:
        """The folder of the repository that holds the records."""
        return self.repo if self.named else personal_repository(self.data, now=now)


def joined(known: Sequence[Library]) -> Library:
    """Several libraries as one; of entries with the same id, that of the first library counts."""
    if not known:
        return _NOBODY
    first = known[0]
    entries, seen = list(first.entries), {one.id for one in first.entries}
    for behind, library in enumerate(known[1:], 1):
        new = [one for one in library.entries if one.id not in seen]
        seen |= {one.id for one in new}
        entries += [
            replace(one, mount=replace(one.mount, distance=one.mount.distance + _BEHIND * behind))
            for one in new
        ]
    mounts = [*first.mounts, *(mount for library in known[1:] for mount in library.mounts)]
    return replace(first, mounts=tuple(mounts), entries=tuple(entries))


@contextmanager
def investigation_of(
    folder: Path,
    memory: Memory,
    *,
    now: datetime,
    random: Random,
    clock: Callable[[], float],
    told: Callable[[str], None] = lambda _: None,
    first: Callable[[Incident, Library], None] = lambda _incident, _library: None,
    opening: Opening = open_session,
) -> Iterator[Session]:
    """The session that `opening` makes of a recording; its telemetry is asked through MCP until the context ends, after `first` was called.

    ConfigError when the folder is no recording or the repository cannot be read.
    """
    told("reading the recording")
    with collected_later():
        recording = load_recording(folder)
    library = memory.library
    first(incident_of(recording), library)
    from compass.replay.server import connect  # noqa: PLC0415  # a runbook is shown before mcp is loaded

    with connect(recording) as telemetry, collected_later():
        yield opening(
            incident_of(recording),
            telemetry,
            library,
            now=now,
            random=random,
            clock=clock,
            cache=memory.cache,
            told=told,
        )


def incident_of(recording: Recording) -> Incident:
    """What the recording says was noticed; its history becomes the baseline."""
    info = recording.info
    past = recording.history.span_of_time if recording.history else None
    return Incident(
        symptom=info.symptom.text,
        service=info.symptom.service,
        metric=info.symptom.metric,
        detected=info.detected,
        window=TimeWindow(start=info.window.start, end=info.window.end),
        baseline=past and TimeWindow(start=_moment(past[0]), end=_moment(past[1])),
        recording=info.id,
    )


def keep(record: Investigation, memory: Memory, *, now: datetime) -> Path:
    """Write the record into the repository that holds records; its path."""
    home, personal = memory.home(now), personal_path(memory.data)
    own = personal.is_dir() and home.samefile(personal)
    return write_record(home, record, personal=own, now=now)


def find_record(identifier: str, memory: Memory) -> Found:
    """The record of this id, or of which this is the beginning; UsageError when there is none."""
    return find(identifier, memory.roots)


def recording_of(record: Investigation, found: Found, memory: Memory) -> Path | None:
    """The folder of the recording that was investigated, where a repository has it."""
    name = record.incident.recording
    roots = dict.fromkeys([found.root, *memory.roots, *(one.root for one in memory.library.mounts)])
    places = [root / "recordings" / name for root in roots] if name else []
    return next((one for one in places if (one / "recording.yaml").is_file()), None)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
