"""The plan of a move: pure reading, and everything that would leave, before anything does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from compass.adapters.documents import YamlProblem
from compass.adapters.git import CommitInfo, GitRepository
from compass.errors import NegativeAnswerError
from compass.federation.approvals import requirements
from compass.federation.crossing import Crossed, cross
from compass.federation.gate import Verdict, judged, library_of
from compass.federation.lineage import entry_files, find_entry, lineage
from compass.federation.merge import Conflict, merge_entry
from compass.federation.messages import message
from compass.federation.route import Route
from compass.federation.source import refused, unwritable
from compass.library import blob_id
from compass.library.reading import decode
from compass.model.base import Problem, Severity
from compass.model.entry import Status
from compass.model.proposal import Verb
from compass.model.scope import Level, Requirement

LATER: Final = "(drawn when it is sent)"


@dataclass(frozen=True)
class Plan:
    """What a move comes to. `theirs` is the source as it would be sent, `merged` what would stand in the target."""

    route: Route
    crossed: Crossed
    path: str
    ours: str | None
    base: str | None
    merged: str
    conflicts: tuple[Conflict, ...]
    needs: tuple[Requirement, ...]
    title: str
    trailers: tuple[tuple[str, str], ...]
    files: Mapping[str, bytes]
    """Recordings that go along: path -> content."""
    verdict: Verdict
    """What the entry would be in the target; there are no errors."""

    @property
    def unchanged(self) -> bool:
        """Whether the target has all of it already."""
        return self.merged == self.ours and not self.conflicts and not self.files

    def messages(self, pid: str) -> tuple[str, str]:
        """The message of the commit as sent, and of the merge with what the target has."""
        trailers = [
            ("Compass-Proposal", pid) if key == "Compass-Proposal" else (key, value)
            for key, value in self.trailers
        ]
        conflicts = [("Compass-Conflict", one.field) for one in self.conflicts]
        return message(self.title, (), trailers), message(
            self.title, self._explained(), [*trailers, *conflicts]
        )

    def leaves(self) -> dict[str, str]:
        """Everything that would leave: path -> text, and the commit message under the empty path."""
        as_sent, as_merged = self.messages(LATER)
        found = {"": as_sent, self.path: self.crossed.text}
        if self.merged != self.crossed.text:
            found |= {" (merged)": as_merged, f"{self.path} (merged)": self.merged}
        return found | {path: f"{len(data)} bytes, as in the source" for path, data in self.files.items()}

    def _explained(self) -> list[str]:
        if not self.conflicts:
            return ["Merged with what the target had changed."]
        return ["Both sides changed these; the target's version stands until somebody settles it:"] + [
            f"- {one.field}" for one in self.conflicts
        ]


def make_plan(route: Route) -> Plan:
    """Read, refuse what may not leave, transform, merge three ways, check; nothing is written anywhere.

    NegativeAnswerError lists what stands in the way, with file and line.
    """
    loaded = route.source.loaded
    _refuse(route)
    above = library_of(route.target, route)
    crossed = cross(route, above)
    git, main = route.target.git, route.target.commit
    found = find_entry(git, main, loaded.id)
    path = found.path if found else _free_path(git, main, crossed.path)
    ours = _text(route, path, git.read(found.oid)) if found else None
    base = common_text(route, path) if found else None
    try:
        merged = merge_entry(base, ours, crossed.text)
    except YamlProblem as problem:
        raise unwritable(f"{path} of {route.target.id} cannot be merged with", problem) from None
    files = {name: data for name, data in crossed.files.items() if not _has(git, main, name, data)}
    verdict = judged(route, above, path, merged.text, files)
    errors = [one for one in verdict.problems if one.severity is Severity.ERROR]
    if errors:
        raise refused(f"{loaded.id} would not pass `check` in {route.target.id}", errors)
    needs = requirements(route.verb, route.target.config.level, route.target.config.policy, [path, *files])
    trailers = _trailers(route, crossed, needs)
    title = f"{route.verb.value.capitalize()} {loaded.kind}: {crossed.title}"
    return Plan(
        route,
        crossed,
        path,
        ours,
        base,
        merged.text,
        merged.conflicts,
        needs,
        title,
        trailers,
        files,
        verdict,
    )


def _text(route: Route, path: str, data: bytes) -> str:
    """What stands in the target, read as `check` reads it."""
    problems: list[Problem] = []
    text = decode(path, data, problems)
    if text is None:
        raise refused(f"{path} of {route.target.id} cannot be merged with", problems)
    return text


def _refuse(route: Route) -> None:
    loaded = route.source.loaded
    if loaded.status is Status.WITHDRAWN:
        raise NegativeAnswerError(
            f"{loaded.path}: {loaded.id} is withdrawn", "a withdrawn entry goes nowhere"
        )
    if not loaded.entry.summary:
        raise NegativeAnswerError(
            f"{loaded.path}:{loaded.line_of(('title',))}: a proposal needs a summary",
            "add `summary:` (400 characters at most): what it is, when it applies",
        )
    if route.verb is Verb.PROMOTE and route.target.config.level is Level.TRIBE:
        team = route.roster.team(route.source.member.id.partition("/")[2])
        if team is None or f"tribe/{team.tribe}" != route.target.id:
            raise NegativeAnswerError(
                f"{route.source.member.id} is no team of {route.target.id}",
                "see teams.yaml of the org repository",
            )
    if route.seal and route.source.member.id.partition("/")[2] not in route.roster.tribes_of(route.requester):
        # At the hub the source is sealed; whose tribal lead must approve follows from who asks.
        raise NegativeAnswerError(
            f"{route.requester} does not belong to {route.source.member.id}",
            "somebody of the tribe must ask for this",
        )


def common_text(route: Route, path: str) -> str | None:
    """The text that source and target last had in common: what this source sent last, or where a clone forked off."""
    target, source = route.target.git, route.source.member
    entry = route.source.loaded.id
    forked = find_entry(source.git, route.fork, entry) if route.fork else None
    for commit in lineage(target, route.target.commit, path, entry, first_parent=True):
        if route.fork and target.is_ancestor(commit.oid, route.fork):
            break  # the clone has seen this landing: its fork is the nearer common text
        named = commit.trailer("Compass-Base-Blob")
        if named and commit.trailer("Compass-Verb") == route.verb and _sent_by(route, commit):
            blobs = target.read_many([named])
            return decode(path, blobs[named], []) if named in blobs else None
    return decode(path, source.git.read(forked.oid), []) if forked else None


def _sent_by(route: Route, landing: CommitInfo) -> bool:
    """Whether a landing came from this source: its commit is part of the source's history, or it is sealed."""
    name, _, commit = (landing.trailer("Compass-Source") or "").partition("@")
    if route.seal:
        return name.startswith("sealed:")
    member = route.source.member
    return name == member.id and member.git.is_ancestor(commit, member.commit)


