from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest
from conftest import commit_all

from compass.errors import ConfigError
from compass.library import load, locate_parent
from compass.model.base import Severity

ENTRY = """---
schema: 1
kind: runbook
id: run-0123456789
title: Restart the worker
status: draft
created: 2026-01-02
---

See [[run-0123456789]].
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "team"
    (root / "runbooks").mkdir(parents=True)
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\nparents: [../tribe]\n")
    (root / "runbooks" / "restart.md").write_text(ENTRY)
    tribe = tmp_path / "tribe"
    tribe.mkdir()
    (tribe / "compass.yaml").write_text("schema: 1\nlevel: tribe\nid: tribe/product\nparents: []\n")
    return root


def test_the_working_tree_and_head_are_read_alike(repo: Path) -> None:
    commit_all(repo)
    (repo / "runbooks" / "new.md").write_text(ENTRY.replace("run-0123456789", "run-0123456788"))
    head, tree = load(repo), load(repo, revision=None)
    assert [entry.id for entry in head.entries] == ["run-0123456789"]
    assert {entry.id for entry in tree.entries} == {"run-0123456789", "run-0123456788"}
    assert head.entries[0].blob == tree.by_id["run-0123456789"].blob
    entry = head.entries[0]
    assert entry.cite(4) == f"team/payments@{head.main.commit}:runbooks/restart.md#L4-L4"
    assert entry.text.split("\n")[entry.line_of(("id",)) - 1].startswith("id:")
    assert entry.text.split("\n")[entry.body_line].startswith("See")


def test_parents_are_mounted_behind_their_children(repo: Path) -> None:
    assert [(mount.id, mount.distance) for mount in load(repo, revision=None, parents=True).mounts] == [
        ("team/payments", 0),
        ("tribe/product", 1),
    ]


def test_a_parent_that_is_not_there_is_a_problem_and_nothing_else_suffers(repo: Path) -> None:
    (repo / "compass.yaml").write_text(
        "schema: 1\nlevel: team\nid: team/payments\nparents: [../gone, https://example.com/hub.git, ../tribe]\n"
    )
    library = load(repo, revision=None, parents=True)
    assert [problem.rule for problem in library.problems] == ["parent", "parent"]
    assert [mount.id for mount in library.mounts] == ["team/payments", "tribe/product"]
    assert len(library.entries) == 1


@pytest.mark.parametrize(
    ("name", "text", "rule", "place", "words", "hint"),
    [
        ("yaml", ENTRY.replace("title: ", "title: [", 1), "yaml", (6, 7), "sequence", None),
        ("twice", ENTRY.replace("status:", "title: again\nstatus:"), "yaml", (6, 1), "twice", None),
        (
            "unknown",
            ENTRY.replace("status: draft", "status: draft\nownr: x"),
            "schema",
            (7, 1),
            "unknown key 'ownr'",
            "did you mean 'owner'?",
        ),
        ("date", ENTRY.replace("2026-01-02", "2026-02-30"), "schema", (7, 10), "created", None),
        (
            "status",
            ENTRY.replace("draft", "verifed"),
            "schema",
            (6, 9),
            "'verifed' is not allowed",
            "did you mean 'verified'?",
        ),
        (
            "id",
            ENTRY.replace("id: run-0123456789", "id: run-1"),
            "schema",
            (4, 5),
            "id: String should match",
            None,
        ),
        (
            "kind",
            ENTRY.replace("kind: runbook", "kind: runbok"),
            "schema",
            (3, 7),
            "kind 'runbok'",
            "did you mean 'runbook'?",
        ),
        (
            "missing",
            ENTRY.replace("title: Restart the worker\n", ""),
            "schema",
            (2, 1),
            "the field 'title' is missing",
            None,
        ),
        (
            "calendar",
            ENTRY.replace(
                "created:",
                "evidence: [{id: e1, type: log, captured: 0001-01-01T00:00:00+14:00}]\ncreated:",
            ),
            "schema",
            (7, 42),
            "between 1900 and 9000",
            None,
        ),
        ("null", "\0", "encoding", (1, 1), "binary", None),
        ("nofront", "# Just text\n", "yaml", (1, 1), "front matter", None),
        ("list", "---\n- a\n---\n", "schema", (2, 1), "kind", None),
        (
            "step",
            ENTRY.replace("created:", "steps: [{id: s1, text: x, risk: harmless}]\ncreated:"),
            "schema",
            (7, 33),
            "steps.0.risk",
            None,
        ),
    ],
)
def test_a_broken_file_is_one_problem_with_its_place_and_the_others_are_read(
    repo: Path, name: str, text: str, rule: str, place: tuple[int, int], words: str, hint: str | None
) -> None:
    (repo / "runbooks" / f"{name}.md").write_text(text)
    library = load(repo, revision=None)
    assert [entry.path for entry in library.entries] == ["runbooks/restart.md"]
    assert len(library.problems) == 1
    problem = library.problems[0]
    assert (problem.rule, problem.severity, problem.path) == (rule, Severity.ERROR, f"runbooks/{name}.md")
    assert words in problem.message
    assert (problem.line, problem.column) == place
    if hint:
        assert problem.hint == hint


def test_hostile_files_are_problems_or_notices(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text(ENTRY)
    (repo / "runbooks" / "link.md").symlink_to(tmp_path / "secret.md")
    (repo / "runbooks" / "binary.md").write_bytes(b"\x00\x01\x02")
    (repo / "runbooks" / "latin.md").write_bytes("---\ntitle: ü".encode("latin-1"))
    (repo / "runbooks" / "large.md").write_bytes(b"---\n" + b"x" * (3 * 1024 * 1024))
    (repo / "runbooks" / "dos.md").write_bytes(
        ENTRY.replace("run-0123456789", "run-0123456787").replace("\n", "\r\n").encode()
    )
    for revision in (None, "HEAD"):
        if revision:
            commit_all(repo)
        library = load(repo, revision=revision)
        found = {problem.path: (problem.rule, problem.severity.value) for problem in library.problems}
        assert found == {
            **({"runbooks/link.md": ("link", "error")} if revision is None else {}),
            "runbooks/binary.md": ("encoding", "error"),
            "runbooks/latin.md": ("encoding", "error"),
            "runbooks/large.md": ("size", "error"),
            "runbooks/dos.md": ("encoding", "warning"),
        }


def test_a_warm_cache_gives_the_same_library_and_a_broken_one_is_thrown_away(
    repo: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cold = load(repo, revision=None, cache=cache)
    warm = load(repo, revision=None, cache=cache)
    assert cold.entries == warm.entries
    file = next(cache.iterdir())
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM parsed").fetchone() == (1,)
    connection.close()
    file.write_bytes(b"not a database, not even a little" * 100)
    assert load(repo, revision=None, cache=cache).entries == cold.entries


def test_what_is_no_knowledge_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        load(tmp_path / "missing")
    with pytest.raises(ConfigError, match=r"no compass\.yaml"):
        load(tmp_path)
    with pytest.raises(ConfigError, match=r"no compass\.yaml"):
        load(tmp_path, revision=None)
    (tmp_path / "compass.yaml").write_text("level: [")
    with pytest.raises(ConfigError, match="not in a Git repository"):
        load(tmp_path)
    with pytest.raises(ConfigError, match=r"compass\.yaml:1:9"):
        load(tmp_path, revision=None)
    (tmp_path / "compass.yaml").write_text("schema: 1\nlevel: club\nid: hub\n")
    with pytest.raises(ConfigError, match="level"):
        load(tmp_path, revision=None)


def test_an_empty_repository_says_what_to_do(repo: Path) -> None:
    from compass.adapters.git import GitRepository

    GitRepository.init(repo)
    with pytest.raises(ConfigError, match="no commit HEAD") as caught:
        load(repo)
    assert caught.value.hint


def test_a_clone_elsewhere_finds_its_parents_beside_its_origin(repo: Path, tmp_path: Path) -> None:
    commit_all(repo)
    commit_all(tmp_path / "tribe")
    clone = tmp_path / "far" / "away" / "clone"
    clone.parent.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", str(repo), str(clone)], check=True)
    assert [mount.id for mount in load(clone, parents=True).mounts] == ["team/payments", "tribe/product"]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://example.com/org/team.git", "https://example.com/org/tribe"),
        ("git@example.com:org/team.git", "git@example.com:org/tribe"),
        ("/srv/org/team", "/srv/org/tribe"),
    ],
)
def test_a_relative_parent_counts_from_where_the_clone_came_from(
    origin: str, expected: str, tmp_path: Path
) -> None:
    assert locate_parent(tmp_path, "../tribe", origin) == expected
    assert locate_parent(tmp_path, "https://example.com/x", origin) == "https://example.com/x"
