"""Broken and hostile files: all reported in one run, each with its place and a hint; nothing else suffers."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest
from conftest import commit_all

from compass.errors import ConfigError, UsageError
from compass.model.base import Problem, Severity
from compass.rules.samples import CATALOG
from compass.workflows.check import CheckReport, check, examine

TODAY = date(2026, 6, 1)
HEAD = "# yaml-language-server: $schema=../.compass/schema/pattern.json\nschema: 1\nkind: pattern\n"
MATCH = (
    "match:\n  window: 15m\n  signals:\n    slow:\n      type: alert\n      matchers:\n"
    '        - alertname="HighLatency"\n  condition: {condition}\n'
)


def pattern(number: int, fields: str = "", *, title: str = "A title", body: str = "") -> str:
    return (
        f"---\n{HEAD}id: pat-{number:010d}\ntitle: {title}\nstatus: draft\ncreated: 2026-01-01\n{fields}---\n"
        + (f"\n{body}\n" if body else "")
    )


def repository(folder: Path, files: dict[str, str | bytes]) -> Path:
    start: dict[str, str | bytes] = {
        "compass.yaml": "schema: 1\nlevel: team\nid: team/payments\n",
        "catalog/catalog-info.yaml": CATALOG,
    }
    for path, content in (start | files).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def run(root: Path, *paths: Path) -> CheckReport:
    return examine(root, today=TODAY, paths=paths).report


def errors(report: CheckReport) -> list[Problem]:
    return [one for one in report.problems if one.severity is Severity.ERROR]


FAULTS = {
    # path -> (text, line, part of the message, part of the hint)
    "patterns/bad-yaml.md": (pattern(1, "tags: [a:b]]\n"), 9, "", "quotes"),
    "patterns/duplicate-key.md": (pattern(2, "title: Another\n"), 9, "twice", "one"),
    "patterns/unknown-key.md": (pattern(3, "sumary: x\n"), 9, "sumary", "did you mean 'summary'"),
    "patterns/impossible-date.md": (pattern(4).replace("2026-01-01", "2026-02-30"), 8, "created", ""),
    "patterns/unknown-status.md": (
        pattern(5).replace("draft", "drafft"),
        7,
        "drafft",
        "did you mean 'draft'",
    ),
    "patterns/malformed-id.md": (pattern(6).replace("pat-0000000006", "pat-6"), 5, "id", ""),
    "patterns/dangling-link.md": (
        pattern(7, body="Read [[run-0000000077]]."),
        11,
        "leads nowhere",
        "no entry",
    ),
    "patterns/unknown-owner.md": (pattern(8, "owner: group:default/paymets\n"), 9, "paymets", "did you mean"),
    "patterns/duplicate-id.md": (pattern(9), 5, "is also that of", "id of its own"),
    "patterns/no-such-signal.md": (pattern(10, MATCH.format(condition="slow and pool")), 9, "pool", ""),
}


def test_one_broken_entry_of_each_sort_is_reported_in_one_run_and_nothing_else_suffers(
    tmp_path: Path,
) -> None:
    files: dict[str, str | bytes] = {path: text for path, (text, *_) in FAULTS.items()}
    links = "Read " + ", ".join(f"[[pat-{number:010d}]]" for number in (1, 2, 3, 4, 5, 8, 9, 10)) + "."
    files["patterns/sound.md"] = pattern(11, "owner: group:default/payments\n", body=links)
    files["patterns/original.md"] = pattern(9)
    report = run(repository(tmp_path, files))
    assert {one.path for one in report.problems} == {*FAULTS, "patterns/original.md"}
    assert report.entries == 12
    for path, (_, line, message, hint) in FAULTS.items():
        mine = [one for one in errors(report) if one.path == path]
        assert len(mine) == 1, (path, mine)
        assert mine[0].line == line, mine
        assert mine[0].column >= 1
        assert message in mine[0].message
        assert mine[0].hint, mine
        assert hint in mine[0].hint


def test_an_unfinished_file_is_reported_once_for_what_it_is(tmp_path: Path) -> None:
    report = run(
        repository(
            tmp_path,
            {
                "patterns/empty.md": "",
                "patterns/no-front.md": "# Only a heading\n",
                "patterns/open.md": "---\nschema: 1\n",
                "patterns/list.md": "---\n- a\n---\n",
                "patterns/scalar.md": "---\nhello\n---\n",
                "patterns/no-kind.md": "---\nschema: 1\n---\n",
            },
        )
    )
    assert sorted(one.path for one in errors(report)) == sorted(
        f"patterns/{name}.md" for name in ("empty", "no-front", "open", "list", "scalar", "no-kind")
    )


def test_hostile_files_are_clear_problems_and_cost_little(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text(pattern(99))
    bomb = "x:\n  a: &a [1, 1]\n" + "".join(f"  b{n}: &b{n} [*a, *a]\n" for n in range(20))
    deep = "x: " + "[" * 5000 + "]" * 5000 + "\n"
    root = repository(
        tmp_path / "repo",
        {
            "patterns/binary.md": b"---\n\x00\x01\x02\xff" * 1000,
            "patterns/latin.md": pattern(1, title="caf\u00e9").encode("latin-1"),
            "patterns/bom.md": ("\ufeff" + pattern(2)).encode(),
            "patterns/crlf.md": pattern(3, body="text").replace("\n", "\r\n"),
            "patterns/huge.md": pattern(4, "x: {a: '" + "y" * 5_000_000 + "'}\n"),
            "patterns/large-front.md": pattern(5, "x: {a: '" + "y" * 500_000 + "'}\n"),
            "patterns/bomb.md": pattern(6, bomb),
            "patterns/deep.md": pattern(7, deep),
            "patterns/override.md": pattern(8, title="Queue \u202esrettel"),
            "patterns/backticks.md": pattern(9, body="`" * 20_000 + " " * 20_000 + "# " * 20_000 + "x"),
            "patterns/brackets.md": pattern(10, body="[[pat-" * 50_000),
            "patterns/traversal.md": pattern(11, body="[[pat-../../../etc/passwd]]"),
            "patterns/regex.md": pattern(
                12,
                MATCH.format(condition="slow").replace('alertname="HighLatency"', 'x=~"' + "(" * 300 + '"'),
            ),
        },
    )
    (root / "patterns" / "link.md").symlink_to(outside)
    (root / "patterns" / "loop.md").symlink_to(root / "patterns" / "loop.md")
    started = time.process_time()
    report = run(root)
    assert time.process_time() - started < 5
    found = {one.path.removeprefix("patterns/").removesuffix(".md") for one in errors(report)}
    assert found == {
        "binary", "latin", "huge", "large-front", "bomb", "deep", "override", "traversal", "regex", "link", "loop",
    }  # fmt: skip
    warned = {
        one.path for one in report.problems if one.rule == "encoding" and one.severity is Severity.WARNING
    }
    assert warned == {"patterns/bom.md", "patterns/crlf.md"}


def test_paths_narrow_the_report_and_not_the_context(tmp_path: Path) -> None:
    root = repository(
        tmp_path,
        {
            "patterns/a.md": pattern(1, body="[[pat-0000000002]] [[pat-0000000077]]"),
            "patterns/b.md": pattern(2, "oner: x\n"),
        },
    )
    report = run(root, Path("patterns/a.md"))
    assert [one.rule for one in report.problems] == ["dangling-link"]
    assert report.entries == 1
    assert {one.path for one in run(root, root / "patterns").problems} == {"patterns/a.md", "patterns/b.md"}
    assert len(run(root, Path()).problems) == 2
    with pytest.raises(UsageError, match="there is no"):
        run(root, Path("patterns/c.md"))


def test_a_folder_without_git_and_one_with_give_the_same_answer(tmp_path: Path) -> None:
    root = repository(tmp_path, {"patterns/a.md": pattern(1, "owner: group:default/nobody\n")})
    before = run(root).problems
    commit_all(root)
    assert run(root).problems == before
    (root / "patterns" / "a.md").write_text(pattern(1))
    assert run(root).problems == ()


def test_the_cache_changes_time_and_nothing_else(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {path: text for path, (text, *_) in FAULTS.items()}
    files["patterns/Unusual_Name.md"] = (
        "---\nschema: 1\nkind: pattern\nid: pat-0000000020\ntitle: T\nstatus: stable\ncreated: 2026-01-01\n---\nx\n"
    )
    root = repository(tmp_path / "repo", files)
    cache = tmp_path / "cache"
    cold = check(root, today=TODAY, cache=cache)
    warm = check(root, today=TODAY, cache=cache)
    assert cold.problems == warm.problems == run(root).problems
    (root / "patterns" / "Unusual_Name.md").rename(root / "patterns" / "renamed.md")
    moved = check(root, today=TODAY, cache=cache)
    assert moved.problems == run(root).problems
    assert any(one.path == "patterns/renamed.md" for one in moved.problems)
    for file in cache.iterdir():
        file.write_bytes(b"not a database")
    assert check(root, today=TODAY, cache=cache).problems == moved.problems


def test_a_parent_that_cannot_be_read_makes_lookups_warnings(tmp_path: Path) -> None:
    root = repository(
        tmp_path,
        {
            "compass.yaml": "schema: 1\nlevel: team\nid: team/payments\nparents: [../nowhere]\n",
            "patterns/a.md": pattern(
                1,
                "owner: group:default/other\nservices:\n  - component:default/x\n",
                body="[[run-0000000077]]",
            ),
        },
    )
    report = run(root)
    assert errors(report) == []
    assert {one.rule for one in report.problems} == {
        "parent",
        "unknown-owner",
        "unknown-service",
        "dangling-link",
    }


def test_problems_of_the_repository_above_are_not_ours(tmp_path: Path) -> None:
    above = repository(tmp_path / "above", {"patterns/bad.md": pattern(5, "oner: x\n")})
    (above / "compass.yaml").write_text("schema: 1\nlevel: tribe\nid: tribe/product\n")
    root = repository(
        tmp_path / "repo",
        {
            "compass.yaml": "schema: 1\nlevel: team\nid: team/payments\nparents: [../above]\n",
            "patterns/a.md": pattern(1, body="[[pat-0000000005]]"),
        },
    )
    assert run(root).problems == ()
    commit_all(above)
    assert run(root).problems == ()


def test_a_broken_catalog_is_one_error_and_not_one_for_each_owner(tmp_path: Path) -> None:
    root = repository(
        tmp_path,
        {
            "catalog/catalog-info.yaml": "a: [\n",
            "patterns/a.md": pattern(1, "owner: group:default/payments\n"),
        },
    )
    assert [one.path for one in errors(run(root))] == ["catalog/catalog-info.yaml"]


def test_a_folder_that_is_no_repository_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as found:
        run(tmp_path)
    assert "compass init" in str(found.value.hint)
