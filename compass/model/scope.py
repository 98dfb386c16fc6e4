"""Repositories and the organization: levels, compass.yaml, people, teams, tribes and roles."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from compass.model.base import Model, SchemaVersion

PrincipalId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
ScopeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Handle = Annotated[
    str,
    StringConstraints(
        pattern=r"^@[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:/[A-Za-z0-9_.-]{1,100})?$", max_length=150
    ),
]


class Level(StrEnum):
    """Whose memory a repository is; one repository per scope, so audience = repository."""

    PERSONAL = "personal"
    TEAM = "team"
    TRIBE = "tribe"
    HUB = "hub"
    HUB_FOR = "hub-for"
    ORG = "org"


class Role(StrEnum):
    """What an approver approves as."""

    TEAM_MEMBER = "team_member"
    TEAM_LEAD = "team_lead"
    TRIBAL_LEAD = "tribal_lead"
    ANONYMIZATION_REVIEWER = "anonymization_reviewer"
    SECURITY = "security"
    HUB_STEWARD = "hub_steward"


class Requirement(Model):
    """So many distinct people in this role must approve."""

    role: Role
    count: Annotated[int, Field(ge=1)] = 1


class Policy(Model):
    """What a repository asks beyond the floor of DESIGN; it tightens, never loosens."""

    contribute: tuple[Requirement, ...] = ()
    promote: tuple[Requirement, ...] = ()


class WebAddress(Model):
    """Where people read the repository in a browser; needed where the remote's URL does not tell."""

    forge: Literal["github", "gitlab", "forgejo"] = Field(
        description="which kind of forge; Gitea answers as forgejo"
    )
    url: Annotated[
        str,
        StringConstraints(
            pattern=r"^https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+$"
        ),
    ] = Field(description="the address of its first page, without a slash at the end")
    branch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$")] = Field(
        default="main", description="the branch that proposals are made against"
    )


class Repository(Model):
    """compass.yaml: what a knowledge repository says of itself."""

    schema_version: SchemaVersion = Field(alias="schema")
    level: Level
    id: Annotated[
        str,
        StringConstraints(pattern=r"^(?:(?:team|tribe|personal|hub-for)/[a-z0-9][a-z0-9-]{0,62}|hub|org)$"),
    ]
    parents: tuple[str, ...] = Field(
        default=(), description="URLs, or paths relative to this file, nearest first"
    )
    share: Literal["tribe"] | None = Field(
        default=None, description="a team's repository may be read by its tribe"
    )
    policy: Policy = Policy()
    web: WebAddress | None = Field(
        default=None, description="where a browser reads and edits it, for the links of its site"
    )


class Person(Model):
    """A principal: a stable id, verified e-mail addresses and public SSH keys."""

    id: PrincipalId
    emails: tuple[str, ...] = ()
    keys: tuple[str, ...] = Field(default=(), description="public keys, as in authorized_keys")


class People(Model):
    """people.yaml of the org repository."""

    schema_version: SchemaVersion = Field(alias="schema")
    people: tuple[Person, ...]


class Team(Model):
    """A team: its tribe, members and leads."""

    id: ScopeName
    tribe: ScopeName
    members: tuple[PrincipalId, ...]
    leads: tuple[PrincipalId, ...]
    deputies: tuple[PrincipalId, ...] = ()
    handle: Handle | None = Field(
        default=None, description="what the forge calls it, as in @acme/payments: asked for reviews"
    )


class Tribe(Model):
    """A tribe and its leads."""

    id: ScopeName
    leads: tuple[PrincipalId, ...]
    deputies: tuple[PrincipalId, ...] = ()
    handle: Handle | None = Field(
        default=None, description="what the forge calls it, as in @acme/payments: asked about policy"
    )


class Teams(Model):
    """teams.yaml of the org repository: who belongs where, and who holds which role for everyone."""

    schema_version: SchemaVersion = Field(alias="schema")
    teams: tuple[Team, ...]
    tribes: tuple[Tribe, ...]
    roles: dict[Role, tuple[PrincipalId, ...]] = Field(default_factory=dict)
