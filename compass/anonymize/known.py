"""What an organization knows of itself: its private names, people, services and teams, as its repositories hold them."""

from __future__ import annotations

import re
from typing import Final

from compass.anonymize.catalog import Catalog
from compass.library import Library
from compass.model.catalog import PrivatePerson
from compass.model.scope import People, Teams

_TELLING: Final = re.compile(r".*[^a-z].*")


def catalog_of(library: Library, people: People | None = None, teams: Teams | None = None) -> Catalog:
    """Every name that the library knows; `people` and `teams` by default are those of its org repository."""
    private = library.private
    people, teams = people or library.people, teams or library.teams
    parts: dict[str, list[str]] = {"component": [], "resource": [], "group": []}
    categories = {}
    for entity in library.entities.values():
        kind = entity.kind.lower()
        if kind in parts:
            parts[kind].append(entity.metadata.name)
        if kind == "component":
            categories[entity.metadata.name.lower()] = str(entity.spec.get("type", "service"))
    groups = [
        *parts["group"],
        *((*(one.id for one in teams.teams), *(one.id for one in teams.tribes)) if teams else ()),
    ]
    known = {
        "services": _once(*private.services, *parts["component"], *parts["resource"]),
        "teams": _once(*private.teams, *groups),
        "people": (*private.people, *_people(people)),
    }
    return Catalog(private.model_copy(update=known), categories)


def _people(people: People | None) -> tuple[PrivatePerson, ...]:
    """Addresses, and ids that are more than one word: a single common word would be struck from every sentence."""
    return tuple(
        PrivatePerson(
            email=person.emails[0] if person.emails else "",
            handle=person.id if _TELLING.fullmatch(person.id) else "",
        )
        for person in (people.people if people else ())
    )


def _once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
