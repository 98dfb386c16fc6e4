"""What rules need of an entry whose file has not changed: little, so that it is remembered by blob id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from compass.library import LoadedEntry
from compass.model.entry import Pattern, Postmortem, Runbook
from compass.rules.place import Place
from compass.rules.postmortem.waivers import silenced, waivers
from compass.rules.sketch import sketch
from compass.rules.text import prose

_LINK: Final = re.compile(r"\[\[((?:pat|run|pm)-[^\[\]\n]{0,80})\]\]")


class Facts(NamedTuple):
    """Names and days of one entry, as plain as JSON gives them back: ten thousand are read at a time."""

    owner: str | None = None
    services: Sequence[str] = ()
    origin: str | None = None
    match: bool = False
    """Whether it is a pattern with a match."""
    days: Sequence[Sequence[str]] = ()
    """Field and ISO day, for each day that is given."""
    recordings: Sequence[Sequence[str]] = ()
    """Field of `tests` and name, in order."""
    links: Sequence[Sequence[Any]] = ()
    """Ids that the entry names, in its front matter and its prose; each with the two parts of its place."""
    waivers: Sequence[Sequence[Any]] = ()
    """Rules, last ISO day and offset in the body of each waiver that ends."""
    silenced: Sequence[str] = ()
    """Rules whose warnings a waiver silences for the whole entry."""
    sketch: str = ""
    """Of the summary and the body."""
    tags: Sequence[str] = ()
    alerts: Sequence[str] = ()
    """Names of the alerts that a runbook is for."""

    def dumped(self) -> str:
        """On one line."""
        return json.dumps(self, separators=(",", ":"))

    @classmethod
    def loaded(cls, text: str) -> Facts:
        """What `dumped` wrote."""
        return cls(*json.loads(text))


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
    fields = ("must_match", "must_not_match")
    return Facts(
        owner=entry.owner,
        services=entry.services,
        origin=entry.provenance.origin if entry.provenance else None,
        match=isinstance(entry, Pattern) and entry.match is not None,
        days=[(name, day.isoformat()) for name, day in days.items() if day],
        recordings=[(field, name) for field in fields for name in getattr(tests, field, ())],
        links=[(target, place.fields, place.offset) for target, place in _links(loaded)],
        waivers=[(", ".join(one.rules), one.until, one.offset) for one in waivers(loaded.body) if one.until],
        silenced=silenced(loaded.body),
        sketch=sketch(f"{entry.summary or ''}\n{loaded.body}"),
        tags=entry.tags,
        alerts=[one.name for one in entry.alerts] if isinstance(entry, Runbook) else (),
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
