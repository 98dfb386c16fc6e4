"""Patterns of the library whose match holds, or nearly holds, as hypotheses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from compass.adapters.telemetry.answer import Answer, Telemetry
from compass.investigate.candidates import Candidate
from compass.investigate.citations import cite_body, cite_field, runbooks_of
from compass.investigate.experiments import Bench, Judged, Question, Trial, excerpt_of, moment
from compass.library import Library, LoadedEntry
from compass.model.entry import Hypothesis as Explanation
from compass.model.entry import Pattern, Status, TimeWindow
from compass.model.investigation import Datasource, Experiment, Origin, Verdict
from compass.model.match import Match, Truth, parse_duration
from compass.replay.evaluate import MatchResult, evaluate

_NEARLY: Final = 0.5
_DEAD: Final = frozenset({Status.WITHDRAWN, Status.DEPRECATED})
_SOURCES: Final[Mapping[str, Datasource]] = {
    "alert": "alerts",
    "log": "loki",
    "metric": "prometheus",
    "change": "changes",
}
_WORDS: Final[Mapping[Truth, str]] = {True: "true", False: "false", None: "unknown"}


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
        signals = ", ".join(f"{signal.name} {_WORDS[signal.truth]}" for signal in one.result.best.signals)
        yield Candidate(
            one.pattern.title,
            _service(one, scores),
            Origin.PATTERN,
            f"its match holds during the incident and not before: {one.pattern.match.condition if one.pattern.match else ''}",
            0.45 + 0.4 * share if holds else 0.3 * share,
            tuple(_trials(bench, one)),
            (f"match {_WORDS[one.result.truth]}, {share:.0%} of its weight: {signals}",),
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
    if match is None:
        return
    observed = bench.observed
    yield _match_trial(
        bench, match, (observed.opened or observed.start, observed.end), "Does the match of the pattern hold during the incident?",
        "the condition is false", {True: Verdict.SUPPORTED, False: Verdict.REFUTED},
    )  # fmt: skip
    calm = observed.calm_moment
    if calm is not None:
        yield _match_trial(
            bench, match, (calm, calm), "Did the match hold already before the trouble?",
            "the condition is true in quiet times, too", {True: Verdict.REFUTED, False: Verdict.SUPPORTED},
        )  # fmt: skip
    for explanation in one.pattern.hypotheses[:2]:
        yield _for_a_person(bench, explanation)


def _match_trial(
    bench: Bench,
    match: Match,
    window: tuple[float, float],
    question: str,
    refuted: str,
    verdicts: Mapping[Truth, Verdict],
) -> Trial:
    def run() -> Experiment:
        result = evaluate(match, bench.telemetry, window[1], window[0])
        began = window[0] - parse_duration(match.window).total_seconds()
        truths = [f"{signal.name}: {_WORDS[signal.truth]}" for signal in result.best.signals]
        shown = [*truths, *(f"\n{part.query}\n{part.observed}" for part in result.evidence)]
        first = result.evidence[0]
        failed = "; ".join(part.error for part in result.evidence if part.error)
        return Experiment(
            question=question,
            refuted_when=refuted,
            datasource=_SOURCES[first.type],
            query="\n".join(dict.fromkeys(part.query for part in result.evidence)),
            window=TimeWindow(start=moment(began), end=moment(window[1])),
            observed="\n".join(shown)[:4096],
            sha256=first.digest,
            verdict=verdicts.get(result.truth, Verdict.INCONCLUSIVE),
            reason=f"{match.condition}: {_WORDS[result.truth]} ({', '.join(truths)})",
            error=failed or None,
        )

    return Trial(question, refuted, run)


def _for_a_person(bench: Bench, explanation: Explanation) -> Trial:
    """The pattern's own refuting query: asked and shown, but its wording is judged by whoever reads it."""
    observed = bench.observed
    query, source = explanation.refuted_by.query, explanation.refuted_by.datasource

    def ask() -> Answer[Any]:
        if source == "loki":
            return bench.telemetry.logs(query, observed.start, observed.end)
        if source == "tempo":
            return bench.telemetry.traces(query, observed.start, observed.end)
        return bench.telemetry.range_query(query, observed.start, observed.end, max(1.0, observed.step))

    def judge(answer: Answer[Any]) -> Judged:
        return Judged(Verdict.INCONCLUSIVE, "for a person to judge", excerpt_of(answer.data))

    question = Question(explanation.statement, explanation.refuted_by.when, source)
    return bench.trial(question, ask, judge)
