"""The rule about the timeline: in order, inside the incident, and each line with its source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from compass.library import LoadedEntry
from compass.model.base import Severity
from compass.model.entry import Postmortem, Times
from compass.rules.place import Place
from compass.rules.postmortem.base import Finding, PostmortemRule
from compass.rules.postmortem.specimen import BODY, specimen
from compass.rules.status import CONFIRMED
from compass.rules.text import headings, prose

_ROW: Final = re.compile(
    r"^[ \t]*+(?:[|*+-][ \t]*+)?+[*_\[(]{0,3}(?:(?P<day>\d{4}-\d{2}-\d{2})[T \t]++)?+(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?![\d:]*[ ]?[AaPp][Mm])\b(?P<text>[^\n]*)",
    re.MULTILINE,
)
_SOURCE: Final = re.compile(r"\[\^e\d|\[\[|\]\(|https?://|\binv-")
_BEFORE: Final = timedelta(hours=24)
_AFTER: Final = timedelta(days=14)
_HALF_A_DAY: Final = timedelta(hours=12)


class _Row(NamedTuple):
    offset: int
    day: date | None
    clock: timedelta
    text: str


class TimelineDisorder(PostmortemRule):
    """Causes are read off the order of events."""

    id = "PM004"
    sentence = (
        "The lines under `Timeline` are in order, near the incident, and from `verified` each has a source."
    )
    severity = Severity.WARNING
    good = specimen(
        "## Timeline\n\n- 10:04 The page comes.[^e1]\n- 10:30 The pool is larger.[^e1]\n\n## Lessons\n\n"
        + BODY
    )
    bad = specimen(
        "## Timeline\n\n- 10:30 The pool is larger.[^e1]\n- 10:04 The page comes.[^e1]\n\n## Lessons\n\n"
        + BODY
    )

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Read the lines that begin with a time of day; a step back of half a day and more is midnight."""
        rows = _rows(loaded.body)
        for before, row in pairwise(rows):
            if _steps_back(before, row):
                message = f"{_clock(row)} stands after {_clock(before)}"
                yield Finding(message, Place(offset=row.offset), "sort the lines, or give the day of each")
        for row in rows:
            if row.day and entry.times and _far(row, entry.times):
                message = f"{row.day} {_clock(row)} is not near the incident"
                yield Finding(
                    message,
                    Place(offset=row.offset),
                    "look at the day and the zone, or tell it outside the timeline",
                )
        without = [row for row in rows if not _SOURCE.search(row.text)]
        if without and loaded.status in CONFIRMED:
            message = f"{len(without)} of {len(rows)} lines of the timeline name no source, this one first"
            yield Finding(
                message,
                Place(offset=without[0].offset),
                "end each with `[^e1]` or a link to the chat, the change or the alert",
            )


def _rows(body: str) -> list[_Row]:
    found = headings(body) if "imeline" in body and _ROW.search(body) else []
    for number, (level, name, start) in enumerate(found):
        if name.casefold().startswith("timeline"):
            end = next((at for depth, _, at in found[number + 1 :] if depth <= level), len(body))
            return [_row(one) for one in _ROW.finditer(prose(body), start, end)]
    return []


def _row(found: re.Match[str]) -> _Row:
    try:
        day = date.fromisoformat(found["day"]) if found["day"] else None
    except ValueError:
        day = None
    clock = timedelta(hours=int(found["hour"]), minutes=int(found["minute"]))
    return _Row(found.start("hour"), day, clock, found["text"])


def _clock(row: _Row) -> str:
    minutes = int(row.clock.total_seconds() // 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _steps_back(before: _Row, row: _Row) -> bool:
    if before.day and row.day and before.day != row.day:
        return row.day < before.day
    back = before.clock - row.clock
    same_day = before.day is not None and before.day == row.day
    return timedelta(0) < back and (same_day or back < _HALF_A_DAY)


def _far(row: _Row, times: Times) -> bool:
    """A day's grace on both sides for the zone, which the row does not give."""
    when = datetime(row.day.year, row.day.month, row.day.day, tzinfo=UTC) + row.clock if row.day else None
    first, last = times.start or times.detected, times.resolved
    return bool(when and ((first and when < first - _BEFORE) or (last and when > last + _AFTER)))
