"""A set of repositories read as one `Library`: entries, catalog, recordings, and every problem found on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from compass.errors import ConfigError, OutsideError
from compass.library.alerts import Alert
from compass.library.cache import ParseCache
from compass.library.collector import paused
from compass.library.reading import LoadedEntry, Part, explain, read_source
from compass.library.servers import NamedServer
from compass.library.source import (
    Mount,
    Source,
    blob_id,
    clone_path,
    locate_parent,
    open_source,
    parent_folder,
)
from compass.model.base import Problem, Severity
from compass.model.catalog import Entity, PrivateNames
from compass.model.scope import People, Teams

__all__ = [
    "Library",
    "LoadedEntry",
    "Mount",
    "NamedServer",
    "Source",
    "blob_id",
    "clone_path",
    "explain",
    "load",
    "locate_parent",
    "open_source",
    "parent_folder",
]


@dataclass(frozen=True)
class Library:
    """What was read; problems are values, never exceptions."""

    mounts: tuple[Mount, ...]
    entries: tuple[LoadedEntry, ...] = ()
    entities: Mapping[str, Entity] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    """The alerting rules in the catalog of the first repository."""
    alerts_above: frozenset[str] = frozenset()
    """Names of alerts in the catalogs of the others."""
    private: PrivateNames = field(default_factory=PrivateNames)
    people: People | None = None
    teams: Teams | None = None
    recordings: Mapping[str, Path] = field(default_factory=dict)
    servers: tuple[NamedServer, ...] = ()
    """MCP servers of the catalogs, those of nearer repositories first; of one name the nearest."""
    problems: tuple[Problem, ...] = ()
    files: int = 0

    @cached_property
    def by_id(self) -> Mapping[str, LoadedEntry]:
        """Entries by id; the nearest repository wins, then the first path."""
        found: dict[str, LoadedEntry] = {}
        for loaded in sorted(self.entries, key=lambda one: (one.mount.distance, one.path)):
            found.setdefault(loaded.id, loaded)
        return found

    @property
    def main(self) -> Mount:
        """The repository that was asked for."""
        return self.mounts[0]


def load(
    root: Path,
    *,
    revision: str | None = "HEAD",
    parents: bool = False,
    cache: Path | None = None,
    clones: Path | None = None,
) -> Library:
    """Read the repository at `root` at a revision, or its working tree with None; with all its ancestors if asked.

    `cache` is a folder (or None: no cache), `clones` the folder in which `sync` keeps clones of remote parents.
    ConfigError when `root` itself cannot be read; a parent that cannot is a problem of the library.
    """
    sources = [open_source(root, revision)]
    lost: list[Problem] = []
    if parents:
        lost = _open_ancestors(sources, clones)
    with ParseCache(cache, f"entries-{_models()}") as parsed, paused():
        parts = [read_source(source, parsed) for source in sources]
    return Library(
        mounts=tuple(source.mount for source in sources),
        entries=tuple(entry for part in parts for entry in part.entries),
        entities={ref: entity for part in reversed(parts) for ref, entity in part.entities.items()},
        alerts=tuple(parts[0].alerts),
        alerts_above=frozenset(alert.name for part in parts[1:] for alert in part.alerts),
        private=parts[0].private,
        people=next((part.people for part in parts if part.people), None),
        teams=next((part.teams for part in parts if part.teams), None),
        recordings=sources[0].recordings,
        servers=_nearest(parts),
        problems=(*parts[0].problems, *_from_above(sources[1:], parts[1:]), *lost),
        files=sum(part.files for part in parts),
    )


def _nearest(parts: list[Part]) -> tuple[NamedServer, ...]:
    found: dict[str, NamedServer] = {}
    for part in parts:
        for one in part.servers:
            found.setdefault(one.name, one)
    return tuple(found.values())


def _models() -> str:
    """Changes whenever a model may have: then nothing that was found valid is known to be."""
    files = sorted((Path(__file__).parent.parent / "model").glob("*.py"))
    state = [(one.name, found.st_size, found.st_mtime_ns) for one in files for found in [one.stat()]]
    return hashlib.sha256(repr(state).encode()).hexdigest()[:12]


def _from_above(sources: list[Source], parts: list[Part]) -> Iterator[Problem]:
    """Problems of the other repositories, with paths that say so: `org:catalog/catalog-info.yaml`."""
    for source, part in zip(sources, parts, strict=True):
        for problem in part.problems:
            yield problem.model_copy(update={"path": f"{source.mount.id}:{problem.path}"})


def _open_ancestors(sources: list[Source], clones: Path | None) -> list[Problem]:
    """Add the parents of each source, nearest first, each repository once; what cannot be opened is a problem."""
    lost = []
    seen = {sources[0].mount.id}
    for source in sources:
        for parent in source.mount.config.parents:
            path = parent_folder(source.mount, parent, clones)
            try:
                found = open_source(path, source.revision, distance=source.mount.distance + 1)
            except (ConfigError, OutsideError) as error:
                text = f"the parent {parent!r} cannot be read: {error.message}"
                hint = error.hint or "run `compass sync`, or mend `parents`"
                lost.append(
                    Problem(
                        rule="parent", severity=Severity.WARNING, message=text, path="compass.yaml", hint=hint
                    )
                )
                continue
            if found.mount.id not in seen:
                seen.add(found.mount.id)
                sources.append(found)
    return lost
