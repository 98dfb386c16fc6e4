"""What the memory says about a hypothesis that came from statistics alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from compass.investigate.candidates import Candidate
from compass.investigate.citations import cite_body, cite_field
from compass.library import Library
from compass.model.investigation import Citation, Incident, Origin
from compass.retrieval.opening import open_searcher


def related(
    candidates: Sequence[Candidate], incident: Incident, library: Library, cache: Path | None
) -> tuple[Candidate, ...]:
    """The candidates, those without a pattern with a citation of the entry that applies, if one surely does."""
    if not library.entries:
        return tuple(candidates)
    searcher = open_searcher(library, cache)
    found = []
    for candidate in candidates:
        if candidate.origin is Origin.RANKING:
            words = " ".join([incident.symptom, candidate.statement, *candidate.why[:2]])
            answer = searcher.search(words[:1000], 3)
            if answer.band == "likely" and answer.results:
                found.append(replace(candidate, citations=_of(library, answer.results[0].id)))
                continue
        found.append(candidate)
    return tuple(found)


def _of(library: Library, identifier: str) -> tuple[Citation | None, ...]:
    loaded = library.by_id[identifier]
    body = cite_body(loaded, ("Mitigation", "Diagnosis", "Meaning", "Mechanism", "Lessons"))
    return (cite_field(loaded, ("title",)), body)
