"""What the index keeps of an entry: a few weighted fields, the names it answers to, and what a result shows."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Final

from compass.retrieval.words import OPERATIONAL_HEADINGS

LEAD: Final = 500
"""Characters of the text that count as its beginning, where an entry says what it is about."""

_HEADING: Final = re.compile(
    r"^(?:#{1,6}|={1,5})[ \t]+(.{1,200})$|^(.{1,200})\n(?:={3,}|-{3,})$", re.MULTILINE
)
_NOISE: Final = re.compile(r"^[^\S\n]*(?::_?[\w-]+:|//|\[[^\]\n]*\]\s*$|include::).*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a result shows of a document, wherever it stands.

    `checked` is the day it was last verified, or else made; `due` the day its review is; `successor` the id that replaces
    it. Empty where there is none.
    """

    id: str
    kind: str
    title: str
    status: str
    path: str
    blob: str = ""
    checked: str = ""
    due: str = ""
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One entry as text: its beginning and the `rest`. `names` are declared exact names (alerts, ids), `called` those it
    happens to have (title, file); `key` changes with path and content.
    """

    shown: Shown
    names: tuple[str, ...]
    called: tuple[str, ...]
    lead: str
    rest: str
    operational: bool
    key: int


def key_of(path: str, blob: str) -> int:
    """64 bits that change when a file is renamed or changed."""
    return int(blob[:16] or "0", 16) ^ (zlib.crc32(path.encode("utf-8", "replace")) << 20)


def from_text(identifier: str, title: str, text: str) -> Document:
    """A draft as `import` makes it from a Markdown file: a title and a body, nothing in the front matter."""
    shown = Shown(identifier, "runbook", title, "draft", f"runbooks/{identifier}.md")
    return document(shown, (), (), "", text, known=False, key=key_of(shown.path, ""))


def document(
    shown: Shown,
    names: tuple[str, ...],
    called: tuple[str, ...],
    about: str,
    text: str,
    *,
    known: bool,
    key: int,
) -> Document:
    """A document of its fields: what the front matter says is `about` it, then the text of the body.

    `known`: the front matter names alerts or queries, so that it is made for operations whatever its headings.
    """
    clean = re.sub(r"\n{2,}", "\n", _NOISE.sub("", text)).strip()
    headings = {(first or second).strip().lower() for first, second in _HEADING.findall(text)}
    operational = known or "```promql" in text or bool(headings & OPERATIONAL_HEADINGS)
    cut = _cut(clean)
    lead = f"{about}\n{clean[:cut]}" if about else clean[:cut]
    return Document(shown, names, (shown.title, *called), lead, clean[cut:], operational, key)


def _cut(text: str) -> int:
    """Where the beginning ends: after LEAD characters, or at the last gap before that."""
    if len(text) <= LEAD:
        return len(text)
    gap = max(text.rfind(" ", LEAD - 80, LEAD), text.rfind("\n", LEAD - 80, LEAD))
    return gap if gap > 0 else LEAD
