"""The ways in: by symptom, technology, service and tribe, through time, what is due, and what a newcomer reads first."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import commit_all
from published import (
    DRAIN,
    GONE,
    INCIDENT,
    LOCK,
    OLD,
    POOL,
    TODAY,
    base,
    pattern,
    postmortem,
    runbook,
    team,
    write,
)

from compass.adapters.documents import dump_yaml
from compass.library import load
from compass.publish.audience import cut
from compass.publish.edition import Edition
from compass.publish.newcomer import MOST, ten_things
from compass.publish.pages import render
from compass.publish.records import last_changed, read_records
from compass.publish.review import OVERDUE, UNOWNED, UPCOMING, WAITING, queue
from compass.publish.rows import PER_PAGE
from compass.publish.symptoms import alert_names

RECORD = "inv-3k3x9q2m4t"
PAYMENTS = "component:default/payments"


def edition(root: Path) -> Edition:
    """The newest commit, as `site build` reads it."""
    library = cut(load(root, parents=True)).library
    records = read_records(library)
    return Edition(library, TODAY, last_changed(records), records)


def pages(root: Path) -> dict[str, str]:
    """Path -> Markdown."""
    return dict(render(edition(root)))


def words(markdown: str) -> str:
    """A page's text, white space made regular."""
    return " ".join(re.sub(r"<[^>]+>", " ", markdown).split())


def investigated(root: Path, *, days: int = 1, identifier: str = RECORD, verdict: str = "supported") -> None:
    """The record of an investigation which the pool explained, and which cited the runbook."""
    citation = {"ref": f"team/payments@{'0' * 40}:runbooks/drain.md#L3-L3", "quote": "words"}
    explanation = {"rank": 1, "pattern": POOL, "verdict": verdict, "citations": [citation]}
    data = {
        "id": identifier,
        "started": f"{TODAY - timedelta(days=days)}T10:00:00Z",
        "incident": {"symptom": "Checkout is <b>slow</b>"},
        "hypotheses": [explanation, {"rank": 2, "pattern": LOCK, "verdict": "refuted"}],
    }
    folder = root / "investigations" / "2026"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{identifier}.yaml").write_text(dump_yaml(data), "utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The payments team's pages with a catalog, a tribe, a forge and a fresh investigation."""
    root = team(tmp_path_factory.mktemp("ways"))
    investigated(root)
    (root / "investigations" / "2026" / "inv-0000000000.yaml").write_text("{broken", "utf-8")
    (root / "catalog" / "catalog-info.yaml").write_text(
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: product}\nspec: {type: tribe, children: [payments]}\n---\n"
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: payments, description: Takes the money.}\n"
        "spec: {type: service, owner: payments, dependsOn: ['component:default/ledger', 'resource:default/payments-db']}\n---\n"
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: ledger}\nspec: {owner: payments}\n---\n"
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: payments-db}\nspec: {type: database, owner: product}\n",
        "utf-8",
    )  # fmt: skip
    (root / "catalog" / "alerts.yaml").write_text(
        "groups:\n- name: payments\n  rules:\n  - alert: NobodyKnows\n    expr: up == 0\n", "utf-8"
    )
    trailers = "Compass-Verb: contribute\nApproved-by: somebody role=team_lead head=0123\nApproved-by: x role=evil head=0\n"
    git = commit_all(root, f"SECRETSUBJECT\n\n{trailers}")
    git.git("config", "remote.origin.url", "git@github.com:acme/memory.git")
    write(
        root,
        "patterns/pool.md",
        pattern(),
        f"## Symptoms\n\nThreads wait.[^e1] See `team/payments@{'a' * 40}:runbooks/drain.md#L3-L9`.\n",
    )
    write(
        root,
        "patterns/links.md",
        pattern("pat-4k3x9q2m4t", "Full of links", mitigations=[], services=["component:default/elsewhere"]),
        f"## Symptoms\n\nAs [[{LOCK}]] and [[pat-0000000000]], not [[{GONE}]].\n",
    )
    commit_all(root, f"Newer words\n\n{trailers}")
    return pages(root)


def test_an_alert_leads_to_its_runbooks_and_patterns(site: dict[str, str]) -> None:
    text = words(site["symptoms/index.md"])
    assert (
        "HighLatency Runbook: Relieve an exhausted pool Patterns: An old pattern , Connection pool exhausted"
        in text
    )
    assert "NobodyKnows No runbook yet" in text
    assert "As Lock queue and pat-0000000000, not pat-3k3x9q2m4t." in text
    assert "Connection pool exhausted after a rollout verified Threads wait." in text
    assert "runbook: Relieve an exhausted pool" in text


def test_alerts_are_read_out_of_matchers(tmp_path: Path) -> None:
    root = team(tmp_path)
    signals = {
        "one": {"type": "alert", "matchers": ['alertname="A"']},
        "more": {"type": "alert", "matchers": ['alertname=~"B|C.*|D"', 'alertname!="E"']},
    }
    match = {"window": "5m", "signals": signals, "condition": "one or more"}
    write(root, "patterns/pool.md", pattern(match=match))
    commit_all(root)
    loaded = edition(root).pages[POOL]
    assert alert_names(loaded) == ("A", "B", "D")
    assert alert_names(edition(root).pages[DRAIN]) == ("HighLatency",)
    assert alert_names(edition(root).pages[INCIDENT]) == ()