def _trailers(route: Route, crossed: Crossed, needs: tuple[Requirement, ...]) -> tuple[tuple[str, str], ...]:
    source = route.source
    policy = json.dumps(
        {"needs": [need.model_dump(mode="json") for need in needs], "people": route.roster.digest},
        sort_keys=True,
    )
    blob = blob_id(crossed.text.encode())
    whole = (route.verb.value, source.loaded.id, route.target.id, source.loaded.blob, blob, policy)
    plan = hashlib.sha256(json.dumps(whole).encode())
    values = {
        "Compass-Entry": source.loaded.id,
        "Compass-Proposal": LATER,
        "Compass-Verb": route.verb.value,
        "Compass-Base-Blob": blob,
        "Compass-Transform": crossed.transform,
        "Compass-Policy": f"sha256:{hashlib.sha256(policy.encode()).hexdigest()}",
        "Compass-Source": source.origin,
        "Compass-Source-Blob": source.loaded.blob,
        "Compass-Plan": f"sha256:{plan.hexdigest()}",
    }
    if crossed.sealed:
        values |= dict.fromkeys(("Compass-Source", "Compass-Source-Blob", "Compass-Plan"), crossed.sealed)
    rows = list(values.items())
    rows += [("Compass-Excluded", who) for who in source.authors]
    return (*rows, *(("Compass-Replaced", f"{one.klass} {one.rule} {one.count}") for one in crossed.replaced))


def _free_path(git: GitRepository, main: str, wanted: str) -> str:
    """`wanted`, or with `-2`, `-3` … where another entry has that name."""
    taken = entry_files(git, main)
    stem = PurePosixPath(wanted)
    number = 1
    path = wanted
    while path in taken:
        number += 1
        path = f"{stem.parent}/{stem.stem}-{number}.md"
    return path


def _has(git: GitRepository, main: str, path: str, data: bytes) -> bool:
    return any(one.path == path and one.oid == blob_id(data) for one in git.tree(main, path))
