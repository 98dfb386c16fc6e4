"""What investigations relied on, in what rules say of old entries."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from compass.library import load
from compass.model.base import Problem
from compass.rules.base import Context, Example
from compass.rules.dates import ReviewOverdue, Unused
from compass.rules.runner import apply
from compass.rules.samples import files

OVERDUE = "created: 2023-01-01\nreview_by: 2025-06-01"
OLD = "created: 2023-01-01"
NAMED = "started: 2026-05-01T10:00:00Z\nhypotheses: [{pattern: pat-0000000000}]\n"
CITED = f"started: '2026-05-02T10:00:00Z'\nref: team/payments@{'0' * 40}:patterns/example.md#L1-L2\n"
LONG_AGO = NAMED.replace("2026-05", "2023-05")


def found(folder: Path, front: str, *records: str) -> list[Problem]:
    texts = files(Example(front=front))
    texts |= {f"investigations/2026/inv-000000000{n}.yaml": text for n, text in enumerate(records)}
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    context = Context(load(folder, revision=None), date(2026, 6, 1))
    return list(apply([ReviewOverdue(), Unused()], context).problems)


def test_an_overdue_entry_says_which_investigation_relied_on_it_last(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, OVERDUE, CITED, NAMED)
    assert problem.rule == "review-overdue"
    assert problem.message.endswith(", and inv-0000000000 relied on it on 2026-05-02")


@pytest.mark.parametrize("records", [(), (LONG_AGO,), ("hypotheses: [{pattern: pat-0000000000}]",)])
def test_without_a_recent_and_dated_record_only_the_review_is_overdue(
    records: tuple[str, ...], tmp_path: Path
) -> None:
    (problem,) = found(tmp_path, OVERDUE, *records)
    assert "relied" not in problem.message


def test_an_old_entry_is_told_unless_an_investigation_cited_it(tmp_path: Path) -> None:
    assert [one.rule for one in found(tmp_path / "one", OLD)] == ["unused-entry"]
    assert [one.rule for one in found(tmp_path / "two", OLD, LONG_AGO)] == ["unused-entry"]
    assert found(tmp_path / "three", OLD, CITED) == []


def test_withdrawn_entries_are_at_rest(tmp_path: Path) -> None:
    gone = f"{OLD}\nstatus: withdrawn\nwithdrawn: {{at: 2026-01-01, reason: replaced}}"
    assert found(tmp_path, gone) == []


def test_records_behind_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside" / "2026"
    outside.mkdir(parents=True)
    (outside / "inv-0000000000.yaml").write_text(NAMED, encoding="utf-8")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "investigations").symlink_to(outside.parent)
    assert [one.rule for one in found(inside, OLD)] == ["unused-entry"]
