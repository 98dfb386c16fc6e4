"""contribute and promote, from a repository and an entry's name to the proposal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from compass.adapters.forge.plain import MAIN, PlainForge
from compass.errors import ConflictError, UsageError
from compass.federation.confirming import confirm
from compass.federation.plan import make_plan
from compass.federation.pulls import open_pull_request
from compass.federation.repositories import Member, find_parent, find_roster, open_member, via_origin
from compass.federation.route import Route
from compass.federation.seal import parse_seal
from compass.federation.send import Post, preview, send
from compass.federation.setting import Setting
from compass.federation.source import SourceEntry, commit_personal, read_source_entry, requester_of
from compass.model.base import Severity
from compass.model.proposal import Proposal, Verb
from compass.model.scope import Level

_ATTEMPTS: Final = 4
_WARNED: Final = 5  # warnings of `check` that are repeated with a proposal
_ABOVE: Final = {Level.TEAM: Level.TRIBE, Level.TRIBE: Level.HUB}


def contribute(
    repo: Path, entry: str, setting: Setting, *, dry: bool = False, confirmed: bool = False
) -> Proposal:
    """Propose an entry to the team: from the personal repository, or from a clone of the team's own.

    With `dry` nothing is written, and the answer holds everything that would leave. With `confirmed` a pattern first
    gets the status that evidence has earned it, in a commit of the clone.
    """
    earned = confirm(repo, entry, setting) if confirmed else None
    found = _again(
        lambda: _carry(_contribution(repo, entry, setting, dry=dry), _outbox(repo), setting, dry=dry)
    )
    return found.model_copy(update={"notes": (earned, *found.notes)}) if earned else found


def promote(
    repo: Path, entry: str, setting: Setting, *, to: Level | None = None, dry: bool = False
) -> Proposal:
    """Propose an entry one level up, anonymized: a team's to its tribe, a tribe's to the hub.

    In a clone, what counts is the repository that it was cloned from: there the outbox is shared by all.
    """

    def once() -> Proposal:
        route, outbox = _promotion(repo, entry, setting, to)
        return _carry(route, outbox, setting, dry=dry)

    return _again(once)


def _again(once: Callable[[], Proposal]) -> Proposal:
    """Plan afresh when somebody else was quicker; a plan is never carried out on a base that has moved."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return once()
        except ConflictError:
            continue
    return once()


def _carry(route: Route, outbox: PlainForge, setting: Setting, *, dry: bool) -> Proposal:
    plan = make_plan(route)
    post = Post(outbox, setting.draw, setting.now, setting.step)
    found = preview(plan, post) if dry else open_pull_request(plan, send(plan, post), setting)
    warned = [
        f"{one.location}: {one.message}" for one in plan.verdict.problems if one.severity is Severity.WARNING
    ]
    notes = (*route.source.notes, *plan.crossed.notes, *found.notes, *warned[:_WARNED])
    return found.model_copy(update={"notes": notes})


def _outbox(repo: Path) -> PlainForge:
    return PlainForge.open(str(repo), repo)


def _contribution(repo: Path, entry: str, setting: Setting, *, dry: bool) -> Route:
    source = open_member(str(repo), setting.clones, "HEAD")
    personal = source.config.level is Level.PERSONAL
    target = find_parent(source, Level.TEAM, setting.clones) if personal else _origin(source, setting.clones)
    roster = find_roster(target, setting.clones)
    who = requester_of(source, roster, setting.principal)
    fork = None if personal else _fork(source, target)
    found: SourceEntry | Member = source
    if personal:
        found = commit_personal(source, entry, who, roster, setting.now, dry=dry)
    if isinstance(found, Member):
        found = read_source_entry(found, entry, roster, since=fork)
    return Route(
        Verb.CONTRIBUTE,
        found,
        target,
        roster,
        who,
        setting.now.date(),
        setting.clones,
        setting.cache,
        fork=fork,
    )


def _origin(source: Member, clones: Path) -> Member:
    found = via_origin(source, clones)
    if found is None:
        raise UsageError(
            f"{source.git.root} is not a clone: it has no remote `origin` to propose to",
            "contribute from your personal repository, or from a clone of the team's",
        )
    return found


def _fork(source: Member, target: Member) -> str | None:
    """The newest commit that a clone shares with what it was cloned from."""
    url = target.forge.url or str(target.git.root)
    source.git.fetch(url, [f"+{MAIN}:refs/remotes/origin/main"])
    status, out, _ = source.git.attempt("merge-base", source.commit, "refs/remotes/origin/main")
    return out.decode().split()[0] if status == 0 else None


def _promotion(repo: Path, entry: str, setting: Setting, to: Level | None) -> tuple[Route, PlainForge]:
    here = open_member(str(repo), setting.clones, "HEAD")
    level = _ABOVE.get(here.config.level)
    if level is None:
        first = (
            "contribute it to your team first"
            if here.config.level is Level.PERSONAL
            else "nothing is above it"
        )
        raise UsageError(
            f"{here.id} is of the level {here.config.level}, from which nothing is promoted", first
        )
    if to not in {None, level}:
        raise UsageError(
            f"from {here.id} an entry is promoted to the {level}, not to the {to}", "one level at a time"
        )
    source = via_origin(here, setting.clones) or open_member(str(repo), setting.clones)
    seal = parse_seal(setting.seal_key) if level is Level.HUB else None
    target = find_parent(source, level, setting.clones)
    roster = find_roster(target, setting.clones)
    who = requester_of(here, roster, setting.principal)
    found = read_source_entry(source, entry, roster)
    route = Route(
        Verb.PROMOTE, found, target, roster, who, setting.now.date(), setting.clones, setting.cache, seal=seal
    )
    return route, source.forge
