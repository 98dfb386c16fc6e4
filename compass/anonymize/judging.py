"""Whether a value that its surroundings call a secret can be one: `password: required` names none, `password=dragon` does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from compass.anonymize.secrets import is_placeholder
from compass.anonymize.spans import SECRET, Find
from compass.anonymize.vocabulary import vocabulary, wordlist


class Certainty(IntEnum):
    """How much the surroundings say."""

    HINT = 0
    """A name such as `token` or `key`, which often stands for something else."""
    NAMED = 1
    """A password is spoken of, and this looks like the value."""
    CERTAIN = 2
    """Nothing but a secret can stand here: `PASSWORD=`, the password argument of a command."""


_STATES: Final = wordlist("states")
_SECRET_NAMES: Final = wordlist("secret-names")
_TRAIL: Final = ".,;:!?)]}*_"
_WORD: Final = re.compile(r"[^\W\d_][^\W\d_'’-]*(?:[-'’][^\W\d_]+)*")
_CODE: Final = re.compile(
    r"[~./]+[\w./-]+|[\w.]+\(.*\)?|https?://.*|[A-Za-z_]+(?:[._/][A-Za-z_]+)+|\$.*|\W*|[a-z]+(?:_[a-z]+)+"
)
_TECHNICAL: Final = re.compile(
    r"[~./]?(?:[A-Za-z]+[._/:-])*[A-Za-z]+/?|[\d.]+[a-z]{0,3}|\[?%?\w*%?\]?|\d+-[a-z]+|[A-Za-z]+(?:[-_.][A-Za-z]+)*-?\d{1,4}(?:\.\d{1,3}){0,2}"
)
_REFERENCE: Final = re.compile(r"&[\w.%-]+=")


def judge(
    text: str,
    start: int,
    end: int,
    rule: str,
    certainty: Certainty,
    *,
    quoted: bool = False,
    flowing: bool = False,
) -> Iterator[Find]:
    """The find at `[start, end)`, without quotes and closing punctuation, if it can be a secret.

    `flowing` says that the value stands in a sentence, where a known word is just the next word.
    """
    value = text[start:end]
    if len(value) > 2 and value[0] in "\"'`" and value[-1] == value[0]:
        start, end, value, quoted = start + 1, end - 1, value[1:-1], True
    elif not quoted:
        value = value.rstrip(",;)") if certainty is Certainty.CERTAIN else value.rstrip(_TRAIL)
        parameter = _REFERENCE.search(value)
        value = value[: parameter.start()] if parameter else value
        end = start + len(value)
    if len(value) >= 3 and value.lower() not in _STATES and not is_placeholder(value):
        alone = quoted or (not flowing and _alone(text, end))
        if _secretive(value, certainty, quoted=quoted, alone=alone):
            yield Find(start, end, SECRET, rule, value, "secret")


def _alone(text: str, end: int) -> bool:
    """Whether nothing but punctuation follows on the line."""
    line = text.find("\n", end)
    return not text[end : line if line >= 0 else len(text)].strip("\"'`, ;}])")


def _secretive(value: str, certainty: Certainty, *, quoted: bool, alone: bool) -> bool:
    words = value.split()
    if "-" in value and value.rpartition("-")[2] in _SECRET_NAMES and _public(value):
        return False
    if len(words) > 1:
        return certainty > Certainty.HINT and quoted and len(words) <= 24 and not value.endswith(".")
    plain = _CODE.fullmatch(value) is not None and value.count("_") < 3 and _public(value)
    if certainty is Certainty.CERTAIN:
        return not plain
    named = certainty is Certainty.NAMED
    if _WORD.fullmatch(value):
        return (
            named and (alone or value.count("-") >= 3) if _public(value) else named or quoted or _odd(value)
        )
    if re.fullmatch(r"[\d.,:%]+", value):
        return named and alone and value.isdigit() and len(value) >= 4
    technical = len(value) <= 200 and _TECHNICAL.fullmatch(value) is not None and _public(value)
    return not (plain or re.fullmatch(r"\d+-[a-z]+", value)) if named else not technical


def _odd(value: str) -> bool:
    """Capitals where no writer puts them."""
    return len(value) >= 6 and not (value.islower() or value.istitle() or value.isupper())


def _public(value: str) -> bool:
    """Whether every part is a known word or a short number."""
    parts = re.findall(r"[^\W\d_]+|\d+", value)
    return all(len(part) <= 8 if part.isdigit() else vocabulary().knows(part) for part in parts)
