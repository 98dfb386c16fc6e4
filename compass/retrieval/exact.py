"""The first tier: a query that names an entry (its alert, id, file or title) gets that entry first."""

from __future__ import annotations

import re
from typing import Final

from compass.retrieval.index import Index, plain_name

_RUN: Final = re.compile(r"[A-Za-z0-9]+(?:[_:.\-][A-Za-z0-9]+)*")
_JOINT: Final = re.compile(r"[_:.\-]|[a-z0-9][A-Z]|[A-Z]{2}[a-z]")
_LONGEST: Final = 200


def spellings(text: str) -> dict[str, str]:
    """Plain form -> as written, of the whole query when it is short, and of every identifier with a joint in it."""
    found = {}
    if len(text) <= _LONGEST:
        found[plain_name(text)] = text.strip()
    for run in _RUN.findall(text):
        if len(run) >= 6 and _JOINT.search(run):
            found.setdefault(plain_name(run), run)
            last = run.rpartition(".")[0]
            if last and _JOINT.search(last):
                found.setdefault(plain_name(last), last)
    found.pop("", None)
    return found


def exact(index: Index, text: str) -> dict[int, str]:
    """Document number -> the name in the query that is one of its names or its title."""
    found: dict[int, str] = {}
    for name, said in spellings(text).items():
        for number in index.named(name):
            found.setdefault(number, said)
    return found
