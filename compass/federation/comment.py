"""What a reviewer reads first: one comment with the entry, what is wrong, what looks alike, what replay and anonymizer say.

Entries are untrusted: whatever comes from them stands in code, where no forge reads mentions, links, images or HTML.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.proposal import Replaced
from compass.rules.replay_report import Outcomes, report_of

MARK: Final = "<!-- compass: sticky -->"
"""The first line, by which the comment is found again."""

MOST: Final = 65_536
"""Characters that a comment on GitHub may have."""

REPLAYED: Final = "Replayed over the stored recordings"
_NONE: Final[Outcomes] = MappingProxyType({})
_ROWS: Final = 50
ENTRIES: Final = 20
"""Entries that are shown; of further ones only the problems are counted."""

_ROOM: Final = 400
_RUN: Final = re.compile(r"`+")


@dataclass(frozen=True)
class Reviewed:
    """One entry of a proposal and what is known of it; `sections` are further titles with their lines."""

    loaded: LoadedEntry
    problems: Sequence[Problem] = ()
    replaced: Sequence[Replaced] = ()
    sections: Sequence[tuple[str, Sequence[str]]] = ()


def comment(entries: Sequence[Reviewed], others: Sequence[Problem] = ()) -> str:
    """The whole comment; texts that do not fit are cut, and it says so. `others` are problems of no such entry."""
    shown = entries[:ENTRIES]
    parts = [MARK, *_summary(entries, others)]
    for one in shown:
        parts += ["", *_entry(one)]
    if len(entries) > len(shown):
        parts += ["", f"{len(entries) - len(shown)} further entries are not shown."]
    text = "\n".join(parts) + "\n"
    if len(text) > MOST - _ROOM:
        kept = text[: MOST - _ROOM].rpartition("\n")[0]
        return f"{kept}\n\nThis comment was cut: {len(text):,} characters do not fit.\n"
    room = MOST - _ROOM - len(text)
    for number, one in enumerate(shown):
        block = _text(one.loaded, room // (len(shown) - number))
        room -= len(block)
        text += block
    return text


def _summary(entries: Sequence[Reviewed], others: Sequence[Problem]) -> Iterator[str]:
    problems = [*others, *(problem for one in entries for problem in one.problems)]
    counts = Counter(problem.severity for problem in problems)
    found = ", ".join(_counted(counts[one], one.value) for one in Severity if counts[one])
    number = len(entries)
    yield f"## {number} {'entry' if number == 1 else 'entries'}: {found or 'no problems'}"
    if others:
        yield ""
        yield from _table(others)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 or word == Severity.INFO else f"{number} {word}s"


def _entry(one: Reviewed) -> Iterator[str]:
    entry = one.loaded.entry
    yield f"### {code(one.loaded.title)}"
    yield ""
    facts = [
        f"{one.loaded.kind} {code(one.loaded.id)}",
        f"status {code(one.loaded.status.value)}",
        f"owner {code(entry.owner)}" if entry.owner else "no owner",
        *(f"severity {code(entry.severity.value)}" for _ in [0] if entry.severity),
        f"at {code(one.loaded.path)}",
    ]
    yield ", ".join(facts)
    if entry.summary:
        yield ""
        yield f"> {code(entry.summary)}"
    if one.problems:
        yield ""
        yield from _table(one.problems)
    for title, lines in one.sections:
        if not lines:
            continue
        yield ""
        yield f"**{title}**"
        yield ""
        yield from (f"- {line}" for line in lines)
    if one.replaced:
        yield ""
        yield "**Replaced by the anonymizer**"
        yield ""
        for replaced in one.replaced:
            yield f"- {replaced.count} × {code(replaced.klass)} by the rule {code(replaced.rule)}"


def _table(problems: Sequence[Problem]) -> Iterator[str]:
    yield "| | where | what | rule |"
    yield "|---|---|---|---|"
    for one in problems[:_ROWS]:
        what = code(one.message) + (f"<br>{code(one.hint)}" if one.hint else "")
        yield f"| {one.severity.value} | {code(str(one.location))} | {what} | {code(one.rule)} |"
    if len(problems) > _ROWS:
        yield f"| | | {len(problems) - _ROWS} more | |"


def _text(loaded: LoadedEntry, room: int) -> str:
    """The file, folded, in a fence that it cannot end."""
    text = loaded.text
    fence = "`" * max(3, 1 + max((len(run) for run in _RUN.findall(text)), default=0))
    frame = len(fence) * 2 + len(loaded.path) + 200
    if room < frame + 200:
        return ""
    cut = text[: room - frame]
    told = (
        f"\nThe first {len(cut):,} of {len(text):,} characters; the rest is in the file.\n"
        if cut != text
        else ""
    )
    head = f"\n<details><summary>The file of {loaded.id}</summary>\n\n"
    return f"{head}{fence}markdown\n{cut}\n{fence}\n{told}\n</details>\n"


def code(text: str) -> str:
    """Untrusted text as one span of code on one line, in a table's cell, too."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())[:500]
    plain = plain.replace("|", "¦")  # a bar would end a cell, even in code
    if not plain:
        return "(empty)"
    fence = "`" * (1 + max((len(run) for run in _RUN.findall(plain)), default=0))
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def replay_lines(loaded: LoadedEntry, now: Outcomes, before: Outcomes = _NONE) -> list[str]:
    """What a pattern says of the recordings that a reviewer should know of, and what it said before."""
    return [code(line) for line in report_of([loaded], now, before).lines()]
