"""The first tier: a query that names an entry (its alert, id, file or title) gets that entry first."""

from __future__ import annotations

import re
from typing import Final

from compass.retrieval.index import plain_name
from compass.retrieval.segments import Segments

_RUN: Final = re.compile(r"[A-Za-z0-9]+(?:[_:.\-][A-Za-z0-9]+)*")
_PIECE: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LONGEST: Final = 200


def spellings(text: str) -> dict[str, tuple[str, int]]:
    """Plain form -> as written, and of how many pieces, for every identifier with a joint in it."""
    found: dict[str, tuple[str, int]] = {}
    for run in _RUN.findall(text):
        for spelling in (run, run.rpartition(".")[0]):
            pieces = len(_PIECE.findall(spelling))
            if pieces > 1:
                found.setdefault(plain_name(spelling), (spelling, pieces))
    return found


def exact(index: Segments, text: str) -> dict[int, str]:
    """Document number -> the name in the query that is one of its names.

    A query that is nothing but a name finds whatever is declared or called so. Inside a longer text a declared name (an
    alert, an id) needs two pieces, and a title or a file name three: "read-only" and "StatefulSet" are words as well.
    """
    found: dict[int, str] = {}
    if len(text) <= _LONGEST and (whole := plain_name(text)):
        for declared in (True, False):
            found |= {number: text.strip() for number in index.named(whole, declared=declared)}
    for name, (said, pieces) in spellings(text).items():
        numbers = index.named(name, declared=True)
        numbers += index.named(name, declared=False) if pieces > 2 else []
        for number in numbers:
            found.setdefault(number, said)
    return found
