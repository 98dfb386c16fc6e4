"""The kinds of entry that people write: pattern, runbook and post-mortem, as in their front matter."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from compass.model.base import Model, SchemaVersion, in_utc
from compass.model.match import Match

GroupRef = Annotated[str, StringConstraints(pattern=r"^group:default/[a-z0-9][a-z0-9._-]*$")]
ComponentRef = Annotated[
    str,
    StringConstraints(pattern=r"^(?:component:default/[a-z0-9][a-z0-9._-]*|category:[a-z0-9][a-z0-9-]*)$"),
]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*:[a-z0-9][a-z0-9._-]*$")]
EntryId = Annotated[str, StringConstraints(pattern=r"^(?:pat|run|pm)-[0-9a-hjkmnp-tv-z]{10}$")]
PatternId = Annotated[str, StringConstraints(pattern=r"^pat-[0-9a-hjkmnp-tv-z]{10}$")]
RunbookId = Annotated[str, StringConstraints(pattern=r"^run-[0-9a-hjkmnp-tv-z]{10}$")]
PostmortemId = Annotated[str, StringConstraints(pattern=r"^pm-[0-9a-hjkmnp-tv-z]{10}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Summary = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


Time = Annotated[AwareDatetime, AfterValidator(in_utc)]


class Status(StrEnum):
    """How far an entry is confirmed; evidence promotes it, never age."""

    DRAFT = "draft"
    VERIFIED = "verified"
    STABLE = "stable"
    DEPRECATED = "deprecated"
    WITHDRAWN = "withdrawn"


class ImpactLevel(StrEnum):
    """How much an incident of this sort hurts users."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class SystemLevel(StrEnum):
    """The level of the sociotechnical system at which a cause contributed (after Rasmussen)."""

    REGULATORY = "regulatory"
    ORGANIZATIONAL = "organizational"
    TECHNICAL_MANAGEMENT = "technical_management"
    WORK_ENVIRONMENT = "work_environment"
    HUMAN_SYSTEM_INTERFACE = "human_system_interface"
    EQUIPMENT_TECHNOLOGY = "equipment_technology"


class Relation(StrEnum):
    """How one entry relates to another; inverses are derived, never stored."""

    DUPLICATES = "duplicates"
    SUPERSEDES = "supersedes"
    DERIVED_FROM = "derived_from"
    CAUSED_BY = "caused_by"
    REMEDIATED_BY = "remediated_by"
    SIMILAR = "similar"


class ReferenceType(StrEnum):
    """The reference types of the OSV schema."""

    ADVISORY = "ADVISORY"
    ARTICLE = "ARTICLE"
    DETECTION = "DETECTION"
    DISCUSSION = "DISCUSSION"
    REPORT = "REPORT"
    FIX = "FIX"
    INTRODUCED = "INTRODUCED"
    GIT = "GIT"
    PACKAGE = "PACKAGE"
    EVIDENCE = "EVIDENCE"
    WEB = "WEB"


class Risk(StrEnum):
    """What a runbook step may do; only `read_only` steps are ever run by COMPASS."""

    READ_ONLY = "read_only"
    REVERSIBLE = "reversible"
    DESTRUCTIVE = "destructive"


class Related(Model):
    """A typed link to another entry."""

    type: Relation
    id: EntryId


class Reference(Model):
    """A source outside the repository: a URL, or a file name for imported text."""

    type: ReferenceType
    url: Text


class TimeWindow(Model):
    """When something was observed; both ends with a zone."""

    start: Time = Field(alias="from")
    end: Time = Field(alias="to")


class Evidence(Model):
    """What was seen: a stored query, its window and the excerpt (4 kB at most) with its digest."""

    id: Annotated[str, StringConstraints(pattern=r"^e[0-9]{1,3}$")]
    type: Literal["query", "log", "metric", "trace", "alert", "change", "incident", "commit", "ticket", "doc"]
    datasource: str | None = None
    query: str | None = None
    window: TimeWindow | None = None
    observed: Annotated[str, StringConstraints(max_length=4096)] | None = None
    captured: Time | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    redacted: bool = False


class Confirmed(Model):
    """How many incidents, in how many tribes, confirmed the entry; counts, kept by the tool."""

    incidents: Annotated[int, Field(ge=0)] = 0
    tribes: Annotated[int, Field(ge=0)] = 0


class Provenance(Model):
    """Who or what drafted the entry, and where it came from."""

    drafted_by: Literal["human", "agent"]
    model: str | None = None
    tool: str | None = Field(default=None, description="name and version of the program that drafted it")
    prompts: tuple[str, ...] = Field(
        default=(), description="name and digest of each prompt by which the model wrote in it"
    )
    investigation: str | None = None
    origin: str | None = Field(
        default=None, description="where a promoted entry came from; sealed at the hub"
    )