def test_a_tag_has_a_page_that_entries_lead_to(site: dict[str, str]) -> None:
    assert 'href="../tags/layer.database.html"' in site[f"patterns/{POOL}.md"]
    assert "Connection pool exhausted" in site["tags/layer.database.md"]
    assert "feeds/tags/layer/database.xml" in site["tags/layer.database.md"]
    assert 'href="../tags/layer.database.html"' in site["tags/index.md"]


def test_incidents_stand_by_month_the_newest_first(tmp_path: Path) -> None:
    root = team(tmp_path)
    later = {"start": "2026-11-01T10:00:00Z", "mitigated": "2026-11-01T10:26:00Z"}
    write(
        root,
        "postmortems/2026/later.md",
        postmortem(times=later, patterns=[POOL]) | {"id": "pm-4k3x9q2m4t", "title": "A later one"},
    )
    commit_all(root)
    text = words(pages(root)["postmortems/index.md"])
    assert text.index("## November 2026") < text.index("A later one") < text.index("## September 2026")
    assert "1 Nov 2026 · hurt for 26 min · showed Connection pool exhausted" in text


def test_every_service_of_the_catalog_has_a_page_even_where_nothing_is_known(site: dict[str, str]) -> None:
    ledger = words(site["services/component-ledger.md"])
    assert "Nothing is known here about ledger yet." in ledger
    assert "compass new runbook" in ledger
    assert "Owner payments In product" in ledger
    assert "services/resource-payments-db.md" in site
    assert 'href="../services/component-ledger.html"' in site["services/component-payments.md"]
    assert "Database · owner product" in words(site["services/index.md"])


def test_a_service_shows_what_it_hangs_together_with_in_a_picture_and_in_words(site: dict[str, str]) -> None:
    page = site["services/component-payments.md"]
    assert '<svg viewBox="0 0 ' in page
    assert "payments needs ledger, payments-db" in page
    assert "ledger dependency payments" in words(page)
    assert "payments caller payments" in words(site["services/component-ledger.md"])


def test_a_tribe_shows_its_teams_and_their_services(site: dict[str, str]) -> None:
    page = words(site["teams/team-product.md"])
    assert page.startswith('--- title: "product"')
    assert "Tribe # product Teams payments" in page
    assert "ledger service payments" in page
    assert "product owns no entry here yet." in page
    assert "Part of product" in words(site["teams/team-payments.md"])


def test_a_newcomer_reads_ten_things_at_most_each_with_its_reason(
    tmp_path: Path, site: dict[str, str]
) -> None:
    page = words(site["services/component-payments.md"])
    assert "## New to payments&#63; Read these 5" in page
    assert (
        "Relieve an exhausted pool draft Runbook: what to do when it fails: used in 1 investigation" in page
    )
    assert "Pattern: how it fails: confirmed by 3 incidents" in page
    assert "Post-mortem: the latest incident, 1 Sep 2026" in page
    assert "How they were chosen" in page
    root = team(tmp_path)
    for number in range(30):
        write(
            root, f"runbooks/r{number}.md", runbook() | {"id": f"run-{number:010}", "title": f"R {number:02}"}
        )
    commit_all(root)
    made = edition(root)
    things = ten_things(made, made.by_service[PAYMENTS])
    assert len(things) == MOST == len({one.id for one, _ in things})
    assert [one.id for one, _ in things][3:5] == [POOL, LOCK]
    late = {one.id: why for one, why in things}
    assert "its review is 10 days late" in late.get(OLD, late[POOL]) or OLD in late


def test_the_review_queue_takes_each_entry_once_the_most_pressing_first(tmp_path: Path) -> None:
    root = team(tmp_path)
    write(
        root,
        "runbooks/soon.md",
        runbook(review_by=f"{TODAY + timedelta(days=30)}") | {"id": "run-4k3x9q2m4t"},
    )
    write(
        root,
        "runbooks/calm.md",
        runbook(review_by=f"{TODAY + timedelta(days=31)}", status="verified") | {"id": "run-5k3x9q2m4t"},
    )
    write(root, "runbooks/alone.md", base("runbook", "run-6k3x9q2m4t", "Nobody's"))
    write(
        root,
        "patterns/lock.md",
        pattern(LOCK, "Late draft", status="draft", review_by="2026-01-01", mitigations=[]),
    )
    commit_all(root)
    found = queue(edition(root))
    assert [why for why, _ in found] == sorted(
        (why for why, _ in found), key=[OVERDUE, UPCOMING, UNOWNED, WAITING].index
    )
    assert len({one.id for _, one in found}) == len(found)
    by_id = {one.id: why for why, one in found}
    assert by_id[LOCK] == OVERDUE
    assert by_id["run-4k3x9q2m4t"] == UPCOMING
    assert "run-5k3x9q2m4t" not in by_id
    assert by_id["run-6k3x9q2m4t"] == UNOWNED
    assert by_id[INCIDENT] == WAITING
    assert GONE not in by_id


