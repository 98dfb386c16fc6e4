"""The search of a site as somebody uses it in a browser: mistyped, in a hurry, with the keyboard, by a link."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import Record, answering, chromium, opened
from playwright.sync_api import Browser, Page, expect
from published import DRAIN, POOL, TODAY, team, tribe
from rapidfuzz.distance import OSA

from compass.library import load
from compass.publish.build import build_site
from compass.publish.search.terms import hashed
from compass.publish.search.words import words
from compass.publish.serve import server

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site of a team with a thesaurus of its own, below a folder."""
    folder = tmp_path_factory.mktemp("search")
    tribe(folder)
    root = team(folder, parents="parents: [../product]\n")
    (root / "vocabulary").mkdir()
    (root / "vocabulary" / "thesaurus.yaml").write_text(
        "groups:\n  - [sesame, exhausted]\nmeans:\n  out of breath: [exhausted]\n", "utf-8"
    )
    build_site(load(root, revision=None, parents=True), folder / "www" / "z", today=TODAY)
    with answering(server(folder / "www", 0)) as found:
        yield f"{found}z/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    record = Record()
    with opened(browser, record) as made:
        made.goto(f"{address}index.html")
        yield made
    assert record.complaints == []


def search(page: Page, text: str) -> tuple[str, list[str]]:
    """What the search says of a text, and its results from the best."""
    if not page.locator("dialog[open]").count():
        page.keyboard.press("/")
        page.wait_for_selector("[role=combobox]")
    page.fill("[role=combobox]", "")
    expect(page.locator("[role=status]")).to_be_empty()
    page.fill("[role=combobox]", text)
    expect(page.locator("[role=status]")).not_to_be_empty()
    page.wait_for_selector("[role=listbox][aria-busy=false]", state="attached")
    return page.inner_text("[role=status]"), page.locator("[role=option]").all_inner_texts()


def test_what_is_called_so_comes_first_however_it_is_written(page: Page) -> None:
    for text in ("HighLatency", "high latency", "high_latency", DRAIN, "relieve an exhausted pool"):
        _, found = search(page, text)
        assert found[0].startswith("Relieve an exhausted pool"), text
    _, found = search(page, POOL.partition("-")[2])
    assert any(one.startswith("Connection pool exhausted") for one in found)
    for text in ("db_pool_in_use", "db.pool.in.use", "dbPoolInUse"):
        said, found = search(page, text)
        assert "Connection pool exhausted after a rollout" in "\n".join(found), text
        assert "No page" not in said
    said, found = search(page, "pat-9999999999")
    assert found == []
    assert "Nothing here matches “pat-9999999999”" in said


def test_what_is_mistyped_is_read_as_what_was_meant_and_told(page: Page) -> None:
    said, found = search(page, "HihgLatency")
    assert "No page has “HihgLatency”; shown for “HighLatency”." in said
    assert found[0].startswith("Relieve an exhausted pool")
    assert "“HihgLatency” read as “HighLatency”" in found[0]
    said, found = search(page, "exhuasted")
    assert "shown for “exhausted”" in said
    # "poll" is no word here; a known word that no page has beside the other is doubted as well.
    _, found = search(page, "exhausted poll")
    assert found[0].startswith("Relieve an exhausted pool")


def test_words_too_many_are_left_out_and_named(page: Page) -> None:
    said, found = search(page, "relieve exhausted pool xylophone")
    assert "No page has “xylophone”; shown without it." in said
    assert found[0].startswith("Relieve an exhausted pool")
    assert "without “xylophone”" in found[0]
    said, found = search(page, "relieve tribe")
    assert "No page has all of these words" in said
    assert {line for one in found for line in one.split("\n") if "without" in line}
    said, found = search(page, "qqqqqq zzzzzz")
    assert found == []
    assert "Nothing here matches" in said


def test_other_words_for_it_lead_there(page: Page) -> None:
    _, found = search(page, "sesame")
    assert "“exhausted” for “sesame”" in found[0]
    _, found = search(page, "out of breath")
    assert "exhausted" in "\n".join(found)
    _, found = search(page, "relieving")
    assert found[0].startswith("Relieve an exhausted pool")


def test_results_say_their_state(page: Page) -> None:
    _, found = search(page, "connection pool exhausted after a rollout")
    assert "Pattern" in found[0]
    assert "verified" in found[0]
    assert "review overdue" in found[0]
    assert "has connection, pool" in found[0]


