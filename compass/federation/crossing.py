"""What an entry becomes on its way: to the team as it is, upwards only through the anonymizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from compass.federation.route import Route
from compass.library import LoadedEntry
from compass.model.entry import Pattern
from compass.model.proposal import Replaced, Verb


@dataclass(frozen=True)
class Crossed:
    """An entry as it may leave: its whole `text`, the `path` it asks for, and further `files` that come along."""

    text: str
    path: str
    title: str
    transform: str = "none"
    replaced: tuple[Replaced, ...] = ()
    notes: tuple[str, ...] = ()
    sealed: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    map: str | None = None
    """The pseudonyms of the entry, which stay in the source."""


def as_it_is(route: Route) -> Crossed:
    """A contribution: the text unchanged, with the recordings that its tests name."""
    loaded = route.source.loaded
    return Crossed(loaded.text, loaded.path, loaded.title, files=_recordings(route, loaded))


def _recordings(route: Route, loaded: LoadedEntry) -> dict[str, bytes]:
    if not isinstance(loaded.entry, Pattern) or not loaded.entry.tests:
        return {}
    member = route.source.member
    names = (*loaded.entry.tests.must_match, *loaded.entry.tests.must_not_match)
    files = {one.path: one.oid for name in names for one in member.git.tree(member.commit, f"recordings/{name}")}
    blobs = member.git.read_many(files.values())
    return {path: blobs[oid] for path, oid in files.items()}


def cross(route: Route) -> Crossed:
    """The entry as it may leave."""
    return as_it_is(route)
