"""What results can be narrowed by: for each page its kind, status, team, tribe, services, severity, technologies, freshness."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from compass.library import LoadedEntry
from compass.model.scope import Level
from compass.publish.edition import Edition, named
from compass.publish.search.terms import Packed, packed

NAMES: Final = ("kind", "status", "team", "tribe", "service", "severity", "technology", "freshness")
_SEVERAL: Final = frozenset({"service", "technology"})
Values = Mapping[str, tuple[str, ...]]


def values(edition: Edition, loaded: LoadedEntry | None, kind: str) -> Values:
    """The values of one page; a page that is no entry has a kind alone."""
    if loaded is None:
        return {"kind": (kind,)} if kind else {}
    entry = loaded.entry
    tribe = _tribe(edition, loaded)
    technologies = (tag.partition(":")[2] for tag in entry.tags if tag.startswith("technology:"))
    late = edition.overdue(loaded)
    return {
        "kind": (kind,),
        "status": (entry.status.value,),
        "team": (named(entry.owner)[1],) if entry.owner else (),
        "tribe": (tribe,) if tribe else (),
        "service": tuple(dict.fromkeys(named(one)[1] for one in entry.services)),
        "severity": (entry.severity.value,) if entry.severity else (),
        "technology": tuple(dict.fromkeys(technologies)),
        "freshness": ("overdue" if late > 0 else "reviewed" if entry.review_by else "never reviewed",),
    }


def _tribe(edition: Edition, loaded: LoadedEntry) -> str:
    """The tribe whose repository holds the entry; a team's is the nearest that the team reads."""
    mounts = [loaded.mount] if loaded.mount.level is not Level.TEAM else edition.library.mounts
    ids = (one.id for one in mounts if one.level in {Level.TRIBE, Level.HUB_FOR})
    return next((one.partition("/")[2] for one in ids), "")


def file(pages: Sequence[Values]) -> Packed:
    """One line of JSON, `[[facet, several?, [value, ...]], ...]`, and for each facet the pages' values in two bytes each.

    A value is its number in the list plus one; 0 is none, and ends the values of a page that may have several.
    """
    head = []
    columns = bytearray()
    for name in NAMES:
        known = sorted({value for page in pages for value in page.get(name, ())})[:65_534]
        number = {value: at.to_bytes(2, "little") for at, value in enumerate(known, 1)}
        head.append([name, int(name in _SEVERAL), known])
        none = b"\0\0"
        low = bytearray()
        for page in pages:
            found = b"".join(number[value] for value in page.get(name, ()) if value in number)
            low += found + none if name in _SEVERAL else found or none
        columns += low
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    return "facets.gz", packed(text.encode() + b"\n" + bytes(columns))
