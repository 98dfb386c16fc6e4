"""An edition that notes what a page asks of it: if a later edition answers the same, the page is still right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any, Final, cast

from pydantic import BaseModel

from compass.library import LoadedEntry, Mount
from compass.publish.edition import Edition

Step = tuple[str, Any]
Question = tuple[Step, ...]
"""How an answer is reached from an edition: attributes, keys and calls, one after another."""
_NOTHING: Final = object()
_WHOLE: Final = object()
"""An answer that is never found equal: the page looked at more than it is worth to compare."""


class Observed:
    """Watches one edition; what it does not know how to compare makes a page be drawn again."""

    def __init__(self, edition: Edition) -> None:
        self._edition = edition
        self._asked: dict[str, dict[Question, Any]] = {}
        self._open: dict[Question, Any] | None = None

    @property
    def edition(self) -> Edition:
        """The edition to whoever draws a page."""
        return cast("Edition", _Part(self, (), self._edition))

    @contextmanager
    def watching(self, key: str, loaded: LoadedEntry) -> Iterator[None]:
        """What is asked inside is kept under `key`, together with the entry itself."""
        self._open = {(("attribute", "pages"), ("key", loaded.id)): _fingerprint(loaded)}
        try:
            yield
            self._asked[key] = self._open
        finally:
            self._open = None

    def same(self, key: str, earlier: Observed | None) -> bool:
        """Whether everything that was asked under `key` earlier has the same answer now; then it is kept."""
        asked = earlier.asked(key) if earlier else None
        if asked is None:
            return False
        for question, answer in asked.items():
            if answer is _WHOLE or _fingerprint(_ask(self._edition, question)) != answer:
                return False
        self._asked[key] = asked
        return True

    def asked(self, key: str) -> dict[Question, Any] | None:
        """Questions and answers under `key`."""
        return self._asked.get(key)

    def note(self, question: Question, value: Any) -> None:
        """Keep an answer."""
        if self._open is not None:
            self._open[question] = _fingerprint(value)

    def seen(self, question: Question, value: Any) -> Any:
        """The value, or something in its place that goes on watching."""
        if self._open is None:
            return value
        if isinstance(value, Mapping):
            return _Looked(self, question, value)
        if isinstance(value, AbstractSet):
            return _Held(self, question, value)
        if _ours(value):
            return _Part(self, question, value)
        if callable(value):
            return _Called(self, question, value)
        self.note(question, value)
        return value


class _Part:
    """An object whose attributes are watched one by one."""

    def __init__(self, observed: Observed, question: Question, value: Any) -> None:
        self._observed, self._question, self._value = observed, question, value

    def __getattr__(self, name: str) -> Any:
        return self._observed.seen((*self._question, ("attribute", name)), getattr(self._value, name))


class _Called:
    """A method whose arguments and answer are noted."""

    def __init__(self, observed: Observed, question: Question, value: Any) -> None:
        self._observed, self._question, self._value = observed, question, value

    def __call__(self, *arguments: Any) -> Any:
        answer = self._value(*arguments)
        asked = tuple(_Entry(one.id) if isinstance(one, LoadedEntry) else one for one in arguments)
        self._observed.note((*self._question, ("call", asked)), answer)
        return answer


class _Looked(Mapping[Any, Any]):
    """A mapping that notes which keys are looked for; going through it counts as seeing all of it."""

    def __init__(self, observed: Observed, question: Question, value: Mapping[Any, Any]) -> None:
        self._observed, self._question, self._value = observed, question, value

    def __getitem__(self, key: Any) -> Any:
        found = self._value.get(key, _NOTHING)
        self._observed.note((*self._question, ("key", key)), found)
        return self._value[key]

    def __contains__(self, key: object) -> bool:
        self._observed.note((*self._question, ("holds", key)), key in self._value)
        return key in self._value

    def __iter__(self) -> Iterator[Any]:
        self._observed.note(self._question, _WHOLE)
        return iter(self._value)

    def __len__(self) -> int:
        self._observed.note(self._question, _WHOLE)
        return len(self._value)


class _Entry(str):
    """An entry among the arguments of a question, by its id."""

    __slots__ = ()


class _Held(AbstractSet[Any]):
    """A set that notes what is looked for; going through it counts as seeing all of it."""

    def __init__(self, observed: Observed, question: Question, value: AbstractSet[Any]) -> None:
        self._observed, self._question, self._value = observed, question, value

    def __contains__(self, one: object) -> bool:
        self._observed.note((*self._question, ("holds", one)), one in self._value)
        return one in self._value

    def __iter__(self) -> Iterator[Any]:
        self._observed.note(self._question, _WHOLE)
        return iter(self._value)

    def __len__(self) -> int:
        self._observed.note(self._question, _WHOLE)
        return len(self._value)


def _ours(value: Any) -> bool:
    """Whether it is something of ours to ask further, rather than an answer."""
    answers = (LoadedEntry, Mount, BaseModel, Enum, tuple)
    return type(value).__module__.startswith("compass.") and not isinstance(value, answers)


def _ask(edition: Edition, question: Question) -> Any:
    value: Any = edition
    for kind, what in question:
        if value is _NOTHING:
            return _NOTHING
        if kind == "attribute":
            value = getattr(value, what)
        elif kind == "key":
            value = value.get(what, _NOTHING)
        elif kind == "holds":
            value = what in value
        else:
            arguments = [edition.pages.get(one, _NOTHING) if isinstance(one, _Entry) else one for one in what]
            value = _NOTHING if _NOTHING in arguments else value(*arguments)
    return value


def _fingerprint(value: Any) -> Any:
    """What is equal exactly if the values are the same to a reader."""
    if value is None or value is _NOTHING or isinstance(value, str | int | float | date | Enum | BaseModel):
        return value
    if isinstance(value, LoadedEntry):
        return (value.path, value.blob, value.status, _fingerprint(value.mount))
    if isinstance(value, Mount):
        return (value.id, value.config, value.commit, value.prefix, value.distance, str(value.root))
    if is_dataclass(value):
        return (type(value).__name__, *(_fingerprint(getattr(value, one.name)) for one in fields(value)))
    if isinstance(value, tuple):
        return tuple(_fingerprint(one) for one in value)
    return _WHOLE
