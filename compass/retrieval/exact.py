"""The first tier: a query that names an entry (its alert, id, file or title) gets that entry first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from compass.retrieval.index import plain_name
from compass.retrieval.segments import Segments

_RUN: Final = re.compile(r"(/?)([A-Za-z0-9]+(?:[_:.\-][A-Za-z0-9]+)*)")
_PIECE: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CAMEL: Final = re.compile(r"[a-z]+[A-Z]|[A-Z][a-z]+[A-Z]")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Spelling:
    """An identifier as written in a text: of how many pieces, and whether it is the last part of a path or URL."""

    written: str
    pieces: int
    path: bool


def spellings(text: str) -> dict[str, Spelling]:
    """Plain form -> as written, for every identifier with a joint in it."""
    found: dict[str, Spelling] = {}
    for slash, run in _RUN.findall(text):
        for written in (run, run.rpartition(".")[0]):
            pieces = len(_PIECE.findall(written))
            if pieces > 1:
                found.setdefault(plain_name(written), Spelling(written, pieces, bool(slash)))
    return found


def exact(index: Segments, text: str) -> dict[int, str]:
    """Document number -> the name in the query that is one of its names.

    A query that is nothing but a name finds whatever is declared or called so; the name of a file or page must have a joint
    then, because a word or two are more often just words. Inside a longer text a declared name (an alert, an id) needs two
    pieces. A title or a file name needs three, and must be meant as a name: `KubePodCrashLooping`
    as the title has it, or the end of a link; "kube-state-metrics" in a text is more often the component.
    """
    found: dict[int, str] = {}
    names = spellings(text)
    if len(text) <= _LONGEST and (whole := plain_name(text)):
        called = [
            number
            for number in index.named(whole, declared=False)
            if whole in names or plain_name(index.row(number)[0].title) == whole
        ]
        found = dict.fromkeys([*index.named(whole, declared=True), *called], text.strip())
    for name, said in names.items():
        numbers = index.named(name, declared=True)
        if said.pieces > 2 and (said.path or _CAMEL.search(said.written)):
            numbers += [
                number
                for number in index.named(name, declared=False)
                if said.path or index.row(number)[0].title == said.written
            ]
        for number in numbers:
            found.setdefault(number, said.written)
    return found
