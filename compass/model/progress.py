"""An investigation that is not finished: enough of it to go on in another process."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from compass.model.base import Model, SchemaVersion
from compass.model.entry import Text, Time
from compass.model.investigation import (
    Citation,
    Cost,
    Experiment,
    Incident,
    InvestigationId,
    ModelUse,
    Note,
    Origin,
    Rule,
    Said,
)


class Waiting(Model):
    """A hypothesis with the rules of all its experiments, and those experiments that have been made."""

    statement: Text
    service: str | None
    origin: Origin
    predicts: Text
    prior: float
    rules: tuple[Rule, ...] = ()
    done: dict[int, Experiment] = Field(default_factory=dict, description="by the place of their rule")
    why: tuple[str, ...] = ()
    pattern: str | None = None
    citations: tuple[Citation, ...] = ()
    cost: Cost = Cost()
    refuted_by_person: str | None = None
    confirmed_by_person: bool = False


class Asked(Model):
    """Whose telemetry it is: a recording's folder, or servers as they were named; secrets stay in the environment."""

    recording: str | None = None
    servers: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    datasources: tuple[str, ...] = ()
    timeout: Annotated[float, Field(gt=0)] = 60.0


class Progress(Model):
    """<data>/unfinished/<id>.json: one investigation as it was after its last step."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    id: InvestigationId
    started: Time
    incident: Incident
    asked: Asked
    repository: str | None = Field(
        description="the folder of the repository that gets the record; None: personal"
    )
    hypotheses: tuple[Waiting, ...]
    notes: tuple[Note, ...] = ()
    auto: bool = Field(description="whether nobody is asked")
    consulted: bool = Field(default=False, description="whether a language model gave its ideas already")
    language_model: ModelUse | None = None
    summary: tuple[Said, ...] = ()
    seconds: Annotated[float, Field(ge=0)] = 0.0
