"""What people say for the words of these pages: the thesaurus, cut down to what leads to a word that a page has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from compass.publish.search.words import name, words
from compass.retrieval.stem import stem
from compass.retrieval.thesaurus import sayings

_MOST: Final = 6
"""Other words that are asked for in place of one."""


def synonyms(vocabularies: Sequence[str], known: Mapping[str, int]) -> Mapping[str, Sequence[str]]:
    """Word, or phrase of up to four words -> words of the pages that mean the same; `known` says how many pages have each.

    `vocabularies` are the texts of the repositories' own thesauruses, beside the one that comes with COMPASS.
    """
    # One form of each word is enough in a thesaurus: of a word's forms the most frequent stands for it.
    form: dict[str, str] = {}
    for word in sorted(known, key=lambda one: (-known[one], one)):
        form.setdefault(stem(word), word)
    found: dict[str, Sequence[str]] = {}
    for said, meant in sayings(vocabularies).items():
        own = [word for word in words(said) if len(word) > 1]
        key = name(said) if len(own) == 1 or " " not in said.strip() else " ".join(own)
        others = [one if one in known else form.get(stem(one), "") for one in map(name, meant)]
        kept = [one for one in dict.fromkeys(others) if one and stem(one) != stem(key)]
        if key and kept:
            found[key] = kept[:_MOST]
    return found
