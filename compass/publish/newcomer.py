"""Ten things about a service for somebody who is new to it, each with the reason why it was chosen.

The rules, in this order, until there are ten; an entry is named once, for the first rule that chose it:
its three likeliest runbooks, its three best confirmed patterns, its latest and its gravest incident, what is
overdue the longest, what changed last. Drafts and deprecated entries only stand in where nothing better is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from compass.library import LoadedEntry
from compass.model.entry import ImpactLevel, Runbook, Status
from compass.publish.edition import Edition, began
from compass.publish.text import count, day

MOST: Final = 10
_STANDING: Final = {Status.STABLE: 0, Status.VERIFIED: 1, Status.DRAFT: 2}
"""The others come last."""
_GRAVE: Final = (ImpactLevel.CRITICAL, ImpactLevel.HIGH, ImpactLevel.MEDIUM, ImpactLevel.LOW)


def ten_things(edition: Edition, entries: Sequence[LoadedEntry]) -> tuple[tuple[LoadedEntry, str], ...]:
    """(entry, why in HTML) of at most ten of `entries`."""
    chosen: dict[str, tuple[LoadedEntry, str]] = {}
    for loaded, why in _wanted(edition, entries):
        if len(chosen) < MOST:
            chosen.setdefault(loaded.id, (loaded, why))
    return tuple(chosen.values())


def _wanted(edition: Edition, entries: Sequence[LoadedEntry]) -> Iterator[tuple[LoadedEntry, str]]:
    runbooks = [one for one in entries if one.kind == "runbook"]
    patterns = [one for one in entries if one.kind == "pattern"]
    incidents = [one for one in entries if one.kind == "postmortem"]
    for one in _best(runbooks, lambda one: (len(edition.uses(one)), _alerts(one)))[:3]:
        yield one, _runbook(edition, one)
    for one in _best(patterns, lambda one: (_incidents(edition, one), len(edition.uses(one))))[:3]:
        yield one, _pattern(edition, one)
    if incidents:
        latest = max(incidents, key=lambda one: (began(one), one.id))
        yield latest, f"the latest incident, {day(began(latest))}"
        gravest = min(incidents, key=lambda one: (_gravity(one), -began(one).toordinal(), one.id))
        yield gravest, f"the gravest incident, {day(began(gravest))}"
    late = [one for one in entries if edition.overdue(one) > 0]
    if late:
        longest = max(late, key=lambda one: (edition.overdue(one), one.id))
        yield longest, f"do not rely on it: its review is {count(edition.overdue(longest), 'day')} late"
    known = [one for one in entries if edition.changed_at(one)]
    for one in sorted(known, key=lambda one: (str(edition.changed_at(one)), one.id), reverse=True)[:MOST]:
        changed = edition.changed_at(one)
        yield one, f"changed {day(changed)}" if changed else ""


def _best(entries: Sequence[LoadedEntry], score: Callable[[LoadedEntry], Any]) -> list[LoadedEntry]:
    """By status, then by score, then by title."""
    by_title = sorted(entries, key=lambda one: (one.title.casefold(), one.id))
    by_score = sorted(by_title, key=score, reverse=True)
    return sorted(by_score, key=lambda one: _STANDING.get(one.status, len(_STANDING)))


def _alerts(loaded: LoadedEntry) -> int:
    return len(loaded.entry.alerts) if isinstance(loaded.entry, Runbook) else 0


def _incidents(edition: Edition, loaded: LoadedEntry) -> int:
    """Incidents that confirm it: as counted, or as told by the post-mortems here."""
    counted = loaded.entry.confirmed.incidents if loaded.entry.confirmed else 0
    return max(counted, len(edition.seen_in.get(loaded.id, ())))


def _gravity(loaded: LoadedEntry) -> int:
    severity = loaded.entry.severity
    return _GRAVE.index(severity) if severity else len(_GRAVE)


def _runbook(edition: Edition, loaded: LoadedEntry) -> str:
    uses, alerts = edition.uses(loaded), _alerts(loaded)
    if uses:
        return f"what to do when it fails: used in {count(len(uses), 'investigation')}"
    if alerts:
        return f"what to do when {'one alert fires' if alerts == 1 else f'one of its {alerts} alerts fires'}"
    return "what to do when it fails"


def _pattern(edition: Edition, loaded: LoadedEntry) -> str:
    seen = _incidents(edition, loaded)
    if seen:
        return f"how it fails: confirmed by {count(seen, 'incident')}"
    return f"how it fails: {loaded.status.value}"
