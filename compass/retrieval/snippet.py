"""The line of an entry that answers a query best, short enough for a terminal."""

from __future__ import annotations

import re
from typing import Final

from compass.retrieval.query import Query
from compass.retrieval.tokens import terms

LONGEST: Final = 160
LINES: Final = 400
"""Lines of an entry that are looked at."""

_FRONT: Final = re.compile(r"\A---\r?[\r\n].*?[\r\n]---(?:\r?[\r\n]|\Z)", re.DOTALL)
_MARKS: Final = re.compile(r"^[#>*+\-\d.\s|`]+|[*`]+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)")


def snippet(text: str, query: Query) -> str:
    """The line of Markdown (front matter left out) with the most of the query in it; the first of equals, "" for none."""
    weights = {term: one.weight * factor for one in query.concepts for term, factor in one.terms}
    best, line = 0.0, ""
    for raw in _FRONT.sub("", text, count=1).splitlines()[:LINES]:
        plain = " ".join(_MARKS.sub("", raw.strip()).split())
        if len(plain) < 20 or raw.startswith(("#", "```")):
            continue
        found = terms(plain[:1000])
        value = sum(weights.get(term, 0.0) for term in {*found.words, *found.joined})
        if value > best:
            best, line = value, plain
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rsplit(' ', 1)[0]}…"
