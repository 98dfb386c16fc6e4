"""Explanations that a model proposes: it chooses a service and a kind of fault, our own experiments do the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import Field

from compass.investigate import log_trials, metric_trials, trace_trials
from compass.investigate.candidates import RESOURCES, Candidate, as_finding
from compass.investigate.confidence import probabilities
from compass.investigate.deviation import Deviation, by_component
from compass.investigate.experiments import Bench, Trial
from compass.investigate.families import Family
from compass.investigate.findings import Finding, Signal
from compass.investigate.prompting import quoted_text
from compass.investigate.ranking import Ranking
from compass.investigate.striking import Allowed, struck
from compass.model.base import Model
from compass.model.investigation import Incident, Origin

MOST: Final = 2
_SERVICES: Final = 40
_TOLD: Final = 12
_LONGEST_NAME: Final = 100
# Without bounds a small model fills a text until it is cut off, and the answer is none.
_WORDY: Final = 240
_ASKED: Final = 3
# Nothing measured says how likely the kind is that a model chose, so that it is even odds; what it proposes is
# therefore never likelier than not, and nothing is concluded from it before a person looked at it.
_KIND: Final = 0.5
Kind = Literal[
    "cpu", "memory", "disk", "network", "saturation", "restarts", "latency", "errors", "stopped", "traffic"
]
KINDS: Final[tuple[Kind, ...]] = (
    "cpu", "memory", "disk", "network", "saturation", "restarts", "latency", "errors", "stopped", "traffic",
)  # fmt: skip


class Idea(Model):
    """One proposal as the model writes it."""

    statement: str = Field(max_length=2000)
    service: str
    kind: Kind
    prediction: str = Field(max_length=2000)


class Ideas(Model):
    """A model's answer."""

    hypotheses: tuple[Idea, ...]


class Chosen(NamedTuple):
    """Candidates to be tested, and what was left out and why."""

    candidates: tuple[Candidate, ...]
    dropped: tuple[str, ...]


def services_of(ranking: Ranking) -> list[str]:
    """The components that a model may name: the best ranked, without names that are texts or secrets."""
    names = [one.component for one in ranking.components]
    return [name for name in names if len(name) <= _LONGEST_NAME and quoted_text(name) == name][:_SERVICES]


def question(
    incident: Incident, bench: Bench, ranking: Ranking, candidates: Sequence[Candidate]
) -> dict[str, Any]:
    """What the model is told: data only, the list `seen` may be cut."""
    changes = [
        {"change": quoted_text(f"{one.type} of {one.service}: {one.summary}")}
        for one in bench.observed.changes[-5:]
    ]
    findings = [
        {"service": quoted_text(one.component), "seen": [quoted_text(part.text) for part in one.findings[:3]]}
        for one in ranking.components[:_TOLD]
    ]
    return {
        "symptom": quoted_text(incident.symptom),
        "noticed_at": quoted_text(incident.service or ""),
        "services": services_of(ranking),
        "considered": [quoted_text(one.statement) for one in candidates],
        "seen": [*changes, *findings],
    }


def schema(services: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of `Ideas`, with the services that may be named."""
    item = {
        "type": "object",
        "properties": {
            "statement": {"type": "string", "maxLength": _WORDY},
            "service": {"type": "string", "enum": list(services)},
            "kind": {"type": "string", "enum": list(KINDS)},
            "prediction": {"type": "string", "maxLength": _WORDY},
        },
        "required": ["statement", "service", "kind", "prediction"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"hypotheses": {"type": "array", "items": item, "maxItems": _ASKED}},
        "required": ["hypotheses"],
        "additionalProperties": False,
    }


def choose(ideas: Ideas, bench: Bench, ranking: Ranking, considered: Sequence[Candidate]) -> Chosen:
    """Those that name a known service, are new, and can be tested; two at most."""
    known, moved = set(services_of(ranking)), by_component(ranking.deviations)
    likely = probabilities(bench.observed, ranking.components)
    taken = {one.statement for one in considered}
    kept: list[Candidate] = []
    dropped: list[str] = []
    for idea in ideas.hypotheses:
        if idea.service not in known:
            dropped.append("a service that is not known")
            continue
        statement, predicts = _words(idea)
        trials = tuple(_trials(bench, idea, moved.get(idea.service, [])))
        if statement in taken:
            dropped.append(f"{statement}: already considered")
        elif not trials:
            dropped.append(f"{statement}: no telemetry here could refute it")
        elif len(kept) == MOST:
            dropped.append(f"{statement}: {MOST} are enough")
        else:
            taken.add(statement)
            kept.append(
                Candidate(
                    statement,
                    idea.service,
                    Origin.MODEL,
                    predicts,
                    _KIND * likely.get(idea.service, 0.0),
                    trials,
                    tuple(_own_words(idea, known)),
                )
            )
    return Chosen(tuple(kept), tuple(dict.fromkeys(dropped)))


def _own_words(idea: Idea, services: set[str]) -> Iterator[str]:
    """What the model wrote, with everything struck that could be taken for evidence."""
    allowed = Allowed.of([], services)
    for name, text in (("statement", idea.statement), ("prediction", idea.prediction)):
        words = struck(text[:400], allowed).text
        if words:
            yield f"the model's {name}, untested words: {words}"


def _words(idea: Idea) -> tuple[str, str]:
    """Statement and prediction in our words: only what the experiments test may get a verdict."""
    name = idea.service
    if idea.kind == "latency":
        return f"{name} itself became slow", f"{name} is slower than before by more than its callees are"
    if idea.kind == "errors":
        return f"{name} itself fails or answers wrongly", f"{name} fails more often than before"
    if idea.kind == "stopped":
        return (
            f"{name} has stopped, or can no longer be observed",
            f"nothing of {name} is recorded since detection",
        )
    if idea.kind == "traffic":
        return f"More requests arrive at {name} than it was sized for", f"the request rate of {name} rose"
    what = RESOURCES[Family(idea.kind)]
    if idea.kind == "restarts":
        return f"{name} keeps restarting", f"restarts of {name} have left their range"
    return f"{name} runs short of {what}", f"a metric of {name} about {what} has left its range"


_FAMILIES: Final[Mapping[str, Family]] = {
    "latency": Family.LATENCY, "errors": Family.ERRORS, "traffic": Family.TRAFFIC,
    "cpu": Family.CPU, "memory": Family.MEMORY, "disk": Family.DISK, "network": Family.NETWORK,
    "saturation": Family.SATURATION, "restarts": Family.RESTARTS,
}  # fmt: skip


def _trials(bench: Bench, idea: Idea, moved: Sequence[Deviation]) -> Iterator[Trial]:
    """Only experiments about this service and this kind: a general disturbance must support no idea."""
    name = idea.service
    if idea.kind == "stopped":
        yield metric_trials.ends(bench, name)
        yield log_trials.falls_silent(bench, name)
        return
    family = _FAMILIES[idea.kind]
    own = [one for one in moved if one.meaning.family is family]
    if own:
        finding = as_finding(own[0])
        yield metric_trials.level(bench, finding)
        if family in RESOURCES:
            yield metric_trials.peers(bench, finding)
    traced = any(span.service == name for span in bench.observed.window.spans)
    if traced and idea.kind == "latency":
        yield trace_trials.inside(bench, name)
    elif traced and idea.kind == "errors":
        yield trace_trials.endings(bench, Finding(name, Signal.FAILED_SPAN, 0.0, ""))
    elif traced and idea.kind == "traffic":
        yield trace_trials.requests(bench, name)
