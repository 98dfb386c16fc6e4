"""Reading Markdown just enough for rules: headings, footnotes, and prose without its code."""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(`+)[^`\n](?:[^\n]*?[^`\n])?\1(?!`)")
_HEADING: Final = re.compile(r"^ {0,3}(#{1,6})[ \t]+([^\n]*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_NOTE: Final = re.compile(r"\[\^(e[0-9]{1,3})\]")


def prose(body: str) -> str:
    """The body with code blanked out; offsets stay the same."""
    if "`" not in body and "~~~" not in body:
        return body
    return _SPAN.sub(_blank, _FENCE.sub(_blank, body))


def headings(body: str) -> list[tuple[int, str, int]]:
    """ATX headings outside code: level, text, offset."""
    return [(len(found[1]), found[2].strip(), found.start()) for found in _HEADING.finditer(prose(body))] if "#" in body else []


def citations(body: str) -> dict[str, int]:
    """Evidence ids that the prose cites as `[^e1]`, with the offset of the first; definitions do not count."""
    found: dict[str, int] = {}
    if "[^e" not in body:
        return found
    text = prose(body)
    for note in _NOTE.finditer(text):
        start = text.rfind("\n", 0, note.start()) + 1
        if text[note.end() : note.end() + 1] == ":" and not text[start : note.start()].strip():
            continue
        found.setdefault(note[1], note.start())
    return found


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
