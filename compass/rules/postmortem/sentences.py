"""Prose of a post-mortem as sentences, without what is somebody else's words: quotations, chat, code and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from compass.rules.text import prose

_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_LIST: Final = re.compile(r"[ \t]*+(?:[-*+]|\d{1,3}[.)])[ \t]++(?:\[[ xX]\][ \t]++)?+")
_HEADING: Final = re.compile(r" {0,3}#{1,6}(?=[ \t])[ \t]*+")
_RULE: Final = re.compile(r"[ \t]*+(?:[-*_=:|][ \t]*+){3,}+$")
_QUOTE: Final = re.compile(r"[ \t]{0,12}+(?:(?:[-*+]|\d{1,3}[.)])[ \t]++)?+>")
_SPEAKER: Final = re.compile(
    r"[ \t]*+(?:\*\*)?[\w@.-]{2,30}(?: [\w.-]{1,30}){0,2}(?:\*\*)?[ \t]+\[?(?:[01]?\d|2[0-3]):[0-5]\d(?: ?[AaPp][Mm])?\]?[ \t]*+$"
)
_UTTERANCE: Final = re.compile(
    r"[ \t]*+(?:\[?\d{1,2}:\d{2}(?::\d{2})?\]?[ \t]++(?:[AaPp][Mm][ \t]++)?)?+<[\w@.-]{2,30}>"
    r"|[ \t]*+\[?\d{1,2}:\d{2}(?::\d{2})?\]?[ \t]++(?:[AaPp][Mm][ \t]++)?"
    r"(?!(?:utc|am|pm|gmt|cet|cest|note|update|impact|status|cause|action|result)\b)[a-z][\w.-]{1,30}:(?=[ \t])"
)
"""`<name> text`, or a time, a handle and a colon."""
_STAMP: Final = re.compile(
    r"""(?:[ \t]*+(?:[*_~\[(]{0,3}
        (?:\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?Z?)?
          |\d{1,2}[:.]\d{2}(?::\d{2})?(?:[ ]?[AaPp][Mm])?
          |\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4})
        [*_~\])]{0,3}
        (?:[ \t]*+\(?(?:UTC|GMT|CES?T|BST|[PMECI][SD]?T|Z)(?:[+-]\d{1,2}(?::?\d{2})?)?\)?)?[*_]{0,2}
        [ \t]*+[-–—:|,]?))++[ \t]*+""",
    re.VERBOSE,
)
_SPOKEN: Final = re.compile(r"[\"“„][^\"“”„\n]{2,400}[\"”“]")
_LINK: Final = re.compile(r"\]\([^()\s]{0,400}(?:\([^()\s]{0,100}\)[^()\s]{0,100})?\)|<?https?://\S++")
_END: Final = re.compile(r"[.!?]++(?=[\s*_)\"”»\[]|$)")
_SHORT: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|ca|cf|no|sr|jr|mr|mrs|ms|dr|resp|incl|fig)|(?:^|\s)\w)$", re.IGNORECASE
)
_ENDLESS: Final = re.compile(r"[^\s]{80,}+")
_GLYPHS: Final = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})


LONGEST: Final = 800
"""Characters; what goes on without a full stop is read in pieces, so that no sentence costs more than this."""


class Sentence(NamedTuple):
    """One sentence, its line breaks made spaces, and where in the body it begins."""

    text: str
    offset: int
    heading: bool = False


def sentences(body: str) -> tuple[Sentence, ...]:
    """Every sentence that the author says in the author's own voice; the time grows with the length alone."""
    return tuple(one for block in _blocks(_plain(body)) for one in _split(block))


def _plain(body: str) -> str:
    """Code, comments and targets of links blanked; offsets stay."""
    text = prose(body)
    if "<!--" in text:
        text = _COMMENT.sub(_blank, text)
    if "](" in text or "://" in text:
        text = _LINK.sub(_blank, text)
    return _ENDLESS.sub(_blank, text).translate(_GLYPHS)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _blocks(text: str) -> Iterator[Sentence]:
    """Paragraphs, list items, headings and cells of tables, without quotations, transcripts and indented code."""
    start = 0
    parts: list[str] = []
    at = 0
    foreign = listed = False
    blank = True
    for line in text.split("\n"):
        stripped = line.strip()
        item = _LIST.match(line)
        if not stripped:
            yield from _joined(parts, start)
            foreign, blank = False, True
        elif _QUOTE.match(line) or _UTTERANCE.match(line) or _SPEAKER.match(line):
            yield from _joined(parts, start)
            foreign, blank = True, False
        elif stripped.startswith("|"):
            yield from _joined(parts, start)
            yield from _cells(line, at)
            foreign = blank = False
        elif (heading := _HEADING.match(line)) and not foreign:
            yield from _joined(parts, start)
            yield Sentence(line[heading.end() :].rstrip(" #"), at + heading.end(), heading=True)
            listed = blank = False
        elif not foreign or item:
            indented = blank and not item and not listed and line.startswith(("    ", "\t"))
            if item:
                yield from _joined(parts, start)
            if _RULE.match(line) or indented:
                yield from _joined(parts, start)
                foreign = indented
            else:
                begin = item.end() if item else 0
                start = start if parts else at + begin
                parts.append(line[begin:])
                foreign = False
            listed = bool(item) or (listed and line[:1] in " \t") or (listed and not blank)
            blank = False
        at += len(line) + 1
    yield from _joined(parts, start)


def _joined(parts: list[str], start: int) -> Iterator[Sentence]:
    if parts:
        yield Sentence(" ".join(parts), start)
        parts.clear()


def _cells(line: str, at: int) -> Iterator[Sentence]:
    if not _RULE.match(line):
        for cell in line.split("|"):
            if cell.strip():
                yield Sentence(cell, at)
            at += len(cell) + 1


def _split(block: Sentence) -> Iterator[Sentence]:
    text = block.text
    if '"' in text or "“" in text or "„" in text:
        text = _SPOKEN.sub(_blank, text)
    stamp = _STAMP.match(text)
    begin = stamp.end() if stamp else 0
    for end in _END.finditer(text, begin):
        if _SHORT.search(text, max(begin, end.start() - 8), end.start()):
            continue
        yield from _trimmed(text, begin, end.end(), block)
        begin = end.end()
    yield from _trimmed(text, begin, len(text), block)


def _trimmed(text: str, begin: int, end: int, block: Sentence) -> Iterator[Sentence]:
    while end - begin > LONGEST:
        yield from _trimmed(text, begin, begin + LONGEST, block)
        begin += LONGEST
    piece = text[begin:end]
    bare = piece.lstrip(" \t*_~")
    if bare.strip():
        offset = block.offset + begin + len(piece) - len(bare)
        yield Sentence(
            re.sub(r"\s+", " ", bare.replace("**", "").replace("__", "")).strip(), offset, block.heading
        )
