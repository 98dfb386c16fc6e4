"""What people type, drawn from pages before any search is asked: each question knows the page that it wants.

plain: three words of the page, at least one of them telling (few other pages have it); noise: three such words and one that
the page does not have; typo: two telling words, one of them mistyped by a letter.
Every second question is held back: nobody tunes a search on it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:[_.-][^\W_]+)*")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_FILLING: Final = (
    "about above after again against also because been before being below between both cannot could does doing down "
    "during each ever every from further have having here hers herself himself into itself just less made make many "
    "more most much must myself never none once only other ours over same shall should since some such than that "
    "their them then there these they this those through under until upon very want were what when where which while "
    "will with within without would your yours"
)
_SAYING_NOTHING: Final = frozenset(_FILLING.split())
_TELLING: Final = 0.05
"""A word that more than this share of the pages has is not one to remember a page by."""


@dataclass(frozen=True)
class Question:
    """A text to type, the page it is to find, what sort it is, and whether it is held back."""

    text: str
    page: str
    sort: str
    held: bool


def words(text: str) -> list[str]:
    """The distinct words of a text that somebody could remember it by, in the order of their first use."""
    found = dict.fromkeys(one.lower() for one in _WORD.findall(text))
    return [one for one in found if len(one) >= 4 and one not in _SAYING_NOTHING and not one[0].isdigit()]


def mistyped(word: str, draw: random.Random) -> str:
    """The word with a letter too many, too few, wrong, or with two exchanged."""
    while True:
        at = draw.randrange(len(word))
        how = draw.choice(("insert", "delete", "substitute", "transpose"))
        if how == "insert":
            wrong = word[:at] + draw.choice(_LETTERS) + word[at:]
        elif how == "delete":
            wrong = word[:at] + word[at + 1 :]
        elif how == "substitute":
            wrong = word[:at] + draw.choice(_LETTERS) + word[at + 1 :]
        else:
            wrong = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
        if wrong != word:
            return wrong


def questions(pages: Mapping[str, str], seed: int, each: int) -> Sequence[Question]:
    """As many questions of each sort about pages (path -> text) that are drawn at random."""
    draw = random.Random(seed)
    of = {path: words(text) for path, text in pages.items()}
    spread: dict[str, int] = {}
    for found in of.values():
        for word in found:
            spread[word] = spread.get(word, 0) + 1
    most = max(10, int(len(pages) * _TELLING))
    telling = {path: [word for word in found if spread[word] <= most] for path, found in of.items()}
    paths = sorted(path for path, found in telling.items() if len(found) >= 5)
    noise = sorted(spread)
    made = []
    for number in range(each):
        for sort in ("plain", "noise", "typo"):
            path = draw.choice(paths)
            if sort == "typo":
                right = draw.sample([word for word in telling[path] if len(word) >= 5], 2)
                which = draw.randrange(2)
                chosen = [mistyped(word, draw) if at == which else word for at, word in enumerate(right)]
            else:
                first = draw.choice(telling[path])
                chosen = [first, *draw.sample([word for word in of[path] if word != first], 2)]
                draw.shuffle(chosen)
            if sort == "noise":
                other = draw.choice(noise)
                while other in of[path]:
                    other = draw.choice(noise)
                chosen.insert(draw.randrange(4), other)
            made.append(Question(" ".join(chosen), path, sort, held=number % 2 == 1))
    return made
