"""The options of `compass record`, judged, and the whole of the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from pydantic import ValidationError

from compass.anonymize import Catalog
from compass.anonymize.known import catalog_of
from compass.config import Settings
from compass.errors import UsageError
from compass.library import Library, load
from compass.model.recording import RecordingInfo, Symptom
from compass.replay.lexer import Tokens
from compass.replay.matchers import CannotEvaluateError
from compass.workflows.anonymizing import allowed_words
from compass.workflows.recording import folder
from compass.workflows.recording.record import Made, bounded, recorded, reread, write
from compass.workflows.recording.request import (
    Gathered,
    Notes,
    Request,
    Told,
    bytes_of,
    history_of,
    listed,
    moment_of,
    name_of,
    window_of,
)
from compass.workflows.recording.sharing import copied
from compass.workflows.recording.sources import Asking, datasources_of, servers_of
from compass.workflows.recording.verdicts import Verdict, asked, compared, matches

_ASKING: Final = (
    ("servers", "--server"), ("commands", "--command"), ("start", "--from"), ("detected", "--detected"),
    ("symptom", "--symptom"), ("service", "--service"), ("history", "--history"), ("metrics", "--metric"),
    ("logs", "--logs"), ("datasources", "--datasource"),
)  # fmt: skip
_NEEDED: Final = (("start", "--from"), ("detected", "--detected"), ("symptom", "--symptom"))


@dataclass(frozen=True)
class Options:
    """The command's options as they were typed; servers that are commands get `environment`."""

    name: str
    servers: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    start: str | None = None
    end: str = "now"
    detected: str | None = None
    symptom: str | None = None
    service: str | None = None
    history: str | None = None
    metrics: tuple[str, ...] = ()
    logs: str = ""
    datasources: tuple[str, ...] = ()
    timeout: float = 60.0
    limit: str = "300kB"
    synthetic: bool = False
    from_recording: Path | None = None
    folder: Path | None = None
    overwrite: bool = False
    dry_run: bool = False
    offline: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Outcome:
    """What was written, or would be."""

    made: Made
    target: Path
    dry: bool
    verdicts: tuple[Verdict, ...] = ()

    def told(self) -> list[str]:
        """The patterns that match, and those that no longer do or now do, in words."""
        words = (
            ("the original", "the copy")
            if self.made.info.synthetic
            else ("all that was read", "what was kept")
        )
        return [one.told(*words) for one in self.verdicts if one.original is True or not one.kept]

    def as_json(self) -> dict[str, Any]:
        """The shape of `--format json`."""
        rows = self.made.counts()
        return {
            "schema": 1,
            "recording": self.made.info.id,
            "path": str(self.target),
            "written": not self.dry,
            "synthetic": self.made.info.synthetic,
            "bytes": self.made.fitted.size,
            "files": [
                {"path": name, "bytes": len(data), "rows": rows.get(name)}
                for name, data in self.made.fitted.files.items()
            ],
            "left_out": list(self.made.left_out),
            "patterns": [one.as_json() for one in self.verdicts],
        }


def run(
    options: Options, repo: Path, settings: Settings, *, random: Random, now: float, told: Told, warned: Told
) -> Outcome:
    """Record, bound, and write unless it is a dry run.

    Raises UsageError for options that do not go together, OutsideError when no server gives anything.
    """
    target = _target(options, repo)
    if not options.dry_run:
        folder.recover(target)
    folder.check(target, replace=options.overwrite or options.dry_run)
    library = _library(repo, settings)
    patterns = matches(library) if library else ()
    notes = Notes(warned)
    request, info, gathered = _source(options, notes, now=now, told=told)
    if options.synthetic:
        known = (catalog_of(library), allowed_words(repo).allowed) if library else (Catalog(), ())
        made, verdicts = copied(info, gathered, request, notes, known, patterns, random=random, told=told)
    else:
        made = bounded(info, gathered, request, notes, told)
        thinned = made.fitted.telemetry.rows < gathered.rows
        before = asked(patterns, info, gathered) if thinned else []
        verdicts = compared(patterns, before, info, made.fitted.telemetry) if thinned else ()
    if not options.dry_run:
        write(made, target)
    return Outcome(made, target, options.dry_run, verdicts)


def _source(
    options: Options, notes: Notes, *, now: float, told: Told
) -> tuple[Request, RecordingInfo, Gathered]:
    """What the servers have, or what a recording has."""
    if options.from_recording is None:
        request = request_of(options, now)
        chosen = datasources_of(options.datasources)
        servers = servers_of(options.servers, options.commands, offline=options.offline)
        asking = Asking(servers, chosen, options.timeout, options.environment)
        return request, *recorded(request, asking, notes, told)
    given = [flag for field, flag in _ASKING if getattr(options, field)]
    if given:
        raise UsageError(f"--from-recording asks no server, so {listed(given)} has no place beside it")
    if not options.synthetic:
        raise UsageError("--from-recording makes a copy to share", "add --synthetic")
    return reread(options.from_recording, name_of(options.name), bytes_of(options.limit), notes)


def _library(repo: Path, settings: Settings) -> Library | None:
    """The repository whose names and patterns are known, if there is one."""
    if not (repo / "compass.yaml").is_file():
        return None
    return load(repo, revision=None, parents=True, cache=settings.cache, clones=settings.data / "clones")


def _target(options: Options, repo: Path) -> Path:
    name = name_of(options.name)
    if options.folder is not None:
        return options.folder
    if not (repo / "compass.yaml").is_file():
        raise UsageError(
            f"{repo} is not a knowledge repository: it has no compass.yaml",
            "name one with -C, or a folder with --output",
        )
    return repo / "recordings" / name


def request_of(options: Options, now: float) -> Request:
    """The request that the options make; UsageError says which of them is wrong."""
    missing = [flag for field, flag in _NEEDED if not getattr(options, field)]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            "see compass record --help",
        )
    start, end = moment_of("--from", str(options.start), now), moment_of("--to", options.end, now)
    detected = moment_of("--detected", str(options.detected), now)
    window = window_of("--from and --to", start, end)
    if not start <= detected <= end:
        raise UsageError("--detected lies outside the window", "widen --from and --to, or mend it")
    return Request(
        name_of(options.name),
        window,
        detected,
        _symptom(options),
        history_of(options.history, now),
        tuple(_selector("--metric", one) for one in options.metrics),
        _selector("--logs", options.logs) if options.logs else "",
        bytes_of(options.limit),
    )


def _symptom(options: Options) -> Symptom:
    try:
        return Symptom(text=str(options.symptom), service=options.service)
    except ValidationError as problem:
        raise UsageError(f"--symptom: {problem.errors()[0]['msg']}") from problem


def _selector(option: str, text: str) -> str:
    try:
        words = Tokens(text).tokens
    except CannotEvaluateError as refusal:
        raise UsageError(f"{option} {text[:80]!r}: {refusal.message}") from refusal
    if not any(word.text == "{" for word in words) and (option == "--logs" or len(words) != 2):
        raise UsageError(f"{option} {text[:80]!r} is no selector", 'such as {service_name="checkout"}')
    return text
