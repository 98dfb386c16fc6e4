"""What a site costs at 1,000, 5,000 and 20,000 pages. By hand: `pytest -m scale -s tests/publish/test_publish_scale.py`."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from large_site import write_organization
from process_cost import Cost, cost_of
from serving import Serving

from compass.publish.live import SETTLE
from compass.publish.verify import verify

pytestmark = pytest.mark.scale
SIZES = [int(size) for size in os.environ.get("SCALE_PAGES", "1000,5000,20000").split(",")]
_ASKED = re.compile(rb'<(?:link[^>]*rel="(?:stylesheet|icon)"[^>]*href|script[^>]*src)="([^"]+)"')
ROWS = 200


@dataclass(frozen=True)
class Built:
    """One cold build."""

    pages: int
    cost: Cost
    size: int
    largest_view: int
    most_rows: int
    warm: Cost | None


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


def compressed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 6))


def view(page: Path, known: dict[Path, int]) -> int:
    """Bytes of a page and all that it asks for when it is opened, compressed as a web server would."""
    total = compressed(page)
    for address in _ASKED.findall(page.read_bytes()):
        target = (page.parent / address.decode()).resolve()
        total += known.setdefault(target, compressed(target))
    return total


def build(root: Path, output: Path, home: Path) -> Cost:
    command = [sys.executable, "-m", "compass", "-C", str(root), "site", "build", "-o", str(output)]
    cost = cost_of(command, XDG_CACHE_HOME=str(home))
    assert cost.code == 0, cost.out[-2000:]
    return cost


def measured(folder: Path, pages: int) -> Built:
    root, output = folder / "repo", folder / "site"
    write_organization(root, pages)
    cold = build(root, output, folder / "cache")
    files = [path for path in output.rglob("*") if path.is_file()]
    html = sorted((path for path in files if path.suffix == ".html"), key=lambda one: -one.stat().st_size)
    known: dict[Path, int] = {}
    result = Built(
        pages=pages,
        cost=cold,
        size=sum(path.stat().st_size for path in files),
        largest_view=max(view(page, known) for page in html[:40]),
        most_rows=max(path.read_bytes().count(b'class="cm-row-title"') for path in html[:40]),
        warm=build(root, output, folder / "cache") if pages <= 5000 else None,
    )
    shutil.rmtree(folder)
    return result


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Built]:
    found = []
    for pages in SIZES:
        one = measured(tmp_path_factory.mktemp("scale") / "x", pages)
        found.append(one)
        say(
            f"{pages:>6} entries: cold {one.cost.cpu:.1f} s CPU ({1000 * one.cost.cpu / pages:.2f} ms each), {one.cost.wall:.0f} s wall, "
            f"largest process {one.cost.largest:.0f} MiB, together {one.cost.together:.0f} MiB; site {one.size / 1e6:.1f} MB, "
            f"largest page view {one.largest_view / 1e3:.1f} kB"
            + (f"; warm {one.warm.cpu:.1f} s CPU" if one.warm else "")
        )
    return found


def test_a_thousand_pages_cost_at_most_18_cpu_seconds(built: list[Built]) -> None:
    for one in built:
        assert one.cost.cpu <= 18 * max(1, one.pages / 1000)


def test_the_cost_of_a_page_does_not_grow_with_the_library(built: list[Built]) -> None:
    each = [one.cost.cpu / one.pages for one in built]
    assert max(each) <= 1.2 * each[0]


def test_a_site_of_twenty_thousand_pages_fits(built: list[Built]) -> None:
    for one in built:
        assert one.size < 1e9
        assert one.cost.largest <= 1536


def test_no_page_view_is_heavy_and_no_list_is_long(built: list[Built]) -> None:
    for one in built:
        assert one.largest_view <= 100_000
        assert one.most_rows <= ROWS


@pytest.mark.parametrize(("pages", "bar"), [(1000, 1.5), (5000, 2.5)])
def test_an_edit_is_visible_soon(tmp_path: Path, pages: int, bar: float) -> None:
    root = tmp_path / "repo"
    write_organization(root, pages)
    path = sorted((root / "patterns").glob("*.md"))[7]
    text = path.read_text("utf-8")
    name = re.search(r"^id: (\S+)", text, re.MULTILINE)
    assert name
    spent = []
    with Serving(root, tmp_path / "temporary", patience=1800) as served:
        for number in range(3):
            served.wait((served.site / "search").is_dir)
            before = served.cpu()
            path.write_text(f"{text}\nAn edit, number {number}.\n", "utf-8")
            wall = served.until(f"patterns/{name[1]}.html", f"An edit, number {number}.")
            spent.append(served.cpu() - before)
            say(
                f"{pages:>6} entries: visible after {spent[-1]:.2f} s CPU, {wall:.2f} s wall at a load of {os.getloadavg()[0]:.0f}"
            )
    assert sorted(spent)[1] + SETTLE <= bar


def test_the_inspection_costs_the_same_for_each_page(tmp_path: Path) -> None:
    page = (b'<p class="x">' + b"words " * 100 + b'</p><a href="1.html">x</a>\n') * 20
    each = []
    for pages in (500, 4000):
        folder = tmp_path / str(pages)
        folder.mkdir()
        for number in range(pages):
            (folder / f"{number}.html").write_bytes(page)
        started = time.process_time()
        assert verify(folder) == ()
        each.append((time.process_time() - started) / pages)
    say(f"inspection: {1e6 * each[0]:.0f} and {1e6 * each[1]:.0f} µs CPU for each page of 13 kB")
    assert each[1] <= 1.3 * each[0]
