"""The sections of a foreign post-mortem: headings, or labels in bold, with what stands below them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from compass.rules.hidden import HIDDEN
from compass.rules.text import headings, prose

_LABEL: Final = re.compile(
    r"^(?P<pad> {0,3})(?:[-*+] +)?(?:\*\*|__)(?P<name>[^*_\n]{2,60})(?:\*\*|__)[ \t]*:?", re.MULTILINE
)
_ITEM: Final = re.compile(r"^(?P<pad>[ \t]*)(?:[-*+]|\d{1,3}[.)])[ \t]+(?P<text>[^\n]*)$", re.MULTILINE)
_BOX: Final = re.compile(r"\[(?P<done>[ xX])\][ \t]+")
_TOPICS: Final = {
    "summary": ("summary", "issue summary", "incident summary", "overview", "executive summary"),
    "timeline": ("timeline", "time line", "chronology", "key events", "sequence of events"),
    "impact": ("impact", "user impact", "customer impact", "impact on users", "impact on customers"),
    "causes": (
        "root cause", "root causes", "root cause analysis", "contributing causes", "contributing factors",
        "contributing cause", "trigger", "root cause(s)", "causes",
    ),
    "recovery": ("resolution and recovery",),
    "well": ("what went well", "things that went well"),
    "badly": (
        "what went wrong", "what went poorly", "what went badly", "what didn't go so well", "what did not go well",
        "what didn't go well", "what could have gone better", "where we got unlucky",
    ),
    "lucky": ("where we got lucky", "where did we get lucky"),
    "surprised": ("what surprised us", "surprises"),
    "lessons": ("lessons learned", "lessons learnt", "lessons", "what we learned", "learnings"),
    "actions": (
        "action items", "actions", "review actions", "follow-up actions", "follow-ups", "follow up actions",
        "follow-up improvements", "corrective actions", "corrective and preventative measure",
        "corrective and preventative measures", "corrective and preventive measures", "next steps", "remediation items",
    ),
}  # fmt: skip
_BY_NAME: Final = {name: topic for topic, names in _TOPICS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Section:
    """One section whose name is known; offsets are those of the body."""

    topic: str
    start: int
    end: int


def sections(body: str) -> list[Section]:
    """Every section that is understood, in the order of the text."""
    text = prose(body)
    marks = [(level, topic(name), start, _line_end(body, start)) for level, name, start in headings(body)]
    marks += [
        (7 + len(found["pad"]), topic(found["name"]), found.start(), found.end())
        for found in _LABEL.finditer(text)
    ]
    marks.sort(key=lambda mark: mark[2])
    ends = [len(body)] * len(marks)
    still_open: list[int] = []
    for number, (level, _, at, _) in enumerate(marks):
        while still_open and marks[still_open[-1]][0] >= level:
            ends[still_open.pop()] = at
        still_open.append(number)
    return [Section(name, start, ends[number]) for number, (_, name, _, start) in enumerate(marks) if name]


def topic(name: str) -> str | None:
    """What a heading is about, or None: its words without case, markup and what stands in parentheses."""
    plain = re.sub(r"[(\[:–—?].*|[*_`]", "", name.casefold().replace("’", "'"), flags=re.DOTALL)
    words = " ".join(plain.split())
    return _BY_NAME.get(words) or ("timeline" if words.startswith("timeline") else None)


def items(body: str, section: Section) -> Iterator[str]:
    """The outermost entries of the lists in a section, with their own lines joined; none for prose."""
    text = prose(body)
    found = list(_ITEM.finditer(text, section.start, section.end))
    outer = min((_depth(one["pad"]) for one in found), default=0)
    for one in found:
        if _depth(one["pad"]) == outer:
            lines = [body[one.start("text") : one.end()], *_continued(body, one.end(), section.end)]
            words = one_line("\n".join(lines))
            if box := _BOX.match(words):
                words = words[box.end() :] + (" (done)" if box["done"] != " " else "")
            if words:
                yield words


def paragraph(body: str, section: Section) -> str:
    """The first paragraph of a section on one line; empty where it begins with a list, a table or code."""
    block = body[section.start : section.end].strip().split("\n\n")[0]
    return "" if re.match(r"[-*+|#>`~<!\d]", block) else one_line(block)


def one_line(text: str) -> str:
    """Words of the body for a field: on one line, without characters that nobody sees."""
    return " ".join(HIDDEN.sub("", text).split())


def line_of(body: str, offset: int) -> int:
    """The line of the body, from 1."""
    return body.count("\n", 0, offset) + 1


def _continued(body: str, start: int, end: int) -> Iterator[str]:
    """The lines that belong to an entry, whose first line ends at `start`: up to an empty one, or the next entry."""
    while start < end:
        stop = min(_line_end(body, start + 1), end)
        line = body[start + 1 : stop]
        if not line.strip() or _ITEM.match(line) or line.lstrip().startswith(("#", "```", "~~~", "|")):
            return
        yield line
        start = stop


def _line_end(body: str, start: int) -> int:
    end = body.find("\n", start)
    return end if end >= 0 else len(body)


def _depth(pad: str) -> int:
    return len(pad.expandtabs(4))
