"""A site of entries that mean harm, in a real browser: all of it is text, and the policy would hold if it were not."""

from __future__ import annotations

import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import browsing
import pytest
from browsing import Record, answering
from hostile import ATTACKS, HOST, hostile, identifier
from markdown_it import MarkdownIt
from playwright.sync_api import Page
from published import DRAIN, INCIDENT, TODAY

from compass.adapters.documents import split
from compass.library import load
from compass.publish import build as building
from compass.publish import commonmark
from compass.publish.build import build_site
from compass.publish.serve import server

browser = browsing.browser
record = browsing.record
page = browsing.page
POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy"[^>]*>')
OTHERS = (
    f"runbooks/{DRAIN}",
    f"postmortems/{INCIDENT}",
    "runbooks/run-9z00000000",
    "patterns/pat-9z00000000",
)
PAGES = (
    *(f"patterns/{identifier(number)}" for number in range(len(ATTACKS))),
    *OTHERS,
    "patterns/pat-9y00000000",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the hostile repository."""
    folder = tmp_path_factory.mktemp("hostile")
    build_site(load(hostile(folder)), folder / "site", today=TODAY)
    return folder / "site"


def test_every_page_says_what_may_run_and_holds_nothing_that_could(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(ATTACKS)
    for path in pages:
        text = path.read_text("utf-8")
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
        assert policy is not None, path
        assert "script-src 'self';" in policy[1]
        assert "default-src 'none'" in policy[1]
        # Before anything that it could not have stopped.
        assert not re.search(r"<(script|link|style)\b", text[: policy.start()]), path
        # Nothing stands in the page itself that would need a hash in the policy.
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style\b", text), path


class Plain(SimpleHTTPRequestHandler):
    """A web server that knows nothing of policies; what the page itself says of one can be taken out."""

    unprotected = False

    def send_head(self) -> BytesIO | BinaryIO | None:
        path = Path(self.translate_path(self.path))
        if not (self.unprotected and path.suffix == ".html" and path.is_file()):
            return super().send_head()
        data = POLICY.sub(b"", path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return BytesIO(data)

    def log_message(self, *_: object) -> None:
        """Silent."""


class Unprotected(Plain):
    unprotected = True


def plain(site: Path, handler: type[Plain]) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(site)))


INERT = """() => ({
  hacked: window.hacked ?? null,
  foreign: [...document.querySelectorAll("script, img, svg, iframe, object, embed, base, link, style, form, video, details, math")]
    .filter((one) => one.closest("article"))
    .filter((one) => !one.matches(".cm-picture-scroll > svg, details.cm-rules, details.cm-change")).length,
  handlers: [...document.querySelectorAll("*")]
    .flatMap((one) => one.getAttributeNames()).filter((name) => name.startsWith("on") || name === "style"),
  links: [...document.querySelectorAll("article a[href]")].map((one) => new URL(one.getAttribute("href"), document.baseURI).protocol),
  over: [...document.querySelectorAll("article *")].filter((one) => getComputedStyle(one).position === "fixed").length,
  shown: document.querySelector("article").innerText,
  middle: document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest(".cm-page, .cm-footer, body") !== null,
  wide: document.documentElement.scrollWidth > innerWidth,
})"""


def poked(page: Page, url: str) -> dict[str, Any]:
    """What a page is like after a visit in which the mouse moved and the tabulator was pressed."""
    page.goto(url)
    page.mouse.move(500, 300)
    for _ in range(3):
        page.keyboard.press("Tab")
    found: dict[str, Any] = page.evaluate(INERT)
    return found


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("policy", ["from the server", "in the page alone"])
def test_hostile_entries_are_only_text(page: Page, record: Record, site: Path, policy: str) -> None:
    made = server(site, 0) if policy == "from the server" else plain(site, Plain)
    with answering(made) as address:
        for name in ("index", "patterns/index", "services/component-payments", "teams/team-payments", *PAGES):
            found = poked(page, f"{address}{name}.html")
            assert found["hacked"] is None, name
            assert found["foreign"] == found["over"] == 0, name
            assert found["handlers"] == [], name
            assert set(found["links"]) <= {"http:", "https:"}, name
            assert found["middle"], name
            assert not found["wide"], name
        for number, attack in enumerate(ATTACKS):
            page.goto(f"{address}patterns/{identifier(number)}.html")
            assert page.inner_text("h1") == attack
            assert page.title().startswith(attack)
            assert attack in page.inner_text("article")
        assert record.dialogs == []
        assert record.elsewhere(address) == []
        assert record.complaints == []


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_hostile_results_of_a_search_are_only_text(page: Page, record: Record, site: Path) -> None:
    with answering(server(site, 0)) as address:
        page.goto(f"{address}index.html")
        page.keyboard.press("/")
        for query in ("hacked", "<script>alert(hacked=1)</script>", "onerror"):
            page.fill("[role=combobox]", query)
            page.wait_for_selector("[role=option]")
            page.wait_for_timeout(300)
            assert page.locator("dialog :is(script, img, svg, iframe, style)").count() == 0
            assert page.evaluate("window.hacked ?? null") is None
        assert record.dialogs == []
        assert record.elsewhere(address) == []
        assert record.complaints == []


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("protected", [True, False])
def test_the_policy_in_the_page_holds_even_if_markup_gets_through(
    page: Page, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, protected: bool
) -> None:
    def careless() -> MarkdownIt:
        return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

    monkeypatch.setattr(commonmark, "parser", careless)
    monkeypatch.setattr(commonmark, "escape", lambda text: text)
    monkeypatch.setattr(building, "verify", lambda *_: ())
    build_site(load(hostile(tmp_path, large=False)), tmp_path / "site", today=TODAY)
    handler = Plain if protected else Unprotected
    ran = []
    with answering(plain(tmp_path / "site", handler)) as address:
        # A refresh is no script: against that the markup alone helps, so its page is not visited here.
        for number in (number for number, attack in enumerate(ATTACKS) if "refresh" not in attack):
            page.goto(f"{address}patterns/{identifier(number)}.html")
            ran.append(page.evaluate("window.hacked ?? null"))
        assert any(ran) is not protected
        assert bool(record.dialogs) is not protected
        assert any(HOST in url for url in record.sent) is not protected


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_files_for_programs_run_nothing_when_they_are_opened(page: Page, record: Record, site: Path) -> None:
    with answering(plain(site, Plain)) as address:
        names = [f"patterns/{identifier(number)}.json" for number in range(len(ATTACKS))]
        for name in ("feeds/all.xml", "feeds/teams/team-payments.xml", "entries.json", "llms.txt", *names):
            page.goto(f"{address}{name}")
            assert page.evaluate("window.hacked ?? null") is None
        assert record.dialogs == []
        assert [url for url in record.elsewhere(address) if not url.startswith("chrome")] == []


def test_twins_of_hostile_entries_fetch_nothing_and_lead_nowhere(site: Path) -> None:
    for number in range(len(ATTACKS)):
        text = (site / "patterns" / f"{identifier(number)}.md").read_text("utf-8")
        html = MarkdownIt("commonmark").render(split(text).body)
        addresses = re.findall(r'<[^>]+\s(?:href|src)="([^"]*)"', html)
        assert [one for one in addresses if one] == [], text
        assert not re.search(
            r"<(?:script|img|svg|iframe|style|object|embed|form|video|base|meta|link)\b", html
        ), text
