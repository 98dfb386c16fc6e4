"""What people say for the words of these pages: the thesaurus, cut down to what leads to a word that a page has."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Final

from compass.library import Library
from compass.publish.search.words import name, words
from compass.retrieval.opening import vocabularies
from compass.retrieval.thesaurus import sayings

_MOST: Final = 6
"""Other words that are asked for in place of one."""


def synonyms(library: Library, known: Container[str]) -> Mapping[str, Sequence[str]]:
    """Word, or phrase of up to four words -> words of the pages that mean the same.

    Only repositories that the audience reads are in `library`, so only their vocabularies are.
    """
    found: dict[str, Sequence[str]] = {}
    for said, meant in sayings(vocabularies(library)).items():
        own = [word for word in words(said) if len(word) > 1]
        key = name(said) if len(own) == 1 or " " not in said.strip() else " ".join(own)
        others = [name(one) for one in meant]
        kept = [one for one in dict.fromkeys(others) if one in known and one != key]
        if key and kept:
            found[key] = kept[:_MOST]
    return found
