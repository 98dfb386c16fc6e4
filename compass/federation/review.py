"""Review in the target: list, show, approve, reject and land proposals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from compass.adapters.git import CommitInfo, Signature
from compass.adapters.sshsig import SigningKey
from compass.errors import ConflictError, NegativeAnswerError, OutsideError, UsageError
from compass.federation.approvals import candidates, refusal
from compass.federation.endorsement import signature_of, write_approval
from compass.federation.messages import message
from compass.federation.repositories import Member, again, find_roster, open_member, via_origin
from compass.federation.roster import Roster
from compass.federation.setting import Setting
from compass.federation.standing import REJECTED, Standing, landing_of, read_standing
from compass.federation.steps import Checkpoint, pass_by
from compass.model.proposal import State

_ATTEMPTS: Final = 5
_KEPT: Final = ("Compass-Conflict", "Compass-Replaced", "Compass-Excluded")
"""Trailers that speak of the proposal alone and do not stand on `main`."""


@dataclass(frozen=True)
class Desk:
    """A target under review, the people who may decide, who sits there, and the time.

    `step` is called after each write.
    """

    target: Member
    roster: Roster
    now: datetime
    who: str | None = None
    step: Checkpoint = pass_by


def open_desk(location: str, setting: Setting) -> Desk:
    """The desk of the repository at `location`; in a clone, that of the repository it was cloned from."""
    here = open_member(location, setting.clones)
    target = via_origin(here, setting.clones) or here
    roster = find_roster(target, setting.clones)
    identity = here.git.identity()
    who = setting.principal or (roster.by_mail(identity[1]) if identity else None)
    return Desk(target, roster, setting.now, who if who in roster.by_id else None, setting.step)


def list_proposals(desk: Desk) -> tuple[Standing, ...]:
    """Every open or conflicted proposal, by id; a branch that COMPASS did not make is left out."""
    found = []
    for pid in sorted(desk.target.forge.proposals()):
        try:
            standing = read_standing(desk.target, desk.roster, pid)
        except (OutsideError, UsageError):
            continue
        if standing.state in {State.OPEN, State.CONFLICTED}:
            found.append(standing)
    return tuple(found)


def show(desk: Desk, pid: str) -> Standing:
    """One proposal, open or closed."""
    return read_standing(desk.target, desk.roster, pid)


def difference(standing: Standing) -> str:
    """What a proposal changes, as a patch."""
    before = standing.root.parents[0]
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
    return standing.target.git.git("diff", *options, before, standing.head.oid, "--").decode(
        "utf-8", "replace"
    )


def approve(desk: Desk, pid: str, key: SigningKey) -> Standing:
    """Sign the proposal's head as the person whose key this is; NegativeAnswerError says who may."""
    standing = show(desk, pid)
    case = standing.case
    if case is None:
        raise NegativeAnswerError(f"the proposal {pid} is already {standing.state}")
    who = desk.roster.by_key(key.public)
    if who is None:
        raise NegativeAnswerError(
            "this key belongs to no person of the organization",
            f"add it to `keys` of its owner in the org repository's people.yaml: {key.authorized}",
        )
    reason = refusal(case, who)
    if reason:
        may = [
            f"{need.role}: {', '.join(candidates(case, need.role)) or 'nobody is left'}"
            for need in case.needs
        ]
        raise NegativeAnswerError(f"{who} may not approve {pid}: {reason}", f"who may: {'; '.join(may)}")
    if who not in {one.who for one in case.approvals if one.head == case.head}:
        forge = desk.target.forge
        oid = write_approval(
            desk.target.git, pid, standing.head, signature_of(desk.roster, who, desk.now), key
        )
        desk.step("signed")
        forge.approve(pid, standing.head.oid, who, oid, forge.approvals(pid).get((standing.head.oid, who)))
        desk.step("approved")
    return show(desk, pid)


def reject(desk: Desk, pid: str, reason: str) -> Standing:
    """Close a proposal with a reason, which stays readable."""
    standing = show(desk, pid)
    if standing.state is State.LANDED:
        raise NegativeAnswerError(f"the proposal {pid} has landed", "withdraw the entry instead")
    if standing.state is not State.REJECTED:
        if desk.who is None:
            raise UsageError(
                "you are no person of the organization",
                "set git's user.email, or COMPASS_PRINCIPAL, to one that people.yaml knows",
            )
        if not reason.strip():
            raise UsageError("a rejection needs a reason that its author can work with")
        head, root = standing.head, standing.root
        trailers = [
            *(
                (key, root.trailer(key) or "")
                for key in ("Compass-Proposal", "Compass-Entry", "Compass-Verb")
            ),
            ("Compass-State", REJECTED),
            ("Compass-Rejected-by", desk.who),
        ]
        git = desk.target.git
        text = message(f"Reject {pid}", [reason], trailers)
        end = git.commit(head.tree, [head.oid], text, signature_of(desk.roster, desk.who, desk.now))
        desk.step("recorded")
        desk.target.forge.close(pid, end)
        desk.step("closed")
    _drop_branch(desk, pid, show(desk, pid).head.oid)
    return show(desk, pid)


