"""The first tier: a query that names an entry (its alert, id, file or title) gets that entry first."""

from __future__ import annotations

import re
from typing import Final

from compass.retrieval.index import Index

_RUN: Final = re.compile(r"[A-Za-z0-9]+(?:[_:.\-][A-Za-z0-9]+)*")
_JOINT: Final = re.compile(r"[_:.\-]|[a-z0-9][A-Z]|[A-Z]{2}[a-z]")
_LONGEST: Final = 200


def plain(name: str) -> str:
    """A name without case and separators: `KubePodCrashLooping`, `kube_pod_crash_looping` and the words are one."""
    return re.sub(r"[\W_]+", "", name).casefold()


def spellings(text: str) -> dict[str, str]:
    """Plain form -> as written, of the whole query when it is short, and of every identifier with a joint in it."""
    found = {}
    if len(text) <= _LONGEST:
        found[plain(text)] = text.strip()
    for run in _RUN.findall(text):
        if len(run) >= 6 and _JOINT.search(run):
            found.setdefault(plain(run), run)
            last = run.rpartition(".")[0]
            if last and _JOINT.search(last):
                found.setdefault(plain(last), last)
    found.pop("", None)
    return found


def exact(index: Index, text: str) -> dict[int, str]:
    """Document number -> the name in the query that is one of its names or its title."""
    wanted = spellings(text)
    found: dict[int, str] = {}
    for number, row in enumerate(index.rows):
        for name in (row.title, *row.names):
            said = wanted.get(plain(name))
            if said is not None:
                found.setdefault(number, said)
    return found
