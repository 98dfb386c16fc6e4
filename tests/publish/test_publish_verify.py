"""The last look at a finished site sees what a browser would follow or fetch."""

from __future__ import annotations

from pathlib import Path

import pytest

from compass.publish.verify import verify


def made(folder: Path, page: str, css: str = "") -> tuple[str, ...]:
    """What is wrong with a site of one page beside a good one."""
    (folder / "sub").mkdir()
    (folder / "sub" / "good.html").write_text("<p>good</p>", "utf-8")
    (folder / "index.html").write_text(page, "utf-8")
    (folder / "x.css").write_text(css, "utf-8")
    return verify(folder)


@pytest.mark.parametrize(
    "page",
    [
        '<a href="sub/good.html">x</a>',
        '<a href="sub/good.html?q=1#there">x</a>',
        '<a href="/sub/good.html">x</a>',
        '<a href="#here">x</a>',
        '<a href=".">x</a>',
        '<a href="https://example.com/">x</a><a href="mailto:payments@example.com">x</a>',
        '<p>&lt;img src="https://example.com/x.png" onerror="x"></p>',
        '<link rel="stylesheet" href="x.css">',
        "<!doctype html><!-- made-by `x`. -->",
    ],
)
def test_a_good_page_passes(tmp_path: Path, page: str) -> None:
    assert made(tmp_path, page) == ()


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ('<a href="gone.html">x</a>', "gone.html, which is not here"),
        ('<a href="../index.html">x</a>', "which is not here"),
        ('<img src="https://example.com/x.png">', "asks for https://example.com"),
        ('<script src="//example.com/x.js"></script>', "asks for //example.com"),
        ('<link rel="stylesheet" href="https://example.com/x.css">', "asks for"),
        ('<a href="javascript:alert(1)">x</a>', "asks for javascript"),
        ('<a href="&#106;avascript:alert(1)">x</a>', "asks for javascript"),
        ('<p onclick="x">x</p>', "attribute onclick"),
        ('<p style="x">x</p>', "attribute style"),
        ('<iframe srcdoc="x"></iframe>', "holds <iframe>"),
        ('<base href="/">', "holds <base>"),
        ('<form action="sub/good.html">', "holds <form>"),
        ("<IFRAME>", "holds <iframe>"),
        ('<P ONCLICK="x">x</P>', "attribute onclick"),
        ('<A HREF="JavaScript:alert(1)">x</A>', "asks for JavaScript"),
        ("<script>alert(1)</script>", "holds <script>"),
        ("<style>p { color: red }</style>", "holds <style>"),
        ('<meta http-equiv="refresh" content="0">', "header refresh"),
        ('<svg><use xlink:href="https://example.com/x.svg"/></svg>', "asks for https"),
        ("<img src=https://example.com/x.png>", "cannot be inspected"),
        ("<img src='https://example.com/x.png'>", "cannot be inspected"),
        ("<p onclick=x>x</p>", "cannot be inspected"),
        ('<img/src="https://example.com/x.png">', "cannot be inspected"),
        ('<a href="x"', "cannot be inspected"),
        ("<!--> <img src=x> -->", "cannot be inspected"),
        ("<!-- <b> -->", "cannot be inspected"),
        ("<![CDATA[x]]>", "cannot be inspected"),
        ("<?xml x?>", "cannot be inspected"),
        ("1 < 2", "cannot be inspected"),
    ],
)
def test_what_a_browser_would_follow_fetch_or_run_is_named(tmp_path: Path, page: str, told: str) -> None:
    assert any(told in one for one in made(tmp_path, page))


@pytest.mark.parametrize(
    "css",
    ["@import 'x.css';", "@font-face { src: local(x) }", "a { background: url(https://example.com/x) }"],
)
def test_style_sheets_fetch_nothing(tmp_path: Path, css: str) -> None:
    assert any("x.css: asks for" in one for one in made(tmp_path, "", css))


def test_pictures_inside_a_style_sheet_are_fine(tmp_path: Path) -> None:
    assert made(tmp_path, "", "a { background: url('data:image/svg+xml;utf8,x') }") == ()


def test_links_may_start_with_the_path_of_the_site_and_no_other(tmp_path: Path) -> None:
    page = '<a href="/z/one/sub/good.html">x</a><a href="/z/one/">x</a>'
    assert any("/z/one/sub/good.html" in one for one in made(tmp_path, page))
    assert verify(tmp_path, "/z/one/") == ()
    assert verify(tmp_path, "/z/two/") != ()


def test_a_page_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(b"<p>\xff</p>")
    assert verify(tmp_path) == ("index.html: is not UTF-8, so it cannot be inspected",)