def land(desk: Desk, pid: str) -> Standing:
    """Merge an approved proposal into `main`, with its approvals in the trailers, and close it.

    NegativeAnswerError says what is missing.
    """
    for _ in range(_ATTEMPTS):
        standing = show(desk, pid)
        if standing.state is State.LANDED:
            return _settle(desk, standing)
        _refuse_unready(standing)
        landing = _landing(desk, standing)
        desk.step("committed")
        try:
            desk.target.forge.advance(landing, desk.target.commit)
        except ConflictError:
            desk = replace(desk, target=again(desk.target))
            continue
        desk.step("advanced")
        desk = replace(desk, target=again(desk.target))
        return _settle(desk, show(desk, pid))
    raise ConflictError(f"main of {desk.target.id} moves too fast to land on", "run the command again")


def settle(desk: Desk, pid: str) -> None:
    """Finish a landing or rejection that was interrupted; nothing to do otherwise."""
    head, end = desk.target.forge.look(pid)
    if head is None:
        return
    git, main = desk.target.git, desk.target.commit
    landing = landing_of(git, main, head) if not end and git.is_ancestor(head, main) else None
    if landing:
        desk.target.forge.close(pid, landing.oid)
    if end or landing:
        desk.target.forge.propose(pid, None, head)


def _refuse_unready(standing: Standing) -> None:
    pid = standing.pid
    if standing.state is State.REJECTED:
        raise NegativeAnswerError(f"the proposal {pid} was rejected")
    if standing.conflicts:
        raise NegativeAnswerError(
            f"the proposal {pid} is conflicted in {', '.join(standing.conflicts)}: the target changed the same",
            f"settle it in the source and propose again, or commit the answer to the branch {standing.proposal().branch}",
        )
    if standing.stale:
        raise NegativeAnswerError(
            f"main changed {', '.join(standing.stale)} since {pid} was proposed",
            "propose the entry again, then approve it",
        )
    if standing.decision and not standing.decision.satisfied:
        raise NegativeAnswerError(f"the proposal {pid} lacks {'; '.join(standing.decision.missing)}")
    if standing.target.forge.dirty():
        raise OutsideError(
            f"the checkout of {standing.target.git.root} has changes that are not committed",
            "commit or stash them first",
        )


def _landing(desk: Desk, standing: Standing) -> str:
    """The merge commit: first parent `main`, second the proposal; its tree is main's with the proposal's files."""
    git = desk.target.git
    head, root = standing.head, standing.root
    tree = head.tree
    if standing.base != desk.target.commit:
        changed = standing.changed or {}
        blobs = git.read_many(one.oid for one in changed.values() if one)
        tree = git.write_tree(
            desk.target.commit, {path: blobs[one.oid] if one else None for path, one in changed.items()}
        )
    counted = standing.decision.counted if standing.decision else ()
    trailers = [
        (key, value) for key, value in root.trailers if key.startswith("Compass-") and key not in _KEPT
    ]
    trailers += [("Approved-by", f"{who} role={role} head={head.oid}") for who, role in counted]
    author = Signature(root.author.name, root.author.email, desk.now)
    text = message(root.message.split("\n", 1)[0], (), trailers)
    committer = signature_of(desk.roster, desk.who, desk.now) if desk.who else author
    return git.commit(tree, [desk.target.commit, head.oid], text, author, committer)


def _settle(desk: Desk, standing: Standing) -> Standing:
    end = standing.end
    assert end is not None  # noqa: S101  # a landed proposal has its landing
    _refresh(desk, end)
    desk.target.forge.close(standing.pid, end.oid)
    desk.step("closed")
    _drop_branch(desk, standing.pid, standing.head.oid)
    return show(desk, standing.pid)


def _refresh(desk: Desk, end: CommitInfo) -> None:
    """Bring a checkout along that a crash left behind; one that is up to date is not touched."""
    desk.target.git.refresh_worktree(end.parents[0], desk.target.commit)


def _drop_branch(desk: Desk, pid: str, head: str) -> None:
    if desk.target.forge.proposal(pid) == head:
        desk.target.forge.propose(pid, None, head)
    desk.step("settled")
