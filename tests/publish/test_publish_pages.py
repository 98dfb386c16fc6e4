"""What the pages say, and that nothing is on them that their readers may not read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from published import (
    DRAIN,
    GONE,
    INCIDENT,
    LOCK,
    OLD,
    POOL,
    SHARED,
    TODAY,
    base,
    pattern,
    postmortem,
    team,
    tribe,
    write,
)

from compass.library import load
from compass.publish.audience import cut
from compass.publish.edition import Edition, href, named, service_page
from compass.publish.pages import render
from compass.publish.rows import PER_PAGE

WHEN = datetime(2026, 3, 14, tzinfo=UTC)


def edition(root: Path, *, parents: bool = True) -> Edition:
    """Everything that readers of `root` may read, from its working tree."""
    library = cut(load(root, revision=None, parents=parents)).library
    return Edition(library, TODAY, {(one.mount.id, one.path): WHEN for one in library.entries})


def pages(root: Path) -> dict[str, str]:
    """Path -> Markdown."""
    made = edition(root)
    return dict(render(Edition(made.library, TODAY, made.changed)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages of the payments team, with the tribe's knowledge below its own."""
    folder = tmp_path_factory.mktemp("site")
    tribe(folder)
    return pages(team(folder, parents="parents: [../product]\n"))


def words(markdown: str) -> str:
    """A page's text, white space made regular."""
    return " ".join(re.sub(r"<[^>]+>", " ", markdown).split())


def test_every_entry_service_and_team_has_a_page_and_every_kind_an_index(site: dict[str, str]) -> None:
    assert set(site) == {
        "index.md",
        "feeds/index.md", "patterns/index.md", "runbooks/index.md", "postmortems/index.md", "services/index.md", "teams/index.md",
        "symptoms/index.md", "tags/index.md", "tags/layer.database.md", "review/index.md", "services/component-payments.md", "services/component-checkout.md", "teams/team-payments.md",
        *(f"patterns/{one}.md" for one in (POOL, LOCK, OLD, GONE, SHARED)), f"runbooks/{DRAIN}.md", f"postmortems/{INCIDENT}.md",
    }  # fmt: skip


def test_a_pattern_tells_what_it_is_and_whether_to_trust_it(site: dict[str, str]) -> None:
    text = words(site[f"patterns/{POOL}.md"])
    for told in (
        "# Connection pool exhausted after a rollout",
        "critical severity",
        "Owner payments",
        "Services payments checkout",
        "Last verified 12 May 2026",
        "Review 10 days late was due by 12 Nov 2026",
        "Last changed 14 Mar 2026",
        "Confirmed by an incident or a replay. 3 incidents in 1 tribe",
        "Drafted by agent · some-model",
        "Also known as POOL-1",
        "team/payments@worktree:patterns/pool.md",
    ):
        assert told in text


def test_a_match_reads_as_a_sentence(site: dict[str, str]) -> None:
    text = words(site[f"patterns/{POOL}.md"])
    for told in (
        "Matches when slow and ( pool or full )",
        'slow alert an alert fires with alertname="HighLatency" and severity=~"page|critical" 40%',
        "at least 5 log lines like timeout acquiring connection after &lt;*> ms",
        "db_pool_in_use / db_pool_size ≥ 0.95 for 5m",
        "a change of type deployment within 30m before",
        "In this order roll → slow",
        'Never when namespace="perf"',
        "Must match pool Must not match quiet",
        "Predicts The pool stays full at an unchanged rate.",
        "Refuted when It stays low. prometheus",
        "What looks alike and is not A planned load test.",
    ):
        assert told in text


def test_evidence_is_shown_with_its_query_and_its_digest(site: dict[str, str]) -> None:
    text = site[f"patterns/{POOL}.md"]
    assert '<li id="evidence-e1">' in text
    assert '{service_name="payments"} |= "timeout"' in text
    assert "&lt;b>not bold&lt;/b>" in text
    assert "0" * 64 in text
    assert "1 Sep 2026, 10:00 UTC" in text


