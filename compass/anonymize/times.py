"""Times made relative: an incident is not found again by its clock. `T+01:25` is an hour and 25 minutes after the start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from compass.anonymize.spans import Find, Span, apply
from compass.anonymize.vocabulary import by_first_run, standing_at

_MONTH: Final = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
_CLOCK: Final = r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?:[.,]\d{1,9})?"
_ZONE: Final = (
    r"(?:Z|[ ]?(?:UTC|GMT|[ECMP][SD]?T|CES?T|BST|IST|JST|AES?T)(?:[+-]\d{1,2})?\b|[ ]?[+-]\d\d:?\d\d\b)"
)
_DATE: Final = r"(?P<year>20\d\d|19\d\d)[-/.](?P<month>0?[1-9]|1[0-2])[-/.](?P<day>0?[1-9]|[12]\d|3[01])"
_FULL: Final = re.compile(rf"(?<![\w./-]){_DATE}(?:[T _]{_CLOCK}{_ZONE}?)?(?![\w/]|-\d|\.\d)")
_SPOKEN: Final = re.compile(
    rf"(?i)\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w{{0,6}},?[ ])?(?:(?P<name>{_MONTH})\.?[ ](?P<date>\d{{1,2}})(?:st|nd|rd|th)?(?:,?[ ](?P<yr>20\d\d))?(?=\W|$)|"
    rf"(?P<date2>\d{{1,2}})(?:st|nd|rd|th)?[ /-](?:of[ ])?(?P<name2>{_MONTH})\.?(?:[ /-](?P<yr2>20\d\d))?)(?:(?:,?[ ](?:at[ ])?|:){_CLOCK}(?:[ ]?[ap]\.?m\.?)?{_ZONE}?)?(?![\w:])"
)
_BARE: Final = re.compile(
    rf"(?<![\w.:/+-])(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?:[.,]\d{{1,6}})?(?:(?P<zone>{_ZONE})|[ ]?[AaPp]\.?[Mm]\b\.?)?(?![\w:]|\.\d|-\d)"
)
_EPOCH: Final = re.compile(r"(?<![\w.-])1[4-7]\d{8}(?:\d{3})?(?![\w]|\.\d)")
_SPOT: Final = re.compile(r"\d(?:\d{3}[-/.]\d|\d?:\d\d|\d{9})")
_DAY_BEFORE: Final = re.compile(
    r"(?:(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?[ ])?(?<!\d)\d{1,2}(?:st|nd|rd|th)?[ /-](?:of[ ])?|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?[ ])$"
)
_FULL_NAMES: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STARTS: Final = by_first_run(
    *(
        month
        for name in _FULL_NAMES
        for short in (name, name[:3], name[:4])
        for month in (short, short.upper())
    )
)
_MONTHS: Final = {name.lower(): number for number, name in enumerate(_NAMES, 1)}


def find_times(text: str) -> Iterator[Find]:
    """Dates with or without a clock, clock times, and seconds or milliseconds since 1970."""
    for at in sorted(set(standing_at(text, _STARTS))):
        lead = _DAY_BEFORE.search(text, max(0, at - 20), at)
        found = _SPOKEN.match(text, lead.start() if lead else at) or _SPOKEN.match(text, at)
        if found:
            yield Find(found.start(), found.start() + len(found[0].rstrip()), "TIMESTAMP", "date", found[0])
    done = 0
    for spot in _SPOT.finditer(text):
        start = spot.start()
        if start < done or (start and text[start - 1] in "@#"):
            continue
        for pattern, rule in ((_FULL, "timestamp"), (_BARE, "clock"), (_EPOCH, "epoch")):
            found = pattern.match(text, start)
            if found:
                done = start + len(found[0].rstrip())
                yield Find(start, done, "TIMESTAMP", rule, found[0])
                break


def relative(text: str, finds: Sequence[Find], start: datetime | None = None) -> dict[int, str]:
    """The replacement of each time by its offset: relative to `start`, or to the first time that has a date.

    A clock time without a date belongs to the date before it.
    """
    zero = start.astimezone(UTC).replace(tzinfo=None) if start else None
    day: datetime | None = zero
    replacements: dict[int, str] = {}
    for find in finds:
        when, dated, clocked = _when(text[find.start : find.end], day)
        if when is None:
            continue
        if zero is None:
            zero = when
        if not dated and day is None:
            day = when
        if dated:
            day = when
        delta = when - zero
        if not dated and delta < timedelta(hours=-12):
            delta += timedelta(days=1)
        replacements[find.start] = offset(delta, clock=clocked)
    return replacements


def offset(delta: timedelta, *, clock: bool = True) -> str:
    """`T+01:25`, `T+2d03:00`, `T-00:05`; without a clock `T+2d`."""
    sign = "-" if delta < timedelta(0) else "+"
    minutes = int(abs(delta).total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    if not clock:
        return f"T{sign}{days}d"
    return f"T{sign}{f'{days}d' if days else ''}{rest // 60:02d}:{rest % 60:02d}"


def relative_times(text: str, start: datetime | None = None) -> str:
    """`text` with every time made relative to `start`, or to its own first time."""
    finds = sorted(find_times(text), key=lambda find: (find.start, -find.end))
    kept: list[Find] = []
    for find in finds:
        if not kept or find.start >= kept[-1].end:
            kept.append(find)
    times = relative(text, kept, start)
    spans = [
        Span(one.start, one.end, one.label, one.rule, times[one.start]) for one in kept if one.start in times
    ]
    return apply(text, spans)


def _when(value: str, day: datetime | None) -> tuple[datetime | None, bool, bool]:
    try:
        if _EPOCH.fullmatch(value):
            return datetime.fromtimestamp(int(value[:10]), UTC).replace(tzinfo=None), True, True
        full = _FULL.fullmatch(value)
        if full:
            date = datetime(int(full["year"]), int(full["month"]), int(full["day"]))  # noqa: DTZ001  # zones are applied below
            return _clock(date, full, value), True, full["hour"] is not None
        spoken = _SPOKEN.fullmatch(value)
        if spoken:
            month = _MONTHS[(spoken["name"] or spoken["name2"])[:3].lower()]
            year = int(spoken["yr"] or spoken["yr2"] or (day.year if day else 2000))
            date = datetime(year, month, int(spoken["date"] or spoken["date2"]))  # noqa: DTZ001  # zones are applied below
            return _clock(date, spoken, value), True, spoken["hour"] is not None
        bare = _BARE.fullmatch(value)
        if bare:
            base = day or datetime(2000, 1, 1)  # noqa: DTZ001  # only differences count
            return _clock(base.replace(hour=0, minute=0, second=0, microsecond=0), bare, value), False, True
    except ValueError:
        return None, False, False
    return None, False, False


def _clock(date: datetime, found: re.Match[str], value: str) -> datetime:
    if found["hour"] is None:
        return date
    hour = int(found["hour"])
    half = re.search(r"(?i)([ap])\.?m\.?$", value)
    if half and hour <= 12:
        hour = hour % 12 + (12 if half[1].lower() == "p" else 0)
    when = date + timedelta(hours=hour, minutes=int(found["minute"]), seconds=int(found["second"] or 0))
    zone = re.search(r":\d\d(?:[.,]\d+)?[ ]?([+-])(\d\d):?(\d\d)$", value)
    if zone:
        away = timedelta(hours=int(zone[2]), minutes=int(zone[3]))
        when += -away if zone[1] == "+" else away
    return when