def test_home_tells_what_was_used_this_week_and_by_what(site: dict[str, str]) -> None:
    text = words(site["index.md"])
    used = text[text.index("Used this week") :]
    assert (
        "Relieve an exhausted pool draft 21 Nov 2026 , in an investigation: Checkout is &lt;b>slow&lt;/b>"
        in used
    )
    assert "Connection pool exhausted after a rollout" in used
    assert "Lock queue" not in used[: used.index("## By service")]


def test_what_was_used_long_ago_or_only_refuted_is_not_told_as_new(tmp_path: Path) -> None:
    root = team(tmp_path)
    investigated(root, days=8)
    investigated(root, identifier="inv-4k3x9q2m4t", verdict="refuted")
    commit_all(root)
    text = words(pages(root)["index.md"])
    assert "No investigation or post-mortem of the last seven days names an entry." in text
    assert "Used in 1 investigation last 14 Nov 2026" in words(pages(root)[f"patterns/{POOL}.md"])


def test_trust_at_a_glance(site: dict[str, str]) -> None:
    text = words(site[f"patterns/{POOL}.md"])
    assert "What to do Relieve an exhausted pool" in text
    assert "Last verified 12 May 2026 seen in Payments waited for connections , 1 Sep 2026" in text
    assert "Used in 1 investigation last 21 Nov 2026" in text
    assert "Review 10 days late was due by 12 Nov 2026" in text


def test_history_tells_dates_verbs_and_roles_and_no_word_of_a_commit(site: dict[str, str]) -> None:
    text = words(site[f"patterns/{POOL}.md"])
    assert "Contributed, approved by team lead" in text
    assert "evil" not in text
    assert "somebody" not in text
    assert not [path for path, page in site.items() if "SECRETSUBJECT" in page]
    assert (
        'href="https://github.com/acme/memory/commits/main/patterns/pool.md"' in site[f"patterns/{POOL}.md"]
    )


def test_a_change_is_proposed_in_the_forge_and_evidence_leads_to_its_line(site: dict[str, str]) -> None:
    page = site[f"patterns/{POOL}.md"]
    assert 'href="https://github.com/acme/memory/edit/main/patterns/pool.md"' in page
    line = re.search(
        r'href="https://github\.com/acme/memory/blob/[0-9a-f]{40}/patterns/pool\.md\?plain=1#L([0-9]+)" rel="noopener noreferrer">line',
        page,
    )
    assert line is not None
    assert int(line[1]) > 10


def test_a_citation_is_read_as_the_entry_and_leads_to_its_lines(site: dict[str, str]) -> None:
    page = site[f"patterns/{POOL}.md"]
    assert f'<a href="../runbooks/{DRAIN}.html">Relieve an exhausted pool</a>, <a class="cm-lines"' in page
    assert f'/blob/{"a" * 40}/runbooks/drain.md?plain=1#L3-L9"' in page
    assert "lines 3–9 at aaaaaaaaaa" in page


def test_where_no_forge_is_known_the_command_is_told(tmp_path: Path) -> None:
    page = pages(team(tmp_path))[f"patterns/{POOL}.md"]
    text = words(page)
    assert "edit patterns/pool.md , commit it, and run compass contribute" in text
    assert "https://github.com" not in page


def test_the_repository_may_say_where_its_forge_is(tmp_path: Path) -> None:
    web = "web: {forge: gitlab, url: 'https://git.example.com/shop/memory', branch: trunk}\n"
    page = pages(team(tmp_path, config=web))[f"patterns/{POOL}.md"]
    assert 'href="https://git.example.com/shop/memory/-/edit/trunk/patterns/pool.md"' in page


def test_no_way_in_holds_more_rows_than_a_page_may(tmp_path: Path) -> None:
    root = tmp_path / "many"
    root.mkdir()
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/many\n", "utf-8")
    for number in range(PER_PAGE + 1):
        data = base("runbook", f"run-{number:010}", f"Runbook {number}")
        data |= {
            "owner": "group:default/payments",
            "services": [PAYMENTS],
            "tags": ["layer:x", f"sort:n{number}"],
        }
        data |= {"alerts": [{"name": f"Alert{number}"}]}
        write(root, f"runbooks/r-{number}.md", data)
    found = dict(render(Edition(load(root, revision=None), TODAY)))
    for page in (
        "runbooks/page-2", "review/page-2", "symptoms/page-2", "tags/page-2", "tags/layer.x~2",
        "services/component-payments~2", "teams/team-payments~2",
    ):  # fmt: skip
        assert f"{page}.md" in found
    assert 'rel="next" href="component-payments~2.html"' in found["services/component-payments.md"]
    for path, page in found.items():
        assert page.count("<li>") <= 2 * PER_PAGE, path
