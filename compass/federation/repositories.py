"""Which repositories a move joins: the source, its target among the parents, and the organization above both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.adapters.forge.plain import MAIN, PlainForge
from compass.adapters.git import GitRepository
from compass.adapters.remotes import origin_of
from compass.errors import ConfigError, Location, OutsideError
from compass.federation.roster import Roster, roster_digest
from compass.library import clone_path, locate_parent
from compass.library.source import MAX_FILE
from compass.model.base import Model
from compass.model.scope import Level, People, Repository, Teams

CONFIG: Final = "compass.yaml"
_M = TypeVar("_M", bound=Model)


@dataclass(frozen=True)
class Member:
    """A knowledge repository at one commit: what it says of itself, and how to reach it."""

    forge: PlainForge
    commit: str
    config: Repository

    @property
    def git(self) -> GitRepository:
        """The repository, or its mirror."""
        return self.forge.git

    @property
    def id(self) -> str:
        """`team/payments`, `hub` …"""
        return self.config.id


def open_member(location: str, clones: Path, revision: str = MAIN) -> Member:
    """The knowledge repository at a folder or URL; ConfigError when it is none."""
    # Apart from the clone that `sync` keeps: that one moves only when the parent was not rewound.
    forge = PlainForge.open(location, clone_path(clones, f"review:{location}"))
    commit = forge.git.resolve(f"{revision}^{{commit}}")
    if commit is None:
        branch = revision.removeprefix("refs/heads/")
        raise ConfigError(
            f"{forge.name} has no commit on {branch}", f"commit what is there, on the branch {branch}"
        )
    return Member(forge, commit, read_model(forge.git, commit, CONFIG, Repository))


def again(member: Member) -> Member:
    """The same repository as it stands now."""
    member.forge.refresh()
    commit = member.forge.main()
    if commit is None:
        raise OutsideError(f"{member.forge.name} has no branch main any more")
    return Member(member.forge, commit, read_model(member.git, commit, CONFIG, Repository))


def parents(member: Member) -> tuple[str, ...]:
    """Where the parents named in compass.yaml are: URLs as they are, paths made absolute."""
    origin = member.forge.url or origin_of(member.git)
    return tuple(locate_parent(member.git.root, parent, origin) for parent in member.config.parents)


def via_origin(member: Member, clones: Path) -> Member | None:
    """What a clone was cloned from; None when it is no clone. ConfigError when the two are not the same repository."""
    origin = origin_of(member.git)
    if origin is None:
        return None
    found = open_member(origin, clones)
    if found.id != member.id:
        raise ConfigError(f"{member.git.root} says that it is {member.id}, its origin that it is {found.id}")
    return found


def find_parent(member: Member, level: Level, clones: Path) -> Member:
    """The parent of this level that compass.yaml names; ConfigError when there is none."""
    found, lost = _open_all(parents(member), clones)
    for one in found:
        if one.config.level is level:
            return one
    raise ConfigError(
        f"{member.id} names no parent of the level {level} that can be read",
        "; ".join(lost) or "add it to `parents` in compass.yaml",
    )


def find_roster(member: Member, clones: Path) -> Roster:
    """People and roles of the organization above `member`, from its org repository's main."""
    queue = [member]
    seen = {member.id}
    lost: list[str] = []
    for one in queue:
        found, failed = _open_all(parents(one), clones)
        lost += failed
        for above in found:
            if above.config.level is Level.ORG:
                return read_roster(above)
            if above.id not in seen:
                seen.add(above.id)
                queue.append(above)
    hint = (
        "add the repository of the level org, with people.yaml and teams.yaml, to `parents` in compass.yaml"
    )
    raise ConfigError(
        f"no parent of {member.id} leads to the organization's repository", "; ".join(lost) or hint
    )


def _open_all(locations: Iterable[str], clones: Path) -> tuple[list[Member], list[str]]:
    """Every repository that can be opened, and why the others cannot."""
    found, lost = [], []
    for location in locations:
        try:
            found.append(open_member(location, clones))
        except (ConfigError, OutsideError) as error:
            lost.append(str(error))
    return found, lost


def read_roster(org: Member) -> Roster:
    """people.yaml and teams.yaml of the org repository."""
    texts = [read_file(org.git, org.commit, name) or b"" for name in ("people.yaml", "teams.yaml")]
    people = read_model(org.git, org.commit, "people.yaml", People)
    teams = read_model(org.git, org.commit, "teams.yaml", Teams)
    return Roster(people, teams, roster_digest(*texts))


def read_file(git: GitRepository, commit: str, path: str) -> bytes | None:
    """One file of a commit, None when it is not there or larger than a file of settings may be."""
    status, data, _ = git.attempt("cat-file", "blob", f"{commit}:{path}")
    return data if status == 0 and len(data) <= MAX_FILE else None


def read_model(git: GitRepository, commit: str, path: str, model: type[_M]) -> _M:
    """One YAML file of a commit as a model; ConfigError with the place of what is wrong."""
    place = f"{git.root}:{path}"
    data = read_file(git, commit, path)
    if data is None:
        raise ConfigError(
            f"{git.root} has no {path}", "is it a knowledge repository, and is the file committed?"
        )
    try:
        return model.model_validate(_mapping(parse_yaml(data.decode("utf-8"))))
    except YamlProblem as problem:
        raise ConfigError(
            problem.message, location=Location(place, problem.line, problem.column)
        ) from problem
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8", location=Location(place)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}", location=Location(place)
        ) from error


def _mapping(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, dict) else {}
