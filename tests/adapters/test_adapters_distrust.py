"""Programs that a repository's own configuration names: each is run by Git itself, and never by us."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import AUTHOR, WHEN

from compass.adapters.git import ZERO, GitRepository
from compass.errors import OutsideError


def git(root: Path, *arguments: str, code: bool = True) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], check=code, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def program(tmp_path: Path, marker: Path) -> str:
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
    script.chmod(0o755)
    return str(script)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A bare repository with one commit on main."""
    made = GitRepository.init(tmp_path / "other.git", bare=True)
    tree = made.write_tree(None, {"a.md": b"theirs\n"})
    made.update_ref("refs/heads/main", made.commit(tree, [], "one", AUTHOR), ZERO)
    return made.root


@pytest.fixture
def evil(tmp_path: Path, other: Path) -> Path:
    """A clone with a checkout, two lines of history that touch the same file, and room for bad settings."""
    root = tmp_path / "evil"
    subprocess.run(["git", "clone", "--quiet", str(other), str(root)], check=True, capture_output=True)
    made = GitRepository.open(root)
    head = made.resolve("main")
    assert head
    for name, text in (("left", b"left\n"), ("right", b"right\n")):
        tree = made.write_tree(head, {"a.md": text})
        later = replace(AUTHOR, when=WHEN + timedelta(days=1))
        made.update_ref(f"refs/heads/{name}", made.commit(tree, [head], name, later), ZERO)
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "attributes").write_text("* filter=evil merge=evil\n")
    return root


def touched(root: Path) -> None:
    """Changed, and as long as before, so that Git has to look inside."""
    (root / "a.md").write_text("mined.\n")


def clean_theirs(root: Path, other: Path) -> None:
    touched(root)
    git(root, "update-index", "-q", "--refresh", code=False)


def clean_ours(made: GitRepository, other: Path) -> None:
    touched(made.root)
    assert not made.refresh_worktree(made.resolve("main"), str(made.resolve("left")))


def smudge_theirs(root: Path, other: Path) -> None:
    (root / "a.md").unlink()
    git(root, "read-tree", "-u", "--reset", "left", code=False)


def smudge_ours(made: GitRepository, other: Path) -> None:
    (made.root / "a.md").unlink()
    assert made.refresh_worktree(None, str(made.resolve("left")))
    assert (made.root / "a.md").read_text() == "left\n"


def alternates_theirs(root: Path, other: Path) -> None:
    borrowed(root, other)
    git(root, "fetch", str(other), "main", code=False)


def alternates_ours(made: GitRepository, other: Path) -> None:
    borrowed(made.root, other)
    made.fetch(str(other), ["+refs/heads/main:refs/x/main"])


def signature_ours(made: GitRepository, other: Path) -> None:
    git(made.root, "config", "log.showSignature", "true")
    made.landings(signed(made.root), ("One", "Two"))


def merge_ours(made: GitRepository, other: Path) -> None:
    tree, report = made.merge_tree("left", "right")
    assert tree is None
    assert "CONFLICT" in report


def promised(root: Path, other: Path) -> str:
    """An object of the other repository that this one, a partial clone, does not have."""
    git(root, "config", "core.repositoryFormatVersion", "1")
    git(root, "config", "extensions.partialClone", f"file://{other}")
    git(root, "config", f"remote.file://{other}.promisor", "true")
    return GitRepository.open(other).write_blob(b"only there\n")


def lazy_ours(made: GitRepository, other: Path) -> None:
    wanted = promised(made.root, other)
    with contextlib.suppress(OutsideError):  # Git's versions differ in how they say that it is not there
        assert made.read_many([wanted]) == {}