class Withdrawal(Model):
    """Why and when an entry was withdrawn; its tombstone stays."""

    reason: Text
    at: date


class ContributingCause(Model):
    """One of several causes that contributed, with the level of the system it belongs to."""

    text: Text
    level: SystemLevel


class Entry(Model):
    """What every kind of entry has in its front matter."""

    schema_version: SchemaVersion = Field(alias="schema")
    kind: str
    id: EntryId
    title: Title
    status: Status
    created: date
    summary: Summary | None = None
    owner: GroupRef | None = None
    services: tuple[ComponentRef, ...] = ()
    severity: ImpactLevel | None = None
    tags: tuple[Tag, ...] = ()
    aliases: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    confirmed: Confirmed | None = None
    references: tuple[Reference, ...] = ()
    review_by: date | None = None
    last_verified: date | None = None
    provenance: Provenance | None = None
    license: str | None = None
    superseded_by: EntryId | None = None
    withdrawn: Withdrawal | None = None
    x: dict[str, Any] = Field(default_factory=dict, description="extensions; COMPASS ignores them")


class Hypothesis(Model):
    """A competing explanation: what it predicts, and the query that would refute it."""

    id: Annotated[str, StringConstraints(pattern=r"^h[0-9]{1,2}$")]
    statement: Text
    predicts: Text
    refuted_by: Refutation


class Refutation(Model):
    """A query whose answer would refute a hypothesis."""

    query: Text
    datasource: Literal["prometheus", "loki", "tempo"] = "prometheus"
    when: Text = Field(description="what the answer must look like to refute the hypothesis")


class ReplayTests(Model):
    """Names of recordings, in the same repository, that the match must and must not hold on."""

    must_match: tuple[Name, ...] = ()
    must_not_match: tuple[Name, ...] = ()


class Pattern(Entry):
    """A recurring way of failing that a machine can recognize."""

    kind: Literal["pattern"]
    id: PatternId
    match: Match | None = None
    hypotheses: tuple[Hypothesis, ...] = ()
    contributing_causes: tuple[ContributingCause, ...] = ()
    mitigations: tuple[RunbookId, ...] = ()
    false_positives: tuple[Text, ...] = ()
    tests: ReplayTests | None = None


class AlertRef(Model):
    """An alert that leads to a runbook: its name and further matchers."""

    name: Text
    matchers: tuple[str, ...] = ()


class Step(Model):
    """One step of a runbook."""

    id: Annotated[str, StringConstraints(pattern=r"^s[0-9]{1,2}$")]
    text: Text
    command: str | None = None
    expected: str | None = None
    risk: Risk


class Runbook(Entry):
    """What to do when an alert fires."""

    kind: Literal["runbook"]
    id: RunbookId
    alerts: tuple[AlertRef, ...] = ()
    steps: tuple[Step, ...] = ()


class Times(Model):
    """When an incident started, was noticed, taken up, relieved and over; each with its zone."""

    start: Time | None = None
    detected: Time | None = None
    acknowledged: Time | None = None
    mitigated: Time | None = None
    resolved: Time | None = None


class Action(Model):
    """What follows from a post-mortem: owned, due, tracked and testable."""

    text: Text
    owner: GroupRef | None = None
    due: date | None = None
    tracker: str | None = None
    strength: Literal["strong", "intermediate", "weak"] | None = None
    done_when: str | None = None


class Postmortem(Entry):
    """What was learnt from one incident; it has contributing causes, in the plural."""

    kind: Literal["postmortem"]
    id: PostmortemId
    times: Times | None = None
    roles: dict[str, str] = Field(default_factory=dict, description="role in the response -> principal id")
    participants: tuple[str, ...] = ()
    contributing_causes: tuple[ContributingCause, ...] = ()
    what_went_well: tuple[Text, ...] = ()
    where_we_got_lucky: tuple[Text, ...] = ()
    what_surprised_us: tuple[Text, ...] = ()
    actions: tuple[Action, ...] = ()
    patterns: tuple[PatternId, ...] = ()


AnyEntry = Annotated[Pattern | Runbook | Postmortem, Field(discriminator="kind")]
KINDS: Final[dict[str, type[Entry]]] = {"pattern": Pattern, "runbook": Runbook, "postmortem": Postmortem}
FOLDERS: Final = {"pattern": "patterns", "runbook": "runbooks", "postmortem": "postmortems"}
HEADINGS: Final = {
    "pattern": ("Symptoms", "Mechanism", "Diagnosis", "Mitigation"),
    "runbook": ("Meaning", "Impact", "Diagnosis", "Mitigation", "Rollback", "Escalation"),
    "postmortem": ("Impact", "Timeline", "Investigation", "Lessons"),
}
