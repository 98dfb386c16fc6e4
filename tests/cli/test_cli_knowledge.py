"""check, fmt, import, init, new, schema and show as a person or a program calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import commit_all

from compass.cli import cli
from compass.errors import ConfigError, NegativeAnswerError, UsageError


def call(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(cli, [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "payments"
    assert call("init", root, "--level", "team", "--yes").exit_code == 0
    return root


def test_a_repository_is_made_without_a_question_and_works(tmp_path: Path) -> None:
    root = tmp_path / "payments"
    made = json.loads(
        call("init", root, "--level", "team", "--parent", "../product", "--yes", "--format", "json").stdout
    )
    assert (made["schema"], made["id"], made["level"]) == (1, "team/payments", "team")
    assert made["commit"]
    assert "Begin team/payments" not in call("-C", root, "check").stdout
    assert (
        (root / "compass.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=.compass/schema/repository.json\nschema: 1")
    )
    assert "Next:" in call("init", tmp_path / "hub", "--level", "hub", "--yes").stdout
    assert "commit the files yourself" in call("init", root / "inner", "--level", "team", "--yes").stdout


def test_init_without_yes_and_without_a_terminal_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no terminal"):
        call("init", tmp_path / "x", "--level", "team")


def test_check_has_the_shape_that_programs_read(repo: Path) -> None:
    assert (
        json.loads(call("-C", repo, "check", "--format", "json").stdout).items()
        >= {"schema": 1, "problems": [], "entries": 0}.items()
    )
    made = json.loads(
        call("-C", repo, "new", "pattern", "--title", "A pool, full", "--format", "json").stdout
    )
    file = repo / made["path"]
    file.write_text(file.read_text().replace("status: draft", "status: drafft"))
    result = call("-C", repo, "check", "--format", "json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert list(report) == ["schema", "problems", "entries", "seconds"]
    assert list(report["problems"][0]) == [
        "rule",
        "severity",
        "message",
        "path",
        "line",
        "column",
        "hint",
        "entry",
    ]
    assert report["problems"][0] | {"message": "", "line": 0, "column": 0} == {
        "rule": "schema",
        "severity": "error",
        "message": "",
        "path": made["path"],
        "line": 0,
        "column": 0,
        "hint": "did you mean 'draft'?",
        "entry": made["id"],
    }
    assert report["entries"] == 1


def test_check_as_text_and_as_annotations(repo: Path) -> None:
    file = repo / "patterns" / "a,b:c.md"
    file.write_text(
        "---\nschema: 1\nkind: pattern\nid: pat-0000000001\ntitle: 50% full\nstatus: draft\ncreated: 2026-01-01\nowner: group:default/nobody\n---\n"
    )
    text = call("-C", repo, "check")
    assert text.exit_code == 1
    lines = text.stdout.splitlines()
    assert (
        "patterns/a,b:c.md:8:8: error: owner 'nobody' is not a team of the catalog (unknown-owner)" in lines
    )
    assert lines[-1].startswith("1 error, 1 warning, 1 info in 1 entry (")
    annotations = call("-C", repo, "check", "--format", "github").stdout.splitlines()
    assert any(
        line.startswith("::error file=patterns/a%2Cb%3Ac.md,line=8,col=8,title=unknown-owner::owner 'nobody'")
        and "%0A" in line
        for line in annotations
    )
    assert {line.split()[0] for line in annotations} == {"::error", "::warning", "::notice"}
    assert "entry (" not in call("-q", "-C", repo, "check").stdout
    file.write_text(file.read_text().replace("nobody", "payments"))
    assert call("-C", repo, "check").exit_code == 0
    commit_all(repo.parent)
    nested = call("-C", repo, "check", "--format", "github").stdout
    assert "file=patterns/" in nested


def test_annotations_name_files_from_the_top_of_the_git_repository(tmp_path: Path) -> None:
    commit_all(tmp_path) if (tmp_path / "x").write_text("x") else None
    root = tmp_path / "knowledge" / "payments"
    call("init", root, "--level", "team", "--yes")
    (root / "patterns" / "a.md").write_text("x")
    assert "file=knowledge/payments/patterns/a.md" in call("-C", root, "check", "--format", "github").stdout


def test_fmt_says_what_it_does_and_check_only_what_it_would(repo: Path) -> None:
    file = repo / "patterns" / "a.md"
    file.write_text(
        "---\nkind: pattern\nschema: 1\nid: pat-0000000001\ntitle: T\nstatus: draft\ncreated: 2026-01-01\n---\n"
    )
    would = call("-C", repo, "fmt", "--check")
    assert (would.exit_code, would.stdout.splitlines()[0]) == (1, "would format patterns/a.md")
    done = call("-C", repo, "fmt")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        ["formatted patterns/a.md", "1 changed, 0 unchanged, 0 left alone"],
    )
    assert call("-C", repo, "fmt", "--check").exit_code == 0
    (repo / "patterns" / "b.md").write_text("nothing")
    broken = call("-C", repo, "fmt")
    assert broken.exit_code == 1
    assert "patterns/b.md" in broken.stderr
    assert json.loads(call("-C", repo, "fmt", "--format", "json").stdout)["schema"] == 1


def test_import_reports_and_search_reads_what_is_committed_later(repo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wiki"
    folder.mkdir()
    (folder / "pool.md").write_text("# Pool is full\n\nText.\n")
    (folder / "bad.md").write_bytes(b"\0")
    result = call("-v", "-C", repo, "import", folder)
    assert result.exit_code == 0
    assert "created runbooks/pool-is-full.md from pool.md" in result.stdout
    assert "1 created, 0 updated, 0 unchanged, 0 left alone, 1 not understood" in result.stdout
    assert "not imported: bad.md: a binary file" in result.stderr
    report = json.loads(call("-C", repo, "import", folder, "--format", "json").stdout)
    assert (report["schema"], report["unchanged"], report["created"]) == (1, 1, [])
    assert call("-q", "-C", repo, "import", folder).stdout == ""
    assert json.loads(call("-C", repo, "check", "--format", "json").stdout)["problems"] == []


def test_schema_lists_prints_and_writes(repo: Path, tmp_path: Path) -> None:
    assert "pattern" in call("schema").stdout
    assert json.loads(call("schema", "runbook").stdout)["title"] == "runbook"
    assert call("-C", repo, "schema", "--write").stdout == ""
    (repo / ".compass" / "schema" / "runbook.json").unlink()
    assert call("-C", repo, "schema", "--write").stdout == "wrote .compass/schema/runbook.json\n"
    with pytest.raises(UsageError):
        call("-C", tmp_path, "schema", "--write")
    with pytest.raises(UsageError, match="not a kind"):
        call("schema", "runbok")


ENTRY = """---
schema: 1
kind: pattern
id: pat-0000000001
title: "Pool \\e[31mfull"
status: draft
created: 2026-01-01
summary: The pool is smaller than the work.
services: [component:default/checkout]
match:
  window: 15m
  signals:
    slow: {type: alert, matchers: ['alertname="HighLatency"']}
  condition: slow
