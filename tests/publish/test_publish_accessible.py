"""Every kind of page, in both colour schemes, wide and narrow: axe finds nothing that keeps somebody out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import browsing
import pytest
from browsing import answering
from conftest import commit_all
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from playwright.sync_api import Page, expect
from published import DRAIN, GONE, INCIDENT, LOCK, OLD, POOL, TODAY, base, pattern, team, tribe, write

from compass.library import load
from compass.publish.build import build_site
from compass.publish.rows import PER_PAGE
from compass.publish.serve import server

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
browser = browsing.browser
record = browsing.record
page = browsing.page
ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "index", "patterns/index", "runbooks/index", "runbooks/page-2", "postmortems/index", "services/index", "teams/index",
    "review/index", "feeds/index", "symptoms/index", "tags/index", "tags/layer.database", "services/component-payments~2",
    "services/resource-payments-db", "teams/team-shop", "services/component-payments", "teams/team-payments", f"patterns/{POOL}",
    f"patterns/{LOCK}", f"patterns/{OLD}", f"patterns/{GONE}", f"runbooks/{DRAIN}", f"postmortems/{INCIDENT}", "404",
)  # fmt: skip
WEB = "web: {forge: github, url: 'https://github.com/acme/memory'}\n"
CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: shop, description: Sells things.}
spec: {type: tribe, children: [payments]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: payments, description: Takes the money.}
spec: {type: service, owner: payments, dependsOn: [component:default/a-very-long-name-of-a-service, resource:default/payments-db]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: a-very-long-name-of-a-service}
spec: {owner: payments, dependsOn: [resource:default/payments-db, component:default/of-somebody-else]}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: payments-db}
spec: {type: database, owner: shop}
"""
DOCUMENTATION = (
    "index", "tutorial/first-investigation", "how-to/import-runbooks", "reference/commands", "reference/rules",
    "explanation/federation", "decisions/search-engine",
)  # fmt: skip
AXE = "axe.run(document, {resultTypes: ['violations']})"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's script from its npm package; nothing of the package runs outside of the browser."""
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(["npm", "pack", "--silent", "axe-core@4"], cwd=folder, check=True, capture_output=True)
    archive = next(folder.glob("*.tgz"))
    subprocess.run(["tar", "-xzf", archive, "package/axe.min.js"], cwd=folder, check=True)
    return (folder / "package" / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A knowledge site with every kind of page, an empty one, and the product's documentation."""
    folder = tmp_path_factory.mktemp("accessible")
    tribe(folder)
    root = team(folder, parents="parents: [../product]\n", config=WEB)
    for number in range(PER_PAGE):
        data = base("runbook", f"run-zz00000{number:03}", f"Number {number}")
        write(root, f"runbooks/n{number}.md", data | {"services": ["component:default/payments"]})
    (root / "catalog" / "catalog-info.yaml").write_text(CATALOG, "utf-8")
    cited = f"Cited: `team/payments@{'a' * 40}:runbooks/drain.md#L3-L9`.[^e1]\n"
    write(root, "patterns/lock.md", pattern(LOCK, "Lock queue", status="draft", mitigations=[DRAIN]), cited)
    commit_all(root)
    empty = folder / "empty"
    empty.mkdir()
    (empty / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/new\n", "utf-8")
    build_site(
        load(root, parents=True),
        folder / "www" / "site",
        today=TODAY,
        address="http://127.0.0.1/site",
    )
    build_site(load(empty, revision=None), folder / "www" / "empty", today=TODAY)
    mkdocs_build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder / "www" / "docs")))
    with answering(server(folder / "www", 0)) as found:
        yield found


def violations(page: Page, axe: str) -> list[str]:
    """Each violation of the page as it is now, with the elements concerned."""
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(AXE)
    return [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found["violations"]
    ]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_kind_of_page(
    page: Page, address: str, axe: str, scheme: Literal["light", "dark"], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    wrong: list[str] = []
    names = [f"site/{name}" for name in PAGES]
    names += [
        f"empty/{name}"
        for name in (
            "index",
            "patterns/index",
            "review/index",
            "feeds/index",
            "symptoms/index",
            "tags/index",
            "services/index",
        )
    ]
    names += [f"docs/{name}" for name in DOCUMENTATION]
    for name in names:
        answer = page.goto(f"{address}{name}.html")
        assert answer is not None
        assert answer.ok, name
        wrong += (f"{name}: {one}" for one in violations(page, axe))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_search(
    page: Page, address: str, axe: str, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}site/index.html")
    page.keyboard.press("/")
    page.wait_for_selector("dialog[open]")
    assert violations(page, axe) == []
    page.keyboard.type("pool")
    page.wait_for_selector("[role=option]")
    assert violations(page, axe) == []
    page.click("[data-facet=kind] summary")
    assert violations(page, axe) == []
    page.fill("[role=combobox]", "relieve exhuasted conection xylophone")
    expect(page.locator("[role=status]")).to_contain_text("shown without it")
    assert violations(page, axe) == []
    page.fill("[role=combobox]", "xylophone")
    expect(page.locator("[role=status]")).to_contain_text("Nothing here matches")
    assert violations(page, axe) == []


def test_what_axe_looks_for_is_found_when_it_is_there(page: Page, address: str, axe: str) -> None:
    page.goto(f"{address}site/index.html")
    page.evaluate("document.querySelector('h1').append(document.createElement('button'))")
    assert any(one.startswith("button-name") for one in violations(page, axe))
