"""What an entry becomes on its way: to the team as it is, upwards only through the anonymizer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from compass.adapters.documents import YamlProblem, dump_entry, edited, parse_yaml, split
from compass.anonymize import Boundary, Pseudonyms, anonymize_text
from compass.anonymize.known import catalog_of
from compass.errors import NegativeAnswerError
from compass.federation.gate import library_of
from compass.federation.identity import allowed_words, transform
from compass.federation.maps import read_map
from compass.federation.reduction import reduce
from compass.federation.route import Route
from compass.federation.scrubbing import Scrubber
from compass.federation.source import unwritable
from compass.library import Library, LoadedEntry
from compass.model.entry import FOLDERS, Pattern
from compass.model.ids import slug
from compass.model.proposal import Replaced, Verb
from compass.model.scope import Level

_FOREIGN: Final = re.compile(r"\[\[((?:pat|run|pm)-[0-9a-z]{10})\]\]")


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
    """The pseudonyms of the entry, which stay in the source; made from `known_map`, which it had before."""
    known_map: str | None = None


def cross(route: Route, above: Library) -> Crossed:
    """The entry as it may leave for the target, whose `main` with its parents is `above`.

    NegativeAnswerError when the anonymizer is not sure of a word, with the place of each, or when the front matter
    cannot be rewritten.
    """
    try:
        return _anonymized(route, above) if route.verb is Verb.PROMOTE else _as_it_is(route)
    except YamlProblem as problem:
        raise unwritable(route.source.loaded.path, problem) from None


def _as_it_is(route: Route) -> Crossed:
    """A contribution: the text unchanged but for its origin, with the recordings that its tests name."""
    loaded = route.source.loaded
    text = loaded.text
    if route.source.member.config.level is Level.PERSONAL:
        text = edited(
            text, {"provenance": _provenance(parse_yaml(split(text).front), route.source.member.id)}
        )
    return Crossed(text, loaded.path, loaded.title, files=_recordings(route, loaded))


def _recordings(route: Route, loaded: LoadedEntry) -> dict[str, bytes]:
    if not isinstance(loaded.entry, Pattern) or not loaded.entry.tests:
        return {}
    member = route.source.member
    names = (*loaded.entry.tests.must_match, *loaded.entry.tests.must_not_match)
    files = {
        one.path: one.oid for name in names for one in member.git.tree(member.commit, f"recordings/{name}")
    }
    blobs = member.git.read_many(files.values())
    for path, oid in files.items():
        if oid not in blobs:
            raise NegativeAnswerError(f"{path} is too large to be sent", "record a shorter window")
    return {path: blobs[oid] for path, oid in files.items()}


def _provenance(front: Mapping[str, Any], origin: str) -> dict[str, Any]:
    return {"drafted_by": "human"} | dict(front.get("provenance") or {}) | {"origin": origin}


def _anonymized(route: Route, above: Library) -> Crossed:
    source = route.source
    below = library_of(source.member, route)
    hub = route.target.config.level is Level.HUB
    known = frozenset(above.by_id)
    front, notes = reduce(parse_yaml(split(source.loaded.text).front), known, below, hub=hub)
    before = read_map(source.member.forge, source.loaded.id)
    numbers = Pseudonyms.load(before) if before else Pseudonyms()
    clean = partial(
        anonymize_text,
        catalog=catalog_of(below, route.roster.people, route.roster.teams),
        pseudonyms=numbers,
        boundary=Boundary.HUB if hub else Boundary.TRIBE,
        allowed=allowed_words(source.member),
    )
    scrubber = Scrubber(source.loaded, clean)
    front = scrubber.front(front)
    body = scrubber.body(_plain_links(source.loaded.body, known, below))
    scrubber.refuse_unsure()
    sealed = route.seal.close(source.origin, source.loaded.path, source.loaded.blob) if route.seal else None
    front["provenance"] = _provenance(front, sealed or source.member.id)
    title = str(front["title"])
    year = [str(front["created"])[:4]] if source.loaded.kind == "postmortem" else []
    folder = "/".join([FOLDERS[source.loaded.kind], *year])
    up = "../" * (folder.count("/") + 1)
    return Crossed(
        text=dump_entry(
            front, body, f"yaml-language-server: $schema={up}.compass/schema/{source.loaded.kind}.json"
        ),
        path=f"{folder}/{slug(title)}.md",
        title=title,
        transform=transform(),
        replaced=scrubber.replaced(),
        notes=(*notes, *scrubber.notes()),
        sealed=sealed,
        map=numbers.dump(),
        known_map=before,
    )


def _plain_links(body: str, known: frozenset[str], below: Library) -> str:
    """Links to what the target does not have become the title of what they led to; that goes through the anonymizer."""

    def replace(found: re.Match[str]) -> str:
        entry = below.by_id.get(found[1])
        return found[0] if found[1] in known else f"“{entry.title}”" if entry else "another entry"

    return _FOREIGN.sub(replace, body)
