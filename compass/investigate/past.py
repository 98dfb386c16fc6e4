"""What earlier investigations say under the same conditions: what a person confirmed leads, what was disproven stands back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from compass.investigate.candidates import Candidate
from compass.investigate.experiments import Bench
from compass.investigate.patterns import match_trials
from compass.investigate.ranking import Ranking
from compass.model.investigation import Citation, Deed, Hypothesis, Investigation, Origin, Verdict
from compass.model.match import Match
from compass.replay.evaluate import evaluate

CONFIRMED: Final = 0.9
"""The prior of what a person confirmed the last time that these conditions held."""
DISPROVEN: Final = 0.3
"""By this much fall the odds of what was disproven under the same conditions."""

_LEADING: Final = 2


@dataclass(frozen=True)
class Past:
    """A finished record, and for each of its hypotheses, by rank, the citation of the line that says it."""

    record: Investigation
    citations: tuple[Citation | None, ...] = ()

    def citation(self, hypothesis: Hypothesis) -> Citation | None:
        """Where the record says what it says of this hypothesis; None for one that stands in no commit."""
        place = hypothesis.rank - 1
        return self.citations[place] if place < len(self.citations) else None


def remembered(
    bench: Bench, ranking: Ranking, candidates: Sequence[Candidate], past: Sequence[Past]
) -> tuple[Candidate, ...]:
    """The candidates as the records see them, likeliest first; what was confirmed joins them if it is missing.

    A record speaks only where its conditions hold again: the component that led then is one of the first two now,
    and the match that recognized the incident holds now and did not hold before; of a record without a match, the
    symptom was noticed at the same component. The newest record wins.
    """
    leading = tuple(one.component for one in ranking.components[:_LEADING] if one.score > 0)
    conditions = _Conditions(bench, leading, {})
    found = list(candidates)
    judged: set[tuple[str, str]] = set()
    for one in sorted(past, key=lambda each: each.record.started, reverse=True):
        if not conditions.again(one.record):
            continue
        for hypothesis in one.record.hypotheses:
            name = _name(hypothesis.statement, hypothesis.service, hypothesis.pattern)
            if name in judged:
                continue
            if confirmed(one.record, hypothesis):
                judged.add(name)
                found = [*_led(bench, found, one, hypothesis)]
            elif hypothesis.verdict is Verdict.REFUTED:
                judged.add(name)
                found = [_held_back(each, one, hypothesis) for each in found]
    return tuple(sorted(found, key=lambda each: -each.prior))


def confirmed(record: Investigation, hypothesis: Hypothesis) -> bool:
    """Whether a person stands behind it: confirmed it, or picked it last of all and it was supported."""
    if hypothesis.confirmed_by_person:
        return True
    if any(one.confirmed_by_person for one in record.hypotheses):
        return False
    picked = [one.text for one in record.notes if one.deed is Deed.PICK]
    return bool(picked) and picked[-1] == hypothesis.statement and hypothesis.verdict is Verdict.SUPPORTED


@dataclass(frozen=True)
class _Conditions:
    """What is the case now; a match that several records share is asked for once."""

    bench: Bench
    leading: tuple[str, ...]
    known: dict[str, bool]

    def again(self, record: Investigation) -> bool:
        """Whether the conditions of the record hold now."""
        if not record.services or record.services[0].service not in self.leading:
            return False
        if record.recognized_by is None:
            return record.incident.service == self.bench.observed.symptom_service
        name = record.recognized_by.model_dump_json()
        if name not in self.known:
            self.known[name] = self._holds(record.recognized_by)
        return self.known[name]

    def _holds(self, match: Match) -> bool:
        """During the incident, and not before."""
        observed = self.bench.observed
        since, calm = observed.opened or observed.start, observed.calm_moment
        if evaluate(match, self.bench.telemetry, observed.end, since).truth is not True:
            return False
        return calm is None or evaluate(match, self.bench.telemetry, calm).truth is not True


def _name(statement: str, service: str | None, pattern: str | None) -> tuple[str, str]:
    """What makes two hypotheses the same: the pattern, else the mechanism at a component, whatever the details."""
    return (pattern, "") if pattern else (statement.partition(":")[0], service or "")


def _same(candidate: Candidate, hypothesis: Hypothesis) -> bool:
    return _name(candidate.statement, candidate.service, candidate.pattern) == _name(
        hypothesis.statement, hypothesis.service, hypothesis.pattern
    )


def _led(
    bench: Bench, candidates: Sequence[Candidate], past: Past, hypothesis: Hypothesis
) -> Iterator[Candidate]:
    """The candidates, of which the confirmed one gets the record's match as an experiment, its citation and its prior."""
    own = next((one for one in candidates if _same(one, hypothesis)), None)
    match = past.record.recognized_by
    trials = tuple(match_trials(bench, match, past.record.id)) if match is not None else ()
    base = own or Candidate(
        hypothesis.statement,
        hypothesis.service,
        Origin.MEMORY,
        hypothesis.predicts,
        CONFIRMED,
        (),
        pattern=hypothesis.pattern,
    )
    if base.trials or trials:
        yield replace(
            base,
            origin=base.origin if base.origin is Origin.PATTERN else Origin.MEMORY,
            prior=CONFIRMED,
            trials=(*trials, *base.trials),
            why=(f"{_when(past)} a person confirmed it under the same conditions", *base.why),
            citations=(past.citation(hypothesis), *base.citations),
        )
    yield from (one for one in candidates if one is not own)


def _held_back(candidate: Candidate, past: Past, hypothesis: Hypothesis) -> Candidate:
    if not _same(candidate, hypothesis):
        return candidate
    bounded = min(max(candidate.prior, 0.01), 0.99)
    odds = math.log(bounded / (1 - bounded)) + math.log(DISPROVEN)
    reason = hypothesis.refuted_by_person or "its experiments refuted it"
    return replace(
        candidate,
        prior=1 / (1 + math.exp(-odds)),
        why=(f"{_when(past)} it was disproven under the same conditions: {reason}", *candidate.why),
        citations=(*candidate.citations, past.citation(hypothesis)),
    )


def _when(past: Past) -> str:
    return f"in {past.record.id} ({past.record.incident.detected:%Y-%m-%d})"
