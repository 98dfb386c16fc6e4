"""New names for everything that a shared recording names: the same thing gets the same name wherever it stands.

Denied by default: a name stays only where the anonymizer finds nothing in it and no service is part of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from random import Random
from typing import Final

from compass.anonymize import Boundary, Catalog, Pseudonyms, anonymize_text, find
from compass.anonymize.catalog import fold
from compass.anonymize.spans import PLACEHOLDER
from compass.investigate.series import COMPONENT_LABELS
from compass.model.recording import RecordedTelemetry
from compass.workflows.recording.request import Gathered

PROTOCOL: Final = frozenset({
    "alertstate", "le", "quantile", "level", "detected_level", "severity", "severity_text", "method", "http_method",
    "http_request_method", "status", "code", "status_code", "http_status_code", "http_response_status_code", "grpc_code",
    "state", "phase", "mode", "reason", "resource", "direction", "unit",
})  # fmt: skip
"""Labels whose values are words of a protocol; such a value stays if it is a public word or a status."""
RESERVED: Final = frozenset({"__name__", "alertname", "service_name"})
UNITS: Final = (
    "bucket", "sum", "count", "total", "seconds", "milliseconds", "ms", "bytes", "mb", "percent", "ratio", "per_second",
)  # fmt: skip
_STATUS: Final = re.compile(r"[1-5](?:\d\d|xx)|\d|[+-]?Inf|\d*\.\d+")
_HTTP: Final = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\b")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\-./:]+")
_VERSION: Final = re.compile(r"(?<![\w.])v?\d+(?:\.\d+){2,}[\w.+-]*|(?<![\w.])v\d+(?:\.\d+)*\b")
_MIXED: Final = re.compile(r"(?<![\w-])(?=[\w-]*\d)[\w-]+(?![\w-])")
_COMPOUND: Final = re.compile(r"(?=.{4})\D*[._/:\d-]")
_UNIT: Final = re.compile(r"\d{1,6}(?:ms|us|µs|ns|s|secs?|m|mins?|h|[kmgt]i?b)", re.IGNORECASE)


class Naming:
    """Every new name of one copy; `known` are the names of the organization, beside those of the recording."""

    def __init__(self, gathered: Gathered, known: Catalog, allowed: Collection[str], random: Random) -> None:
        services = {name for part in gathered.parts() for name in _services(part)} - {""}
        shuffled = sorted(services)
        random.shuffle(shuffled)
        self.services = {name: f"service-{number}" for number, name in enumerate(shuffled, start=1)}
        names = tuple(dict.fromkeys((*known.names.services, *sorted(services))))
        self._catalog = Catalog(known.names.model_copy(update={"services": names}))
        self._allowed = frozenset(allowed)
        numbers = {fold(name): number for number, name in enumerate(shuffled, start=1)}
        self._pseudonyms = Pseudonyms({"service": numbers})
        self._words = _any_of(names)
        values = {value for part in gathered.parts() for value in _values(part)} - services
        self._compound = _any_of(sorted(value for value in values if _COMPOUND.search(value)))
        self._key = random.getrandbits(256).to_bytes(32, "big")
        self._numbered: dict[str, dict[str, str]] = {}
        self._texts: dict[str, str] = {}
        self._public: dict[str, bool] = {}
        self.values: dict[str, dict[str, str]] = {}

    # Names -----------------------------------------------------------------------------------------------------

    def service(self, name: str) -> str:
        """A component's new name; one that the recording does not have gets the next."""
        return self.services.setdefault(name, f"service-{len(self.services) + 1}") if name else ""

    def metric(self, name: str) -> str:
        """A metric's name: kept if it is public, else a number with the unit that it ended in."""
        if self.public(name):
            return name
        unit = next((f"_{one}" for one in UNITS if name.endswith(f"_{one}")), "")
        stem = name.removesuffix(unit) if unit in {"_bucket", "_sum", "_count"} else name
        inner = next((f"_{one}" for one in UNITS if stem.endswith(f"_{one}")), "") if stem != name else ""
        return f"{self._next('metric', stem, '_')}{inner}{unit}"

    def label(self, name: str) -> str:
        """A label's name."""
        return name if name in RESERVED or self.public(name) else self._next("label", name, "_")

    def value(self, label: str, value: str) -> str:
        """A label's value; only alert names, and words of a protocol, may stay."""
        if not value:
            return value
        if label == "__name__":
            return self.metric(value)
        if label == "alertname":
            new = value if self.public(value) else self._next("Alert", value, "")
        elif label in PROTOCOL and (_STATUS.fullmatch(value) or self.public(value)):
            new = value
        elif value in self.services or label in COMPONENT_LABELS[:2]:
            new = self.service(value)
        else:
            new = self._next(self.label(label), value, "-")
        self.values.setdefault(label, {})[value] = new
        return new

    def labels(self, labels: Iterable[tuple[str, str]]) -> dict[str, str]:
        """A whole set of labels."""
        return {self.label(name): self.value(name, value) for name, value in labels}

    def change(self, kind: str) -> str:
        """A type of change."""
        return kind if self.public(kind) else self._next("change", kind, "-")

    def operation(self, name: str) -> str:
        """A span's name: the method of HTTP stays, the route does not."""
        method = _HTTP.match(name)
        path = self._next("operation", name[method.end() :].strip() if method else name, "-")
        return f"{method[1]} /{path}" if method else path

    def identifier(self, text: str) -> str:
        """An id of as many hexadecimal digits, which nobody without the copy's key can work out."""
        if not text:
            return text
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), key=self._key, digest_size=32).hexdigest()
        return digest[: max(8, min(len(text), 64))]

    def public(self, text: str) -> bool:
        """Whether a name says nothing of its owner: nothing to find in it, no service in it, no long number."""
        if text not in self._public:
            spaced = _CAMEL.sub(" ", text)
            self._public[text] = (
                not re.search(r"\d{3}", text)
                and not self._words.search(spaced)
                and not self._words.search(text)
                and not find(text, self._catalog, Boundary.HUB, self._allowed)
                and not find(spaced, self._catalog, Boundary.HUB, self._allowed)
            )
        return self._public[text]

    def named_safely(self, name: str) -> bool:
        """Whether a name that people chose for the copy holds no service."""
        return not self._words.search(name)

    def private(self) -> set[str]:
        """Every original name that must not be found in the copy, in small letters."""
        values = {old for pairs in self.values.values() for old, new in pairs.items() if old != new}
        named = {key for known in self._numbered.values() for key in known}
        kept = {new for pairs in self.values.values() for new in pairs.values()} | set(self.services.values())
        found = {name for name in (values | named) if len(name) > 3 and not self.public(name)} | set(
            self.services
        )
        return {name.lower() for name in found - kept}

    # Texts -----------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """A message through the anonymizer, and then without the services, versions and ids that it let pass."""
        if text not in self._texts:
            clean = anonymize_text(text, self._catalog, self._pseudonyms, Boundary.HUB, self._allowed).text
            self._texts[text] = "".join(self._examined(clean))
        return self._texts[text]

    def _examined(self, text: str) -> Iterator[str]:
        at = 0
        for kept in PLACEHOLDER.finditer(text):
            yield self._without_ids(text[at : kept.start()])
            yield kept[0]
            at = kept.end()
        yield self._without_ids(text[at:])

    def _without_ids(self, text: str) -> str:
        text = self._words.sub(lambda found: self._placed("service", fold(found[0])), text)
        text = self._compound.sub(lambda found: self._placed("name", fold(found[0])), text)
        parts: list[str] = []
        at = 0
        for kept in PLACEHOLDER.finditer(text):
            parts += [self._ids(text[at : kept.start()]), kept[0]]
            at = kept.end()
        return "".join([*parts, self._ids(text[at:])])

    def _ids(self, text: str) -> str:
        text = _VERSION.sub(lambda found: self._placed("version", found[0]), text)
        return _MIXED.sub(lambda found: self._id(found[0]), text)

    def _id(self, word: str) -> str:
        """Letters with three digits or more, and long numbers, name one thing; a quantity with its unit does not."""
        digits = sum(char.isdigit() for char in word)
        mixed = digits >= 3 and not word.isdigit() and not _UNIT.fullmatch(word)
        long = word.isdigit() and (len(word) >= 7 or (word[0] == "0" and len(word) > 3))
        return self._placed("id", word) if mixed or long else word

    def _placed(self, word: str, key: str) -> str:
        return self._pseudonyms.replacement(word, word, key)

    def _next(self, word: str, key: str, joint: str) -> str:
        known = self._numbered.setdefault(word, {})
        return known.setdefault(key, f"{word}{joint}{len(known) + 1}")


