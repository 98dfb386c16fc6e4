"""A foreign post-mortem: how it is told from a runbook, its day, and the fields that its own words fill.

Nothing is invented: a time counts only with its day and zone, an action only as an entry of a list, and what is not
understood stays in the text, where it is named with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Final

from compass.rules.text import headings, prose
from compass.workflows.sections import Section, items, line_of, paragraph, sections

_MAX_SUMMARY: Final = 400
_MAX_ITEMS: Final = 50
_MAX_TEXT: Final = 500
"""More would not fit into front matter, whatever the lists of a file hold."""
_LEARNT: Final = {"well": "what_went_well", "lucky": "where_we_got_lucky", "surprised": "what_surprised_us"}
_TELLING: Final = frozenset(
    {"timeline", "causes", "well", "badly", "lucky", "lessons", "actions", "recovery"}
)
_NAMED: Final = re.compile(r"\b(?:post-?mortem|incident|outage)s?\b", re.IGNORECASE)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH: Final = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_MONTH_FIRST: Final = re.compile(
    rf"\b{_MONTH} +(\d{{1,2}})(?:st|nd|rd|th)?,? +((?:19|20)\d\d)\b", re.IGNORECASE
)
_DAY_FIRST: Final = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? +{_MONTH},? +((?:19|20)\d\d)\b", re.IGNORECASE
)
_DATED: Final = re.compile(
    r"^[ \t]*(?:[-*+][ \t]+)?[*_]{0,2}(?:incident )?date[*_]{0,2}[ \t]*:[^\n]*", re.MULTILINE | re.IGNORECASE
)
_ZONES: Final = r"(?:UTC|GMT|[PMCE][SD]?T|(?:CE|WE|EE)S?T|BST|IST|JST|SGT|HKT|AE[SD]T|NZ[SD]T)"
_STAMP: Final = re.compile(
    r"^[ \t]*+(?:[-*+|][ \t]*+)?[*_]{0,2}(?P<label>[A-Za-z][A-Za-z ]{2,30}?)[*_]{0,2}[ \t]*+[:|]?[*_]{0,2}[ \t]*+"
    r"(?P<day>(?:19|20)\d\d-\d\d-\d\d)[T ,]+(?P<clock>\d{1,2}:\d\d(?::\d\d)?)"
    rf"[ \t]*(?P<half>[AaPp]\.?[Mm]\b)?[ \t]*(?P<zone>(?:UTC|GMT)?[+-]\d{{1,2}}:?(?:\d\d)?|Z\b|\(?{_ZONES}\b)?",
    re.MULTILINE,
)
_ZONE: Final = re.compile(
    rf"\btimes?(?: are)?(?: all)?(?: in| as)?[ \t]*+[:(]?[ \t]*+((?:UTC|GMT)[+-]\d{{1,2}}(?::\d\d)?|{_ZONES})\b"
)
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?(?:([+-])(\d{1,2}):?(\d\d)?)?|Z")
_LABELS: Final = {
    "start": ("start", "started", "start time", "incident start", "incident started", "incident began", "began", "outage start", "outage started"),
    "detected": ("detected", "first detected", "detection time", "incident detected"),
    "acknowledged": ("acknowledged", "incident acknowledged"),
    "mitigated": ("mitigated", "repaired", "incident mitigated", "incident repaired"),
    "resolved": ("resolved", "incident resolved", "end", "ended", "end time", "incident end", "incident ended", "outage end", "outage ended"),
}  # fmt: skip
_FIELD: Final = {label: name for name, labels in _LABELS.items() for label in labels}
_TRACKER: Final = re.compile(r"https?://[^\s()<>\]]+?/(?:issues|pull|merge_requests|browse)/[A-Z0-9-]*\d+\b")
_DUE: Final = re.compile(r"\bdue(?: date)?(?: by| on)?[: ]+(\d{4}-\d\d-\d\d)\b", re.IGNORECASE)


@dataclass
class Account:
    """What a post-mortem says in fields, the year it belongs to, and what was not understood: (line, why)."""

    year: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    remarks: list[tuple[int, str]] = field(default_factory=list)


def is_postmortem(name: str, title: str, body: str) -> bool:
    """Whether a document tells of one incident: dated and told as one, or with two sections that only such have."""
    told = {section.topic for section in sections(body)} & _TELLING
    if len(told) > 1 and told != {"causes", "actions"}:
        return True
    dated = bool(_day(name) or _day(title))
    named = _NAMED.search(title) or _NAMED.search(PurePosixPath(name).name)
    return dated and bool(named or told - {"actions", "lessons"})


def read_account(name: str, title: str, body: str, first_line: int, today: date) -> Account:
    """The fields of a post-mortem; `first_line` is the line of its file on which the body begins."""
    account = Account()
    found = sections(body)
    account.year = _year(account, name, title, body, today)
    _times(account, body)
    _summary(account, body, found)
    for section in found:
        if section.topic == "actions":
            _actions(account, body, section)
        elif section.topic in _LEARNT:
            account.fields.setdefault(_LEARNT[section.topic], []).extend(_listed(account, body, section))
    account.fields = {
        key: value[:_MAX_ITEMS] if isinstance(value, list) else value
        for key, value in account.fields.items()
        if value
    }
    account.remarks = sorted((line + first_line - 1, why) for line, why in account.remarks)
    return account


def _year(account: Account, name: str, title: str, body: str, today: date) -> int | None:
    """The year of the day in the file's name, else in a heading, else after `Date:`."""
    named, headed = _day(PurePosixPath(name).name), _day(title)
    if named and headed and named != headed:
        account.remarks.append((1, f"the file's name says {named}, its heading {headed}; filed by its name"))
    dated = (_day(found[0]) for found in _DATED.finditer(prose(body)))
    further = (_day(text) for _, text, _ in headings(body))
    day = named or headed or next((one for one in (*dated, *further) if one), None) or _day(name)
    if day is None:
        account.remarks.append((1, "no day in its name or headings; filed under the year of the import"))
    elif day > today:
        account.remarks.append((1, f"its day {day} is in the future; filed under the year of the import"))
        day = None
    return day.year if day else None