withdrawn: {reason: x, at: 2026-01-02}
---

## Symptoms

Callers wait.\x1b]0;title\x07 [docs](https://example.com/docs) <script>alert(1)</script>

```
some code
```
"""


def test_show_fits_the_terminal_and_cannot_steer_it(repo: Path) -> None:
    (repo / "patterns" / "a.md").write_text(ENTRY)
    for name in ("pat-0000000001", str(repo / "patterns" / "a.md")):
        page = call("--no-color", "-C", repo, "show", name).stdout
        assert "\x1b" not in page
        assert "\x07" not in page
        assert all(len(line) <= 80 for line in page.splitlines())
        for text in (
            "pattern · draft · pat-0000000001",
            "working tree",
            "Callers wait.",
            "https://example.com/docs",
            "some code",
            "condition: slow",
            "component:default/checkout",
        ):
            assert text in page
    commit_all(repo)
    found = json.loads(call("-C", repo, "show", "pat-0000000001", "--format", "json").stdout)
    assert (
        found.items()
        >= {"schema": 1, "id": "pat-0000000001", "repo": "team/payments", "path": "patterns/a.md"}.items()
    )
    assert found["commit"]
    assert found["entry"]["match"]["condition"] == "slow"
    with pytest.raises(NegativeAnswerError, match="no entry"):
        call("-C", repo, "show", "pat-0000000002")


def test_a_folder_that_is_no_repository_is_told_apart(tmp_path: Path) -> None:
    for arguments in (
        ["check"],
        ["fmt"],
        ["import", str(tmp_path)],
        ["new", "pattern", "--title", "x"],
        ["show", "pat-0000000001"],
    ):
        with pytest.raises(ConfigError):
            call("-C", tmp_path, *arguments)
