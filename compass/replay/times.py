"""Times as the tools' arguments write them: RFC 3339, or relative to now, which is the end of the recording."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from compass.replay.lexer import milliseconds
from compass.replay.matchers import CannotEvaluateError

_ABSOLUTE = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?")


def nanoseconds(text: str, now_ms: int) -> int:
    """Nanoseconds since the epoch; a time without a zone is UTC; CannotEvaluateError for anything else."""
    if text == "now":
        return now_ms * 1_000_000
    if text.startswith("now-"):
        return (now_ms - milliseconds(text[4:])) * 1_000_000
    found = _ABSOLUTE.fullmatch(text)
    if not found:
        raise CannotEvaluateError(f"{text[:60]!r} is no time such as 2026-05-01T12:00:00Z or now-1h")
    whole, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(whole + (zone or "Z").upper())
    except ValueError as problem:
        raise CannotEvaluateError(f"{text[:60]!r} is no time: {problem}") from problem
    seconds = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
