"""A proposal: one move of one entry between repositories, in the JSON shape that programs outside read."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from compass.model.base import Model, SchemaVersion
from compass.model.replay import ReplayReport
from compass.model.scope import Role


class Verb(StrEnum):
    """Why an entry moves."""

    CONTRIBUTE = "contribute"
    PROMOTE = "promote"


class State(StrEnum):
    """Where a proposal stands; `unchanged` means that there was nothing to propose."""

    OPEN = "open"
    CONFLICTED = "conflicted"
    LANDED = "landed"
    REJECTED = "rejected"
    UNCHANGED = "unchanged"


class Need(Model):
    """A role that must approve: how many people, and how many have."""

    role: Role
    count: int
    have: int


class Replaced(Model):
    """How often a rule of the anonymizer replaced something of this class."""

    klass: str = Field(alias="class")
    rule: str
    count: int


class Proposal(Model):
    """The state of one proposal."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    proposal: str | None
    branch: str | None
    head: str | None
    tree: str | None
    target: str
    verb: Verb
    entry: str
    state: State
    needs: tuple[Need, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    title: str | None = None
    url: str | None = Field(default=None, description="of the pull request, where the target is on a forge")
    landed: str | None = Field(default=None, description="the commit on the target's main")
    conflicts: tuple[str, ...] = Field(default=(), description="fields that both sides changed differently")
    notes: tuple[str, ...] = Field(default=(), description="what is missing, stale or not counted, in words")
    replay: ReplayReport | None = Field(
        default=None, description="of a dry run or `review show`: changed patterns over the stored recordings"
    )
    leaves: dict[str, str] | None = Field(
        default=None,
        description="of a dry run: everything that would leave, path -> text; commit message under ''",
    )
