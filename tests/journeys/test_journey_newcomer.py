"""A newcomer in the product tribe finds out why checkout is slow, whom to ask and what is stale, and proposes a fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import browsing
import pytest
from browsing import Record, answering
from playwright.sync_api import Page, expect

from compass.adapters.git import GitRepository
from compass.library import load
from compass.model.scope import Level
from compass.publish.build import build_site
from compass.publish.serve import server
from compass.workflows.example import make_organization

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
browser = browsing.browser
record = browsing.record
page = browsing.page
LATER = date(2027, 6, 1)
ALERT, MISSPELT = "PostgresLockWaits", "PostgresLokWaits"
RUNBOOK, PATTERN = "Clear a PostgreSQL lock queue", "PostgreSQL lock queue behind a schema change"
POSTMORTEM = "A ledger migration closed the entries table for 26 minutes"


@dataclass(frozen=True)
class Sites:
    """Addresses of what the product tribe reads, and of what the platform tribe reads."""

    product: str
    platform: str


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Both tribes' sites of the example organization, some months later; the payments team's forge is GitHub."""
    folder = tmp_path_factory.mktemp("newcomer")
    root = make_organization(folder / "org", now=datetime(2026, 11, 28, tzinfo=UTC)).root
    payments = GitRepository.open(root / "teams" / "payments")
    payments.git("config", "remote.origin.url", "git@github.com:acme/payments-memory.git")
    for name, place in (("product", "teams/payments"), ("platform", "tribes/platform")):
        library = load(root / place, parents=True)
        build_site(library, folder / "www" / name, today=LATER, audience=Level.TRIBE)
    with answering(server(folder / "www", 0)) as address:
        yield Sites(f"{address}product/", f"{address}platform/")


def search(page: Page, text: str) -> None:
    """Open the search with its key and type."""
    page.keyboard.press("/")
    page.wait_for_selector("[role=combobox]")
    page.fill("[role=combobox]", text)


def test_from_an_alert_to_the_fix(page: Page, record: Record, sites: Sites) -> None:
    page.goto(f"{sites.product}index.html")
    search(page, MISSPELT)
    page.locator("[role=option]", has_text=RUNBOOK).click()
    expect(page.locator("h1")).to_have_text(RUNBOOK)

    # What is stale is told before the first step, and whom to ask.
    expect(page.locator(".cm-banner-late")).to_contain_text("Ask payments before you rely on it.")
    expect(page.locator(".cm-glance")).to_contain_text("10 days late")

    page.locator(".cm-links a", has_text=PATTERN).first.click()
    expect(page.locator("h1")).to_have_text(PATTERN)
    expect(page.locator(".cm-next")).to_contain_text(RUNBOOK)
    page.locator(".cm-glance a", has_text=POSTMORTEM).click()
    expect(page.locator("h1")).to_have_text(POSTMORTEM)
    expect(page.locator(".cm-timeline")).to_contain_text("+26 min")

    page.locator(".cm-glance a", has_text="payments").click()
    expect(page.locator("h1")).to_have_text("payments")
    expect(page.locator("article")).to_contain_text("Part of")
    page.go_back()

    # Nothing went anywhere until the newcomer goes to the forge, to the very file.
    assert record.sent == []
    assert record.complaints == []
    with page.expect_request("https://github.com/**") as asked:
        page.get_by_role("link", name="Propose a change").click()
    path = "postmortems/2026/ledger-migration-closed-the-entries-table.md"
    assert asked.value.url == f"https://github.com/acme/payments-memory/edit/main/{path}"


def test_a_newcomer_starts_from_the_service(page: Page, record: Record, sites: Sites) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{sites.product}index.html")
    page.get_by_role("link", name="New to a service").click()
    page.locator("article").get_by_role("link", name="checkout", exact=True).first.click()
    things = page.locator(".cm-things > li")
    expect(things).to_have_count(10)
    assert all(": " in text for text in page.locator(".cm-things .cm-row-facts").all_inner_texts())
    # The picture is readable on a phone, and its nodes are links.
    node = page.locator(".cm-picture a", has_text="payments").first
    node.scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "[...document.querySelectorAll('.cm-picture tspan')].every((one) => one.getBoundingClientRect().height >= 11)"
    )
    node.click()
    expect(page.locator("h1")).to_have_text("payments")
    assert record.complaints == []
    assert record.sent == []


def test_the_other_tribe_sees_none_of_it(page: Page, sites: Sites) -> None:
    for text in (ALERT, MISSPELT, RUNBOOK, POSTMORTEM):
        page.goto(f"{sites.platform}index.html")
        search(page, text)
        expect(page.locator("[role=status]")).not_to_be_empty()
        page.wait_for_timeout(400)
        for shown in page.locator("[role=option]").all_inner_texts():
            assert RUNBOOK not in shown
            assert PATTERN not in shown
            assert POSTMORTEM not in shown
    page.goto(f"{sites.platform}symptoms/index.html")
    expect(page.locator("article")).not_to_contain_text(ALERT)
