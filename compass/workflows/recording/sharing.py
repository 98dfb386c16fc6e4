"""From a recording to a copy that may be shared: drawn again until the patterns see in it what they saw."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random
from typing import Final

from compass.anonymize import Catalog
from compass.model.match import Match
from compass.model.recording import RecordingInfo
from compass.workflows.recording.renamed import Renaming
from compass.workflows.recording.request import Gathered, Told
from compass.workflows.recording.synthetic import Copier
from compass.workflows.recording.verdicts import Verdict, asked, brought_together, compared

DRAWS: Final = 8


def shared(
    info: RecordingInfo,
    gathered: Gathered,
    known: tuple[Catalog, Collection[str]],
    patterns: Sequence[tuple[str, str, Match]],
    random: Random,
    told: Told,
) -> tuple[RecordingInfo, Gathered, tuple[Verdict, ...]]:
    """The copy, and what the patterns say of it beside the original.

    A threshold may lie between a number and its scaled self; the hidden numbers are then drawn anew, a few times.
    Raises NegativeAnswerError where a name of the original would still stand in the copy.
    """
    told("giving new names")
    together = brought_together(patterns)
    copier = Copier.of(info, gathered, known, together, random)
    before = asked(patterns, info, gathered)
    drawn: list[tuple[int, RecordingInfo, Gathered, tuple[Verdict, ...]]] = []
    while not drawn or (len(drawn) < DRAWS and drawn[-1][0]):
        told(f"scaling, draw {len(drawn) + 1} of at most {DRAWS}")
        new_info, copy, scaling = copier.copy(random)
        renaming = Renaming(copier.naming, copier.text(scaling))
        verdicts = compared(patterns, before, new_info, copy, renaming)
        drawn.append((sum(not verdict.kept for verdict in verdicts), new_info, copy, verdicts))
    _, new_info, copy, verdicts = min(drawn, key=lambda one: one[0])
    copier.refuse_leaks(new_info, copy)
    return new_info, copy, verdicts
