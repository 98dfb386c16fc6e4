"""What results can be narrowed by: for each page its kind, status, team, tribe, services, severity, technologies, freshness."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Runbook
from compass.model.scope import Level
from compass.publish.edition import Edition, named
from compass.publish.search.terms import Packed, packed

NAMES: Final = ("kind", "status", "team", "tribe", "service", "severity", "technology", "freshness")
_SEVERAL: Final = frozenset({"service", "technology"})
Values = Mapping[str, Sequence[str]]


def said(edition: Edition, loaded: LoadedEntry) -> str:
    """What the page of an entry says of itself to the search, as JSON in its own markup: names, facets, days overdue."""
    entry = loaded.entry
    names = [loaded.id, *entry.aliases]
    if isinstance(entry, Runbook):
        names += [one.name for one in entry.alerts]
    late = max(edition.overdue(loaded), 0)
    found = {
        "status": [entry.status.value],
        "team": [named(entry.owner)[1]] if entry.owner else [],
        "tribe": _tribe(edition, loaded),
        "service": list(dict.fromkeys(named(one)[1] for one in entry.services)),
        "severity": [entry.severity.value] if entry.severity else [],
        "technology": list(
            dict.fromkeys(tag.partition(":")[2] for tag in entry.tags if tag.startswith("technology:"))
        ),
        "freshness": ["overdue" if late else "reviewed" if entry.review_by else "never reviewed"],
    }
    told = {
        "names": names,
        "late": late,
        "facets": {facet: values for facet, values in found.items() if values},
    }
    return json.dumps(told, separators=(",", ":"), sort_keys=True)


def _tribe(edition: Edition, loaded: LoadedEntry) -> list[str]:
    """The tribe whose repository holds the entry; a team's is the nearest that the team reads."""
    mounts = [loaded.mount] if loaded.mount.level is not Level.TEAM else edition.library.mounts
    ids = (one.id for one in mounts if one.level in {Level.TRIBE, Level.HUB_FOR})
    return [one.partition("/")[2] for one in ids][:1]


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
