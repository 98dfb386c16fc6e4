"""The language of operations: which words and phrases mean the same, kept as knowledge in Git."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final, TypeVar

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.retrieval.stem import stem
from compass.retrieval.tokens import LONGEST, terms

FACTOR: Final = 0.6
"""What a synonym counts beside the word itself."""

LARGEST: Final = 256 * 1024
"""Bytes of a repository's thesaurus; a larger file is not read, because every search would wait for it."""

MOST: Final = 50
"""Members of a group that are read, and other terms that a word can stand for; each one is looked up by a query."""

_LONGEST: Final = 4
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """From a word to the terms of its group, and from a phrase (its stemmed words) to the terms of its group."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sayings: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def terms(self, word: str) -> list[tuple[str, float]]:
        """The other terms of the word's groups, each with what it counts."""
        return [(other, FACTOR) for other in self.words.get(word, ())]

    def phrases(self, order: Sequence[str]) -> list[tuple[str, tuple[tuple[str, float], ...]]]:
        """The known phrases in a sequence of words, each with the terms that it stands for."""
        found = []
        for start in range(len(order)):
            for length in range(2, _LONGEST + 1):
                key = tuple(order[start : start + length])
                if len(key) == length and key in self.sayings:
                    found.append((" ".join(key), tuple((term, FACTOR) for term in self.sayings[key])))
        return found


def read(data: Any) -> Thesaurus:
    """A thesaurus of parsed YAML; anything that does not fit is skipped.

    `groups`: lists of words and phrases that mean the same. `means`: plain words and phrases, each with a list of what it
    stands for, one way only.
    """
    words: dict[str, tuple[str, ...]] = {}
    phrases: dict[tuple[str, ...], tuple[str, ...]] = {}

    def relate(said: str, meant: Sequence[str]) -> None:
        others = [term for one in meant for term in _spellings(one)]
        own = terms(said).words
        for spelling in _spellings(said):
            words[spelling] = _few(words.get(spelling, ()), [one for one in others if one != spelling])
        if 2 <= len(own) <= _LONGEST:
            phrases[own] = _few(phrases.get(own, ()), others)

    for said, meant in _relations(data):
        relate(said, meant)
    return Thesaurus(words, phrases)


def _relations(data: Any) -> Iterator[tuple[str, list[str]]]:
    """(what is said, what it stands for) of every group and of every line below `means`."""
    data = data if isinstance(data, dict) else {}
    groups, means = data.get("groups"), data.get("means")
    for group in groups if isinstance(groups, list) else []:
        members = [str(one) for one in group[:MOST]] if isinstance(group, list) else []
        for member in members:
            yield member, [one for one in members if one is not member]
    for said, meant in means.items() if isinstance(means, dict) else []:
        yield str(said), [str(one) for one in meant[:MOST]] if isinstance(meant, list) else []


def _parsed(text: str) -> Any:
    """None if it is broken."""
    try:
        return parse_yaml(text)
    except YamlProblem:
        return None


def _few(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))[:MOST]


def _spellings(member: str) -> list[str]:
    """The terms that a word or phrase is in a text when it is written as one: "crash loop" is also crashloop."""
    found = terms(member)
    whole = [stem("".join(member.lower().split())[:LONGEST])] if len(found.words) > 1 else []
    return [*(found.words if len(found.words) == 1 else ()), *found.joined, *whole]


@cache
def _shipped() -> Any:
    return parse_yaml(resources.files("compass.retrieval").joinpath("thesaurus.yaml").read_text("utf-8"))


@cache
def default() -> Thesaurus:
    """The thesaurus that comes with COMPASS."""
    return read(_shipped())


def sayings(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Each word or phrase as it is written -> what it stands for, in the default thesaurus and in repositories' own."""
    found: dict[str, tuple[str, ...]] = {}
    for data in (_shipped(), *map(_parsed, texts)):
        for said, meant in _relations(data):
            found[said] = _few(found.get(said, ()), meant)
    return found


def merged(texts: Sequence[str]) -> Thesaurus:
    """The default thesaurus with the groups of repositories' vocabulary/thesaurus.yaml; a broken one is left out."""
    found = default()
    for text in texts:
        own = read(_parsed(text))
        found = Thesaurus(_joined(found.words, own.words), _joined(found.sayings, own.sayings))
    return found


def _joined(
    first: Mapping[_Key, tuple[str, ...]], second: Mapping[_Key, tuple[str, ...]]
) -> dict[_Key, tuple[str, ...]]:
    keys = {**first, **second}
    return {key: _few(first.get(key, ()), second.get(key, ())) for key in keys}
