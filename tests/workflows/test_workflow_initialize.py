"""New repositories, new entries, their schemas, and the canonical form."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT, commit_all

from compass.adapters.documents import parse_yaml, split
from compass.errors import ConfigError, NegativeAnswerError, UsageError
from compass.library import load
from compass.model.entry import KINDS
from compass.model.scope import Level
from compass.workflows.check import check
from compass.workflows.formatting import format_files
from compass.workflows.initialize import Plan, initialize, new_entry
from compass.workflows.reading import find_entry
from compass.workflows.schemas import MODELS, schema, schema_files, write_schemas

jsonschema = import_module("jsonschema")  # it has no types
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.mark.parametrize("level", list(Level))
def test_a_new_repository_of_each_level_is_committed_clean_and_checks_clean(
    level: Level, tmp_path: Path
) -> None:
    root = tmp_path / "Payments Team"
    report = initialize(Plan(root, level), now=NOW)
    assert report.id == (level.value if level in {Level.HUB, Level.ORG} else f"{level.value}/payments-team")
    assert check(root, today=TODAY).problems == ()
    status = subprocess.run(
        ["git", "-C", root, "status", "--porcelain"], capture_output=True, check=True, text=True
    )
    assert status.stdout == ""
    library = load(root)
    assert library.main.commit == report.commit
    if level in {Level.TEAM, Level.TRIBE}:
        assert "group:default/payments-team" in library.entities


def test_a_repository_is_made_once_and_existing_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Mine.\n")
    report = initialize(Plan(tmp_path, Level.TEAM, "team/payments", ("../product",)), now=NOW)
    assert "README.md" not in report.files
    assert (tmp_path / "README.md").read_text() == "Mine.\n"
    assert load(tmp_path).main.config.parents == ("../product",)
    with pytest.raises(UsageError, match="already"):
        initialize(Plan(tmp_path, Level.TEAM), now=NOW)


def test_a_folder_of_a_repository_with_a_history_is_left_for_its_owner_to_commit(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print()\n")
    (tmp_path / ".gitignore").write_text("/scratch/\n")
    git = commit_all(tmp_path)
    head = git.resolve("HEAD")
    report = initialize(Plan(tmp_path / "knowledge", Level.TEAM), now=NOW)
    assert report.commit is None
    assert git.resolve("HEAD") == head
    assert initialize(Plan(tmp_path / "scratch" / "team", Level.TEAM), now=NOW).commit
    assert initialize(Plan(tmp_path, Level.TEAM, "team/root"), now=NOW).commit is None


@pytest.mark.parametrize(
    ("level", "name"),
    [(Level.TEAM, "tribe/x"), (Level.TEAM, "team/X Y"), (Level.HUB, "hub/x"), (Level.TEAM, "team")],
)
def test_an_id_that_does_not_suit_the_level_is_refused(level: Level, name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        initialize(Plan(tmp_path / "x", level, name), now=NOW)
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="not a folder"):
        initialize(Plan(tmp_path / "file", Level.TEAM), now=NOW)


def test_without_a_git_identity_the_first_commit_says_who_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text("[user]\n\tuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    assert initialize(Plan(tmp_path / "x", Level.TEAM), now=NOW).author == "COMPASS <compass@localhost>"


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_new_entry_checks_clean_and_is_canonical(kind: str, tmp_path: Path) -> None:
    initialize(Plan(tmp_path / "payments", Level.TEAM), now=NOW)
    root = tmp_path / "payments"
    report = new_entry(
        root, kind, 'Pool: "full"?', today=TODAY, random=Random(1), owner="group:default/payments"
    )
    assert check(root, today=TODAY).problems == ()
    assert format_files(root, write=False).changed == ()
    assert find_entry(root, report.id).path == report.path
    with pytest.raises(UsageError, match="there already"):
        new_entry(root, kind, 'Pool: "full"?', today=TODAY, random=Random(2))
    with pytest.raises(UsageError, match="title"):
        new_entry(root, kind, "x" * 101, today=TODAY, random=Random(2))
    with pytest.raises(UsageError, match="owner"):
        new_entry(root, kind, "x", today=TODAY, random=Random(2), owner="payments")
    with pytest.raises(ConfigError):
        new_entry(tmp_path, kind, "x", today=TODAY, random=Random(2))


def test_the_committed_schemas_are_those_of_the_models() -> None:
    for config in sorted((ROOT / "knowledge").rglob("compass.yaml")):
        for path, text in schema_files().items():
            committed = (config.parent / path).read_text(encoding="utf-8")
            assert committed == text, f"run: compass -C {config.parent.relative_to(ROOT)} schema --write"


def test_the_schemas_accept_the_entries_that_are_here_and_refuse_what_check_refuses() -> None:
    for path in sorted((ROOT / "knowledge").rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if text.startswith("---\n"):
            data = parse_yaml(split(text).front)
            jsonschema.validate(data, schema(data["kind"]))
    draft = {
        "schema": 1,
        "kind": "runbook",
        "id": "run-0000000001",
        "title": "T",
        "status": "draft",
        "created": "2026-01-01",
    }
    jsonschema.validate(draft, schema("runbook"))
    for wrong in (
        {"status": "verified"},
        {"status": "deprecated"},
        {"status": "withdrawn"},
        {"oner": "x"},
        {"id": "pat-0000000001"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(draft | wrong, schema("runbook"))


def test_schemas_are_written_where_they_changed(tmp_path: Path) -> None:
    assert len(write_schemas(tmp_path)) == len(MODELS)
    assert write_schemas(tmp_path) == ()
    assert json.loads((tmp_path / ".compass/schema/pattern.json").read_text())["$schema"].endswith(
        "2020-12/schema"
    )
    with pytest.raises(UsageError, match="not a kind of file"):
        schema("patern")


DRAFT = "---\nschema: 1\nkind: pattern\nid: pat-0000000001\n{}created: 2026-01-01\n---\n{}"


def test_fmt_writes_the_canonical_form_once_and_leaves_broken_files_alone(tmp_path: Path) -> None:
    (tmp_path / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    folder = tmp_path / "patterns"
    folder.mkdir()
    files = {
        "tidy.md": DRAFT.format("title: T\nstatus: draft\n", "\nText.\n"),
        "order.md": DRAFT.format("# why\nstatus: draft  # note\ntitle: 'T'\n", "Text.\n\n\n"),
        "crlf.md": DRAFT.format("title: T\nstatus: draft\n", "\nText.\n").replace("\n", "\r\n"),
        "broken.md": "---\ntitle: [\n---\n",
        "block.md": DRAFT.format("status: draft\ntitle: T\nsummary: |\n  One.\n\n  Two.\n", "\nText.\n"),
    }
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    (folder / "latin.md").write_bytes(b"---\ntitle: caf\xe9\n---\n")
    (folder / "large.md").write_bytes(b"x" * 3_000_000)
    (folder / "link.md").symlink_to(folder / "tidy.md")
    expected = {"patterns/broken.md", "patterns/latin.md", "patterns/large.md", "patterns/link.md"}
    before = format_files(tmp_path, write=False)
    assert {path: (folder / path).read_bytes().decode() for path in files} == files
    report = format_files(tmp_path)
    assert report.changed == before.changed
    assert {"patterns/order.md", "patterns/crlf.md", "patterns/block.md"} == set(report.changed)
    assert expected <= {one.path for one in report.problems}
    for name in ("order.md", "block.md"):
        data = parse_yaml(split((folder / name).read_text()).front)
        assert data == parse_yaml(split(files[name]).front)
    assert "# why" in (folder / "order.md").read_text()
    assert "# note" in (folder / "order.md").read_text()
    assert (folder / "broken.md").read_text() == files["broken.md"]
    assert format_files(tmp_path).changed == ()
    assert format_files(tmp_path, paths=[Path("patterns/tidy.md")]).unchanged == 1
    with pytest.raises(ConfigError):
        format_files(folder)


def test_an_entry_is_found_by_id_or_path_and_otherwise_the_nearest_is_named(tmp_path: Path) -> None:
    root = tmp_path / "payments"
    initialize(Plan(root, Level.TEAM), now=NOW)
    made = new_entry(root, "runbook", "Relieve the pool", today=date(2026, 6, 1), random=Random(1))
    assert find_entry(root, made.id).mount.commit is None
    commit_all(root)
    assert find_entry(root, made.id).mount.commit
    assert find_entry(root, made.path).mount.commit is None
    with pytest.raises(NegativeAnswerError) as found:
        find_entry(root, "Relieve the pol")
    assert made.id in str(found.value.hint)
    with pytest.raises(NegativeAnswerError) as found:
        find_entry(root, "zzz")
    assert "compass search" in str(found.value.hint)
    (root / made.path).write_text("---\nschema: 1\n---\n")
    with pytest.raises(NegativeAnswerError, match="cannot be read"):
        find_entry(root, made.path)
    with pytest.raises(ConfigError):
        find_entry(tmp_path, made.path)
