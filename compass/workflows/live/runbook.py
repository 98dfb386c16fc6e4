"""The runbook that an alert leads to, found by the alert's exact name before anything else is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from compass.investigate.citations import checked, cite_body, cite_field
from compass.library import Library, LoadedEntry
from compass.model.entry import AlertRef, Runbook, Status, Step
from compass.model.investigation import Citation
from compass.replay.lexer import Tokens
from compass.replay.matchers import CannotEvaluateError, predicate
from compass.retrieval.opening import open_searcher

_DEAD: Final = frozenset({Status.WITHDRAWN, Status.DEPRECATED})
_ORDER: Final = {Status.STABLE: 0, Status.VERIFIED: 1}
Fired = tuple[str, Mapping[str, str]]


@dataclass(frozen=True)
class Advice:
    """A runbook, why it is this one, and where it stands."""

    id: str
    title: str
    why: str
    steps: tuple[Step, ...]
    citations: tuple[Citation, ...]
    others: tuple[tuple[str, str], ...] = ()
    """Id and title of other runbooks that name the alert."""


def runbook_for(alerts: Sequence[Fired], symptom: str, library: Library, cache: Path | None) -> Advice | None:
    """The first runbook that names one of the alerts exactly and whose matchers fit; else one that search is sure of."""
    for name, labels in alerts:
        fitting = sorted(_naming(name, labels, library), key=lambda one: one[0])
        if fitting:
            found = _advice(fitting[0][1], f"it names the alert {name}", library)
            return replace(found, others=tuple((one.entry.id, one.entry.title) for _, one in fitting[1:]))
    if not library.entries:
        return None
    words = " ".join([*dict.fromkeys(name for name, _ in alerts), symptom])[:1000]
    answer = open_searcher(library, cache).search(words, 3)
    first = answer.results[0] if answer.results else None
    if first is None or answer.band != "likely" or first.kind != "runbook":
        return None
    return _advice(library.by_id[first.id], f"search is sure of it ({answer.confidence:.2f})", library)


def _naming(
    name: str, labels: Mapping[str, str], library: Library
) -> Iterator[tuple[tuple[bool, int, int, str], LoadedEntry]]:
    """Runbooks of this alert: those that say which of its labels they mean, the better confirmed, the nearer ones."""
    for loaded in library.entries:
        entry = loaded.entry
        if not isinstance(entry, Runbook) or entry.status in _DEAD:
            continue
        for alert in entry.alerts:
            if alert.name == name and _fits(alert, labels):
                confirmed = _ORDER.get(entry.status, len(_ORDER))
                yield (not alert.matchers, confirmed, loaded.mount.distance, entry.id), loaded
                break


def _fits(alert: AlertRef, labels: Mapping[str, str]) -> bool:
    try:
        return predicate(Tokens(f"{{{','.join(alert.matchers)}}}").matchers())(labels)
    except CannotEvaluateError:
        return False


def _advice(loaded: LoadedEntry, why: str, library: Library) -> Advice:
    entry = loaded.entry
    found = (cite_field(loaded, ("title",)), cite_body(loaded, ("Mitigation", "Diagnosis", "Meaning")))
    return Advice(
        entry.id,
        entry.title,
        why,
        entry.steps if isinstance(entry, Runbook) else (),
        checked(found, library),
    )
