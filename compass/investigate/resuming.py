"""A session as something that can be kept, and set up again in another process: what was answered is not asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Protocol

from compass.adapters.telemetry.answer import Telemetry
from compass.errors import ConfigError
from compass.investigate.candidates import Candidate
from compass.investigate.experiments import Bench
from compass.investigate.observation import Observation
from compass.investigate.observe import observe
from compass.investigate.ranking import rank
from compass.investigate.retrial import trial_of
from compass.investigate.session import Session
from compass.library import Library
from compass.model.investigation import Incident, Investigation
from compass.model.progress import Asked, Progress, Waiting


@dataclass(frozen=True)
class Setting:
    """What a kept investigation needs beside its session: whose telemetry, where its record goes, who decides."""

    asked: Asked
    repository: str | None
    auto: bool


def progress_of(session: Session, setting: Setting) -> Progress:
    """The session as it is now."""
    return Progress(
        id=session.id,
        started=session.started,
        incident=session.incident,
        asked=setting.asked,
        repository=setting.repository,
        auto=setting.auto,
        hypotheses=tuple(_waiting(session, place, one) for place, one in enumerate(session.candidates)),
        notes=tuple(session.notes),
        consulted=session.words is not None or session.used is not None,
        language_model=session.words.use() if session.words is not None else session.used,
        summary=session.said,
        seconds=max(0.0, session.seconds),
    )


def _waiting(session: Session, place: int, candidate: Candidate) -> Waiting:
    return Waiting(
        statement=candidate.statement,
        service=candidate.service,
        origin=candidate.origin,
        predicts=candidate.predicts,
        prior=candidate.prior,
        rules=tuple(one.rule for one in candidate.trials),
        done=dict(session.done.get(place, {})),
        why=candidate.why,
        pattern=candidate.pattern,
        citations=tuple(one for one in candidate.citations if one is not None),
        cost=candidate.cost,
        refuted_by_person=session.refuted.get(place),
        confirmed_by_person=place in session.confirmed,
    )


class Opening(Protocol):
    """How an investigation begins: anew (`open_session`), where it stopped, or only by looking again."""

    def __call__(
        self,
        incident: Incident,
        telemetry: Telemetry,
        library: Library,
        /,
        *,
        now: datetime,
        random: Random,
        clock: Callable[[], float],
        cache: Path | None = None,
        told: Callable[[str], None] = ...,
    ) -> Session:
        """Ask the telemetry what there is to be known of the incident."""
        ...


def reopening(kept: Progress, seen: Observation | None = None) -> Opening:
    """Opens a session that goes on where its progress ends: hypotheses and answers are those that were kept.

    `seen` is what was observed then; without it the telemetry is looked at again.
    """

    def opened(
        _incident: Incident,
        telemetry: Telemetry,
        library: Library,
        /,
        *,
        clock: Callable[[], float],
        **other: Any,
    ) -> Session:
        session = _looked(kept.id, kept.incident, telemetry, library, clock=clock, seen=seen, **other)
        session.started, session.began = kept.started, session.began - kept.seconds
        session.candidates = tuple(_candidate(session.bench, one, kept.id) for one in kept.hypotheses)
        session.used, session.said, session.notes = kept.language_model, kept.summary, list(kept.notes)
        for place, one in enumerate(kept.hypotheses):
            if one.done:
                session.done[place] = dict(one.done)
            if one.refuted_by_person is not None:
                session.refuted[place] = one.refuted_by_person
            if one.confirmed_by_person:
                session.confirmed.add(place)
        return session

    return opened


def looking(record: Investigation) -> Opening:
    """Opens a session without hypotheses over the telemetry of a record, which its experiments can be put to again."""

    def opened(_incident: Incident, telemetry: Telemetry, library: Library, /, **other: Any) -> Session:
        return _looked(record.id, record.incident, telemetry, library, **other)

    return opened


def _looked(
    identifier: str,
    incident: Incident,
    telemetry: Telemetry,
    library: Library,
    *,
    now: datetime,
    clock: Callable[[], float],
    told: Callable[[str], None] = lambda _: None,
    seen: Observation | None = None,
    **_unused: Any,
) -> Session:
    began = clock()
    told("observing")
    observed = observe(incident, telemetry) if seen is None else seen
    told("ranking")
    bench = Bench(telemetry, observed)
    return Session(identifier, incident, library, observed, rank(observed), (), bench, now, clock, began)


def _candidate(bench: Bench, one: Waiting, investigation: str) -> Candidate:
    try:
        trials = tuple(trial_of(bench, rule) for rule in one.rules)
    except (KeyError, ValueError) as problem:
        raise ConfigError(
            f"the progress of {investigation} was kept by another version of COMPASS: {problem}",
            "start the investigation anew",
        ) from problem
    return Candidate(
        one.statement,
        one.service,
        one.origin,
        one.predicts,
        one.prior,
        trials,
        one.why,
        one.pattern,
        one.citations,
        one.cost,
    )