def test_facets_are_worked_with_the_keyboard(page: Page) -> None:
    _, before = search(page, "pool")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Kind"
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    first = page.evaluate("[document.activeElement.value, document.activeElement.closest('label').innerText]")
    page.keyboard.press("Space")
    expect(page.locator("[data-facet=kind] summary")).to_have_text(f"Kind: {first[0]}")
    many = int(first[1].split()[-1])
    expect(page.locator("[role=option]")).to_have_count(many)
    assert many < len(before)
    assert page.evaluate("document.activeElement.value") == first[0]
    assert page.locator("[data-facet=kind] label").count() > 1
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert page.locator("details[open]").count() == 0
    page.keyboard.press("Escape")
    assert not page.is_visible("[role=combobox]")
    assert page.evaluate("location.search") == ""


def test_a_search_can_be_linked_to_and_is_there_again_on_the_way_back(page: Page, address: str) -> None:
    page.goto(f"{address}index.html?q=pool&kind=Runbook")
    expect(page.locator("[role=option]")).to_have_count(1)
    assert page.input_value("[role=combobox]") == "pool"
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}runbooks/{DRAIN}.html")
    page.go_back()
    expect(page.locator("[role=option]")).to_have_count(1)
    page.fill("[role=combobox]", "exhausted")
    expect(page.locator("[role=status]")).to_contain_text("1 result")
    page.keyboard.press("Escape")
    assert page.evaluate("location.search") == ""


def test_when_the_bundle_cannot_be_had_the_search_says_so(browser: Browser, address: str) -> None:
    with opened(browser, Record()) as page:
        page.route("**/search/index.json", lambda route: route.fulfill(status=403))
        page.goto(f"{address}index.html")
        page.keyboard.press("/")
        expect(page.locator("[role=status]")).to_contain_text("could not be loaded")


def test_a_server_that_unpacks_on_the_way_does_no_harm(page: Page, address: str) -> None:
    def unpack(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(status=200, headers={"content-encoding": "gzip"}, body=answer.body())

    page.route("**/search/*/*.gz", unpack)
    _, found = search(page, "HighLatency")
    assert found[0].startswith("Relieve an exhausted pool")


TEXTS = (
    "KubePodCrashLooping http_requests_total node.cpu.time HTTPServer a/b x-y_z",
    "job:errors:rate5m pat-7k3x9q2m4t v1.2.3 Überlast naïve ﬁle Ⅷ ١٢٣",
    "全文搜索 カタカナ 한국어 mixed全文 e\u0301",
    "::a.. b-- __c__ d---e f.:g 'quoted' \u200b \U0001f600 \U00010400x",
)


def test_the_script_splits_texts_as_the_build_does(page: Page, address: str) -> None:
    draw = random.Random(3)
    texts = [*TEXTS, *("".join(draw.choice("aB1_.-: éß全/") for _ in range(30)) for _ in range(200))]
    split = """async ([address, texts]) => {
      const { runs, hashed } = await import(`${address}assets/search/words.js`);
      return texts.map((text) => [runs(text).flatMap((run) => run.parts), runs(text).map((run) => run.whole), hashed(text)]);
    }"""
    for text, (parts, wholes, number) in zip(texts, page.evaluate(split, [address, texts]), strict=True):
        own = words(text)
        assert set(parts) <= set(own) <= {*parts, *wholes}, text
        assert number == hashed(text), text


def test_the_script_counts_mistakes_as_the_literature_does(page: Page, address: str) -> None:
    draw = random.Random(4)
    pairs = [
        ["".join(draw.choice("abc") for _ in range(draw.randint(1, 8))) for _ in range(2)] for _ in range(400)
    ]
    count = """async ([address, pairs]) => {
      const { mistakes } = await import(`${address}assets/search/words.js`);
      return pairs.map(([first, second]) => mistakes(first, second, 2));
    }"""
    found = page.evaluate(count, [address, pairs])
    assert found == [min(OSA.distance(first, second), 3) for first, second in pairs]


def test_facets_are_worked_with_a_pointer_on_their_words(page: Page) -> None:
    _, before = search(page, "pool")
    page.click("[data-facet=kind] summary")
    value = page.locator("[data-facet=kind] label").first
    chosen = str(value.locator("input").get_attribute("value"))
    many = int(value.locator(".cm-count").inner_text())
    value.locator("span").first.click()
    expect(page.locator("[data-facet=kind] summary")).to_have_text(f"Kind: {chosen}")
    expect(page.locator("[role=option]")).to_have_count(many)
    assert many < len(before)
    assert page.locator("[data-facet=kind][open]").count() == 1
    page.click("[role=status]")
    assert page.locator("details[open]").count() == 0
