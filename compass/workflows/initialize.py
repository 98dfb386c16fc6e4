"""`compass init` and `compass new`: a knowledge repository, and a draft to fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from pydantic import Field, ValidationError

from compass import __version__
from compass.adapters.documents import dump_entry, dump_yaml, write_atomically
from compass.adapters.git import ZERO, GitRepository, Signature
from compass.errors import ConfigError, OutsideError, UsageError
from compass.library.source import plain_path
from compass.model.base import Model, SchemaVersion
from compass.model.entry import FOLDERS, HEADINGS, KINDS
from compass.model.ids import new_id, slug
from compass.model.scope import Level, Repository
from compass.workflows.gate import GATE, workflow
from compass.workflows.schemas import schema_files

FALLBACK: Final = ("COMPASS", "compass@localhost")
_README: Final = """\
# {id}

A COMPASS knowledge repository: the memory of this {level}, kept as plain files.

- `patterns/`: ways of failing that a machine can recognize
- `runbooks/`: what to do when an alert fires
- `postmortems/<year>/`: what was learnt from incidents
- `catalog/`: services, owners and dependencies, as Backstage's catalog-info.yaml

`compass new runbook --title "…"` writes a draft, `compass check` says what is wrong, `compass fmt` tidies up.
"""
_GROUP: Final = """\
# The team that owns the entries here; add its services as `kind: Component`.
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: {name}
spec:
  type: {level}
  children: []
"""


class InitReport(Model):
    """What `init` made."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    path: str
    id: str
    level: Level
    files: tuple[str, ...]
    commit: str | None = Field(
        description="None when the folder lies in a Git repository that was there before"
    )
    author: str


class NewReport(Model):
    """The draft that `new` wrote."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    id: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A repository to be made."""

    root: Path
    level: Level
    id: str | None = None
    parents: tuple[str, ...] = ()


def initialize(plan: Plan, *, now: datetime) -> InitReport:
    """Make the repository and its first commit, by the user's Git identity or a named stand-in.

    UsageError when there is one already or the id does not suit the level. Existing files are kept.
    """
    root = plan.root.resolve()
    if (root / "compass.yaml").exists():
        raise UsageError(f"{root} is a knowledge repository already", "choose another folder")
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is not a folder", "choose another name")
    config = _config(plan, root)
    files = {path: text for path, text in _files(config).items() if not (root / path).exists()}
    inside = _enclosing(root)
    for path, text in files.items():
        write_atomically(root / path, text.encode())
    commit, author = (None, "") if inside else _first_commit(root, files, config, now)
    return InitReport(
        path=str(root),
        id=config.id,
        level=config.level,
        files=tuple(sorted(files)),
        commit=commit,
        author=author,
    )


def new_entry(
    root: Path, kind: str, title: str, *, today: date, random: Random, owner: str | None = None
) -> NewReport:
    """Write a draft with its headings; UsageError when the title cannot be used or the file is there already."""
    root = root.resolve()
    if not (root / "compass.yaml").is_file():
        raise ConfigError(
            f"{root} is not a knowledge repository: it has no compass.yaml", "make one with `compass init`"
        )
    data: dict[str, Any] = {
        "schema": 1,
        "kind": kind,
        "id": new_id(kind, random),
        "title": title.strip(),
        "status": "draft",
        "created": today.isoformat(),
        **({"owner": owner} if owner else {}),
        "provenance": {"drafted_by": "human", "tool": f"compass {__version__}"},
    }
    try:
        KINDS[kind].model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}", "change the option of that name"
        ) from error
    path = entry_path(kind, slug(title), today)
    if (root / path).exists():
        raise UsageError(f"{path} is there already", "give the entry another title, or edit that file")
    write_atomically(
        plain_path(root, path),
        draft_text(data, "\n\n".join(f"## {name}" for name in HEADINGS[kind]), path).encode(),
    )
    return NewReport(id=data["id"], kind=kind, path=path)


def entry_path(kind: str, name: str, created: date) -> str:
    """Where an entry of this kind lies."""
    year = f"{created.year}/" if kind == "postmortem" else ""
    return f"{FOLDERS[kind]}/{year}{name}.md"


def draft_text(data: Mapping[str, Any], body: str, path: str) -> str:
    """A whole file in canonical form, with the comment that names its schema."""
    up = "../" * path.count("/")
    return dump_entry(data, body, f"yaml-language-server: $schema={up}.compass/schema/{data['kind']}.json")


def _config(plan: Plan, root: Path) -> Repository:
    fixed = plan.level in {Level.HUB, Level.ORG}
    name = plan.id or (plan.level.value if fixed else f"{plan.level.value}/{slug(root.name)}")
    if name.partition("/")[0] != plan.level.value:
        raise UsageError(
            f"the id {name!r} is not that of a repository at the level {plan.level}",
            f"it starts with {plan.level}",
        )
    try:
        return Repository.model_validate(
            {"schema": 1, "level": plan.level, "id": name, "parents": list(plan.parents)}
        )
    except ValidationError as error:
        raise UsageError(
            f"{name!r} cannot be an id: {error.errors()[0]['msg']}",
            "use lower-case letters, digits and hyphens",
        ) from error


def _files(config: Repository) -> dict[str, str]:
    settings: dict[str, Any] = {"schema": 1, "level": config.level.value, "id": config.id}
    if config.parents:
        settings["parents"] = list(config.parents)
    found = {
        "compass.yaml": f"# yaml-language-server: $schema=.compass/schema/repository.json\n{dump_yaml(settings)}",
        "README.md": _README.format(id=config.id, level=config.level),
        ".gitignore": "/compass.lock\n",
        ".gitattributes": "* text=auto eol=lf\n*.gz binary\n",
        **schema_files(),
    }
    if config.level is not Level.PERSONAL:
        found[GATE] = workflow()
    if config.level is Level.ORG:
        found["people.yaml"] = (
            "# yaml-language-server: $schema=.compass/schema/people.json\nschema: 1\npeople: []\n"
        )
        found["teams.yaml"] = (
            "# yaml-language-server: $schema=.compass/schema/teams.json\nschema: 1\nteams: []\ntribes: []\n"
        )
        found["catalog/.gitkeep"] = ""
        return found
    found |= {f"{folder}/.gitkeep": "" for folder in (*FOLDERS.values(), "recordings")}
    group = config.level in {Level.TEAM, Level.TRIBE}
    name = config.id.rpartition("/")[2]
    found["catalog/catalog-info.yaml" if group else "catalog/.gitkeep"] = (
        _GROUP.format(name=name, level=config.level) if group else ""
    )
    return found


def _enclosing(root: Path) -> bool:
    """Whether the folder belongs to a Git repository with a history of its own, which we do not write to."""
    place = next(folder for folder in (root, *root.parents) if folder.is_dir())
    try:
        git = GitRepository.open(place)
    except OutsideError:
        return False
    if git.root == root:
        return git.resolve("HEAD") is not None
    return git.attempt("check-ignore", "--quiet", "--", str(root))[0] != 0


def _first_commit(root: Path, files: Mapping[str, str], config: Repository, now: datetime) -> tuple[str, str]:
    git = GitRepository.init(root)
    name, email = git.identity() or FALLBACK
    who = Signature(name, email, now)
    tree = git.write_tree(None, {path: text.encode() for path, text in files.items()})
    commit = git.commit(tree, [], f"Begin {config.id}\n\nMade by compass init.", who)
    git.update_ref("refs/heads/main", commit, ZERO)
    git.refresh_worktree(None, commit)
    return commit, f"{name} <{email}>"
