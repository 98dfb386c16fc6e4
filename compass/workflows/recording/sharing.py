"""From a recording to a copy that may be shared: drawn again until the patterns see in it what they saw."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from random import Random
from typing import Final, NamedTuple

from compass.anonymize import Catalog
from compass.model.match import Match
from compass.model.recording import RecordingInfo
from compass.workflows.recording.record import Made, bounded
from compass.workflows.recording.renamed import Renaming
from compass.workflows.recording.request import Gathered, Notes, Request, Told
from compass.workflows.recording.synthetic import Copier
from compass.workflows.recording.verdicts import Verdict, asked, brought_together, compared

DRAWS: Final = 8
TIGHT: Final = 0.85
"""Of the limit, before names and texts become longer."""
Patterns = Sequence[tuple[str, str, Match]]
Known = tuple[Catalog, Collection[str]]


class Shared(NamedTuple):
    """A copy, what its names became, and what the patterns say of it beside the original."""

    info: RecordingInfo
    telemetry: Gathered
    renaming: Renaming
    verdicts: tuple[Verdict, ...]


def copied(
    info: RecordingInfo,
    gathered: Gathered,
    request: Request,
    notes: Notes,
    known: Known,
    patterns: Patterns,
    *,
    random: Random,
    told: Told,
) -> tuple[Made, tuple[Verdict, ...]]:
    """The copy within the request's limit, and what the patterns say of it beside all that was read.

    Names are given to what will fit, with room for longer names; what does not fit needs none.
    """
    before = asked(patterns, info, gathered)
    tight = bounded(info, gathered, replace(request, limit=round(request.limit * TIGHT)), notes, told)
    copy = shared(tight.info, tight.fitted.telemetry, known, patterns, random, told)
    moved = replace(
        request,
        detected=copy.info.detected.timestamp(),
        symptom=copy.info.symptom,
        window=copy.info.window,
    )
    made = bounded(copy.info, copy.telemetry, moved, Notes(notes.told, list(copy.info.left_out)), told)
    return made, compared(patterns, before, made.info, made.fitted.telemetry, copy.renaming)


def shared(
    info: RecordingInfo,
    gathered: Gathered,
    known: Known,
    patterns: Patterns,
    random: Random,
    told: Told,
) -> Shared:
    """The copy, and what the patterns say of it.

    A threshold may lie between a number and its scaled self; the hidden numbers are then drawn anew, a few times.
    Raises NegativeAnswerError where a name of the original would still stand in the copy.
    """
    told("giving new names")
    before = asked(patterns, info, gathered)
    copier = Copier.of(info, gathered, known, brought_together(patterns), random)
    drawn: list[Shared] = []
    while not drawn or (len(drawn) < DRAWS and _lost(drawn[-1])):
        told(f"scaling, draw {len(drawn) + 1} of at most {DRAWS}")
        new_info, copy, scaling = copier.copy(random)
        renaming = Renaming(copier.naming, copier.text(scaling))
        drawn.append(Shared(new_info, copy, renaming, compared(patterns, before, new_info, copy, renaming)))
    best = min(drawn, key=_lost)
    copier.refuse_leaks(best.info, best.telemetry)
    return best


def _lost(copy: Shared) -> int:
    return sum(not verdict.kept for verdict in copy.verdicts)
