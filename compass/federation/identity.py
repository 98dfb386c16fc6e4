"""What identifies the source's organization, for the anonymizer: its private names, people, services, teams and hosts."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from compass import __version__
from compass.anonymize import ALLOW_PATH, Catalog, load_allow
from compass.federation.repositories import Member, read_file
from compass.federation.roster import Roster
from compass.library import Library
from compass.model.catalog import PrivatePerson

_TELLING: Final = re.compile(r".*[^a-z].*")


def catalog_of(library: Library, roster: Roster) -> Catalog:
    """Every name that the source knows of itself, from its private list, the software catalog and the organization."""
    private = library.private
    parts: dict[str, list[str]] = {"component": [], "resource": [], "group": []}
    categories = {}
    for entity in library.entities.values():
        kind = entity.kind.lower()
        if kind in parts:
            parts[kind].append(entity.metadata.name)
        if kind == "component":
            categories[entity.metadata.name] = str(entity.spec.get("type", "service"))
    teams = (
        *parts["group"],
        *(team.id for team in roster.teams.teams),
        *(tribe.id for tribe in roster.teams.tribes),
    )
    return Catalog(
        private.model_copy(
            update={
                "services": _once(*private.services, *parts["component"], *parts["resource"]),
                "teams": _once(*private.teams, *teams),
                "people": (*private.people, *_people(roster)),
            }
        ),
        categories,
    )


def allowed_words(source: Member) -> frozenset[str]:
    """The words that the source's reviewers let through, from its vocabulary."""
    data = read_file(source.git, source.commit, ALLOW_PATH)
    return load_allow(data.decode("utf-8", "replace")).allowed if data else frozenset()


@cache
def transform() -> str:
    """`anonymize/<version> sha256:<digest>`: exactly which rules and words were applied."""
    digest = hashlib.sha256()
    for one in sorted(_walk(files("compass.anonymize")), key=str):
        digest.update(one.name.encode() + b"\0" + one.read_bytes())
    return f"anonymize/{__version__} sha256:{digest.hexdigest()}"


def _walk(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for one in folder.iterdir():
        if one.is_dir():
            found += _walk(one) if one.name != "__pycache__" else []
        else:
            found.append(one)
    return found


def _people(roster: Roster) -> tuple[PrivatePerson, ...]:
    """Addresses, and ids that are more than one word: a single common word would be struck from every sentence."""
    return tuple(
        PrivatePerson(
            email=person.emails[0] if person.emails else "",
            handle=person.id if _TELLING.fullmatch(person.id) else "",
        )
        for person in roster.people.people
    )


def _once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
