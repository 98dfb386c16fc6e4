"""Waivers: `<!-- compass-lint: allow PM022 until 2027-01-31 reason -->` in the body, beside or above what it allows."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

WHOLE: Final = frozenset(
    {
        "file-name",
        "hidden-characters-in-body",
        "near-duplicate",
        "query-syntax",
        "replay-unlisted",
        "review-overdue",
        "runbook-without-alert",
        "unknown-service",
        "unknown-tag",
        "unused-entry",
    }
)
"""Warnings that a waiver silences for the whole entry, wherever in the body it stands; errors are never waived."""

_NAME: Final = re.compile(rf"PM\d{{3}}|{'|'.join(sorted(WHOLE, key=len, reverse=True))}")
_WAIVER: Final = re.compile(
    rf"<!--[ \t]*+compass-lint:[ \t]*+allow\b[ \t]*+(?P<rules>(?:(?:{_NAME.pattern})\b[ \t,]*+)*+)(?:until[ \t]++(?P<until>\d{{4}}-\d{{2}}-\d{{2}})\b)?+(?P<reason>[^>]{{0,1000}}?)-->"
)
_ONE_LINE: Final = re.compile(r"[ \t]*+(?:[-*+|]|\d{1,3}[.)])")


class Waiver(NamedTuple):
    """Which rules are allowed what, why and until when, and the part of the body that this covers."""

    rules: tuple[str, ...]
    reason: str
    until: str
    offset: int
    begin: int
    end: int


@lru_cache(maxsize=2)
def waivers(body: str) -> tuple[Waiver, ...]:
    """Every waiver of a body, in order."""
    if "compass-lint" not in body:
        return ()
    return tuple(_read(body, found) for found in _WAIVER.finditer(body))


def waived(body: str, rule: str, offset: int | None) -> bool:
    """Whether a finding is allowed: in the front matter by any waiver of its rule, in the body by one that covers it."""
    return any(
        rule in one.rules and one.reason and (offset is None or one.begin <= offset < one.end)
        for one in waivers(body)
    )


def silenced(body: str) -> list[str]:
    """The rules of WHOLE that a waiver with a reason silences, sorted."""
    return sorted({rule for one in waivers(body) if one.reason for rule in one.rules} & WHOLE)


def _read(body: str, found: re.Match[str]) -> Waiver:
    """A waiver covers its paragraph, its list item or row; alone in its paragraph it covers the next one."""
    begin = body.rfind("\n", 0, found.start()) + 1
    end = _or_end(body, "\n", found.end())
    if not _ONE_LINE.match(body, begin) and not _ONE_LINE.match(body, found.end()):
        begin = body.rfind("\n\n", 0, found.start()) + 1
        end = _or_end(body, "\n\n", found.end())
    if not (body[begin : found.start()] + body[found.end() : end]).strip():
        rest = body[end:]
        end = _or_end(body, "\n\n", end + len(rest) - len(rest.lstrip()))
    rules = tuple(_NAME.findall(found["rules"]))
    return Waiver(rules, found["reason"].strip(" \t\n-:;,"), found["until"] or "", found.start(), begin, end)


def _or_end(body: str, what: str, start: int) -> int:
    at = body.find(what, start)
    return len(body) if at < 0 else at
