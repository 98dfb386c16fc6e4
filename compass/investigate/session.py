"""One investigation from the first look to the record: what the commands of the terminal work on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random

from compass import __version__
from compass.adapters.telemetry.answer import Telemetry
from compass.investigate.candidates import (
    MOST,
    Candidate,
    from_absence,
    from_changes,
    from_load,
    from_ranking,
)
from compass.investigate.citations import checked
from compass.investigate.conclude import LIKELY, causes, missing, timeline
from compass.investigate.confidence import MOST as MOST_LIKELY
from compass.investigate.experiments import Bench
from compass.investigate.knowledge import related
from compass.investigate.observation import Observation
from compass.investigate.observe import observe
from compass.investigate.patterns import from_patterns
from compass.investigate.ranking import Ranking, rank
from compass.investigate.recognition import recognize
from compass.investigate.summary import facts
from compass.investigate.words import Words
from compass.library import Library
from compass.model.catalog import calls
from compass.model.ids import new_id
from compass.model.investigation import (
    Cost,
    Hypothesis,
    Incident,
    Investigation,
    Note,
    Origin,
    Said,
    ServiceScore,
    Verdict,
)
from compass.model.match import Match

# How much one experiment moves the odds of its hypothesis.
SUPPORTS = 2.0
MOST_SUPPORT = 2
REFUTES = 0.1
# The prior of a ranked component is calibrated on the telemetry that the experiments ask again: their support is
# already in it, and what they refute is the mechanism rather than the component.
REFUTES_RANKED = 0.5


@dataclass
class Session:
    """The state of an investigation; `results` holds what has been tested so far, by the candidate's place."""

    id: str
    incident: Incident
    library: Library
    observed: Observation
    ranking: Ranking
    candidates: tuple[Candidate, ...]
    bench: Bench
    started: datetime
    clock: Callable[[], float]
    began: float
    results: dict[int, Hypothesis] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    words: Words | None = None
    said: tuple[Said, ...] = ()

    def consult(self, words: Words, told: Callable[[str], None]) -> None:
        """Take a model in: it may add candidates behind those that are there; these stay as they are."""
        self.words = words
        told(f"asking the model {words.llm.model}: {words.bound}")
        self.candidates += words.ideas(self.incident, self.bench, self.ranking, self.candidates)

    def summarize(self) -> None:
        """Let the model, if there is one, put what was found into words; the record shows them beside the facts."""
        if self.words is not None and self.results:
            plain = self.record()
            known = list(facts(self.incident, plain.hypotheses, plain.contributing_causes, plain.missing))
            self.said = self.words.summary(known, [one.service for one in plain.services])

    def test(self, place: int) -> Hypothesis:
        """Run the experiments of one candidate; a second call gives the same answer."""
        if place not in self.results:
            candidate = self.candidates[place]
            experiments = tuple(trial.run() for trial in candidate.trials)
            verdict = overall([one.verdict for one in experiments])
            self.results[place] = Hypothesis(
                rank=place + 1,
                statement=candidate.statement,
                service=candidate.service,
                origin=candidate.origin,
                pattern=candidate.pattern,
                predicts=candidate.predicts,
                confidence=posterior(
                    candidate.prior,
                    [one.verdict for one in experiments],
                    ranked=candidate.origin in {Origin.RANKING, Origin.MODEL},
                ),
                verdict=verdict,
                experiments=experiments,
                citations=checked(candidate.citations, self.library),
                why=candidate.why,
                cost=candidate.cost,
            )
        return self.results[place]

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What was tested, those still standing first, then by confidence; ranks count from 1."""
        ordered = sorted(
            self.results.items(),
            key=lambda pair: (pair[1].verdict is Verdict.REFUTED, -pair[1].confidence, pair[0]),
        )
        return tuple(one.model_copy(update={"rank": rank}) for rank, (_, one) in enumerate(ordered, 1))

    def record(self) -> Investigation:
        """The investigation as it is now."""
        hypotheses = self.hypotheses()
        found = causes(hypotheses, self.library, self.observed)
        standing = [one for one in hypotheses if stands(one) and not one.citations]
        claims = [
            *(one.statement for one in standing),
            *(one.text for one in found if not one.supported),
            *(one.text for one in self.said if not one.supported),
        ]
        used = self.words.use() if self.words is not None else None
        return Investigation(
            id=self.id,
            tool=f"compass {__version__}",
            started=self.started,
            incident=self.incident,
            hypotheses=hypotheses,
            services=tuple(
                ServiceScore(
                    service=one.component,
                    score=round(one.score, 4),
                    why=tuple(f"{part.signal}: {part.text}" for part in one.findings[:3]),
                )
                for one in self.ranking.components
            ),
            contributing_causes=found,
            timeline=timeline(self.observed),
            recognized_by=self._recognized(hypotheses),
            missing=missing(self.observed),
            unsupported=tuple(dict.fromkeys(claims)),
            notes=tuple(self.notes),
            summary=self.said,
            language_model=used,
            cost=Cost(
                tokens=used.cost.tokens if used else 0,
                usd=used.cost.usd if used else 0.0,
                seconds=round(self.clock() - self.began, 2),
            ),
        )

    def _recognized(self, hypotheses: Sequence[Hypothesis]) -> Match | None:
        """A match for the component of the best hypothesis that stands."""
        for one in hypotheses:
            if stands(one) and one.service:
                return recognize(self.bench, self.ranking, one.service)
        return None


def stands(hypothesis: Hypothesis) -> bool:
    """Whether a hypothesis may be concluded from: supported, and likelier than not."""
    return hypothesis.verdict is Verdict.SUPPORTED and hypothesis.confidence >= LIKELY


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """One refutation refutes; without any, one support supports."""
    if Verdict.REFUTED in verdicts:
        return Verdict.REFUTED
    return Verdict.SUPPORTED if Verdict.SUPPORTED in verdicts else Verdict.INCONCLUSIVE


def posterior(prior: float, verdicts: Sequence[Verdict], *, ranked: bool = False) -> float:
    """Prior odds x 2 for each of at most two experiments that support, x 0.1 for each that refutes; 0.01 to 0.97.

    Experiments ask the same telemetry, so that a third support says nothing that two have not said. With the
    calibrated prior of a `ranked` component, no support counts, and refutations together halve the odds.
    """
    bounded = min(max(prior, 0.01), MOST_LIKELY if ranked else 0.9)
    odds = math.log(bounded / (1 - bounded))
    if ranked:
        odds += math.log(REFUTES_RANKED) if Verdict.REFUTED in verdicts else 0.0
        return round(1 / (1 + math.exp(-odds)), 3)
    odds += min(MOST_SUPPORT, verdicts.count(Verdict.SUPPORTED)) * math.log(SUPPORTS)
    odds += verdicts.count(Verdict.REFUTED) * math.log(REFUTES)
    return round(min(max(1 / (1 + math.exp(-odds)), 0.01), 0.97), 3)


def open_session(
    incident: Incident,
    telemetry: Telemetry,
    library: Library,
    *,
    now: datetime,
    random: Random,
    clock: Callable[[], float],
    cache: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Session:
    """Observe, rank, and set up three to five hypotheses; nothing is tested yet. `told` hears what is being done."""
    began = clock()
    told("observing")
    observed = observe(incident, telemetry, calls(library.entities.values()))
    told("ranking")
    ranking = rank(observed)
    told("forming hypotheses")
    bench = Bench(telemetry, observed)
    scores = {one.component: one.score for one in ranking.components}
    chosen = choose(
        list(from_patterns(bench, library, scores)),
        list(from_ranking(bench, ranking)),
        [*from_changes(bench, ranking), *from_absence(bench)],
        list(from_load(bench, ranking.deviations)),
    )
    candidates = related(chosen, incident, library, cache)
    identifier = new_id("investigation", random)
    return Session(identifier, incident, library, observed, ranking, candidates, bench, now, clock, began)


def choose(
    patterns: Sequence[Candidate],
    ranked: Sequence[Candidate],
    events: Sequence[Candidate],
    rivals: Sequence[Candidate],
) -> tuple[Candidate, ...]:
    """Three to five that compete: at most two patterns and two events, the first components, and always a rival."""
    best = sorted(events, key=lambda one: -one.prior)
    kept = [*patterns[:2], *ranked[:1], *best[:1], *rivals[:1], *ranked[1:], *best[1:2], *patterns[2:3]]
    return tuple(sorted(kept[:MOST], key=lambda one: -one.prior))
