"""What the repositories of one edition tell beside their entries: landings, uses in investigations, and their forge.

Only what is safe to show of old commits is taken: dates, ids, verbs and roles, never their words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.adapters.forge.web import Web, web_of
from compass.adapters.remotes import branch_of, origin_of
from compass.library import Library, Mount
from compass.model.ids import ENTRY_ID
from compass.model.proposal import Verb
from compass.model.scope import Role
from compass.rules.use import records

KEPT: Final = 20
"""Landings of one entry that are kept; the forge shows the others."""
_PLACE: Final = re.compile(r"([^@\s]+)@[0-9a-f]{40,64}:([^\n#]+\.md)#L")
_APPROVAL: Final = re.compile(r"(\S+) role=(\S+) head=[0-9a-f]+")


class Landed(NamedTuple):
    """One change of an entry on the main line; `roles` are those that approved it."""

    commit: str
    when: datetime
    verb: str
    roles: tuple[str, ...]


class Use(NamedTuple):
    """One investigation in which an entry was supported or cited."""

    day: date
    investigation: str
    symptom: str


@dataclass(frozen=True)
class Records:
    """Beside the entries; everything in it comes from repositories that the readers may read."""

    history: Mapping[tuple[str, str], tuple[Landed, ...]] = field(default_factory=dict)
    """(mount id, path) -> newest first."""
    uses: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    """Entry id -> newest first."""
    web: Mapping[str, Web] = field(default_factory=dict)
    """Mount id -> its place in a forge, where that is known."""


def read_records(library: Library) -> Records:
    """From a library that was cut down to its readers."""
    history: dict[tuple[str, str], tuple[Landed, ...]] = {}
    web: dict[str, Web] = {}
    for mount in library.mounts:
        history |= {(mount.id, path): landed for path, landed in _landings(mount)}
        if found := _web(mount):
            web[mount.id] = found
    return Records(history, _uses(library), web)


def last_changed(records: Records) -> Mapping[tuple[str, str], datetime]:
    """(mount id, path in its folder) -> when what is there now landed."""
    return {place: landed[0].when for place, landed in records.history.items()}


def _landings(mount: Mount) -> Iterator[tuple[str, tuple[Landed, ...]]]:
    revision = mount.commit or (mount.git.resolve("HEAD") if mount.git else None)
    if not mount.git or not revision:
        return
    verbs, roles = frozenset(Verb), frozenset(Role)
    for path, landings in mount.git.landings(revision, ("Compass-Verb", "Approved-by")).items():
        if path.startswith(mount.prefix) and path.endswith(".md"):
            kept = []
            for one in landings[:KEPT]:
                approvals = (_APPROVAL.fullmatch(text.strip()) for text in one.second)
                approved = known((found[2] for found in approvals if found), roles)
                verb = next(iter(known(one.first, verbs)), "")
                kept.append(Landed(one.commit, one.when, verb, approved))
            yield path.removeprefix(mount.prefix), tuple(kept)


def known(found: Iterable[str], words: frozenset[str]) -> tuple[str, ...]:
    """Those of `found` that are among `words`, each once: anybody may write anything into a commit."""
    return tuple(dict.fromkeys(one for one in found if one in words))


def _uses(library: Library) -> dict[str, tuple[Use, ...]]:
    """A broken record is left out here; `check` names it."""
    paths = {(one.mount.id, one.path): one.id for one in library.entries}
    found: dict[str, set[Use]] = defaultdict(set)
    for mount in library.mounts:
        for name, text in records(mount):
            try:
                record = parse_yaml(text)
                when = datetime.fromisoformat(str(record["started"])).date()
                use = Use(when, name, str(record["incident"]["symptom"]))
                for entry_id in _named(record["hypotheses"], paths):
                    found[entry_id].add(use)
            except (YamlProblem, TypeError, KeyError, ValueError, AttributeError):
                continue
    return {entry_id: tuple(sorted(uses, reverse=True)) for entry_id, uses in found.items()}


def _named(hypotheses: Any, paths: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """The pattern of each explanation that held, and what was cited for it."""
    for one in hypotheses:
        if one.get("verdict") != "supported":
            continue
        if ENTRY_ID.fullmatch(str(one.get("pattern"))):
            yield str(one["pattern"])
        for citation in one.get("citations", ()):
            place = _PLACE.match(str(citation["ref"]))
            if place and (place[1], place[2]) in paths:
                yield paths[place[1], place[2]]


def _web(mount: Mount) -> Web | None:
    said = mount.config.web
    if said:
        return Web(said.forge, said.url, said.branch)
    origin = origin_of(mount.git) if mount.git else None
    return web_of(origin, branch_of(mount.git) or "main") if origin and mount.git else None
