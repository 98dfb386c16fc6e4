"""A finished page as the search sees it: its words by weight, and its text for excerpts. Nothing else is read."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from compass.publish.search.words import RUN, name, of_run, plain

TITLE, HEADING, SUMMARY, FACT, TEXT = 8, 3, 2, 4, 1
"""What a word counts by where it stands."""

_ARTICLE: Final = re.compile(r"<article([^>]*\sdata-search-body[^>]*)>(.*?)</article>", re.DOTALL)
_SAID: Final = re.compile(r'\sdata-search="([^"]*)"')
_PIECE: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)([^>]*)>|([^<]+)")
_KIND: Final = re.compile(r'data-search-filter="kind"[^>]*>([^<]*)<')
_WITHIN_WORDS: Final = frozenset({"a", "b", "code", "em", "i", "mark", "strong", "wbr"})
_EMPTY: Final = frozenset({"br", "hr", "img", "input", "wbr", "path", "circle"})
_WEIGHTS: Final = {"h1": TITLE, "h2": HEADING, "h3": HEADING, "h4": HEADING, "aside": FACT}
_UNREAD: Final = frozenset({"script", "style", "svg", "button", "nav"})
_EXCERPT: Final = 6_000
"""Characters of a page's text that excerpts are taken from."""


@dataclass(frozen=True)
class Read:
    """One page: `words` maps a word to what its places count together, `shown` an identifier's word to how it is written.

    `names` are what it is called, whole; `late` is for how many days its review is overdue.
    """

    path: str
    title: str
    kind: str
    text: str
    words: Mapping[str, int]
    shown: Mapping[str, str] = field(default_factory=dict)
    names: Sequence[str] = ()
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    late: int = 0


def read(path: str, page: str) -> Read | None:
    """The page at `path`, or None if it is not for the search."""
    article = _ARTICLE.search(page)
    if article is None:
        return None
    counted: dict[str, int] = defaultdict(int)
    shown: dict[str, str] = {}
    titles: list[str] = []
    prose: list[str] = []
    for weight, text in _texts(article[2]):
        shown_text = html.unescape(text)
        if weight == TITLE:
            titles.append(shown_text)
        elif weight != FACT:
            prose.append(shown_text)
        for run in RUN.findall(plain(shown_text)):
            found = of_run(run)
            for word in found:
                counted[word] += weight
            if len(found) > 1:
                shown.setdefault(found[-1], run)
    kind_found, attribute = _KIND.search(article[2]), _SAID.search(article[1])
    said = json.loads(html.unescape(attribute[1])) if attribute else {}
    kind = html.unescape(kind_found[1]) if kind_found else ""
    title = " ".join(" ".join(titles).split())
    names = [whole for one in (title, *said.get("names", ())) if (whole := name(one))]
    return Read(
        path=path,
        title=title,
        kind=kind,
        text=" ".join(" ".join(prose).split())[:_EXCERPT],
        words=counted,
        shown=shown,
        names=names,
        facets={"kind": [kind] if kind else [], **said.get("facets", {})},
        late=said.get("late", 0),
    )


def _texts(article: str) -> Iterator[tuple[int, str]]:
    """(weight, text) of each block; words that tags divide stay whole only where a browser shows them so."""
    weight, until, skipping = TEXT, "", [""]
    gathered: list[str] = []
    depth = 0
    for closing, tag, rest, text in _PIECE.findall(article):
        if text:
            if not skipping[0]:
                gathered.append(text)
            continue
        if skipping[0]:
            if tag == skipping[0]:
                depth += -1 if closing else 1
                skipping[0] = tag if depth else ""
            continue
        if tag not in _WITHIN_WORDS:
            gathered.append(" ")
        if not closing and tag not in _EMPTY and (tag in _UNREAD or "data-search-ignore" in rest):
            skipping[0], depth = tag, 1
        elif closing and tag == until:
            yield weight, "".join(gathered)
            gathered, weight, until = [], TEXT, ""
        elif not closing and not until and (tag in _WEIGHTS or "cm-summary" in rest):
            yield weight, "".join(gathered)
            gathered, weight, until = [], _WEIGHTS.get(tag, SUMMARY), tag
    yield weight, "".join(gathered)
