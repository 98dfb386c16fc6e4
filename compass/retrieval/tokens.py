"""Text into terms: identifiers are split at every joint and also kept whole; words are stemmed; noise is masked.

`KubePodCrashLooping`, `kube_pod_crash_looping` and "kube pod crash looping" share their words, and the first two
share the joined term as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from compass.retrieval.stem import stem

VERSION: Final = 4
"""Part of every cache key: raise it whenever the same text gives other terms."""

LIMIT: Final = 20_000
"""Terms taken from one text; the rest of a longer text is not read."""

LONGEST: Final = 64
"""Letters of a term; longer ones are cut."""

_REMEMBERED: Final = 200
_MASKED: Final = re.compile(
    r"""\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?   # a date, perhaps with a time
      | \b\d\d:\d\d:\d\d(?:[.,]\d+)?\b                                                   # a time
      | \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+|/\d+)?\b                                        # an IPv4 address
      | \bip-\d+-\d+-\d+-\d+[\w.:-]*                                                     # a cloud host name
      | \b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b  # a UUID
      | \b0x[0-9a-fA-F]+\b
      | \b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{10,}\b                                # a digest or a trace id
      | \{\{[^{}\n]{0,200}\}\}                                                           # a template's variable
    """,
    re.VERBOSE,
)
_MAYBE: Final = re.compile(r"[0-9][0-9a-fA-F:.-][0-9a-fA-F:.-]|0x|ip-|[0-9a-fA-F]{8}|\{\{")
"""What every masked text has in it; looking for that first is faster by a third."""

_RUN: Final = re.compile(r"[^\W_]+(?:[_:./-]{1,2}[^\W_]+)*", re.UNICODE)
_PART: Final = re.compile(
    r"[A-Z]+s(?![a-z])|[A-Z]+(?![a-z])\d{0,3}(?![\dA-Za-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d{1,3}[a-z]?(?![\dA-Za-z])"
    r"|[A-Z]?[a-z]+|\d+[a-z]+|\d+|[^\W\d_a-zA-Z]+"
)
_SPLIT: Final = re.compile(r"[_:./-]+")
_NUMBERED: Final = re.compile(r"([a-z]{3,})\d+[a-z]?")
_STATUS: Final = re.compile(r"4(?:0[0-9]|1[0-8]|2[0-9]|31)|50[0-9]|51[01]|[45]xx")
_VERSION: Final = re.compile(r"v?(\d+\.\d+)((?:\.\d+)*)")
_MARKS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f]+")
_WIDE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a text: single words in reading order, and the joined forms of its identifiers."""

    words: tuple[str, ...]
    joined: tuple[str, ...]


def _plain(text: str) -> str:
    """Without accents, and in the one compatible form (full-width letters, ligatures)."""
    if text.isascii():
        return text
    return _MARKS.sub("", unicodedata.normalize("NFKD", text))


def _piece(piece: str) -> list[str]:
    """The terms of one joint-free piece; numbers are values, which say little: only statuses and long ids are kept."""
    low = piece.lower()[:LONGEST]
    if low[0].isdigit():
        if _STATUS.fullmatch(low):
            return [low, low[0] + "xx"] if low.isdigit() else [low]
        return [low] if low.isdigit() and len(low) >= 5 else []
    if _WIDE.search(low):
        return [low[at : at + 2] for at in range(max(1, len(low) - 1))]
    numbered = _NUMBERED.fullmatch(low)
    return [low, stem(numbered[1])] if numbered else [stem(low)]


@lru_cache(maxsize=100_000)
def _run(run: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words and the joined forms of one identifier or word; texts repeat themselves, so they are remembered."""
    parts = _SPLIT.split(run)
    words = tuple(term for part in parts for piece in _PART.findall(part) for term in _piece(piece))
    version = _VERSION.fullmatch(run)
    if version:
        return words, ("v" + version[1], "v" + version[1] + version[2])
    if len(words) < 2:
        return words, ()
    joined = [stem("".join(parts).lower()[:LONGEST])]
    if len(parts) > 1:
        joined.extend(stem(part.lower()[:LONGEST]) for part in parts if len(_PART.findall(part)) > 1)
    return words, tuple(joined)


def terms(text: str) -> Terms:
    """The terms of prose, PromQL, LogQL, log lines, stack traces or identifiers; empty for text without letters."""
    words: list[str] = []
    joined: list[str] = []
    plain = _plain(text)
    if _MAYBE.search(plain):
        plain = _MASKED.sub(" ", plain)
    for run in _RUN.findall(plain):
        own, whole = _run(run) if len(run) <= _REMEMBERED else _run.__wrapped__(run)
        words.extend(own)
        joined.extend(whole)
        if len(words) > LIMIT:
            break
    return Terms(tuple(words[:LIMIT]), tuple(joined[:LIMIT]))


def paired(words: Sequence[str]) -> list[str]:
    """Neighbouring words as terms of their own: "out of order" is more than its words."""
    return [f"{first} {second}" for first, second in pairwise(words)]


def surfaces(text: str) -> dict[str, str]:
    """Term -> the way it is first written in the text, in lower case; to show people what was matched."""
    found: dict[str, str] = {}
    for run in _RUN.findall(_plain(text)):
        for part in _SPLIT.split(run):
            for piece in _PART.findall(part):
                for term in _piece(piece):
                    found.setdefault(term, piece.lower())
        found.setdefault(stem("".join(_SPLIT.split(run)).lower()[:LONGEST]), run)
    return found
