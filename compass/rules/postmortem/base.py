"""What the post-mortem rules share: which entries they read, when form counts, and how a waiver silences them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import ClassVar, Final, NamedTuple

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import Postmortem, Status
from compass.rules.base import Context, Rule
from compass.rules.place import TOP, Place
from compass.rules.postmortem.sentences import Sentence, sentences
from compass.rules.postmortem.waivers import waived
from compass.rules.status import CONFIRMED

_CLOSED: Final = frozenset({Status.DEPRECATED, Status.WITHDRAWN})
_LETTERS: Final = bytes(
    code + 32 if 65 <= code <= 90 else code if 97 <= code <= 122 or code > 127 else 32 for code in range(256)
)
"""Each byte of a text: letters small, and a space for what stands between words."""
_STEM: Final = 5
_ALIKE: Final = frozenset({b"broker", b"brokers"})
"""Words of the trade that only begin like one that matters."""
_TOLD: Final = ("what_went_well", "where_we_got_lucky", "what_surprised_us")


class Finding(NamedTuple):
    """What is wrong, where, and what to write instead."""

    message: str
    place: Place = TOP
    hint: str | None = None


class PostmortemRule(Rule):
    """Subclasses override `find`; what is closed is left in peace, and a draft is never blocked."""

    local = True
    formal: ClassVar[bool] = False
    """It asks for form, so it counts only from `verified`."""
    gentle: ClassVar[bool] = False
    """In a draft an error is only a warning."""

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """What `find` finds in a post-mortem, without what its authors have waived."""
        del context
        if loaded.kind != "postmortem":
            return
        entry = loaded.entry
        if not isinstance(entry, Postmortem) or entry.status in _CLOSED:
            return
        confirmed = entry.status in CONFIRMED
        if self.formal and not confirmed:
            return
        severity = Severity.WARNING if self.gentle and not confirmed else None
        for found in self.find(loaded, entry):
            if not waived(loaded.body, self.id, found.place.offset):
                yield self.problem(loaded, found.message, found.place, found.hint, severity)

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterable[Finding]:
        """What is wrong with one post-mortem."""
        raise NotImplementedError


class LanguageRule(PostmortemRule):
    """Reads every sentence in the author's own voice; `stems` are the first letters of the words that make it look closer."""

    stems: ClassVar[frozenset[bytes]]
    hint: ClassVar[str]
    message: ClassVar[str]
    """With `{said}` for the words."""
    in_headings: ClassVar[bool] = False
    every: ClassVar[set[bytes]] = set()
    """The stems of all such rules."""

    def __init_subclass__(cls) -> None:
        """Add the stems to those of the other rules."""
        cls.every |= cls.stems

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Judge each sentence that holds one of the stems."""
        text = _read(_Text(loaded, entry))
        if self.stems.isdisjoint(text.stems):
            return
        known = {"known": names_of(entry)}
        for sentence, place, present in text.sentences:
            if (self.in_headings or not sentence.heading) and not self.stems.isdisjoint(present):
                said = self.said(sentence.text, known)
                if said:
                    yield Finding(self.message.format(said=said), place, self.hint)

    def said(self, sentence: str, known: Mapping[str, frozenset[str]]) -> str | None:
        """The words that break the rule, if any."""
        raise NotImplementedError


def stems(*words: str) -> frozenset[bytes]:
    """The first letters of each word: cheap to compare, so that most texts are never read closely."""
    return frozenset(word.encode()[:_STEM] for word in words)


def _stems(*texts: str) -> frozenset[bytes]:
    words = set("\n".join(texts).encode().translate(_LETTERS).split())
    return frozenset([word[:_STEM] for word in words - _ALIKE])


@lru_cache(maxsize=2)
def _read(text: _Text) -> _Text:
    return text


class _Text:
    """What one post-mortem tells, read once for all rules: equal to any other with the same blob."""

    def __init__(self, loaded: LoadedEntry, entry: Postmortem) -> None:
        self.blob = loaded.blob
        self.body = loaded.body
        self.entry = entry

    def __hash__(self) -> int:
        return hash(self.blob)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and other.blob == self.blob

    @cached_property
    def fields(self) -> tuple[tuple[str, Place], ...]:
        """The fields that tell the story, with their places."""
        return tuple(_fields(self.entry))

    @cached_property
    def stems(self) -> frozenset[bytes]:
        """Of all words, as far as they matter to any rule."""
        return _stems(self.body, *(text for text, _ in self.fields)) & LanguageRule.every

    @cached_property
    def sentences(self) -> tuple[tuple[Sentence, Place, frozenset[bytes]], ...]:
        """Each sentence of the body and of the fields, with its place and its stems."""
        found = [(one, Place(offset=one.offset)) for one in sentences(self.body)]
        found += [(one, place) for text, place in self.fields for one in sentences(text)]
        return tuple((one, place, _stems(one.text) & self.stems) for one, place in found)


def _fields(entry: Postmortem) -> Iterator[tuple[str, Place]]:
    if entry.summary:
        yield entry.summary, Place(("summary",))
    for number, cause in enumerate(entry.contributing_causes):
        yield cause.text, Place(("contributing_causes", number, "text"))
    for name in _TOLD:
        for number, text in enumerate(getattr(entry, name)):
            yield text, Place((name, number))


def names_of(entry: Postmortem) -> frozenset[str]:
    """Those of the entry's participants and roles that look like a name, in lower case."""
    return frozenset(who.lower() for who in (*entry.participants, *entry.roles.values()) if who.isalpha())
