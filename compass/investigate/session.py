"""One investigation from the first look to the record: what the commands of the terminal work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from threading import Lock
from typing import Final, NamedTuple

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
from compass.investigate.conclude import concluded
from compass.investigate.experiments import Bench
from compass.investigate.knowledge import related
from compass.investigate.observation import Observation
from compass.investigate.observe import observe
from compass.investigate.past import Past, remembered
from compass.investigate.patterns import from_patterns
from compass.investigate.ranking import Ranking, rank
from compass.investigate.summary import facts
from compass.investigate.together import together
from compass.investigate.verdicts import RANKED, overall, posterior
from compass.investigate.words import Words
from compass.library import Library
from compass.model.catalog import calls
from compass.model.ids import new_id
from compass.model.investigation import (
    Citation,
    Deed,
    Experiment,
    Hypothesis,
    Incident,
    Investigation,
    ModelUse,
    Note,
    Origin,
    Said,
    Verdict,
)

TOOL: Final = f"compass {__version__}"


class Step(NamedTuple):
    """What has just happened: an experiment of the hypothesis at this place; None for anything else."""

    place: int | None = None
    experiment: Experiment | None = None


@dataclass
class Session:
    """The state of an investigation; places are those of `candidates`, counted from 0.

    `done` holds the experiments made so far by place and number; `on_step` hears each step as soon as it is over, one at a time.
    """

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
    done: dict[int, dict[int, Experiment]] = field(default_factory=dict)
    refuted: dict[int, str] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    words: Words | None = None
    used: ModelUse | None = None
    said: tuple[Said, ...] = ()
    on_step: Callable[[Step], None] = lambda _: None
    _cited: dict[int, tuple[Citation, ...]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _stopped: bool = False

    def remember(self, past: Sequence[Past]) -> None:
        """Let earlier records speak, before anything is tested; the unlikeliest makes room, but never the usual rival."""
        found = list(remembered(self.bench, self.ranking, self.candidates, past))
        while len(found) > MOST:
            found.remove([one for one in found if one.origin is not Origin.LOAD][-1])
        self.candidates = tuple(found)
        self._stepped()

    def consult(self, words: Words, told: Callable[[str], None]) -> None:
        """Take a model in: it may add candidates behind those that are there; these stay as they are."""
        self.words = words
        told(f"asking the model {words.llm.model}: {words.bound}")
        self.candidates += words.ideas(self.incident, self.bench, self.ranking, self.candidates)
        self._stepped()

    def take_up(self, words: Words) -> None:
        """Go on with a model that gave its ideas in an earlier run, which count against the budget."""
        if self.used is not None:
            words.carry_on(self.used)
        self.words = words

    def summarize(self) -> None:
        """Let the model, if there is one, put what was found into words; the record shows them beside the facts."""
        if self.words is not None and self.tested:
            plain = self.record()
            known = list(facts(self.incident, plain.hypotheses, plain.contributing_causes, plain.missing))
            self.said = self.words.summary(known, [one.service for one in plain.services])
            self._stepped()

    @property
    def tested(self) -> tuple[int, ...]:
        """The places of the hypotheses all of whose experiments were made, or that a person refuted."""
        return tuple(
            place for place in range(len(self.candidates)) if place in self.refuted or self._through(place)
        )

    def _through(self, place: int) -> bool:
        return place in self.done and len(self.done[place]) == len(self.candidates[place].trials)

    def test(self, place: int) -> Hypothesis:
        """Run those experiments of one candidate that were not made yet; what is interrupted keeps what it has."""
        done = self.done.setdefault(place, {})
        waiting = [number for number in range(len(self.candidates[place].trials)) if number not in done]
        try:
            together([partial(self._run, place, number) for number in waiting], self.bench.telemetry.at_once)
        except BaseException:
            # Telemetry is closed under the feet of whatever still runs: its failure is no answer.
            with self._lock:
                self._stopped = True
            raise
        return self.hypothesis(place)

    def test_all(self) -> None:
        """Test every hypothesis that was not tested yet and that nobody refuted."""
        for place in range(len(self.candidates)):
            if place not in self.tested:
                self.test(place)

    def _run(self, place: int, number: int) -> None:
        experiment = self.candidates[place].trials[number].run()
        with self._lock:
            if not self._stopped:
                self.done[place][number] = experiment
                self.on_step(Step(place, experiment))

    def decide(self, deed: Deed, place: int, reason: str | None, now: datetime) -> None:
        """What a human decides about a hypothesis becomes part of the story; the last word counts."""
        if deed is Deed.REFUTE:
            self.refuted[place] = reason or "no reason was given"
            self.confirmed.discard(place)
        elif deed is Deed.CONFIRM:
            self.confirmed.add(place)
            self.refuted.pop(place, None)
        statement = self.candidates[place].statement
        self.notes.append(Note(time=now, text=statement, deed=deed, reason=reason))
        self._stepped()

    def note(self, text: str, now: datetime) -> None:
        """Keep what the human says."""
        self.notes.append(Note(time=now, text=text))
        self._stepped()

    def _stepped(self) -> None:
        with self._lock:
            self.on_step(Step())

    def hypothesis(self, place: int) -> Hypothesis:
        """One candidate as the experiments made so far leave it; its rank is its place."""
        candidate = self.candidates[place]
        experiments = tuple(one for _, one in sorted(self.done.get(place, {}).items()))
        verdicts = [one.verdict for one in experiments]
        reason = self.refuted.get(place)
        return Hypothesis(
            rank=place + 1,
            statement=candidate.statement,
            service=candidate.service,
            origin=candidate.origin,
            pattern=candidate.pattern,
            predicts=candidate.predicts,
            prior=candidate.prior,
            confidence=posterior(
                candidate.prior,
                verdicts,
                ranked=candidate.origin in RANKED,
                refuted_by_person=reason is not None,
            ),
            verdict=overall(verdicts) if reason is None else Verdict.REFUTED,
            experiments=experiments,
            citations=self._citations(place),
            why=candidate.why,
            refuted_by_person=reason,
            confirmed_by_person=place in self.confirmed,
            cost=candidate.cost,
        )

    def _citations(self, place: int) -> tuple[Citation, ...]:
        """Those that stand, read from Git once."""
        if place not in self._cited:
            self._cited[place] = checked(self.candidates[place].citations, self.library)
        return self._cited[place]

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What was tested or confirmed: what a person confirmed, then what still stands, by confidence; ranks from 1."""
        ordered = sorted(
            (self.hypothesis(place) for place in sorted({*self.tested, *self.confirmed})),
            key=lambda one: (
                not one.confirmed_by_person,
                one.verdict is Verdict.REFUTED,
                -one.confidence,
                one.rank,
            ),
        )
        return tuple(one.model_copy(update={"rank": rank}) for rank, one in enumerate(ordered, 1))

    @property
    def seconds(self) -> float:
        """How long it took so far."""
        return round(self.clock() - self.began, 2)

    def record(self) -> Investigation:
        """The investigation as it is now, sealed."""
        return concluded(
            self.bench,
            self.ranking,
            self.library,
            Investigation(
                id=self.id,
                tool=TOOL,
                started=self.started,
                incident=self.incident,
                hypotheses=self.hypotheses(),
                notes=tuple(self.notes),
                summary=self.said,
                language_model=self.words.use() if self.words is not None else self.used,
            ),
            self.seconds,
        )


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