def test_steps_carry_their_risk_and_keep_the_shape_of_answers(site: dict[str, str]) -> None:
    text = site[f"runbooks/{DRAIN}.md"]
    assert "only reads" in text
    assert "changes, can be undone" in text
    assert "cannot be undone" in text
    assert "<code>kubectl get pods\n</code>" in text
    assert "<code>line one\nline two\n</code>" in text
    assert '<span class="cm-label">Expect</span> All run.' in text


def test_a_post_mortem_shows_its_times_causes_actions_and_people(site: dict[str, str]) -> None:
    text = words(site[f"postmortems/{INCIDENT}.md"])
    for told in (
        "Began 1 Sep 2026 , 08:00 UTC",
        "Detected 08:04 UTC +4 min",
        "Resolved 2 Sep 2026 , 09:30 UTC +25 h 30 min",
        "No alert watches the pool. human system interface",
        "Measure the pool. Owner elsewhere Due 1 Dec 2026 Strength strong",
        "incident lead payments-lead also there payments-engineer",
    ):
        assert told in text


def test_links_are_shown_in_both_directions(site: dict[str, str]) -> None:
    assert f'Mitigated by</dt>\n<dd><a href="../runbooks/{DRAIN}.html">' in site[f"patterns/{POOL}.md"]
    assert f'Mitigates</dt>\n<dd><a href="../patterns/{POOL}.html">' in site[f"runbooks/{DRAIN}.md"]
    assert f'Seen in</dt>\n<dd><a href="../postmortems/{INCIDENT}.html">' in site[f"patterns/{POOL}.md"]
    assert f'Showed</dt>\n<dd><a href="../patterns/{POOL}.html">' in site[f"postmortems/{INCIDENT}.md"]
    assert f'Supersedes</dt>\n<dd><a href="../patterns/{OLD}.html">' in site[f"patterns/{POOL}.md"]
    assert f'Similar to</dt>\n<dd><a href="../patterns/{LOCK}.html">' in site[f"patterns/{POOL}.md"]
    assert "Mention" not in site[f"patterns/{LOCK}.md"]


def test_stale_deprecated_and_draft_are_told_plainly(site: dict[str, str]) -> None:
    assert "Stale." in site[f"patterns/{POOL}.md"]
    assert "10 days ago" in words(site[f"patterns/{POOL}.md"])
    assert "Deprecated. Use Connection pool exhausted after a rollout instead." in words(
        site[f"patterns/{OLD}.md"]
    ).replace(" instead", " instead")
    assert "Draft." in site[f"patterns/{LOCK}.md"]
    assert "Stale." not in site[f"patterns/{LOCK}.md"]


def test_a_withdrawn_entry_leaves_a_tombstone_and_nothing_else(site: dict[str, str]) -> None:
    stone = words(site[f"patterns/{GONE}.md"])
    assert "Withdrawn on 1 Oct 2026 . Do not use it." in stone
    assert "It was wrong." in stone
    for path, text in site.items():
        assert "SECRET" not in text, path
        assert GONE not in text or path in {f"patterns/{GONE}.md", f"runbooks/{DRAIN}.md"}, path
    assert "search:" not in site[f"patterns/{GONE}.md"]


def test_a_withdrawal_above_hides_the_copy_below(tmp_path: Path) -> None:
    above = tribe(tmp_path)
    root = team(tmp_path, parents="parents: [../product]\n")
    write(root, "patterns/shared.md", pattern(SHARED, "SECRETCOPY of the tribe's", mitigations=[]))
    assert "SECRETCOPY" in pages(root)[f"patterns/{SHARED}.md"]
    gone = pattern(SHARED, "Shared", mitigations=[], status="withdrawn") | {
        "withdrawn": {"reason": "Wrong.", "at": "2026-11-01"}
    }
    write(above, "patterns/shared.md", gone)
    found = pages(root)
    assert "Wrong." in found[f"patterns/{SHARED}.md"]
    assert not [path for path, text in found.items() if "SECRETCOPY" in text]


