"""The one evaluator of approvals: a pure function over plain values, the same for plain Git and for every forge.

AND over roles, distinct people; never somebody who made the proposal or its source; an approval binds to head and
tree; a commit that belongs to nobody known stops everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from compass.model.proposal import Need, Verb
from compass.model.scope import Level, Policy, Requirement, Role

_DEFAULTS: Final[Mapping[tuple[Verb, Level], tuple[Role, ...]]] = {
    (Verb.CONTRIBUTE, Level.TEAM): (Role.TEAM_MEMBER,),
    (Verb.CONTRIBUTE, Level.TRIBE): (Role.TRIBAL_LEAD,),
    (Verb.CONTRIBUTE, Level.HUB): (Role.HUB_STEWARD, Role.ANONYMIZATION_REVIEWER),
    (Verb.PROMOTE, Level.TRIBE): (Role.TEAM_LEAD, Role.TRIBAL_LEAD),
    (Verb.PROMOTE, Level.HUB): (Role.TRIBAL_LEAD, Role.ANONYMIZATION_REVIEWER),
}
_FREE: Final = ("patterns/", "runbooks/", "postmortems/", "recordings/", "investigations/")
_GUARDED: Final = 2
"""Tribal leads for whatever touches policy, people, workflows or compass.yaml."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One verified approval: who, and the head and tree that they signed."""

    who: str
    head: str
    tree: str


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a decision depends on.

    `holders` names who holds each role here; `barred` maps a principal to why they may not approve; `nobody` lists
    e-mail addresses of commits that belong to no known person.
    """

    head: str
    tree: str
    needs: tuple[Requirement, ...]
    holders: Mapping[Role, frozenset[str]]
    barred: Mapping[str, str] = field(default_factory=dict)
    nobody: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the approvals come to: `counted` pairs people with the role they count for; `ignored` says why not."""

    needs: tuple[Need, ...]
    counted: tuple[tuple[str, Role], ...]
    ignored: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]

    @property
    def satisfied(self) -> bool:
        """Whether the proposal may land."""
        return not self.missing


def requirements(verb: Verb, level: Level, policy: Policy, changed: Iterable[str]) -> tuple[Requirement, ...]:
    """What a proposal needs: the floor, tightened by the target's own policy, by role and count.

    Raises KeyError for a verb that does not lead to this level.
    """
    counts = dict.fromkeys(_DEFAULTS[verb, level], 1)
    for more in policy.contribute if verb is Verb.CONTRIBUTE else policy.promote:
        counts[more.role] = max(counts.get(more.role, 0), more.count)
    if not all(path.startswith(_FREE) for path in changed):
        counts[Role.TRIBAL_LEAD] = max(counts.get(Role.TRIBAL_LEAD, 0), _GUARDED)
    return tuple(Requirement(role=role, count=count) for role, count in counts.items())


def evaluate(case: Case) -> Decision:
    """Count approvals; people who hold several roles are placed where they help most."""
    ignored = []
    valid: dict[str, frozenset[Role]] = {}
    for approval in case.approvals:
        reason = _why_not(case, approval)
        if reason:
            ignored.append((approval.who, reason))
        else:
            valid[approval.who] = _roles(case, approval.who)
    slots = [need.role for need in case.needs for _ in range(need.count)]
    placed = _place(slots, valid)
    counted = tuple((who, slots[slot]) for slot, who in sorted(placed.items()))
    needs = tuple(
        Need(role=need.role, count=need.count, have=sum(role is need.role for _, role in counted))
        for need in case.needs
    )
    return Decision(needs, counted, tuple(ignored), _missing(case, needs, valid))


def candidates(case: Case, role: Role) -> tuple[str, ...]:
    """Who could still approve as `role`."""
    approved = {one.who for one in case.approvals if _why_not(case, one) is None}
    return tuple(sorted(case.holders.get(role, frozenset()) - set(case.barred) - approved))


def refusal(case: Case, who: str) -> str | None:
    """Why `who` may not approve now, or None."""
    return _why_not(case, Approval(who, case.head, case.tree))


def _why_not(case: Case, approval: Approval) -> str | None:
    if (approval.head, approval.tree) != (case.head, case.tree):
        return "stale: the proposal changed after this approval"
    if approval.who in case.barred:
        return case.barred[approval.who]
    if not _roles(case, approval.who):
        return f"holds none of the roles that approve this: {', '.join(need.role for need in case.needs)}"
    return None


def _roles(case: Case, who: str) -> frozenset[Role]:
    return frozenset(need.role for need in case.needs if who in case.holders.get(need.role, frozenset()))


def _place(slots: Sequence[Role], people: Mapping[str, frozenset[Role]]) -> dict[int, str]:
    """A largest assignment of distinct people to slots, by augmenting paths (Kuhn)."""
    placed: dict[int, str] = {}

    def seat(who: str, seen: set[int]) -> bool:
        for slot, role in enumerate(slots):
            if role in people[who] and slot not in seen:
                seen.add(slot)
                if slot not in placed or seat(placed[slot], seen):
                    placed[slot] = who
                    return True
        return False

    for who in sorted(people):
        seat(who, set())
    return placed


def _missing(case: Case, needs: Sequence[Need], valid: Mapping[str, object]) -> tuple[str, ...]:
    found = [
        f"a commit by {mail or 'nobody'} belongs to no person in the organization's people.yaml"
        for mail in case.nobody
    ]
    for need in needs:
        if need.have < need.count:
            able = sorted(case.holders.get(need.role, frozenset()) - set(case.barred) - set(valid))
            who = (
                f"who may: {', '.join(able)}"
                if able
                else "nobody is left who may: name a deputy in teams.yaml"
            )
            found.append(f"{need.count - need.have} more {need.role} ({who})")
    return tuple(found)
