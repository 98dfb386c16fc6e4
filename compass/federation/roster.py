"""Who is who: the organization's people, keys, teams and roles, as its `org` repository says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from compass.adapters import sshsig
from compass.model.scope import Level, People, Person, Repository, Role, Team, Teams

_K = TypeVar("_K")


@dataclass(frozen=True)
class Scope:
    """The teams and tribes whose members, leads and deputies hold the roles of one proposal."""

    teams: frozenset[str] = frozenset()
    tribes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Roster:
    """people.yaml and teams.yaml; `digest` names their exact text."""

    people: People
    teams: Teams
    digest: str

    @cached_property
    def by_id(self) -> dict[str, Person]:
        """People by principal id."""
        return {person.id: person for person in self.people.people}

    @cached_property
    def _mails(self) -> dict[str, str | None]:
        return _unique(
            (mail.casefold(), person.id) for person in self.people.people for mail in person.emails
        )

    @cached_property
    def _keys(self) -> dict[bytes, str | None]:
        pairs = []
        for person in self.people.people:
            for line in person.keys:
                try:
                    pairs.append((sshsig.parse_public_key(line), person.id))
                except sshsig.SignatureError:
                    continue  # a key of another sort signs nothing here; `check` in the org repository names it
        return _unique(pairs)

    def by_mail(self, mail: str) -> str | None:
        """The one principal with this e-mail address; None when there is none, or more than one."""
        return self._mails.get(mail.strip().casefold())

    def by_key(self, public: bytes) -> str | None:
        """The one principal with this public key (wire form)."""
        return self._keys.get(public)

    def mail_of(self, principal: str) -> str:
        """The address that stands in commits made for a principal."""
        person = self.by_id[principal]
        return person.emails[0] if person.emails else f"{principal}@users.noreply.invalid"

    def team(self, name: str) -> Team | None:
        """A team by its id."""
        return next((team for team in self.teams.teams if team.id == name), None)

    def tribes_of(self, principal: str) -> frozenset[str]:
        """The tribes that a person belongs to, through a team or as its lead."""
        found = {team.tribe for team in self.teams.teams if principal in _all(team)}
        return frozenset(
            found | {tribe.id for tribe in self.teams.tribes if principal in {*tribe.leads, *tribe.deputies}}
        )

    def holders(self, role: Role, scope: Scope) -> frozenset[str]:
        """Everyone who holds `role` within `scope`; deputies stand in for leads."""
        teams = [team for team in self.teams.teams if team.id in scope.teams]
        tribes = [tribe for tribe in self.teams.tribes if tribe.id in scope.tribes]
        if role is Role.TEAM_MEMBER:
            return frozenset(who for team in teams for who in _all(team))
        if role is Role.TEAM_LEAD:
            return frozenset(who for team in teams for who in (*team.leads, *team.deputies))
        if role is Role.TRIBAL_LEAD:
            return frozenset(who for tribe in tribes for who in (*tribe.leads, *tribe.deputies))
        return frozenset(self.teams.roles.get(role, ()))


def roster_digest(people: bytes, teams: bytes) -> str:
    """A digest of both files, for the record of which people a decision was made with."""
    return hashlib.sha256(b"%d\n%s%s" % (len(people), people, teams)).hexdigest()


def scope_of(target: Repository, source: str, roster: Roster, requester: str | None) -> Scope:
    """Whose roles count for a proposal to `target` from the repository `source`.

    A team counts in its own tribe only. At the hub the source is sealed: there, and for a team's own needs, the
    tribes are those that the requester belongs to.
    """
    team = _name(source, Level.TEAM) or _name(target.id, Level.TEAM)
    tribe = _name(target.id, Level.TRIBE)
    found = roster.team(team) if team else None
    if found is None or (tribe and found.tribe != tribe):
        team = None
    tribes = frozenset({tribe}) if tribe else roster.tribes_of(requester) if requester else frozenset()
    return Scope(frozenset({team} if team else ()), tribes)


def _name(repository: str, level: Level) -> str | None:
    prefix, _, name = repository.partition("/")
    return name if prefix == level.value else None


def _all(team: Team) -> tuple[str, ...]:
    return (*team.members, *team.leads, *team.deputies)


def _unique(pairs: Iterable[tuple[_K, str]]) -> dict[_K, str | None]:
    found: dict[_K, str | None] = {}
    for key, who in pairs:
        found[key] = who if found.get(key, who) == who else None
    return found
