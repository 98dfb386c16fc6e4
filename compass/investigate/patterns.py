"""Patterns of the library whose match holds, or nearly holds, as hypotheses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from compass.adapters.telemetry.answer import Answer, Telemetry
from compass.investigate.candidates import Candidate
from compass.investigate.citations import cite_body, cite_field, runbooks_of
from compass.investigate.experiments import Bench, Question, Seen, Trial, excerpt_of, moment
from compass.investigate.verdicts import TRUTHS, decide, nothing
from compass.library import Library, LoadedEntry
from compass.model.entry import Pattern, Status, TimeWindow
from compass.model.investigation import Datasource, Experiment, Origin, Rule
from compass.model.match import Match, parse_duration
from compass.replay.evaluate import MatchResult, evaluate
from compass.replay.signals import Evidence

_NEARLY: Final = 0.5
_DEAD: Final = frozenset({Status.WITHDRAWN, Status.DEPRECATED})
_SOURCES: Final[Mapping[str, Datasource]] = {
    "alert": "alerts",
    "log": "loki",
    "metric": "prometheus",
    "change": "changes",
}


@dataclass(frozen=True)
class Matched:
    """A pattern with what its match says about this incident."""

    loaded: LoadedEntry
    pattern: Pattern
    result: MatchResult


def matching(library: Library, telemetry: Telemetry, start: float, end: float) -> list[Matched]:
    """Patterns whose match holds at any minute from `start` to `end`, and those at least half of whose weight does."""
    found = []
    for loaded in library.by_id.values():
        pattern = loaded.entry
        if isinstance(pattern, Pattern) and pattern.match is not None and pattern.status not in _DEAD:
            result = evaluate(pattern.match, telemetry, end, start)
            if (
                result.truth is True
                or (result.truth is not False and result.best.share >= _NEARLY)
                or result.best.share > _NEARLY
            ):
                found.append(Matched(loaded, pattern, result))
    return sorted(found, key=lambda one: (*(-part for part in one.result.best.rank), one.loaded.id))


def from_patterns(bench: Bench, library: Library, scores: Mapping[str, float]) -> Iterator[Candidate]:
    """One candidate for each matching pattern; `scores` are the components' ranking scores."""
    observed = bench.observed
    for one in matching(library, bench.telemetry, observed.opened or observed.start, observed.end):
        share, holds = one.result.best.share, one.result.truth is True
        signals = ", ".join(f"{signal.name} {TRUTHS[signal.truth]}" for signal in one.result.best.signals)
        yield Candidate(
            one.pattern.title,
            _service(one, scores),
            Origin.PATTERN,
            f"its match holds during the incident and not before: {one.pattern.match.condition if one.pattern.match else ''}",
            0.45 + 0.4 * share if holds else 0.3 * share,
            tuple(_trials(bench, one)),
            (f"match {TRUTHS[one.result.truth]}, {share:.0%} of its weight: {signals}",),
            one.pattern.id,
            (
                cite_field(one.loaded, ("match", "condition")),
                *(
                    cite_field(one.loaded, ("contributing_causes", at))
                    for at in range(len(one.pattern.contributing_causes))
                ),
                *(
                    cite_body(runbook, ("Mitigation", "Diagnosis", "Meaning"))
                    for runbook in runbooks_of(one.pattern, library)
                ),
            ),
        )


def _service(one: Matched, scores: Mapping[str, float]) -> str | None:
    """The component the pattern is about: of its group, else the best ranked of those it names."""
    group = one.result.best.group.get("service_name")
    if group:
        return group
    named = [ref.rpartition("/")[2] for ref in one.pattern.services if ref.startswith("component:")]
    known = [name for name in named if name in scores]
    return max(known, key=lambda name: (scores[name], name)) if known else None


def _trials(bench: Bench, one: Matched) -> Iterator[Trial]:
    match = one.pattern.match
    if match is not None:
        yield from match_trials(bench, match, "the pattern")
    for explanation in one.pattern.hypotheses[:2]:
        refuted = explanation.refuted_by
        yield for_a_person(bench, explanation.statement, refuted.query, refuted.datasource, refuted.when)


def match_trials(bench: Bench, match: Match, owner: str) -> Iterator[Trial]:
    """A match has to hold during the incident, and must not have held before it; `owner` is what it is the match of."""
    observed = bench.observed
    yield match_trial(bench, match, (observed.opened or observed.start, observed.end), owner, holds=True)
    calm = observed.calm_moment
    if calm is not None:
        yield match_trial(bench, match, (calm, calm), owner, holds=False)


def match_trial(bench: Bench, match: Match, window: tuple[float, float], owner: str, *, holds: bool) -> Trial:
    """Does the match hold at any minute of the window (unix seconds)? `holds` is what its hypothesis predicts."""
    question, refuted = (
        (f"Does the match of {owner} hold during the incident?", "the condition is false")
        if holds
        else ("Did the match hold already before the trouble?", "the condition is true in quiet times, too")
    )
    given = {"expects": TRUTHS[holds], "owner": owner, "from": repr(window[0]), "to": repr(window[1])}
    rule = Rule(name="match", given=given, match=match)

    def run() -> Experiment:
        result = evaluate(match, bench.telemetry, window[1], window[0])
        best = result.best
        began = window[0] - parse_duration(match.window).total_seconds()
        shown = [
            *(f"{signal.name}: {TRUTHS[signal.truth]}" for signal in best.signals),
            *(f"\n{part.query}\n{part.observed}" for part in result.evidence),
        ]
        failed = "; ".join(part.error for part in result.evidence if part.error)
        truths = {signal.name: TRUTHS[signal.truth] for signal in best.signals}
        judged = rule.model_copy(update={"measured": {**truths, "in order": best.ordered}})
        found = decide(judged, None)
        return Experiment(
            question=question,
            refuted_when=refuted,
            datasource=_SOURCES[result.evidence[0].type],
            query="\n".join(dict.fromkeys(part.query for part in result.evidence)),
            window=TimeWindow(start=moment(began), end=moment(window[1])),
            observed="\n".join(shown)[:4096],
            sha256=_digest(result.evidence),
            verdict=found.verdict,
            reason=found.reason,
            error=failed or None,
            rule=judged,
        )

    return Trial(question, refuted, rule, run)


def _digest(evidence: Sequence[Evidence]) -> str:
    """Of all answers: that of the answer itself where there is one, else of their digests in order."""
    if len(evidence) == 1:
        return evidence[0].digest
    return hashlib.sha256("\n".join(part.digest for part in evidence).encode()).hexdigest()


def for_a_person(bench: Bench, statement: str, query: str, source: Datasource, when: str) -> Trial:
    """The pattern's own refuting query: asked and shown, but its wording is judged by whoever reads it."""
    observed = bench.observed

    def ask() -> Answer[Any]:
        if source == "loki":
            return bench.telemetry.logs(query, observed.start, observed.end)
        if source == "tempo":
            return bench.telemetry.traces(query, observed.start, observed.end)
        return bench.telemetry.range_query(query, observed.start, observed.end, max(1.0, observed.step))

    given = {"statement": statement, "query": query, "source": source, "when": when}
    return bench.trial(
        Question(statement, when, source),
        Rule(name="person", given=given),
        ask,
        lambda answer: Seen(nothing("for a person to judge"), excerpt_of(answer.data)),
    )