def _day(text: str) -> date | None:
    """The first day that a text names without doubt: 2026-01-31, 20260131, January 31 2026, 31st of January 2026."""
    for pattern, order in ((_ISO, (0, 1, 2)), (_MONTH_FIRST, (2, 0, 1)), (_DAY_FIRST, (2, 1, 0))):
        for found in pattern.finditer(text):
            year, month, day = (found.groups()[place] for place in order)
            number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
            try:
                return date(int(year), number, int(day))
            except ValueError:
                continue
    return None


def _times(account: Account, body: str) -> None:
    """Labelled days with a time and a zone; all or none, for half a frame would be read as the whole."""
    text = prose(body)
    stated = {found[1] for found in _ZONE.finditer(text)}
    general = stated.pop() if len(stated) == 1 else None
    times: dict[str, datetime] = {}
    for found in _STAMP.finditer(text):
        name = _FIELD.get(" ".join(found["label"].lower().split()))
        if name is None:
            continue
        when = _moment(found, general)
        wrong = f"{found['label'].strip()!r} {when}" if isinstance(when, str) else None
        if isinstance(when, datetime) and times.setdefault(name, when) != when:
            wrong = f"there are two different times for {name!r}"
        if wrong:
            line = line_of(body, found.start("label"))
            account.remarks.append((line, f"{wrong}; the times stay in the text"))
            return
    order = [times[name] for name in _LABELS if name in times]
    if order != sorted(order):
        account.remarks.append((1, "its times are not in order; they stay in the text"))
    elif times:
        account.fields["times"] = {
            name: f"{times[name]:%Y-%m-%dT%H:%M:%SZ}" for name in _LABELS if name in times
        }


def _moment(found: re.Match[str], general: str | None) -> datetime | str:
    """A moment in UTC, or why it is none."""
    zone = (found["zone"] or general or "").strip("(")
    if found["half"]:
        return "is told on a clock of twelve hours"
    if not zone:
        return "has no zone"
    offset = _OFFSET.fullmatch(zone)
    if not offset:
        return f"has the zone {zone}, which is no fixed distance from UTC"
    sign, hours, minutes = offset.groups()
    shift = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    clock = found["clock"].zfill(len(found["clock"]) + (found["clock"].index(":") == 1))
    try:
        return (
            datetime.fromisoformat(f"{found['day']}T{clock}").replace(tzinfo=timezone(shift)).astimezone(UTC)
        )
    except ValueError:
        return "is no time of a day that exists"


def _summary(account: Account, body: str, found: list[Section]) -> None:
    section = next((one for one in found if one.topic == "summary"), None)
    text = paragraph(body, section) if section else ""
    if 0 < len(text) <= _MAX_SUMMARY:
        account.fields["summary"] = text


def _actions(account: Account, body: str, section: Section) -> None:
    actions = [_action(text) for text in _listed(account, body, section)]
    account.fields.setdefault("actions", []).extend(actions)
    if not actions and body[section.start : section.end].strip():
        line = line_of(body, section.start)
        account.remarks.append((line, "the actions are no list, so they stay in the text alone"))


def _listed(account: Account, body: str, section: Section) -> list[str]:
    """The entries of a section's lists that a field can hold."""
    found = list(islice(items(body, section), _MAX_ITEMS + 1))
    short = [text for text in found[:_MAX_ITEMS] if len(text) <= _MAX_TEXT]
    if len(short) < len(found):
        why = f"only entries of up to {_MAX_TEXT} characters, {_MAX_ITEMS} at most, became fields"
        account.remarks.append((line_of(body, section.start), why))
    return short


def _action(text: str) -> dict[str, Any]:
    """Its words, with the one tracker and the day due that stand in them."""
    trackers = set(_TRACKER.findall(text))
    action: dict[str, Any] = {"text": text}
    due = _DUE.search(text)
    if due and (day := _day(due[1])):
        action["due"] = day.isoformat()
    if len(trackers) == 1:
        action["tracker"] = trackers.pop()
    return action
