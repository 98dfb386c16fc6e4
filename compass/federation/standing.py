"""How a proposal stands in its target: read from refs, commits and approvals alone, evaluated from the target's base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from compass.adapters import sshsig
from compass.adapters.forge.plain import branch_of
from compass.adapters.git import CommitInfo, GitRepository, TreeEntry
from compass.errors import OutsideError, UsageError
from compass.federation.approvals import Approval, Case, Decision, evaluate, requirements
from compass.federation.endorsement import read_approval
from compass.federation.messages import people_of
from compass.federation.repositories import Member
from compass.federation.roster import Roster, scope_of
from compass.model.proposal import Need, Proposal, Replaced, State, Verb
from compass.model.scope import Role

REJECTED: Final = "rejected"


@dataclass(frozen=True)
class Standing:
    """One proposal; `root` is the commit that COMPASS made, `head` what is asked to land (None once it is closed)."""

    pid: str
    target: Member
    state: State
    root: CommitInfo
    head: CommitInfo
    base: str = ""
    changed: Mapping[str, TreeEntry | None] | None = None
    """Path -> file that landing writes, None where it removes."""
    stale: tuple[str, ...] = ()
    """Paths that `main` changed since the proposal was made."""
    case: Case | None = None
    decision: Decision | None = None
    end: CommitInfo | None = None
    """The landing, or the record of the rejection."""

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Fields that both sides changed differently; none once somebody settled them on the branch."""
        return tuple(value for key, value in self.head.trailers if key == "Compass-Conflict")

    def proposal(self) -> Proposal:
        """In the shape that programs outside read."""
        return Proposal(
            proposal=self.pid,
            branch=branch_of(self.pid),
            head=self.head.oid,
            tree=self.head.tree,
            target=self.target.id,
            verb=verb_of(self.root),
            entry=self.root.trailer("Compass-Entry") or "",
            title=self.root.message.split("\n", 1)[0],
            state=self.state,
            needs=self.decision.needs if self.decision else _landed_needs(self.end),
            replaced=_replaced(self.root),
            conflicts=self.conflicts if self.state is State.CONFLICTED else (),
            landed=self.end.oid if self.end and self.state is State.LANDED else None,
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        found = [f"stale: main changed {path} since; propose it again" for path in self.stale]
        if self.decision:
            found += [f"missing: {text}" for text in self.decision.missing]
            found += [f"not counted: {who}: {reason}" for who, reason in self.decision.ignored]
        if self.end and self.state is State.REJECTED:
            found.append(f"rejected: {self.end.message.split(chr(10), 3)[2]}")
        return tuple(found)


def read_standing(target: Member, roster: Roster, pid: str) -> Standing:
    """The proposal `pid` of `target`; UsageError when there is none."""
    head, end = target.forge.look(pid)
    if end:
        return _ended(target, pid, target.git.info(end))
    if head is None:
        raise UsageError(f"{target.id} has no proposal {pid}", "list them with `compass review list`")
    chain = target.git.history(head, since=target.commit, first_parent=False)
    landing = None if chain else landing_of(target.git, target.commit, head)
    return _ended(target, pid, landing) if landing else _open(target, roster, pid, head, chain)


def verb_of(root: CommitInfo) -> Verb:
    """The verb of a proposal's own commit."""
    return Verb(root.trailer("Compass-Verb") or "")


def landing_of(git: GitRepository, main: str, head: str) -> CommitInfo | None:
    """The merge on `main` that landed the proposal head `head`, if one did."""
    merges = git.history(main, since=head)
    return next((one for one in reversed(merges) if head in one.parents[1:]), None)


def _root(pid: str, chain: tuple[CommitInfo, ...]) -> CommitInfo:
    """The oldest commit of a branch that carries the proposal's id; a branch without one is not of COMPASS."""
    marked = [one for one in chain if one.trailer("Compass-Proposal") == pid]
    if not marked or marked[-1].trailer("Compass-Verb") not in set(Verb):
        raise OutsideError(f"the branch {branch_of(pid)} was not made by COMPASS", "delete it")
    return marked[-1]


def changes(git: GitRepository, before: str, after: str) -> dict[str, TreeEntry | None]:
    """Path -> file for what differs between two revisions; None where it is gone."""
    old = {one.path: one for one in git.tree(before)}
    new = {one.path: one for one in git.tree(after)}
    return {path: new.get(path) for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)}


