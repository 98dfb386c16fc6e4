"""Log lines reduced to the statements of the program that wrote them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from compass.model.recording import LogLine

# `TravelServiceImpl#532`, `cart.py:120`, `Foo.java:45`: the surest name of a statement is where it stands.
_PLACE: Final = re.compile(
    r"(?:^|[\s(\[])([A-Za-z_$][\w$.]*?(?:#|\.(?:py|java|go|js|ts|rb|cs|cpp|c|rs|kt|php):)\d{1,5})\b"
)
# The innermost exception of a chain is named last: two exceptions from one place are two statements.
_EXCEPTION: Final = re.compile(r"\b(?:[a-z_]\w*\.)*([A-Z]\w*(?:Exception|Error))\b")
_SPAN: Final = re.compile(r"span[_ -]?id[\"']?\s*[:=]\s*[\"']?([0-9a-f]{8,16})", re.IGNORECASE)
_IDS: Final = re.compile(r"\b(?:trace|span)[_ -]?id[\"']?\s*[:=]\s*[\"']?[0-9a-f]+[\"']?", re.IGNORECASE)
_CLOCK: Final = re.compile(
    r"^[\[(]?(?:\d{4}[-/]\d\d[-/]\d\d[T ]?)?\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?[\])]?\s*"
)
_VARIABLE: Final = re.compile(
    r"\"[^\"]*\"|'[^']*'|https?://\S+|/[\w./{}%-]+|\b[0-9a-f]{8}-[0-9a-f-]{27,}|\b(?=\w*\d)[\w.:+-]+|[=:]\s*\S+"
)
_WORDS: Final = 14
_KEYS: Final = ("message", "msg", "log", "event", "body")
_LEVELS: Final = ("error", "fatal", "critical", "severe", "panic", "emerg", "alert")


def plain(message: str) -> str:
    """The text of a line: the message field where the line is a JSON object, without clock and ids."""
    if message.startswith("{"):
        try:
            found = json.loads(message)
        except ValueError:
            found = None
        if isinstance(found, dict):
            for key in _KEYS:
                if isinstance(found.get(key), str):
                    message = found[key]
                    break
    return _CLOCK.sub("", _IDS.sub("", message)).strip()


@lru_cache(maxsize=200_000)
def statement(message: str) -> str:
    """What stays the same each time the program logs this: its place in the code, or its constant words; and which
    exception it names.
    """
    raised = _EXCEPTION.findall(message[:2000])
    end = f" {raised[-1]}" if raised else ""
    found = _PLACE.search(message[:200])
    if found:
        return found.group(1) + end
    constant = _VARIABLE.sub("<*>", plain(message)[:400])
    words = " ".join(constant.split()[:_WORDS])
    return words if end.strip() in words else words + end


def mention(names: Iterable[str]) -> Callable[[LogLine], str]:
    """A function that tells which other component a line names first; an empty string for none."""
    known = sorted((name for name in names if len(name) > 2), key=lambda name: (-len(name), name))
    if not known:
        return lambda _: ""
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, known))})(?![\w-])")

    def first(line: LogLine) -> str:
        return next((name for name in pattern.findall(line.message[:2000]) if name != line.service), "")

    return first


def span_of(message: str) -> str:
    """The span id that a line names, or an empty string."""
    found = _SPAN.search(message[:400])
    return found.group(1) if found else ""


ERROR_LEVELS: Final = tuple(level.upper() for level in (*_LEVELS, "warn", "info", "debug", "trace"))


def is_error(level: str) -> bool:
    """Whether a level means that something failed (a warning does not)."""
    return level.lower().startswith(_LEVELS)
