"""Strike what a model made up: numbers, ids, links and references that do not stand in the facts it names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from compass.investigate.prompting import without_secrets

STRUCK: Final = "[struck]"
_HERE: Final = "\ue000"  # stands for it meanwhile; `plain` leaves no such character in a text
_EDGES: Final = "()[]{}<>\"'“”‘’.,;:!?*…`"
_TELLING: Final = frozenset("_/\\@#=:|~^$%&<>`+€£")
_DOTTED: Final = re.compile(r"\w\.\w")
_MARKDOWN: Final = re.compile(r"!?\[([^\]]*)\]\s*[(\[][^)\]]*[)\]]")
_TAG: Final = re.compile(r"<[^>]*>")
_LINK: Final = re.compile(
    r"(?i)\w*:?//|^www\.|^(?:mailto|data|javascript|file|tel|vbscript|ftp|ssh):|\.[a-z]{2,}[:\d]*/"
)
_ID: Final = re.compile(r"(?i)[a-z]{2,5}-[0-9a-z]{10}")
_NUMBER: Final = re.compile(r"(?i)([+-]?)[$€£]?([0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)(%|[a-zµ]*)")
_UNITS: Final = re.compile(
    r"(?:[µmun]?s|sec(?:onds?)?|min(?:utes?)?|h|hours?|d|days?|%|percent|[kmgt]i?b|b|bytes|rps|qps|usd|eur|x|times)"
)
_WORDS: Final = re.compile(
    r"zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|(?:hundred|thousand|million|billion|dozen)s?|twice|thrice"
    r"|(?:doubl|tripl|halv)ed|double|triple|half|quarter|third|(?:two|three|ten|hundred)fold"
)


class Allowed(NamedTuple):
    """What may stand in a text: words of the facts, and numbers with their units."""

    words: frozenset[str]
    numbers: frozenset[tuple[float, str]]

    @classmethod
    def of(cls, facts: Iterable[str], names: Iterable[str]) -> Allowed:
        """What these facts hold, and these names as they are."""
        words: set[str] = {name.casefold() for name in names}
        numbers: set[tuple[float, str]] = set()
        for fact in facts:
            tokens = plain(fact).split()
            words |= {token.casefold() for token in tokens} | {
                token.strip(_EDGES).casefold() for token in tokens
            }
            for at, token in enumerate(tokens):
                if found := _number(token.strip(_EDGES), tokens[at + 1 :]):
                    numbers |= {found, (found[0], "")}
        return cls(frozenset(words - {""}), frozenset(numbers))


class Struck(NamedTuple):
    """A text after the check, and how many pieces were struck from it."""

    text: str
    pieces: int


def struck(text: str, allowed: Allowed) -> Struck:
    """The text of a model with `[struck]` for whatever does not stand in the facts.

    A word is looked at when it holds a digit (of any script), a dot or a sign as ids, paths and links have them, or
    is a number in words. A link is struck even where a fact holds it: facts quote text of strangers.
    """
    known = without_secrets(plain(text)).replace(STRUCK, _HERE)
    shortened, links = _MARKDOWN.subn(rf"\1 {_HERE}", known)
    shortened, tags = _TAG.subn(_HERE, shortened)
    tokens = shortened.split()
    kept, count = [], links + tags
    for at, token in enumerate(tokens):
        if _may_stay(token, tokens[at + 1 :], allowed):
            kept.append(token)
        else:
            count += 1
            kept.append(_HERE + token[len(token.rstrip(".,;!?")) :])
    return Struck(" ".join(kept).replace(_HERE, STRUCK), count)


def plain(text: str) -> str:
    """Compatibility forms folded, and nothing that is not printed: no control, format or bidirectional character."""
    return "".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFKC", text))


def _may_stay(token: str, rest: Sequence[str], allowed: Allowed) -> bool:
    if _LINK.search(token.strip(_EDGES)):
        return False
    core = token.strip(_EDGES)
    if not _is_telling(core):
        return True
    if core.casefold() in allowed.words and not _NUMBER.fullmatch(core):
        return True
    found = _number(core, rest)
    return found in allowed.numbers if found else core.casefold() in allowed.words


def _is_telling(core: str) -> bool:
    if any(map(_WORDS.fullmatch, core.casefold().split("-"))) or _ID.fullmatch(core) or _DOTTED.search(core):
        return True
    return any(char in _TELLING or unicodedata.numeric(char, None) is not None for char in core)


def _number(core: str, rest: Sequence[str]) -> tuple[float, str] | None:
    """A number in digits with its unit, which may be the next word."""
    found = _NUMBER.fullmatch(core)
    if not found:
        return None
    unit = found[3].casefold()
    following = rest[0].strip(_EDGES).casefold() if rest else ""
    if not unit and _UNITS.fullmatch(following):
        unit = following
    value = float(found[2].replace(",", ""))
    return -value if found[1] == "-" else value, unit
