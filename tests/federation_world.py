"""A small organization of bare repositories with everybody's keys, for the tests of what moves between levels."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compass.adapters import sshsig
from compass.adapters.git import ZERO, GitRepository, Signature
from compass.federation import review
from compass.federation.moves import contribute, promote
from compass.federation.setting import Setting
from compass.federation.standing import Standing
from compass.model.proposal import Proposal

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
PEOPLE = ("ann", "ben", "cleo", "lead", "chief", "vice", "otto", "scrub-1", "scrub-2", "steward")
KEYS = {who: sshsig.generate(bytes([number + 1] * 32)) for number, who in enumerate(PEOPLE)}
PAT = "pat-0000000001"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

TEAMS = """\
schema: 1
teams:
  - {id: pay, tribe: shop, members: [ann, ben, cleo, lead], leads: [lead], deputies: [cleo]}
  - {id: core, tribe: base, members: [otto], leads: [otto]}
tribes:
  - {id: shop, leads: [chief], deputies: [vice]}
  - {id: base, leads: [otto]}
roles:
  anonymization_reviewer: [scrub-1, scrub-2]
  hub_steward: [steward]
"""
GROUP = (
    "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: team, children: []}\n"
)
COMPONENT = (
    "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: %s}\n"
    "spec: {type: service, lifecycle: production, owner: 'group:default/pay'}\n"
)
BODY = """
## Symptoms

Requests wait for a connection and then fail.

## Mechanism

The pool is smaller than the number of workers.

## Diagnosis

Look at the number of connections in use.

## Mitigation

Make the pool larger.
"""


def entry(title: str = "Connection pool is exhausted", body: str = BODY, **more: str) -> str:
    """A draft pattern; `more` are further lines of front matter, or other values of these."""
    fields = {
        "schema": "1",
        "kind": "pattern",
        "id": PAT,
        "title": title,
        "status": "draft",
        "created": "2026-03-01",
        "summary": "Requests wait for a connection because the pool is too small.",
        "owner": "group:default/pay",
        "services": "[component:default/checkout]",
    } | more
    front = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
    return f"---\n# yaml-language-server: $schema=../.compass/schema/pattern.json\n{front}---\n{body}"


def mail(who: str) -> str:
    """The address in people.yaml."""
    return f"{who}@example.com"


def person(who: str, when: datetime = NOW) -> Signature:
    """How somebody signs commits made by hand."""
    return Signature(who.title(), mail(who), when)


def save(
    git: GitRepository,
    files: Mapping[str, str | None],
    who: str = "ann",
    message: str = "Edit\n",
    ref: str = "refs/heads/main",
) -> str:
    """Commit files to a branch, without a working tree."""
    old = git.resolve(ref)
    changes = {path: None if text is None else text.encode() for path, text in files.items()}
    new = git.commit(git.write_tree(old, changes), [old] if old else [], message, person(who))
    git.update_ref(ref, new, old or ZERO)
    git.refresh_worktree(old, new)
    return new


def config(level: str, name: str, *parents: str, more: str = "") -> str:
    """A compass.yaml."""
    listed = "".join(f"\n  - {parent}" for parent in parents)
    return f"schema: 1\nlevel: {level}\nid: {name}\n" + (f"parents:{listed}\n" if parents else "") + more


def ticking(start: datetime = NOW) -> Callable[[], datetime]:
    """Each call is a minute later."""
    numbers = itertools.count()
    return lambda: start + timedelta(minutes=next(numbers))


@dataclass
class World:
    """The repositories by name, and everybody's commands."""

    root: Path
    clock: Callable[[], datetime] = field(default_factory=ticking)
    seal_key: str | None = "shop-1:" + "5a" * 32

    def git(self, name: str) -> GitRepository:
        return GitRepository.open(self.root / name)

    def setting(self, who: str | None = "ann", **more: object) -> Setting:
        values: dict[str, object] = {
            "clones": self.root / "clones",
            "cache": None,
            "now": self.clock(),
            "draw": draws(),
            "principal": who,
            "seal_key": self.seal_key,
        }
        return Setting(**(values | more))  # type: ignore[arg-type]  # tests override any of them

    def desk(self, name: str, who: str | None = "lead", **more: object) -> review.Desk:
        return review.open_desk(str(self.root / name), self.setting(who, **more))

    def contribute(
        self, name: str = "me", entry: str = PAT, who: str = "ann", *, dry: bool = False, **more: object
    ) -> Proposal:
        return contribute(self.root / name, entry, self.setting(who, **more), dry=dry)

    def promote(
        self, name: str = "pay.git", entry: str = PAT, who: str = "ann", *, dry: bool = False, **more: object
    ) -> Proposal:
        return promote(self.root / name, entry, self.setting(who, **more), dry=dry)

    def approve(self, name: str, proposal: Proposal, *people: str) -> Standing:
        assert proposal.proposal
        for who in people:
            standing = review.approve(self.desk(name, who), proposal.proposal, KEYS[who])
        return standing

    def land(self, name: str, proposal: Proposal, *approvers: str) -> Proposal:
        assert proposal.proposal
        self.approve(name, proposal, *approvers)
        return review.land(self.desk(name), proposal.proposal).proposal()

    def text(self, name: str, path: str = "patterns/pool.md", ref: str = "refs/heads/main") -> str:
        git = self.git(name)
        return git.read(next(one.oid for one in git.tree(git.resolve(ref) or "", path))).decode()

    def write(self, text: str, path: str = "patterns/pool.md") -> None:
        file = self.root / "me" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def clone(self, name: str, to: str, who: str) -> Path:
        target = self.root / to
        subprocess.run(["git", "clone", "-q", str(self.root / name), str(target)], check=True)
        for key, value in (("user.name", who), ("user.email", mail(who))):
            subprocess.run(["git", "-C", str(target), "config", key, value], check=True)
        return target

    def check_out(self, name: str) -> Path:
        """Put a repository with a working tree in the place of a bare one."""
        bare, work = self.root / f"{name}.bare", self.root / name
        work.rename(bare)
        self.clone(bare.name, name, "lead")
        git = self.git(name)
        git.fetch(str(bare), ["+refs/compass/*:refs/compass/*", "+refs/heads/compass/*:refs/heads/compass/*"])
        git.git("remote", "remove", "origin")
        return work

    def objects(self, name: str) -> set[str]:
        out = self.git(name).git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
        return set(out.decode().split())


