"""What rules need of an entry whose file has not changed: little, so that it is remembered by blob id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple

from compass.library import LoadedEntry
from compass.model.entry import Pattern, Postmortem
from compass.rules.place import Place
from compass.rules.text import prose

_LINK: Final = re.compile(r"\[\[((?:pat|run|pm)-[^\[\]\n]{0,80})\]\]")


class Facts(NamedTuple):
    """Names and days of one entry; `days` has those of its front matter by field."""

    owner: str | None = None
    services: tuple[str, ...] = ()
    origin: str | None = None
    days: tuple[tuple[str, date], ...] = ()
    recordings: tuple[tuple[str, str], ...] = ()
    """Field of `tests` and name, in order."""
    match: bool = False
    """Whether it is a pattern with a match."""
    links: tuple[tuple[str, Place], ...] = ()
    """Ids that the entry names, in its front matter and its prose."""

    def dumped(self) -> str:
        """As JSON; only what is there."""
        rows: dict[str, Any] = {
            "o": self.owner,
            "s": self.services,
            "p": self.origin,
            "d": [(name, day.isoformat()) for name, day in self.days],
            "r": self.recordings,
            "m": self.match,
            "l": [(target, place.fields, place.offset) for target, place in self.links],
        }
        return json.dumps({key: value for key, value in rows.items() if value}, separators=(",", ":"))

    @classmethod
    def loaded(cls, text: str) -> Facts:
        """What `dumped` wrote."""
        rows = json.loads(text)
        return cls(
            owner=rows.get("o"),
            services=tuple(rows.get("s", ())),
            origin=rows.get("p"),
            days=tuple([(name, date.fromisoformat(day)) for name, day in rows.get("d", ())]),
            recordings=tuple([(field, name) for field, name in rows.get("r", ())]),
            match=rows.get("m", False),
            links=tuple(
                [(target, Place(tuple(fields), offset)) for target, fields, offset in rows.get("l", ())]
            ),
        )


def facts_of(loaded: LoadedEntry) -> Facts:
    """Read the facts from the entry itself."""
    entry = loaded.entry
    days = {
        "created": entry.created,
        "last_verified": entry.last_verified,
        "review_by": entry.review_by,
        "withdrawn": entry.withdrawn.at if entry.withdrawn else None,
    }
    tests = entry.tests if isinstance(entry, Pattern) else None
    named = [
        (field, name) for field in ("must_match", "must_not_match") for name in getattr(tests, field, ())
    ]
    return Facts(
        owner=entry.owner,
        services=entry.services,
        origin=entry.provenance.origin if entry.provenance else None,
        days=tuple((name, day) for name, day in days.items() if day),
        recordings=tuple(named),
        match=isinstance(entry, Pattern) and entry.match is not None,
        links=tuple(_links(loaded)),
    )


def _links(loaded: LoadedEntry) -> Iterator[tuple[str, Place]]:
    entry = loaded.entry
    for number, related in enumerate(entry.related):
        yield related.id, Place(("related", number, "id"))
    if entry.superseded_by:
        yield entry.superseded_by, Place(("superseded_by",))
    if isinstance(entry, Pattern):
        yield from (
            (target, Place(("mitigations", number))) for number, target in enumerate(entry.mitigations)
        )
    elif isinstance(entry, Postmortem):
        yield from ((target, Place(("patterns", number))) for number, target in enumerate(entry.patterns))
    if "[[" in loaded.body:
        for found in _LINK.finditer(prose(loaded.body)):
            yield found[1], Place(offset=found.start(1))
