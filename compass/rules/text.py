"""Reading Markdown just enough for rules: headings, citations, and prose without its code. Linear in hostile text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_FENCE: Final = re.compile(
    r"^ {0,3}(`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^ {0,3}\1[`~]*+[ \t]*+$|\Z)", re.MULTILINE | re.DOTALL
)
_TICKS: Final = re.compile(r"`+|\n")
_HEADING: Final = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]([^\n]*))?$", re.MULTILINE)
_DEFINITION: Final = re.compile(r"^[ \t]*+(?=\[\^e[0-9]{1,3}\]:)", re.MULTILINE)
_NOTE: Final = re.compile(r"\[\^(e[0-9]{1,3})\]")


@lru_cache(maxsize=2)
def prose(body: str) -> str:
    """The body with code blanked out; offsets stay the same."""
    if "`" not in body and "~~~" not in body:
        return body
    return _without_spans(_FENCE.sub(_blank, body))


def headings(body: str) -> list[tuple[int, str, int]]:
    """ATX headings outside code: level, text, offset."""
    if "#" not in body:
        return []
    return [
        (len(found[1]), heading_text(found[2] or ""), found.start())
        for found in _HEADING.finditer(prose(body))
    ]


@lru_cache(maxsize=2)
def citations(body: str) -> Mapping[str, int]:
    """Evidence ids that the prose cites as `[^e1]`, with the offset of the first; definitions do not count."""
    found: dict[str, int] = {}
    if "[^e" not in body:
        return found
    text = prose(body)
    defined = {definition.end() for definition in _DEFINITION.finditer(text)}
    for note in _NOTE.finditer(text):
        if note.start() not in defined:
            found.setdefault(note[1], note.start())
    return found


def heading_text(text: str) -> str:
    """What follows the opening hashes, without those that may close a heading."""
    bare = text.strip()
    closed = bare.rstrip("#")
    return closed.rstrip() if closed != bare and (not closed or closed[-1] in " \t") else bare


def _without_spans(text: str) -> str:
    """Blank code spans: a run of backticks up to the next run of the same length on the line (CommonMark 6.1)."""
    if "`" not in text:
        return text
    runs = [(found.start(), found.end()) for found in _TICKS.finditer(text)]
    closer: dict[int, int] = {}
    ends: list[int] = [0] * len(runs)
    for number in range(len(runs) - 1, -1, -1):
        start, end = runs[number]
        if text[start] == "\n":
            closer.clear()
            continue
        ends[number] = closer.get(end - start, 0)
        closer[end - start] = end
    kept: list[str] = []
    at = 0
    for (start, _), end in zip(runs, ends, strict=True):
        if end and start >= at:
            kept += (text[at:start], " " * (end - start))
            at = end
    return "".join([*kept, text[at:]])


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
