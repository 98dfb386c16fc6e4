"""Carry a plan out: one branch for one proposal, whoever runs it and however often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from compass.adapters.forge.plain import PlainForge
from compass.errors import ConflictError, NegativeAnswerError
from compass.federation.endorsement import signature_of
from compass.federation.maps import keep_map
from compass.federation.outbox import Slot
from compass.federation.plan import Plan
from compass.federation.review import Desk, settle
from compass.federation.standing import Standing, read_standing
from compass.federation.steps import Checkpoint, pass_by
from compass.library import blob_id
from compass.model.proposal import Need, Proposal, State
from compass.rules.replay_report import report_of

_CLOSED: Final = {State.LANDED, State.REJECTED}


@dataclass(frozen=True)
class Post:
    """Where the outbox is, how ids are drawn, what time it is; `step` is called after each write."""

    outbox: PlainForge
    draw: Callable[[], str]
    now: datetime
    step: Checkpoint = pass_by


def preview(plan: Plan, post: Post) -> Proposal:
    """What `send` would do, with everything that would leave; nothing is written."""
    slot = _slot(plan, post)
    pid = slot.current()
    standing = _standing(plan, pid) if pid else None
    if standing and (standing.state not in _CLOSED or plan.unchanged):
        answer = standing.proposal()
    else:
        answer = _unsent(plan)
    verdict = plan.verdict
    replay = report_of([verdict.loaded], verdict.outcomes, verdict.before) if verdict.outcomes else None
    return answer.model_copy(
        update={"leaves": plan.leaves(), "replaced": plan.crossed.replaced, "replay": replay}
    )


def send(plan: Plan, post: Post) -> Proposal:
    """Open the proposal, or bring the one under way up to date; ConflictError when the target moved meanwhile."""
    slot = _slot(plan, post)
    desk = Desk(plan.route.target, plan.route.roster, post.now)
    pid = slot.current()
    if pid is None and plan.unchanged:
        return _unsent(plan)
    pid = pid or slot.take(post.draw)
    post.step("drawn")
    settle(desk, pid)
    post.step("settled")
    standing = _standing(plan, pid)
    if standing and standing.state in _CLOSED:
        if plan.unchanged or (standing.state is State.REJECTED and _sent(standing) == _own(plan)):
            return standing.proposal()
        pid = slot.take(post.draw, closed=pid)
        post.step("drawn")
        standing = _standing(plan, pid)
    if standing is None and plan.unchanged:
        return _unsent(plan)
    if standing is None or not _is_current(plan, standing):
        _refuse_foreign(standing)
        if plan.crossed.map is not None:
            # Before anything leaves: a number that was once given is never given to another word.
            known = plan.crossed.known_map
            keep_map(
                plan.route.source.member.forge, plan.route.source.loaded.id, known, plan.crossed.map, post.now
            )
        post.step("mapped")
        head = _write(plan, post, pid)
        post.step("written")
        if plan.route.target.forge.main() != plan.route.target.commit:
            raise ConflictError(
                f"main of {plan.route.target.id} moved while this was planned", "run the command again"
            )
        plan.route.target.forge.propose(pid, head, standing.head.oid if standing else None)
        post.step("proposed")
    return read_standing(plan.route.target, plan.route.roster, pid).proposal()


def _slot(plan: Plan, post: Post) -> Slot:
    return Slot(post.outbox, plan.route.target.id, plan.route.source.loaded.id, plan.route.verb)


def _standing(plan: Plan, pid: str) -> Standing | None:
    if not any(plan.route.target.forge.look(pid)):
        return None
    return read_standing(plan.route.target, plan.route.roster, pid)


def _sent(standing: Standing) -> str | None:
    return standing.root.trailer("Compass-Base-Blob")


def _own(plan: Plan) -> str | None:
    return dict(plan.trailers).get("Compass-Base-Blob")


def _is_current(plan: Plan, standing: Standing) -> bool:
    """Whether the branch says what the plan would: the same text sent, on a base that still holds."""
    if standing.stale or _sent(standing) != _own(plan):
        return False
    if _foreign(standing):
        return True  # somebody goes on from the same text: theirs to finish
    here = {one.path: one.oid for one in plan.route.target.git.tree(standing.head.oid, plan.path)}
    return here.get(plan.path) == blob_id(plan.merged.encode())


def _foreign(standing: Standing) -> bool:
    return standing.head.trailer("Compass-Proposal") != standing.pid


def _refuse_foreign(standing: Standing | None) -> None:
    if standing and _foreign(standing):
        raise NegativeAnswerError(
            f"the branch of {standing.pid} holds commits of somebody else ({standing.head.author.email})",
            "land or reject that proposal first; their work is never overwritten",
        )


def _write(plan: Plan, post: Post, pid: str) -> str:
    """The commits of the branch: the entry as it was sent and, where the target differs, the merge with that."""
    git, main = plan.route.target.git, plan.route.target.commit
    who = signature_of(plan.route.roster, plan.route.requester, post.now)
    as_sent, as_merged = plan.messages(pid)
    tree = git.write_tree(main, {**plan.files, plan.path: plan.crossed.text.encode()})
    head = git.commit(tree, [main], as_sent, who)
    if plan.merged != plan.crossed.text or plan.conflicts:
        tree = git.write_tree(tree, {plan.path: plan.merged.encode()})
        head = git.commit(tree, [head], as_merged, who)
    return head


def _unsent(plan: Plan) -> Proposal:
    state = State.UNCHANGED if plan.unchanged else State.CONFLICTED if plan.conflicts else State.OPEN
    return Proposal(
        proposal=None,
        branch=None,
        head=None,
        tree=None,
        target=plan.route.target.id,
        verb=plan.route.verb,
        entry=plan.route.source.loaded.id,
        title=plan.title,
        state=state,
        needs=tuple(Need(role=need.role, count=need.count, have=0) for need in plan.needs),
        replaced=plan.crossed.replaced,
        conflicts=tuple(one.field for one in plan.conflicts),
    )