def test_inherited_entries_say_where_they_come_from(site: dict[str, str]) -> None:
    assert "tribe/product" in words(site[f"patterns/{SHARED}.md"])
    assert "from tribe/product" in words(site["patterns/index.md"])


def test_the_home_page_counts_and_leads_on(site: dict[str, str]) -> None:
    text = words(site["index.md"])
    assert "What team/payments knows" in text.replace("&#47;", "/")
    assert "4 patterns" in text
    assert "1 runbook " in text
    assert "1 post-mortem " in text
    assert "What changed" in text
    assert 'href="services/component-payments.html"><span>payments</span>' in site["index.md"]


def test_overdue_reviews_are_listed_longest_first(tmp_path: Path) -> None:
    root = team(tmp_path)
    write(root, "patterns/lock.md", pattern(LOCK, "Longest overdue", review_by="2025-01-01", mitigations=[]))
    due = edition(root).due
    assert [one.id for one in due] == [LOCK, OLD, POOL]
    text = words(pages(root)["review/index.md"])
    assert text.index("Longest overdue") < text.index("Connection pool")
    assert "review 690 days late" in text


def test_an_empty_repository_has_a_page_that_says_how_to_begin(tmp_path: Path) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/new\n", "utf-8")
    found = dict(render(Edition(load(root, revision=None), TODAY, {})))
    assert "Nothing is published here yet." in found["index.md"]
    assert "Nothing here yet." in found["patterns/index.md"]
    assert "No review is overdue, and no draft waits." in found["review/index.md"]


def test_long_listings_are_cut_into_pages(tmp_path: Path) -> None:
    root = tmp_path / "many"
    root.mkdir()
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/many\n", "utf-8")
    for number in range(PER_PAGE + 1):
        write(root, f"runbooks/r-{number}.md", base("runbook", f"run-{number:010}", f"Runbook {number}"))
    found = dict(render(Edition(load(root, revision=None), TODAY, {})))
    assert 'href="page-2.html">Next' in found["runbooks/index.md"]
    assert 'href="index.html">Previous' in found["runbooks/page-2.md"]
    assert found["runbooks/page-2.md"].count("cm-row-title") == 1


def test_what_git_does_not_know_is_named_and_listed_first(tmp_path: Path) -> None:
    made = edition(team(tmp_path))
    fresh = Edition(
        made.library, TODAY, {key: value for key, value in made.changed.items() if "lock" not in key[1]}
    )
    assert fresh.recent[0].id == LOCK
    assert "not committed yet" in dict(render(Edition(made.library, TODAY, {})))[f"patterns/{POOL}.md"]


def test_addresses_are_relative_and_names_cannot_leave_their_folder() -> None:
    assert href("index", "patterns/x") == "patterns/x.html"
    assert href("patterns/y", "patterns/x") == "../patterns/x.html"
    assert named("component:default/checkout") == ("component", "checkout")
    assert service_page("category:database") == "services/category-database"
    assert service_page("component:default/../x") == "services/component-x"


def test_hostile_fields_reach_no_page_as_markup(tmp_path: Path) -> None:
    root = team(tmp_path)
    evil = "</title><script>alert(1)</script> {{ x }} [x](javascript:alert(1))"
    write(
        root,
        "patterns/lock.md",
        pattern(LOCK, evil[:100], summary=evil, aliases=[evil], false_positives=[evil], mitigations=[]),
    )
    write(
        root,
        "postmortems/2026/pool.md",
        postmortem(
            participants=[evil],
            roles={evil: evil},
            actions=[{"text": evil, "tracker": evil, "done_when": evil}],
        ),
    )
    for path, text in pages(root).items():
        assert "<script" not in text, path
        assert 'href="javascript' not in text, path
