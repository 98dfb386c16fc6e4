"""Spans: what was found where, how overlapping finds become one, and how they are put into the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

PLACEHOLDER: Final = re.compile(r"⟨[a-z][a-z0-9-]*-\d+⟩|\bT[+-](?:\d+d)?\d\d:\d\d(?::\d\d)?\b|\bT[+-]\d+d\b")
"""What the anonymizer itself writes; it is never examined again, so doing it twice changes nothing."""

SECRET: Final = "SECRET"  # noqa: S105  # the name of a class of finds
UNKNOWN: Final = "UNKNOWN"
_RANK: Final = {
    name: rank
    for rank, name in enumerate((
        "SECRET", "CREDENTIAL_URL", "INTERNAL_URL", "EMAIL", "ARN", "BUCKET", "POD", "NODE", "HOST", "IP", "CIDR",
        "MAC", "PERSON", "HANDLE", "CUSTOMER", "TEAM", "CLUSTER", "SERVICE", "TICKET", "CLOUD_ACCOUNT", "CARD",
        "IBAN", "PHONE", "ACCOUNT_ID", "SESSION_ID", "SLACK_ID", "TIMESTAMP", "AMOUNT", "UNKNOWN",
    ))
}  # fmt: skip


class Find(NamedTuple):
    """A region that must not leave: `[start, end)` in characters, what it is, the rule that says so, and whose it is.

    `key` names the entity: finds with the same (group, key) get the same number in their replacement.
    """

    start: int
    end: int
    label: str
    rule: str
    key: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A find with its replacement; offsets are of the original text."""

    start: int
    end: int
    label: str
    rule: str
    replacement: str


def protected(text: str) -> tuple[tuple[int, int], ...]:
    """Where replacements of an earlier run stand."""
    if "⟨" not in text and "T+" not in text and "T-" not in text:
        return ()
    return tuple(found.span() for found in PLACEHOLDER.finditer(text))


def mask(text: str, keep: Sequence[tuple[int, int]]) -> str:
    """`text` with earlier replacements made opaque, so that their words are no context; offsets stay."""
    parts: list[str] = []
    position = 0
    for start, end in keep:
        parts += (text[position:start], "⟨" * (end - start))
        position = end
    parts.append(text[position:])
    return "".join(parts)


def merge(finds: Iterable[Find], keep: Sequence[tuple[int, int]] = ()) -> tuple[Find, ...]:
    """Finds without overlap, in order: coverage is the union, the most telling label of the widest find wins.

    Regions of `keep` are cut out, so that a replacement is never replaced.
    """
    merged: list[Find] = []
    for find in sorted(_cut(finds, keep), key=lambda find: (find.start, -find.end)):
        last = merged[-1] if merged else None
        if last is None or find.start >= last.end:
            merged.append(find)
            continue
        if find.end <= last.end and _same_or_wider(last, find):
            continue
        winner = min(last, find, key=lambda one: (_RANK.get(one.label, 99), one.start - one.end))
        whole = winner.start == last.start and winner.end == max(last.end, find.end)
        merged[-1] = (
            winner if whole else winner._replace(start=last.start, end=max(last.end, find.end), key="")
        )
    return tuple(merged)


def _same_or_wider(outer: Find, inner: Find) -> bool:
    return outer[:2] != inner[:2] or _RANK.get(outer.label, 99) <= _RANK.get(inner.label, 99)


def _cut(finds: Iterable[Find], keep: Sequence[tuple[int, int]]) -> Iterable[Find]:
    if not keep:
        yield from (find for find in finds if find.end > find.start)
        return
    for find in finds:
        start = find.start
        for left, right in keep:
            if right <= start or left >= find.end:
                continue
            if left > start:
                yield find._replace(start=start, end=left, key="")
            start = max(start, right)
        if start == find.start and find.end > start:
            yield find
        elif find.end > start:
            yield find._replace(start=start, key="")


def apply(text: str, spans: Iterable[Span]) -> str:
    """`text` with every span replaced; spans are in order and do not overlap."""
    parts: list[str] = []
    position = 0
    for span in spans:
        parts += (text[position : span.start], span.replacement)
        position = span.end
    parts.append(text[position:])
    return "".join(parts)
