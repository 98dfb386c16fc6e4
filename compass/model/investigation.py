"""One worked incident: hypotheses with their experiments and verdicts, the ranking, what was concluded and what it cost."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from compass.model.base import Model, SchemaVersion
from compass.model.entry import SystemLevel, Text, Time, TimeWindow
from compass.model.match import Match

InvestigationId = Annotated[str, StringConstraints(pattern=r"^inv-[0-9a-hjkmnp-tv-z]{10}$")]
Datasource = Literal["prometheus", "loki", "tempo", "changes", "alerts"]
Section = Literal["summary", "impact", "investigation", "lessons"]
Excerpt = Annotated[str, StringConstraints(max_length=4096)]


class Verdict(StrEnum):
    """What experiments say; missing data is inconclusive."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


class Origin(StrEnum):
    """Where a hypothesis came from."""

    PATTERN = "pattern"
    RANKING = "ranking"
    CHANGE = "change"
    ABSENCE = "absence"
    LOAD = "load"
    MODEL = "model"


class Incident(Model):
    """What was noticed, and which stretches of time are looked at."""

    symptom: Text
    service: str | None = None
    metric: str | None = None
    detected: Time
    window: TimeWindow
    baseline: TimeWindow | None = Field(
        default=None, description="a time without this fault; it may have drifted"
    )
    recording: str | None = Field(default=None, description="the id of the recording that was investigated")
    servers: tuple[str, ...] = Field(
        default=(), description="the telemetry servers that were asked, without what may be secret"
    )
    alert: str | None = Field(default=None, description="the name of the alert that told of it")


class Citation(Model):
    """`repo@commit:path#Lx-Ly` and the words that stand there."""

    ref: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[0-9a-f]{40,64}:[^\n#]+#L[0-9]+-L[0-9]+$")]
    quote: Text


class Experiment(Model):
    """A stored query that could have refuted its hypothesis, with its window, answer and digest."""

    question: Text
    refuted_when: Text
    datasource: Datasource
    query: Text
    window: TimeWindow
    observed: Excerpt = ""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    verdict: Verdict
    reason: Text
    error: str | None = None


class Cost(Model):
    """What something cost; `usd` is null where the price of a model is not known."""

    tokens: Annotated[int, Field(ge=0)] = 0
    usd: Annotated[float, Field(ge=0)] | None = 0.0
    seconds: Annotated[float, Field(ge=0)] = 0.0


class Hypothesis(Model):
    """A competing explanation, its prediction and what became of it."""

    rank: Annotated[int, Field(ge=1)]
    statement: Text
    service: str | None
    origin: Origin
    pattern: str | None = Field(default=None, description="the id of the pattern it comes from")
    predicts: Text
    confidence: Annotated[float, Field(ge=0, le=1)]
    verdict: Verdict
    experiments: tuple[Experiment, ...] = ()
    citations: tuple[Citation, ...] = ()
    why: tuple[str, ...] = Field(default=(), description="what made it worth testing")
    cost: Cost = Field(default=Cost(), description="what a language model cost to propose it")


class ServiceScore(Model):
    """A component's place in the ranking; `why` explains the score."""

    service: str
    score: float
    why: tuple[str, ...] = ()


class Cause(Model):
    """A contributing cause, at one level of the system; without a citation it is unsupported."""

    text: Text
    level: SystemLevel
    citations: tuple[Citation, ...] = ()
    evidence: tuple[str, ...] = Field(default=(), description="digests of the experiments that speak for it")

    @property
    def supported(self) -> bool:
        """Whether something citable stands behind it."""
        return bool(self.citations)


class Happening(Model):
    """One line of the timeline."""

    time: Time
    what: Text
    source: Text


class Note(Model):
    """What the human said or decided, and when."""

    time: Time
    text: Text


class Said(Model):
    """A sentence of a language model: words only, checked against the facts that it names."""

    text: Text
    section: Section = Field(
        default="summary", description="the summary, or the section of a draft it is for"
    )
    facts: tuple[str, ...] = Field(default=(), description="facts of this record, such as `h1` and `h1e2`")
    supported: bool = Field(description="whether it names facts, and nothing in it had to be struck")


class ModelCall(Model):
    """One question to a language model."""

    purpose: Literal["hypotheses", "summary"]
    prompt: Text = Field(description="the file of the instructions, with its version")
    prompt_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    request_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    cost: Cost
    cached: bool = False
    estimated: bool = Field(
        default=False, description="the server did not count, so that the most it can have been is taken"
    )
    error: str | None = Field(default=None, description="why the answer was not used")


class ModelUse(Model):
    """What a language model was asked in an investigation, and what that cost."""

    name: Text
    estimate: Cost = Field(description="the most it could cost, said before the first question")
    cost: Cost
    calls: tuple[ModelCall, ...] = ()
    dropped: tuple[str, ...] = Field(default=(), description="what it proposed and why that was left out")


class Investigation(Model):
    """investigations/<yyyy>/<id>.yaml: the record of one investigation."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    id: InvestigationId
    tool: Text
    started: Time
    incident: Incident
    hypotheses: tuple[Hypothesis, ...] = ()
    services: tuple[ServiceScore, ...] = ()
    contributing_causes: tuple[Cause, ...] = ()
    timeline: tuple[Happening, ...] = ()
    recognized_by: Match | None = Field(
        default=None, description="a match that held on replay during the incident and not before it"
    )
    missing: tuple[str, ...] = Field(
        default=(), description="telemetry that was not there or failed to answer"
    )
    unsupported: tuple[str, ...] = Field(default=(), description="claims without a citation")
    notes: tuple[Note, ...] = ()
    summary: tuple[Said, ...] = Field(
        default=(), description="a language model's words for a summary and for drafts, if there was one"
    )
    language_model: ModelUse | None = None
    cost: Cost = Cost()

    def as_json(self) -> dict[str, Any]:
        """The fixed shape of `investigate --format json`; `model` is there only where a model was asked."""
        whole = self.model_dump(mode="json", by_alias=True)
        shown = ("rank", "statement", "service", "confidence", "verdict", "experiments", "citations")
        shape = {
            "schema": whole["schema"],
            "id": whole["id"],
            "hypotheses": [{name: one[name] for name in shown} for one in whole["hypotheses"]],
            "services": [{"service": one["service"], "score": one["score"]} for one in whole["services"]],
            "contributing_causes": whole["contributing_causes"],
            "cost": whole["cost"],
            "unsupported": whole["unsupported"],
        }
        if self.language_model is not None:
            shape["model"] = {
                **whole["language_model"],
                "summary": [one for one in whole["summary"] if one["section"] == "summary"],
                "prose": [one for one in whole["summary"] if one["section"] != "summary"],
                "hypotheses": [
                    {"rank": one.rank, **one.cost.model_dump(mode="json")}
                    for one in self.hypotheses
                    if one.origin is Origin.MODEL
                ],
            }
        return shape
