"""A proposal on GitHub is a pull request as well: opened when the branch is there, and brought up to date with it."""

from __future__ import annotations

from typing import Final

from compass.adapters.forge.github import GitHub, PullRequest
from compass.adapters.forge.plain import MAIN
from compass.errors import OutsideError
from compass.federation.comment import MARK, REPLAYED, Reviewed, code, comment, replay_lines
from compass.federation.plan import Plan
from compass.federation.setting import Setting
from compass.model.proposal import Proposal, State
from compass.rules.codeowners import handle_of

_BODY: Final = """\
Proposed with COMPASS: `{verb}` of `{entry}` into `{target}`, proposal `{pid}`.

The branch belongs to the proposal: running the command again brings it and this page up to date.
Approvals: {needs}.
"""


def open_pull_request(plan: Plan, proposal: Proposal, setting: Setting) -> Proposal:
    """The proposal with the address of its pull request, where the target is on GitHub; else as it was.

    OutsideError when GitHub cannot be asked: the branch stands already, and running again goes on from there.
    """
    target = plan.route.target
    name = setting.github.repository(target.forge.url or str(target.git.root))
    if name is None or proposal.state not in {State.OPEN, State.CONFLICTED} or not proposal.branch:
        return proposal
    if not setting.github.token:
        note = f"no pull request was opened in {name}: set GITHUB_TOKEN and run the command again"
        return proposal.model_copy(update={"notes": (*proposal.notes, note)})
    try:
        made = GitHub(setting.github, name, step=setting.step).publish(_wanted(plan, proposal))
    except OutsideError as error:
        raise OutsideError(
            f"{error.message}; the branch {proposal.branch} of {name} stands already", error.hint
        ) from error
    return proposal.model_copy(update={"url": made.url, "notes": (*proposal.notes, *made.notes)})


def _wanted(plan: Plan, proposal: Proposal) -> PullRequest:
    target, verdict = plan.route.target, plan.verdict
    loaded = verdict.loaded
    handle = handle_of(plan.route.roster.teams, loaded.entry.owner)
    needs = ", ".join(f"{need.count} {need.role.value.replace('_', ' ')}" for need in plan.needs)
    sections = [
        ("Both sides changed", [code(one.field) for one in plan.conflicts]),
        (REPLAYED, replay_lines(loaded, verdict.outcomes, verdict.before)),
    ]
    return PullRequest(
        branch=proposal.branch or "",
        base=MAIN.removeprefix("refs/heads/"),
        title=plan.title,
        body=_BODY.format(
            verb=plan.route.verb.value, entry=loaded.id, target=target.id, pid=proposal.proposal, needs=needs
        ),
        comment=comment([Reviewed(loaded, verdict.problems, plan.crossed.replaced, sections)]),
        mark=MARK,
        reviewers=(handle,) if handle else (),
    )
