"""`compass investigate`: a recording and the memory in, a session out; its record goes into a repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Final

from compass.adapters.documents import YamlProblem, dump_yaml, parse_yaml, write_atomically
from compass.adapters.garbage import collected_later
from compass.errors import ConfigError, UsageError
from compass.investigate.session import Session, open_session
from compass.library import Library, load
from compass.model.entry import TimeWindow
from compass.model.ids import INVESTIGATION_ID
from compass.model.investigation import Incident, Investigation
from compass.model.recording import Recording
from compass.replay.load import load as load_recording
from compass.workflows.personal import personal_path, personal_repository

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
        """What is known: the repository at HEAD with its parents, else the personal one, else nothing; read once."""
        root = self.repo if self.named else personal_path(self.data)
        if not self.named and self.repo != Path():
            raise ConfigError(
                f"{self.repo} is not a knowledge repository: it has no compass.yaml",
                "make one with `compass init`, or leave -C out",
            )
        if not (root / "compass.yaml").is_file():
            return _NOBODY
        return load(root, parents=True, cache=self.cache, clones=self.data / "clones")

    def home(self, now: datetime) -> Path:
        """The folder of the repository that holds the records."""
        return self.repo if self.named else personal_repository(self.data, now=now)


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
) -> Iterator[Session]:
    """A session over a recording; its telemetry is asked through MCP until the context ends, after `first` was called.

    ConfigError when the folder is no recording or the repository cannot be read.
    """
    told("reading the recording")
    with collected_later():
        recording = load_recording(folder)
    library = memory.library
    first(incident_of(recording), library)
    from compass.replay.server import connect  # noqa: PLC0415  # a runbook is shown before mcp is loaded

    with connect(recording) as telemetry, collected_later():
        yield open_session(
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
    """Write the record as investigations/<yyyy>/<id>.yaml into the repository that holds records; its path."""
    path = record_path(memory.home(now), record)
    write_atomically(
        path, dump_yaml(record.model_dump(mode="json", by_alias=True, exclude_defaults=False)).encode()
    )
    return path


def record_path(root: Path, record: Investigation) -> Path:
    """Where a record lies in its repository."""
    return root / "investigations" / str(record.started.year) / f"{record.id}.yaml"


def find_record(identifier: str, memory: Memory) -> tuple[Path, Investigation]:
    """The repository that holds a record, and the record; UsageError when there is none of this id."""
    if not INVESTIGATION_ID.fullmatch(identifier):
        raise UsageError(f"{identifier!r} is not the id of an investigation", "such as inv-7k3x9q2m4t")
    roots = [memory.repo] if memory.named else []
    for root in (*roots, personal_path(memory.data)):
        for path in sorted((root / "investigations").glob(f"*/{identifier}.yaml")):
            return root, _read(path)
    raise UsageError(
        f"there is no investigation {identifier} here or in the personal repository",
        "name its repository with -C",
    )


def _read(path: Path) -> Investigation:
    try:
        return Investigation.model_validate(parse_yaml(path.read_text("utf-8")))
    except (YamlProblem, ValueError, OSError) as problem:
        raise ConfigError(f"{path} is not a readable record: {problem}") from problem


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
