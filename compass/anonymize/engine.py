"""The engine: all detectors over one text, until nothing more is found in its own output."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from compass.anonymize.catalog import Catalog, fold
from compass.anonymize.context import find_context
from compass.anonymize.credentials import find_credentials
from compass.anonymize.hosts import find_hosts
from compass.anonymize.pairs import find_pairs
from compass.anonymize.people import find_people
from compass.anonymize.pseudonyms import Pseudonyms
from compass.anonymize.secrets import find_formats
from compass.anonymize.spans import Find, Span, apply, mask, merge, protected
from compass.anonymize.structures import find_structures
from compass.anonymize.times import find_times, relative
from compass.anonymize.tokens import Tokens

_ROUNDS: Final = 4
_WORDS: Final = {
    "SECRET": "secret", "EMAIL": "email", "IP": "ip", "MAC": "mac", "HOST": "host", "NODE": "host", "POD": "pod",
    "INTERNAL_URL": "url", "ARN": "resource", "BUCKET": "bucket", "PERSON": "person", "HANDLE": "handle", "CUSTOMER": "customer",
    "TEAM": "team", "CLUSTER": "cluster", "SERVICE": "service", "TICKET": "ticket", "CLOUD_ACCOUNT": "account", "CARD": "card",
    "IBAN": "iban", "PHONE": "phone", "ACCOUNT_ID": "id", "SESSION_ID": "session", "SLACK_ID": "slack-id", "AMOUNT": "amount",
    "UNKNOWN": "unknown",
}  # fmt: skip


_FAMILIES: Final = {
    "login": "person",
    "email": "person",
    "handle": "person",
    "organization": "host",
    "node": "host",
    "pod": "host",
}
"""Groups that share their numbers, because one entity, or one word of a replacement, may belong to several."""


class Boundary(StrEnum):
    """Which border the text is about to cross: into the tribe (services and teams stay) or to the hub (nothing stays)."""

    TRIBE = "tribe"
    HUB = "hub"


_KEPT_IN_TRIBE: Final = frozenset({"SERVICE", "TEAM", "CLUSTER", "TIMESTAMP", "AMOUNT"})


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text with its replacements; `spans` are in order, do not overlap, and have offsets of the original."""

    text: str
    spans: tuple[Span, ...]


def find(
    text: str, catalog: Catalog, boundary: Boundary = Boundary.HUB, allowed: Collection[str] = ()
) -> tuple[Find, ...]:
    """Everything in `text` that must not cross `boundary`, without overlaps and in order; `allowed` are reviewed words."""
    keep = protected(text)
    if keep:
        text = mask(text, keep)
    lower = fold(text)
    pairs = tuple(find_pairs(text))
    finds: list[Find] = [
        *find_formats(text, lower),
        *find_credentials(text, lower, pairs),
        *catalog.terms.find(text, lower),
        *find_structures(text, lower, pairs),
        *find_hosts(text, catalog.terms.domains),
        *find_people(text, lower, pairs),
        *find_context(text, pairs),
        *_tokens(_public(catalog, boundary, allowed), catalog.terms.domains).find(text),
    ]
    if boundary is Boundary.HUB:
        finds += find_times(text)
    else:
        finds = [one for one in finds if one.label not in _KEPT_IN_TRIBE]
    return merge(finds, keep)


@lru_cache(maxsize=32)
def _tokens(allowed: frozenset[str], domains: tuple[str, ...]) -> Tokens:
    return Tokens(allowed, domains)


def _public(catalog: Catalog, boundary: Boundary, allowed: Collection[str]) -> frozenset[str]:
    words = {word.lower() for word in allowed}
    if boundary is Boundary.TRIBE:
        for name in (*catalog.names.services, *catalog.names.teams, *catalog.names.clusters):
            words.update(part for part in fold(name).replace("_", "-").replace(" ", "-").split("-") if part)
    return frozenset(words)


def anonymize_text(
    text: str,
    catalog: Catalog,
    pseudonyms: Pseudonyms | None = None,
    boundary: Boundary = Boundary.HUB,
    allowed: Collection[str] = (),
) -> Redacted:
    """`text` with every find replaced.

    The same entity has the same replacement as long as the same `pseudonyms` are passed.
    The output is examined again, so anonymizing it once more changes nothing.
    """
    numbers = pseudonyms if pseudonyms is not None else Pseudonyms()
    spans: list[Span] = []
    current = text
    for _ in range(_ROUNDS):
        finds = find(current, catalog, boundary, allowed)
        if not finds:
            break
        fresh = _named(current, finds, catalog, numbers)
        spans = _compose(spans, fresh)
        current = apply(text, spans)
    return Redacted(current, tuple(spans))


def _named(text: str, finds: Iterable[Find], catalog: Catalog, numbers: Pseudonyms) -> list[Span]:
    found = list(finds)
    times = relative(text, [one for one in found if one.label == "TIMESTAMP"])
    return [
        Span(
            one.start,
            one.end,
            one.label,
            one.rule,
            times.get(one.start) or _replacement(text, one, catalog, numbers),
        )
        for one in found
    ]


def _replacement(text: str, one: Find, catalog: Catalog, numbers: Pseudonyms) -> str:
    key = one.key or fold(text[one.start : one.end])
    word = _WORDS.get(one.label, "unknown")
    family = _FAMILIES.get(one.group or word, one.group or word)
    if one.label == "SERVICE" and key in catalog.categories:
        word = _category(catalog.categories[key])
    return numbers.replacement(word, family, key)


def _category(name: str) -> str:
    """A category as a word of a replacement; never one that stands for something else."""
    word = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")
    return word if word[:1].isalpha() and word not in _WORDS.values() else "service"


def _compose(before: list[Span], fresh: list[Span]) -> list[Span]:
    """Put spans found in the output of a round into the coordinates of the original text."""
    if not before:
        return fresh
    moved: list[Span] = []
    shift = 0
    index = 0
    for span in fresh:
        while index < len(before) and before[index].start + shift < span.start:
            shift += len(before[index].replacement) - (before[index].end - before[index].start)
            index += 1
        moved.append(Span(span.start - shift, span.end - shift, span.label, span.rule, span.replacement))
    return sorted([*before, *moved], key=lambda span: span.start)
