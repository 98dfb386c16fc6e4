from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from conftest import AUTHOR, WHEN, commit_all

from compass.adapters.git import ZERO, GitRepository, Signature, check_url, trailers
from compass.errors import ConflictError, OutsideError, UsageError


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    git = GitRepository.init(tmp_path / "one")
    tree = git.write_tree(None, {"a/b.md": b"first\n", "c.md": b"c\n"})
    git.update_ref("refs/heads/main", git.commit(tree, [], "first", AUTHOR), ZERO)
    return git


def test_a_commit_is_written_and_read_without_a_checkout(repository: GitRepository) -> None:
    info = repository.info("refs/heads/main")
    assert [(item.path, item.mode) for item in repository.tree(info.oid)] == [
        ("a/b.md", "100644"),
        ("c.md", "100644"),
    ]
    assert info.author == AUTHOR
    assert info.message == "first\n"
    assert info.parents == ()
    assert not (repository.root / "c.md").exists()


def test_write_tree_changes_and_removes_files_and_keeps_the_others(repository: GitRepository) -> None:
    tree = repository.write_tree("refs/heads/main", {"a/b.md": None, "d/e/f.md": b"new"})
    assert [item.path for item in repository.tree(tree)] == ["c.md", "d/e/f.md"]


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", ".git/config", "a/.GIT/hooks", "a\nb", "", "a/./b"])
def test_paths_that_could_escape_are_refused(repository: GitRepository, path: str) -> None:
    with pytest.raises(UsageError, match="not a path"):
        repository.write_tree(None, {path: b""})


def test_a_ref_moves_only_from_the_value_that_was_read(repository: GitRepository) -> None:
    head = repository.resolve("main")
    assert head
    second = repository.commit(repository.info(head).tree, [head], "second", AUTHOR)
    with pytest.raises(ConflictError):
        repository.update_ref("refs/heads/main", second, ZERO)
    with pytest.raises(ConflictError):
        repository.update_ref("refs/heads/main", second, second)
    repository.update_ref("refs/heads/main", second, head)
    repository.update_ref("refs/heads/main", None, second)
    assert repository.resolve("main") is None


@pytest.mark.parametrize(
    "ref",
    [
        "main",
        "refs/heads/a b",
        "refs/../x",
        "-d",
        "refs/heads/x.lock",
        "refs/heads/@{1}",
        "refs/heads/x\ndelete refs/heads/main",
    ],
)
def test_hostile_ref_names_are_refused(repository: GitRepository, ref: str) -> None:
    with pytest.raises(UsageError):
        repository.update_ref(ref, repository.resolve("main"), ZERO)


def test_trailers_are_the_last_paragraph_and_nothing_else() -> None:
    assert trailers("t\n\nbody\n\nCompass-Entry: a\nApproved-by: b role=c\n") == (
        ("Compass-Entry", "a"),
        ("Approved-by", "b role=c"),
    )
    assert trailers("t\n\nCompass-Entry: a\nnot one\n") == ()


def test_signed_commits_keep_their_signature_and_zone(repository: GitRepository) -> None:
    info = repository.info("main")
    raw = f"tree {info.tree}\nauthor A <a@example.com> 1700000000 -0330\ncommitter B <b@example.com> 1700000001 +0100\ngpgsig -----BEGIN-----\n x\n -----END-----\n\nsigned\n"
    found = repository.info(repository.write_object("commit", raw.encode()))
    assert found.signature == "-----BEGIN-----\nx\n-----END-----"
    assert found.author.when == datetime.fromtimestamp(1700000000, timezone(-timedelta(hours=3, minutes=30)))
    assert found.author.when.utcoffset() == -timedelta(hours=3, minutes=30)


def test_a_signature_cannot_smuggle_a_second_header() -> None:
    assert str(Signature("A\nparent x", "a@<b>", WHEN)) == f"Aparent x <a@b> {int(WHEN.timestamp())} +0000"


