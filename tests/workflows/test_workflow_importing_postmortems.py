"""Foreign post-mortems and catalogs: told from runbooks, read without inventing, and never imported twice."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest

from compass.library import LoadedEntry, load
from compass.model.base import Severity
from compass.model.entry import Postmortem
from compass.model.scope import Level
from compass.workflows.check import check
from compass.workflows.importing import ImportReport, import_folder
from compass.workflows.initialize import Plan, initialize

TODAY = date(2026, 6, 1)
REPORT = """# Checkout was slow, 12 March 2026

## Summary

Checkout waited for connections to its database for 26 minutes.

## Impact on users

Every fifth order was given up.

## Timeline (all times UTC)

- Started: 2026-03-12 09:58
- First detected: 2026-03-12 10:04
- Resolved: 2026-03-12T10:30:00+00:00
- 10:20 The pool is made larger.

## Root cause

The rollout halved the pool, and the alert looked at another pool.

## What went well

- The dashboard showed the pool
  from the first minute.

## Where we got lucky

1. It was early.

## Action items

- [ ] Alert on waiting time, due 2026-04-01 (https://forge.example.com/payments/checkout/issues/12)
- [x] Write down who may change pools
  - and tell the others
- Look at https://forge.example.com/a/issues/1 and https://forge.example.com/a/issues/2
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    initialize(Plan(tmp_path / "payments", Level.TEAM), now=datetime(2026, 6, 1, tzinfo=UTC))
    return tmp_path / "payments"


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


def run(repo: Path, folder: Path, seed: int = 1, kind: str | None = None) -> ImportReport:
    return import_folder(repo, folder, today=TODAY, random=Random(seed), kind=kind)


def entries(repo: Path) -> dict[str, LoadedEntry]:
    library = load(repo, revision=None)
    assert library.problems == ()
    return {one.entry.references[0].url: one for one in library.entries}


def the_one(repo: Path) -> Postmortem:
    (loaded,) = entries(repo).values()
    assert isinstance(loaded.entry, Postmortem)
    return loaded.entry


def test_a_post_mortem_becomes_a_draft_of_its_year_with_the_fields_its_own_words_fill(
    repo: Path, tmp_path: Path
) -> None:
    report = run(repo, write(tmp_path / "reports", {"0007-checkout-slow.md": REPORT}))
    assert [one.path for one in report.created] == ["postmortems/2026/checkout-was-slow-12-march-2026.md"]
    assert (report.skipped, report.remarks) == ((), ())
    (loaded,) = entries(repo).values()
    entry = the_one(repo)
    assert entry.status == "draft"
    assert entry.summary == "Checkout waited for connections to its database for 26 minutes."
    assert entry.times
    assert entry.times.start == datetime(2026, 3, 12, 9, 58, tzinfo=UTC)
    assert entry.times.detected == datetime(2026, 3, 12, 10, 4, tzinfo=UTC)
    assert entry.times.resolved == datetime(2026, 3, 12, 10, 30, tzinfo=UTC)
    assert (entry.times.acknowledged, entry.times.mitigated) == (None, None)
    assert entry.what_went_well == ("The dashboard showed the pool from the first minute.",)
    assert entry.where_we_got_lucky == ("It was early.",)
    first, second, third = entry.actions
    assert (str(first.due), first.tracker) == (
        "2026-04-01",
        "https://forge.example.com/payments/checkout/issues/12",
    )
    assert second.text == "Write down who may change pools (done)"
    assert third.tracker is None
    assert (entry.contributing_causes, entry.owner, entry.severity) == ((), None, None)
    assert loaded.body.strip() == REPORT.strip()
    problems = check(repo, today=TODAY).problems
    assert [one for one in problems if one.severity is Severity.ERROR] == []


@pytest.mark.parametrize(
    ("lines", "reason", "line"),
    [
        ("- Started: 2026-03-12 09:58", "has no zone", 5),
        ("All times in PST\n\n- Started: 2026-03-12 09:58", "no fixed distance", 7),
        ("- Started: 2026-03-12 09:58 PM UTC", "twelve hours", 5),
        ("- Started: 2026-02-30 09:58 UTC", "no time of a day", 5),
        ("- Started: 2026-03-12 09:58 UTC\n- Start: 2026-03-12 08:58 UTC", "two different times", 6),
        ("- Started: 2026-03-12 09:58 UTC\n- Resolved: 2026-03-12 08:58 UTC", "not in order", 1),
    ],
)
def test_a_time_that_could_mean_two_things_stays_in_the_text_and_is_named_with_its_line(
    repo: Path, tmp_path: Path, lines: str, reason: str, line: int
) -> None:
    text = f"# Outage of 2026-03-12\n\n## Timeline\n\n{lines}\n"
    report = run(repo, write(tmp_path / "reports", {"a.md": text}))
    (remark,) = report.remarks
    assert reason in remark.reason
    assert (remark.source, remark.line) == ("a.md", line)
    assert the_one(repo).times is None


def test_a_zone_with_an_offset_is_brought_to_utc(repo: Path, tmp_path: Path) -> None:
    text = (
        "# Outage of 2026-03-12\n\n**Started**: 2026-03-12 9:58 +0530\n**Detected**: 2026-03-12 09:58 UTC+1\n"
    )
    run(repo, write(tmp_path / "reports", {"a.md": text}))
    times = the_one(repo).times
    assert times
    assert times.start == datetime(2026, 3, 12, 4, 28, tzinfo=UTC)
    assert times.detected == datetime(2026, 3, 12, 8, 58, tzinfo=UTC)


def test_a_word_in_capitals_after_a_time_is_no_zone(repo: Path, tmp_path: Path) -> None:
    text = "# Outage of 2026-03-12\n\nAll times in UTC.\n\n- Detected: 2026-03-12 10:04 DNS answers nothing\n"
    run(repo, write(tmp_path / "reports", {"a.md": text}))
    times = the_one(repo).times
    assert times
    assert times.detected == datetime(2026, 3, 12, 10, 4, tzinfo=UTC)


def test_lists_that_no_field_can_hold_stay_in_the_text_and_the_entry_readable(
    repo: Path, tmp_path: Path
) -> None:
    lists = "".join(
        f"## {name}\n\n" + f"- {'x' * 499}\n" * 60 + f"- {'y' * 100_000}\n\n"
        for name in ("Action items", "What went well", "Where we got lucky", "What surprised us")
    )
    report = run(repo, write(tmp_path / "reports", {"a.md": f"# Outage of 2026-03-12\n\n{lists}"}))
    assert [one.line for one in report.remarks] == [3, 67, 131, 195]
    assert "50 at most" in report.remarks[0].reason
    assert len(the_one(repo).actions) == 50


@pytest.mark.parametrize(
    ("name", "text", "year"),
    [
        ("2024-05-06-queue.md", "# Queue\n\n## Root cause\n\nx\n", "2024"),
        ("20240506.md", "# Queue outage\n\nx\n", "2024"),
        ("a.md", "# Queue incident of May 6th, 2024\n", "2024"),
        ("a.md", "# Queue\n\n- **Date**: 6 May 2024\n- **Timeline**:\n  - x\n- **Root cause**: y\n", "2024"),
        ("a.md", "# Queue\n\n## Timeline, 2024-05-06\n\n## What went wrong\n", "2024"),
        ("a.md", "# Queue\n\n## Timeline\n\n## Lessons learnt\n", "2026"),
        ("2027-01-01.md", "# Outage\n", "2026"),
    ],
)
def test_post_mortems_are_told_by_what_they_say_and_filed_by_their_year(
    repo: Path, tmp_path: Path, name: str, text: str, year: str
) -> None:
    report = run(repo, write(tmp_path / "reports", {name: text}))
    assert [Path(one.path).parent.as_posix() for one in report.created] == [f"postmortems/{year}"]
    assert bool(report.remarks) == (year == "2026")


def test_runbooks_stay_runbooks_and_the_kind_can_be_forced(repo: Path, tmp_path: Path) -> None:
    folder = write(
        tmp_path / "wiki",
        {
            "2026-01-01.md": "# 2026-01-01\n",
            "restart.md": "# Restart\n\n## Impact\n\nx\n\n## Summary\n\n## Actions\n\n## Root cause\n",
            "outage.md": "# What to do in an outage\n\n## Timeline\n\nx\n",
            "README.md": "# About\n",
        },
    )
    assert {one.path.split("/")[0] for one in run(repo, folder).created} == {"runbooks"}
    forced = run(repo, folder, kind="postmortem")
    assert {one.reason.split(";")[0] for one in forced.kept} == {"it was imported as a runbook"}
    assert [one.source for one in forced.skipped] == ["README.md"]
    fresh = run(repo, write(tmp_path / "new", {"b.md": "# B\n\nText.\n", "c.md": REPORT}), kind="postmortem")
    assert [one.path.split("/")[0] for one in fresh.created] == ["postmortems", "postmortems"]
    as_runbook = run(repo, write(tmp_path / "third", {"d.md": REPORT}), kind="runbook")
    assert as_runbook.created[0].path.startswith("runbooks/")


def test_a_second_import_updates_what_was_not_edited_here_fields_included(repo: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "reports", {"a.md": REPORT, "b.md": REPORT.replace("Checkout", "Cart")})
    run(repo, folder)
    assert run(repo, folder, seed=2).unchanged == 2
    changed = REPORT.replace("- [ ] Alert on", "- Page on").replace(
        "## Where we got lucky\n\n1. It was early.", ""
    )
    write(folder, {"a.md": changed, "b.md": changed.replace("Checkout", "Cart")})
    edited = repo / entries(repo)["b.md"].path
    edited.write_text(edited.read_text().replace("due: ", "strength: strong\n    due: "))
    owned = repo / entries(repo)["a.md"].path
    owned.write_text(
        owned.read_text().replace("status: draft", "status: draft\nowner: group:default/payments")
    )
    report = run(repo, folder, seed=3)
    assert [one.source for one in report.updated] == ["a.md"]
    assert [(one.source, one.reason.split(",")[0]) for one in report.kept] == [
        ("b.md", "the entry was edited here")
    ]
    entry = entries(repo)["a.md"].entry
    assert isinstance(entry, Postmortem)
    assert entry.actions[0].text.startswith("Page on")
    assert entry.where_we_got_lucky == ()
    assert entry.owner == "group:default/payments"
    assert run(repo, folder, seed=4).updated == ()


@pytest.mark.parametrize("text", [REPORT, "# Restart\n\nText.\n", "Text without a heading.\n"])
def test_a_renamed_source_is_recognized_by_its_content(repo: Path, tmp_path: Path, text: str) -> None:
    folder = write(tmp_path / "wiki", {"old.md": text, "twin.md": text})
    run(repo, folder)
    before = {one.id for one in load(repo, revision=None).entries}
    (folder / "old.md").rename(folder / "new-name.md")
    report = run(repo, folder, seed=2)
    assert (report.created, [one.source for one in report.updated], report.unchanged) == (
        (),
        ["new-name.md"],
        1,
    )
    assert set(entries(repo)) == {"new-name.md", "twin.md"}
    assert {one.id for one in load(repo, revision=None).entries} == before
    assert run(repo, folder, seed=3).unchanged == 2


def test_a_copy_is_no_renaming_and_an_edited_entry_keeps_its_reference(repo: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "wiki", {"a.md": "# A\n\nText.\n"})
    run(repo, folder)
    write(folder, {"b.md": "# A\n\nText.\n"})
    assert [one.source for one in run(repo, folder, seed=2).created] == ["b.md"]
    edited = repo / entries(repo)["a.md"].path
    edited.write_text(edited.read_text().replace("Text.", "Text, edited here."))
    (folder / "a.md").rename(folder / "c.md")
    report = run(repo, folder, seed=3)
    assert (report.created, report.updated, report.unchanged) == ((), (), 2)
    assert set(entries(repo)) == {"a.md", "b.md"}


def test_hostile_reports_take_linear_time(repo: Path, tmp_path: Path) -> None:
    folder = write(
        tmp_path / "reports",
        {
            f"2026-01-0{number}-incident.md": f"# Incident\n\n## Action items\n\n{text}\n"
            for number, text in enumerate(
                [
                    "- x\n" * 200_000,
                    "# Timeline\n" * 100_000,
                    "**Impact** " * 50_000,
                    "**Impact**\n" * 50_000,
                    "time" + " " * 500_000 + "x",
                    "- Started" + " " * 500_000 + "x",
                    "- Started 2026-01-01 10:00 UTC\n" * 20_000,
                    "January " * 100_000,
                    "- x\n" + "  y\n" * 200_000,
                ],
                1,
            )
        },
    )
    started = time.process_time()
    report = run(repo, folder)
    assert time.process_time() - started < 15
    assert len(report.created) == 9


CATALOG = """# What payments runs
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout   # keeps its comment
spec: {type: service, owner: group:default/payments}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders}
"""
MORE = """---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout}
spec: {type: website}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: ledger}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {title: no name}
--- {a: [1}
apiVersion: backstage.io/v1alpha1
"""


def test_a_catalog_is_copied_as_it_stands_and_its_entities_are_known(repo: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "services", {"shop/checkout/catalog-info.yaml": CATALOG})
    report = run(repo, folder)
    assert [(one.source, one.path, one.added) for one in report.catalog] == [
        (
            "shop/checkout/catalog-info.yaml",
            "catalog/shop-checkout.yaml",
            ("component:default/checkout", "api:default/orders"),
        )
    ]
    assert (repo / "catalog" / "shop-checkout.yaml").read_text() == CATALOG
    library = load(repo, revision=None)
    assert library.problems == ()
    assert {"component:default/checkout", "api:default/orders"} <= set(library.entities)
    again = run(repo, folder)
    assert (again.catalog, again.kept, again.unchanged) == ((), (), 1)


def test_a_catalog_that_is_there_is_added_to_and_never_overwritten(repo: Path, tmp_path: Path) -> None:
    run(repo, write(tmp_path / "one", {"catalog-info.yaml": CATALOG}))
    before = (repo / "catalog" / "catalog-info.yaml").read_text()
    report = run(repo, write(tmp_path / "two", {"catalog-info.yaml": MORE}))
    assert [one.added for one in report.catalog] == [("component:default/ledger",)]
    (conflict,) = report.kept
    assert (conflict.source, conflict.line, conflict.path) == (
        "catalog-info.yaml",
        1,
        "catalog/catalog-info.yaml",
    )
    assert "component:default/checkout stands already in catalog/catalog-info.yaml:" in conflict.reason
    assert [(one.source, one.line) for one in report.skipped] == [
        ("catalog-info.yaml", 10),
        ("catalog-info.yaml", 14),
    ]
    after = (repo / "catalog" / "catalog-info.yaml").read_text()
    assert after.startswith(before)
    assert after.count("name: checkout") == 1
    assert after.count("name: ledger") == 1
    assert load(repo, revision=None).problems == ()


def test_a_catalog_never_becomes_the_private_one_and_follows_no_link(repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("kept: true\n")
    (repo / "catalog" / "linked.yaml").symlink_to(outside)
    folder = write(
        tmp_path / "services",
        {"private.yaml": CATALOG, "linked.yaml": CATALOG.replace("checkout", "a").replace("orders", "b")},
    )
    report = run(repo, folder)
    assert not (repo / "catalog" / "private.yaml").exists()
    assert [one.reason for one in report.kept] == [
        "catalog/linked.yaml cannot be added to; run `compass check`"
    ]
    assert outside.read_text() == "kept: true\n"


def test_what_a_repository_above_defines_is_left_there(repo: Path, tmp_path: Path) -> None:
    initialize(Plan(tmp_path / "product", Level.TRIBE), now=datetime(2026, 6, 1, tzinfo=UTC))
    write(tmp_path / "product", {"catalog/all.yaml": CATALOG})
    config = repo / "compass.yaml"
    config.write_text(config.read_text() + "\nparents: [../product]\n")
    folder = write(tmp_path / "services", {"a.yaml": CATALOG, "b.yaml": MORE})
    report = run(repo, folder)
    assert [one.added for one in report.catalog] == [("component:default/ledger",)]
    assert [one.reason for one in report.kept] == [
        "component:default/checkout stands already in a repository above, and says something else there"
    ]


def test_the_report_of_a_folder_of_runbooks_has_the_keys_it_always_had(repo: Path, tmp_path: Path) -> None:
    report = run(repo, write(tmp_path / "wiki", {"a.md": "# A\n\nText.\n", "b.md": ""}))
    data = report.model_dump(mode="json", by_alias=True)
    assert list(data) == [
        "schema",
        "created",
        "updated",
        "unchanged",
        "kept",
        "skipped",
        "remarks",
        "ignored",
    ]
    assert list(data["created"][0]) == ["source", "path", "id", "title"]
    assert data["skipped"] == [{"source": "b.md", "reason": "empty", "path": None}]
