"""The published pages in a real browser: they run nothing that an entry says, ask nobody else, and find what is asked."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import browsing
import pytest
from browsing import Record, answering
from playwright.sync_api import Browser, Page, Response, expect
from published import DRAIN, POOL, TODAY, pattern, postmortem, runbook, team, tribe, write

from compass.library import load
from compass.publish.build import build_site
from compass.publish.serve import server

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
browser = browsing.browser
record = browsing.record
page = browsing.page


LONG = "very-long-name-" * 4 + "x"
WIDE = {
    "services": [f"component:default/{LONG}"],
    "owner": f"group:default/{LONG}",
    "tags": ["technology:" + "longname" * 8],
    "aliases": ["A" * 90],
}
UNBROKEN = "y" * 5000
BODY = "\n\n".join(
    (
        f"## Symptoms\n\n{UNBROKEN} and `{UNBROKEN}` and https://example.com/{UNBROKEN}",
        f"```\n{UNBROKEN}\n```",
        f"## {'H' * 300}",
        "|" + "column|" * 14 + "\n|" + "---|" * 14 + "\n|" + f"{UNBROKEN[:200]}|" * 14,
        "".join(f"{'  ' * depth}- As deep as {depth}\n" for depth in range(14)),
        f"{'> ' * 14}{UNBROKEN[:200]}",
        "العربية والعبرية",
    )
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the site of a team with very wide entries, below a folder as behind a proxy."""
    folder = tmp_path_factory.mktemp("browser")
    tribe(folder)
    root = team(folder, parents="parents: [../product]\n")
    signals = {LONG.replace("-", "_"): {"type": "alert", "matchers": [f'alertname="{UNBROKEN[:500]}"']}}
    match = {"window": "15m", "signals": signals, "condition": LONG.replace("-", "_")}
    wide = pattern("pat-8k3x9q2m4t", "W" * 100, match=match, mitigations=[], **WIDE)
    write(root, "patterns/long.md", wide, BODY)
    steps = [{"id": "s1", "text": UNBROKEN, "command": UNBROKEN, "expected": UNBROKEN, "risk": "destructive"}]
    identity = {"id": "run-8k3x9q2m4t", "title": "W" * 100}
    write(root, "runbooks/long.md", runbook(steps=steps, **WIDE) | identity, BODY)
    identity = {"id": "pm-8k3x9q2m4t", "title": "W" * 100}
    write(
        root,
        "postmortems/2026/long.md",
        postmortem(what_went_well=[UNBROKEN], what_surprised_us=[], **WIDE)
        | {"patterns": [], "contributing_causes": [], "actions": []}
        | identity,
        BODY,
    )
    build_site(load(root, revision=None, parents=True), folder / "www" / "z" / "payments", today=TODAY)
    return folder / "www"


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The address of that site."""
    with answering(server(folder, 0)) as found:
        yield f"{found}z/payments/"


PAGES = (
    "index",
    "patterns/index",
    f"patterns/{POOL}",
    f"runbooks/{DRAIN}",
    "patterns/pat-8k3x9q2m4t",
    "symptoms/index",
    "review/index",
    "services/component-payments",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_pages_fit_and_ask_nobody_else(
    page: Page, record: Record, address: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    for name in PAGES:
        page.goto(f"{address}{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(17, 21, 26)" if scheme == "dark" else "rgb(251, 250, 247)")
    assert record.complaints == []
    assert [url for url in record.asked if not url.startswith(address)] == []


@pytest.mark.parametrize("media", ["screen", "print"])
def test_no_page_at_all_scrolls_sideways_on_a_phone_or_is_cut_off_on_paper(
    page: Page, address: str, folder: Path, media: Literal["screen", "print"]
) -> None:
    page.set_viewport_size({"width": 390 if media == "screen" else 680, "height": 800})
    page.emulate_media(media=media)
    site = folder / "z" / "payments"
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    assert len(names) > 25
    wide = []
    for name in names:
        page.goto(f"{address}{name}")
        if page.evaluate(
            "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) > innerWidth"
        ):
            wide.append(name)
    assert wide == []


def test_search_opens_with_a_key_and_is_worked_with_keys_alone(
    page: Page, record: Record, address: str
) -> None:
    page.goto(f"{address}index.html")
    assert not [url for url in record.asked if "/search/" in url]
    page.keyboard.press("/")
    page.keyboard.type("kubectl rollout undo")
    page.wait_for_selector("[role=option][aria-selected=true]")
    assert "Relieve an exhausted pool" in page.inner_text("[role=option][aria-selected=true]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}runbooks/{DRAIN}.html")
    assert record.complaints == []


def test_one_word_too_many_does_not_hide_the_page(page: Page, address: str) -> None:
    page.goto(f"{address}patterns/{POOL}.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("relieve exhausted pool tribe")
    page.wait_for_selector("[role=option]")
    expect(page.locator("[role=status]")).to_contain_text("No page has all of these words")
    expect(page.locator("[role=option]").first).to_contain_text("Relieve an exhausted pool")


def test_results_can_be_cut_to_one_kind_and_nothing_is_said_plainly(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    page.click("header [data-compass-search]")
    page.keyboard.type("pool")
    page.wait_for_selector("[role=option]")
    page.click("[data-facet=kind] summary")
    page.check("[data-facet=kind] input[value=Post-mortem]")
    expect(page.locator("[role=option]")).to_have_count(1)
    assert "Payments waited for connections" in page.inner_text("[role=option]")
    page.fill("[role=combobox]", "xylophone")
    expect(page.locator("[role=option]")).to_have_count(0)
    expect(page.locator("[role=status]")).to_contain_text("Nothing here matches")
    page.keyboard.press("Escape")
    assert not page.is_visible("[role=combobox]")


def test_withdrawn_text_is_not_found(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    page.keyboard.press("/")
    page.keyboard.type("SECRETBODY")
    expect(page.locator("[role=status]")).not_to_be_empty()
    assert page.locator("[role=option]").count() == 0


def test_the_chosen_colours_are_kept(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{address}index.html")
    page.click("[data-compass-scheme]")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 26)"
    page.goto(f"{address}patterns/{POOL}.html")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 26)"
    expect(page.locator("[data-compass-scheme]")).to_have_attribute("aria-label", "Colours: dark")


def test_a_view_and_the_way_to_the_first_search_are_small(page: Page, address: str) -> None:
    sizes: dict[str, int] = {}

    def weigh(response: Response) -> None:
        sizes[response.url] = len(gzip.compress(response.body()))

    page.on("response", weigh)
    page.goto(f"{address}patterns/{POOL}.html")
    view = sum(sizes.values())
    assert view <= 100_000
    page.keyboard.press("/")
    page.keyboard.type("pool")
    page.wait_for_selector("[role=option]")
    assert sum(size for url, size in sizes.items() if "/search/" in url) <= 60_000


def test_a_runbook_prints_with_everything_that_is_needed_and_nothing_that_is_not(
    page: Page, address: str
) -> None:
    page.emulate_media(color_scheme="dark", media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    page.goto(f"{address}runbooks/{DRAIN}.html")
    for hidden in (".cm-top", ".cm-footer", ".cm-change", ".cm-copy >> nth=0"):
        assert not page.is_visible(hidden), hidden
    for shown in ("h1", ".cm-summary", ".cm-glance", ".cm-steps", ".cm-facts", ".cm-banner"):
        assert page.is_visible(shown), shown
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "[...document.querySelectorAll('pre > code')].every((one) => one.scrollWidth <= one.clientWidth + 1)"
    )
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_pages_can_be_read_without_a_server_and_the_search_says_what_to_run(
    browser: Browser, tmp_path: Path
) -> None:
    build_site(load(team(tmp_path), revision=None), tmp_path / "site", today=TODAY)
    page = browser.new_page()
    page.goto((tmp_path / "site" / "index.html").as_uri())
    page.click("text=Connection pool exhausted")
    assert page.inner_text("h1") == "Connection pool exhausted after a rollout"
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.wait_for_function(
        "document.querySelector('[role=status]')?.textContent.includes('compass site serve')"
    )
    page.close()
