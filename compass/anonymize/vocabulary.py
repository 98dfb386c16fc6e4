"""The public vocabulary: what a word may be built from without identifying anybody; loaded on first use."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_PREFIXES: Final = (
    "re",
    "un",
    "non",
    "pre",
    "multi",
    "auto",
    "over",
    "under",
    "mis",
    "micro",
    "inter",
    "de",
    "sub",
)
_SUFFIXES: Final = (
    "s",
    "es",
    "ed",
    "ing",
    "er",
    "ers",
    "d",
    "r",
    "able",
    "less",
    "ness",
    "ly",
    "like",
    "wise",
    "n't",
)
_CAMEL: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_RUN: Final = re.compile(r"[^\W_]+")
_CACHE_LIMIT: Final = 50_000
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Names:
    """Given and family names in ASCII lower case."""

    given: frozenset[str]
    family: frozenset[str]


class Vocabulary:
    """Known words in lower case; `operations` are the terms of the trade, which are never a person's name.

    `trade` are those and the technical words of public projects: what no general dictionary has.
    """

    def __init__(self, words: frozenset[str], technical: frozenset[str], operations: frozenset[str]) -> None:
        self.words = words | technical | operations
        self.operations = operations
        self.trade = technical | operations
        self._memo: dict[str, bool] = {}

    def knows(self, word: str) -> bool:
        """Whether `word` (letters only, any case) is public: a word, a derived form, CamelCase or a short acronym."""
        found = self._memo.get(word)
        if found is None:
            if len(self._memo) > _CACHE_LIMIT:
                self._memo.clear()
            found = self._memo[word] = self._decide(word)
        return found

    def _decide(self, word: str) -> bool:
        if len(word) > _LONGEST:
            return False
        lower = word.lower()
        if len(word) <= 2 or lower in self.words:
            return True
        if word.isupper():
            return len(word) <= 5 or self._derived(lower)
        if word.islower() or word[1:].islower():
            return self._derived(lower)
        parts = _CAMEL.findall(word)
        short = sum(len(part) < 3 for part in parts)
        if short * 2 > len(parts) or "".join(parts) != word:
            return False
        strange = [part for part in parts if not self._part(part)]
        return not strange or (len(strange) == 1 and len(strange[0]) <= 5 and len(parts) - short >= 3)

    def _part(self, part: str) -> bool:
        lower = part.lower()
        return (
            len(part) <= 2
            or lower in self.words
            or (part.isupper() and len(part) <= 5)
            or self._derived(lower)
        )

    def _derived(self, lower: str) -> bool:
        words = self.words
        for suffix in _SUFFIXES:
            if lower.endswith(suffix) and len(lower) - len(suffix) >= 3:
                stem = lower[: -len(suffix)]
                if stem in words or (suffix in {"ed", "ing", "er"} and stem + "e" in words):
                    return True
                if len(stem) > 4 and stem[-1] == stem[-2] and stem[:-1] in words:
                    return True
        if lower.isascii() and any(
            lower[:at] in words
            and lower[at:] in words
            and (lower[:at] in self.trade or lower[at:] in self.trade)
            for at in range(4, len(lower) - 3)
        ):
            return True
        return any(
            lower.startswith(p) and len(lower) - len(p) >= 4 and lower[len(p) :] in words for p in _PREFIXES
        )


@cache
def vocabulary() -> Vocabulary:
    """The words that ship with COMPASS; the sources and licences stand in `words/`."""
    sections = _sections("english.txt.gz")
    text = (files(__package__) / "words" / "operations.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    operations = frozenset(word for line in lines for word in line.split())
    return Vocabulary(sections["english"], sections["technical"], operations)


@cache
def _lists() -> dict[str, frozenset[str]]:
    text = (files(__package__) / "words" / "lists.txt").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("["):
            title = line.strip("[]")
        elif not line.startswith("#"):
            found.setdefault(title, set()).update(line.split())
    return {title: frozenset(words) for title, words in found.items()}


def wordlist(name: str) -> frozenset[str]:
    """One of the lists in `words/lists.txt`."""
    return _lists()[name]


@cache
def names() -> Names:
    """Given and family names of many countries."""
    sections = _sections("names.txt.gz")
    return Names(sections["given"], sections["family"])


def _sections(name: str) -> dict[str, frozenset[str]]:
    text = gzip.decompress((files(__package__) / "words" / name).read_bytes()).decode("ascii")
    found: dict[str, frozenset[str]] = {}
    for block in text.split("\n[")[1:]:
        title, _, body = block.partition("]\n")
        words: list[str] = []
        previous = ""
        for line in body.split():
            previous = previous[: _DIGITS.index(line[0])] + line[1:]
            words.append(previous)
        found[title] = frozenset(words)
    return found


def alternation(*words: str) -> str:
    """A regular expression for any of `words`, shared by first letters: `re` tries plain alternatives one by one."""
    tree: dict[str, dict[str, Any]] = {}
    for word in words:
        node = tree
        for char in word:
            node = node.setdefault(char, {})
        node[""] = {}
    return _branch(tree)


def _branch(node: dict[str, dict[str, Any]]) -> str:
    ends = "" in node
    parts = [re.escape(char) + _branch(below) for char, below in sorted(node.items()) if char]
    if not parts:
        return ""
    joined = parts[0] if len(parts) == 1 and not ends else "(?:" + "|".join(parts) + ")"
    return joined + "?" if ends else joined


@lru_cache(maxsize=4)
def runs(text: str) -> frozenset[str]:
    """The runs of letters and digits in `text`; the last few texts are remembered, since many detectors ask."""
    return frozenset(_RUN.findall(text))


def by_first_run(*phrases: str) -> Mapping[str, tuple[str, ...]]:
    """Phrases by their first run of letters and digits, for `standing_at`."""
    found: dict[str, tuple[str, ...]] = {}
    for phrase in phrases:
        first = _RUN.findall(phrase)[0]
        found[first] = (*found.get(first, ()), phrase)
    return found


def standing_at(text: str, phrases: Mapping[str, tuple[str, ...]]) -> Iterator[int]:
    """Where any of `phrases` (made by `by_first_run`) begins as a word; only those are looked for whose first word occurs."""
    for first in phrases.keys() & runs(text):
        for phrase in phrases[first]:
            at = text.find(phrase)
            while at >= 0:
                if not at or not (text[at - 1].isalnum() or text[at - 1] == "_"):
                    yield at
                at = text.find(phrase, at + 1)