_NUMBERS = itertools.count()


def draws() -> Callable[[], str]:
    """Proposal ids, each another one."""

    def draw() -> str:
        number = next(_NUMBERS)
        return "".join(ALPHABET[number // 32**place % 32] for place in range(16))

    return draw


def build(root: Path) -> None:
    """Make the repositories below `root`: org, hub, shop (tribe), pay (team), and ann's own."""
    people = "".join(
        f"  - id: {who}\n    emails: [{mail(who)}]\n    keys: ['{KEYS[who].authorized}']\n" for who in PEOPLE
    )
    catalog = "---\n".join(
        [
            *(GROUP % name for name in ("pay", "core", "shop", "hub-stewards")),
            *(COMPONENT % name for name in ("checkout", "ledger")),
        ]
    )
    bare = {
        "org.git": {
            "compass.yaml": config("org", "org"),
            "people.yaml": f"schema: 1\npeople:\n{people}",
            "teams.yaml": TEAMS,
            "catalog/catalog-info.yaml": catalog,
        },
        "hub.git": {"compass.yaml": config("hub", "hub", "../org.git")},
        "shop.git": {"compass.yaml": config("tribe", "tribe/shop", "../hub.git", "../org.git")},
        "pay.git": {"compass.yaml": config("team", "team/pay", "../shop.git", "../org.git")},
    }
    for name, files in bare.items():
        save(GitRepository.init(root / name, bare=True), files, "steward")
    save(
        GitRepository.init(root / "me"),
        {"compass.yaml": config("personal", "personal/ann", "../pay.git")},
        "ann",
    )


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The organization, made once. A test module asks for both fixtures by naming them at its top."""
    root = tmp_path_factory.mktemp("world")
    build(root)
    return root


@pytest.fixture
def world(template: Path, tmp_path: Path) -> World:
    """A copy of the organization for one test."""
    shutil.copytree(template, tmp_path / "world", dirs_exist_ok=True)
    return World(tmp_path / "world")