def test_landings_date_every_file_in_one_pass(repository: GitRepository) -> None:
    head = repository.resolve("main")
    assert head
    later = replace(AUTHOR, when=WHEN + timedelta(days=3))
    tree = repository.write_tree(head, {"c.md": b"changed", "mit Leerzeichen ü.md": b"x"})
    repository.update_ref("refs/heads/main", repository.commit(tree, [head], "second\n\nbody", later), head)
    found = repository.landings("main", ("One", "Two"))
    assert {name: landed[0].when for name, landed in found.items()} == {
        "a/b.md": WHEN,
        "c.md": later.when,
        "mit Leerzeichen ü.md": later.when,
    }


def test_objects_over_the_limit_are_left_out(repository: GitRepository) -> None:
    small, large = repository.write_blob(b"x"), repository.write_blob(b"y" * 5000)
    assert repository.read_many([small, large, ZERO], limit=1000) == {small: b"x"}
    with pytest.raises(OutsideError):
        repository.read(ZERO)


def test_a_clean_checkout_follows_and_a_dirty_one_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "a.md").write_text("one\n")
    git = commit_all(folder)
    first = git.resolve("main")
    assert first
    second = git.commit(git.write_tree(first, {"a.md": b"two\n"}), [first], "two", AUTHOR)
    git.update_ref("refs/heads/main", second, first)
    assert git.refresh_worktree(first, second)
    assert (folder / "a.md").read_text() == "two\n"
    third = git.commit(git.write_tree(second, {"a.md": b"three\n"}), [second], "three", AUTHOR)
    git.update_ref("refs/heads/main", third, second)
    (folder / "a.md").write_text("mine\n")
    assert not git.refresh_worktree(second, third)
    assert (folder / "a.md").read_text() == "mine\n"


def test_push_and_fetch_move_objects_and_refuse_a_moved_ref(
    repository: GitRepository, tmp_path: Path
) -> None:
    bare = GitRepository.init(tmp_path / "bare", bare=True)
    head = repository.resolve("main")
    assert head
    repository.push(str(bare.root), head, "refs/heads/x", ZERO)
    assert repository.ls_remote(str(bare.root)) == {"refs/heads/x": head}
    second = repository.commit(repository.info(head).tree, [head], "second", AUTHOR)
    with pytest.raises(ConflictError):
        repository.push(str(bare.root), second, "refs/heads/x", "1" * 40)
    other = GitRepository.init(tmp_path / "other", bare=True)
    other.fetch(str(bare.root), ["+refs/heads/*:refs/heads/*"])
    assert other.resolve("refs/heads/x") == head


@pytest.mark.parametrize("url", ["ext::sh -c touch% /tmp/x", "--upload-pack=touch", "fd::3", "-x"])
def test_urls_that_run_programs_are_refused(url: str) -> None:
    with pytest.raises(UsageError):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["https://example.com/a.git", "git@example.com:a/b.git", "ssh://git@example.com/a"]
)
def test_usual_urls_pass(url: str) -> None:
    assert check_url(url) == url


def test_hooks_of_a_repository_never_run(repository: GitRepository, tmp_path: Path) -> None:
    hooks = repository.git_dir / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-update", "pre-push", "post-checkout"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\n")
        (hooks / name).chmod(0o755)
    head = repository.resolve("main")
    assert head
    repository.update_ref("refs/heads/other", head, ZERO)
    repository.refresh_worktree(None, head)
    assert not list(tmp_path.glob("ran-*"))


def test_a_folder_that_is_no_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="not in a Git repository"):
        GitRepository.open(tmp_path)
    with pytest.raises(OutsideError, match="not a folder"):
        GitRepository.open(tmp_path / "missing")


def test_a_folder_inside_a_repository_knows_its_prefix(tmp_path: Path) -> None:
    folder = tmp_path / "top"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "c.md").write_text("x")
    commit_all(folder)
    git = GitRepository.open(folder / "a" / "b")
    assert (git.prefix, git.root) == ("a/b/", folder)
    assert [item.path for item in git.tree("HEAD", "a/b")] == ["a/b/c.md"]


def test_the_identity_comes_from_the_user(repository: GitRepository) -> None:
    assert repository.identity() == (AUTHOR.name, AUTHOR.email)
    assert datetime.now(UTC) > WHEN
