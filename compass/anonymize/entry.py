"""An entry on its way up: its prose goes through the engine, and anything not sure stops it, with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field, ValidationError

from compass.adapters.documents import parse_yaml
from compass.anonymize.catalog import Catalog
from compass.anonymize.engine import Boundary, anonymize_text
from compass.anonymize.pseudonyms import Pseudonyms
from compass.anonymize.spans import UNKNOWN, Span
from compass.errors import ConfigError
from compass.model.base import Model, SchemaVersion

ALLOW_PATH: Final = "vocabulary/allow.yaml"


class AllowedWord(Model):
    """A word that a person has reviewed, and why it identifies nobody."""

    word: str = Field(min_length=2, pattern=r"^\S+$")
    reason: str = Field(min_length=3)


class AllowList(Model):
    """vocabulary/allow.yaml. It lets words through; it never lets a secret, an address or a name of the catalog through."""

    schema_version: SchemaVersion = Field(alias="schema")
    words: tuple[AllowedWord, ...] = ()

    @property
    def allowed(self) -> frozenset[str]:
        """The words in lower case."""
        return frozenset(entry.word.lower() for entry in self.words)


def load_allow(text: str) -> AllowList:
    """Read vocabulary/allow.yaml; ConfigError says what is wrong with it."""
    try:
        return AllowList.model_validate(parse_yaml(text))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{ALLOW_PATH}: {place}: {first['msg']}", "each word has `word` and `reason`"
        ) from error


@dataclass(frozen=True, slots=True)
class Unsure:
    """A token that the anonymizer replaced but could not name: a person decides. Lines count from 1 in the field or file."""

    token: str
    where: str
    line: int

    @property
    def hint(self) -> str:
        """What to do next."""
        return f"reword it, name it in catalog/private.yaml, or allow it: {ALLOW_PATH} takes {{word: {self.token}, reason: …}}"

    def __str__(self) -> str:
        """`body line 12: 'frobnicator'`."""
        return f"{self.where} line {self.line}: {self.token!r}"


@dataclass(frozen=True, slots=True)
class Count:
    """How often a rule replaced something of a class."""

    label: str
    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class Anonymized:
    """The entry after the border: `fields` in the shape that went in, `replaced` per class and rule, and what is unsure."""

    fields: dict[str, Any]
    body: str
    replaced: tuple[Count, ...]
    unsure: tuple[Unsure, ...]

    @property
    def secrets(self) -> int:
        """How many secrets stood in the entry: rotate them and remove them at the source."""
        return sum(count.count for count in self.replaced if count.label == "SECRET")


def anonymize_entry(
    fields: Mapping[str, Any],
    body: str,
    catalog: Catalog,
    pseudonyms: Pseudonyms,
    *,
    boundary: Boundary,
    allowed: frozenset[str] = frozenset(),
    body_line: int = 1,
) -> Anonymized:
    """Anonymize every string of `fields` (values of nested lists and mappings, not keys) and `body`.

    Pass only the fields that cross as text (title, summary, hypotheses, steps, …); identifiers and references are the
    caller's. `body_line` is the line of the file where the body starts. Promotion stops while `unsure` is not empty.
    """
    collector = _Collector(catalog, pseudonyms, boundary, allowed)
    clean = {key: collector.walk(value, key) for key, value in fields.items()}
    text = collector.text(body, "body", body_line)
    counts = tuple(Count(label, rule, count) for (label, rule), count in sorted(collector.counts.items()))
    return Anonymized(clean, text, counts, tuple(dict.fromkeys(collector.unsure)))


class _Collector:
    def __init__(
        self, catalog: Catalog, pseudonyms: Pseudonyms, boundary: Boundary, allowed: frozenset[str]
    ) -> None:
        self.catalog = catalog
        self.pseudonyms = pseudonyms
        self.boundary = boundary
        self.allowed = allowed
        self.counts: Counter[tuple[str, str]] = Counter()
        self.unsure: list[Unsure] = []

    def walk(self, value: Any, where: str) -> Any:
        if isinstance(value, str):
            return self.text(value, where, 1)
        if isinstance(value, Mapping):
            return {key: self.walk(inner, f"{where}.{key}") for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.walk(inner, f"{where}[{index}]") for index, inner in enumerate(value)]
        return value

    def text(self, text: str, where: str, line: int) -> str:
        done = anonymize_text(text, self.catalog, self.pseudonyms, self.boundary, self.allowed)
        for span in done.spans:
            self.counts[span.label, span.rule] += 1
            if span.label == UNKNOWN:
                self.unsure.append(self._place(text, span, where, line))
        return done.text

    def _place(self, text: str, span: Span, where: str, line: int) -> Unsure:
        return Unsure(text[span.start : span.end], where, line + text.count("\n", 0, span.start))
