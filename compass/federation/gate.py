"""The gate: what `check` would say about the entry if it stood in the target already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from compass.federation.repositories import Member
from compass.federation.route import Route
from compass.federation.source import parse_entry
from compass.library import Library, LoadedEntry, load
from compass.model.base import Problem, Severity
from compass.rules.base import Context
from compass.rules.registry import all_rules
from compass.rules.replays import Outcome, Replays
from compass.rules.runner import apply

_LOOKED_UP: Final = frozenset({"unknown-owner", "unknown-service"})
_RECORDED: Final = ("recordings", "*", "recording.yaml")


@dataclass(frozen=True)
class Verdict:
    """The entry as it would stand in the target, all that `check` would say of it there, and its replays."""

    loaded: LoadedEntry
    problems: tuple[Problem, ...]
    outcomes: Mapping[tuple[str, str], Outcome]
    before: Mapping[tuple[str, str], Outcome]
    """Replays of the entry that stands there now, over the same recordings."""


def judged(route: Route, library: Library, path: str, text: str, files: Mapping[str, bytes]) -> Verdict:
    """What the entry would be at `path` of the target.

    `library` is what the target and its parents hold, `files` are further files that come along, path -> bytes.
    NegativeAnswerError when the text is no entry at all.
    """
    loaded = replace(parse_entry(route.target, path, text.encode()), mount=library.main)
    others = tuple(one for one in library.entries if (one.mount.distance, one.path) != (0, path))
    old = [
        one for one in library.entries if (one.mount.distance, one.path) == (0, path) and one.id == loaded.id
    ]
    known = {one.blob: () for one in others}  # they were checked when they came; only what joins them matters
    with TemporaryDirectory(prefix="compass-") as folder:
        whole = replace(
            library, entries=(loaded, *others), recordings=recordings_in(route.target, files, Path(folder))
        )
        context = Context(whole, route.today, replayed=frozenset({loaded.id}))
        found = apply(all_rules(), context, known).problems
        before = Replays(whole.recordings).outcomes(old) if context.outcomes else {}
        # Where the catalog cannot be read from here, nobody can say that a name is not in it.
        doubtful = _LOOKED_UP if context.blind_catalog else frozenset()
        mine = tuple(
            one
            for one in found
            if one.path == path and (one.rule not in doubtful or one.severity is Severity.ERROR)
        )
        return Verdict(loaded, mine, context.outcomes, before)


def recordings_in(target: Member, files: Mapping[str, bytes], folder: Path) -> dict[str, Path]:
    """The recordings of the target and those that come along, written where they can be replayed."""
    oids = {one.path: one.oid for one in target.git.tree(target.commit, "recordings")}
    blobs = target.git.read_many(oids.values())
    texts = {path: blobs[oid] for path, oid in oids.items() if oid in blobs} | dict(files)
    found = {}
    for path, data in texts.items():
        parts = PurePosixPath(path).parts
        if len(parts) == len(_RECORDED) and parts[0] == _RECORDED[0] and ".." not in parts:
            (folder / parts[1]).mkdir(exist_ok=True)
            (folder / parts[1] / parts[2]).write_bytes(data)
            if parts[2] == _RECORDED[2]:
                found[parts[1]] = folder / parts[1]
    return found


def library_of(member: Member, route: Route) -> Library:
    """The `main` of one repository, with its parents."""
    return load(
        member.git.root, revision="refs/heads/main", parents=True, cache=route.cache, clones=route.clones
    )