def _services(part: RecordedTelemetry) -> Iterator[str]:
    yield from (one.service for one in part.series)
    yield from (one.labels.get("service", "") for one in part.series)
    yield from (one.service for one in part.logs)
    yield from (one.service for one in part.spans)
    yield from (one for edge in part.edges for one in edge)
    yield from (one.labels.get("service_name", "") for one in part.alerts)
    yield from (one.service for one in part.changes)


def _values(part: RecordedTelemetry) -> Iterator[str]:
    """Values of labels that will be renamed, so that texts can be rid of them."""
    sets = (
        *(one.labels for one in part.series),
        *(one.labels for one in part.alerts),
        *(one.labels for one in part.changes),
    )
    yield from (value for one in sets for label, value in one.items() if label not in PROTOCOL | RESERVED)


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Any of the names as a whole word, the longest first; nothing where there are none."""
    forms = sorted(
        {form for name in names if len(name) > 1 for form in _forms(name)}, key=lambda one: (-len(one), one)
    )
    inner = "|".join(map(re.escape, forms)) or r"(?!)"
    return re.compile(rf"(?<![A-Za-z0-9])(?:{inner})(?![A-Za-z0-9])", re.IGNORECASE)


def _forms(name: str) -> set[str]:
    return {name, *(name.replace("-", joint) for joint in ("_", " ", ""))}