FETCHED = ["+refs/heads/main:refs/x/main"]
CASES: dict[str, tuple[str, Callable[[Path, Path], object], Callable[[GitRepository, Path], None]]] = {
    # what -> (key, what Git does with it, what we do)
    "clean": ("filter.evil.clean", clean_theirs, clean_ours),
    "smudge": ("filter.evil.smudge", smudge_theirs, smudge_ours),
    "merge": (
        "merge.evil.driver",
        lambda root, _: git(root, "merge-tree", "--write-tree", "left", "right", code=False),
        merge_ours,
    ),
    "uploadpack": (
        "remote.file://{other}.uploadpack",
        lambda root, other: git(root, "fetch", f"file://{other}", code=False),
        lambda made, other: made.fetch(f"file://{other}", FETCHED),
    ),
    "receivepack": (
        "remote.file://{other}.receivepack",
        lambda root, other: git(root, "push", f"file://{other}", "left:refs/heads/left", code=False),
        lambda made, other: made.push(f"file://{other}", str(made.resolve("left")), "refs/heads/left", ZERO),
    ),
    "lazy": (
        "remote.file://{other}.uploadpack",
        lambda root, other: git(root, "cat-file", "-p", promised(root, other), code=False),
        lazy_ours,
    ),
    "ssh": (
        "core.sshCommand",
        lambda root, _: git(root, "ls-remote", "ssh://127.0.0.1:1/x", code=False),
        lambda made, _: failing(lambda: made.ls_remote("ssh://127.0.0.1:1/x")),
    ),
    "proxy": (
        "core.gitProxy",
        lambda root, _: git(root, "ls-remote", "git://127.0.0.1:1/x", code=False),
        lambda made, _: failing(lambda: made.ls_remote("git://127.0.0.1:1/x")),
    ),
    "signature": (
        "gpg.program",
        lambda root, _: git(root, "-c", "log.showSignature=true", "log", signed(root), code=False),
        signature_ours,
    ),
    "alternates": ("core.alternateRefsCommand", alternates_theirs, alternates_ours),
}


def failing(call: Callable[[], object]) -> None:
    with pytest.raises(OutsideError):
        call()


def signed(root: Path) -> str:
    """A commit with something where a signature stands."""
    made = GitRepository.open(root)
    info = made.info("left")
    raw = (
        f"tree {info.tree}\nauthor A <a@example.com> 1700000000 +0000\ncommitter A <a@example.com> 1700000000 +0000\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nsigned\n"
    )
    return made.write_object("commit", raw.encode())


def borrowed(root: Path, other: Path) -> None:
    """Objects shared with the other repository, which has news."""
    (root / ".git" / "objects" / "info" / "alternates").write_text(f"{other / 'objects'}\n")
    theirs = GitRepository.open(other)
    head = theirs.resolve("main")
    assert head
    fresh = theirs.commit(theirs.write_tree(head, {"b.md": b"news\n"}), [head], "news", AUTHOR)
    theirs.update_ref("refs/heads/main", fresh, head)


@pytest.mark.parametrize("where", ["here", "included", "worktree"])
@pytest.mark.parametrize("case", sorted(CASES))
def test_git_runs_what_the_repository_names_and_we_do_not(
    evil: Path, other: Path, program: str, marker: Path, case: str, where: str
) -> None:
    key, theirs, ours = CASES[case]
    key = key.format(other=other)
    if where == "included":
        git(evil, "config", "--file", str(evil / ".git" / "more"), key, program)
        git(evil, "config", "include.path", "more")
    elif where == "worktree":
        git(evil, "config", "extensions.worktreeConfig", "true")
        git(evil, "config", "--worktree", key, program)
    else:
        git(evil, "config", key, program)
    if "pack" in key:
        git(evil, "config", f"remote.file://{other}.url", str(other))
    made = GitRepository.open(evil)
    ours(made, other)
    assert not marker.exists()
    theirs(evil, other)
    assert marker.exists(), "the test itself is wrong: Git does not run this"


def test_programs_that_the_user_configured_stay(
    evil: Path, program: str, marker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(mine))
    git(evil, "config", "--global", "core.sshCommand", program)
    git(evil, "config", "--global", "credential.helper", "store")
    git(evil, "config", "core.sshCommand", "true")
    git(evil, "config", "credential.helper", "!true")
    made = GitRepository.open(evil)
    assert made.distrusted == {"core.sshcommand": ("ssh", program), "credential.helper": ("", "store")}
    failing(lambda: made.ls_remote("ssh://127.0.0.1:1/x"))
    assert marker.exists()


def test_an_ordinary_repository_is_trusted_without_asking(evil: Path) -> None:
    assert GitRepository.open(evil).distrusted == {}