def _open(target: Member, roster: Roster, pid: str, tip: str, chain: tuple[CommitInfo, ...]) -> Standing:
    git = target.git
    root = _root(pid, chain)
    head = next(one for one in chain if one.oid == tip)
    base = git.git("merge-base", target.commit, tip).decode().strip()
    changed = changes(git, base, tip)
    moved = changes(git, base, target.commit) if base != target.commit else {}
    case = _case(target, roster, root, head, chain, changed, pid)
    state = State.CONFLICTED if head.trailer("Compass-Conflict") else State.OPEN
    stale = tuple(path for path in changed if path in moved)
    return Standing(pid, target, state, root, head, base, changed, stale, case, evaluate(case))


def _case(
    target: Member,
    roster: Roster,
    root: CommitInfo,
    head: CommitInfo,
    chain: tuple[CommitInfo, ...],
    changed: Mapping[str, object],
    pid: str,
) -> Case:
    barred = {
        value: "wrote the source entry"
        for one in chain
        for key, value in one.trailers
        if key == "Compass-Excluded"
    }
    nobody = []
    for commit in chain:
        for mail in people_of(commit):
            who = roster.by_mail(mail)
            if who is None:
                nobody.append(mail)
            else:
                barred[who] = "made or changed this proposal"
    needs = requirements(verb_of(root), target.config.level, target.config.policy, changed)
    requester = roster.by_mail(root.author.email)
    source = (root.trailer("Compass-Source") or "").partition("@")[0]
    scope = scope_of(target.config, source, roster, requester)
    holders = {need.role: roster.holders(need.role, scope) for need in needs}
    return Case(
        head.oid,
        head.tree,
        needs,
        holders,
        barred,
        tuple(dict.fromkeys(nobody)),
        _approvals(target, roster, pid),
    )


def _approvals(target: Member, roster: Roster, pid: str) -> tuple[Approval, ...]:
    """Approvals whose signature holds; one that does not is no approval at all."""
    found = []
    refs = target.forge.approvals(pid)
    objects = target.git.read_many(refs.values())
    for (head, who), oid in sorted(refs.items()):
        try:
            approval = read_approval(objects.get(oid, b""), pid, roster)
        except sshsig.SignatureError:
            continue
        if (approval.head, approval.who) == (head, who):
            found.append(approval)
    return tuple(found)


def _ended(target: Member, pid: str, end: CommitInfo) -> Standing:
    rejected = end.trailer("Compass-State") == REJECTED
    if len(end.parents) != (1 if rejected else 2):
        raise OutsideError(f"the end of the proposal {pid} in {target.id} was not recorded by COMPASS")
    tip = end.parents[-1]
    chain = target.git.history(tip, since=target.commit if rejected else end.parents[0], first_parent=False)
    root = _root(pid, chain)
    head = next(one for one in chain if one.oid == tip)
    state = State.REJECTED if rejected else State.LANDED
    return Standing(pid, target, state, root, head, end=end)


def _replaced(root: CommitInfo) -> tuple[Replaced, ...]:
    found = []
    for key, value in root.trailers:
        parts = value.split(" ")
        if key == "Compass-Replaced" and len(parts) == 3 and parts[2].isdigit():
            found.append(Replaced(klass=parts[0], rule=parts[1], count=int(parts[2])))
    return tuple(found)


def _landed_needs(end: CommitInfo | None) -> tuple[Need, ...]:
    """For a landed proposal, the roles that approved it, from its trailers."""
    approved = [
        value.partition(" role=")[2].partition(" ")[0]
        for key, value in (end.trailers if end else ())
        if key == "Approved-by"
    ]
    return tuple(
        Need(role=role, count=approved.count(role), have=approved.count(role))
        for role in Role
        if role in approved
    )
