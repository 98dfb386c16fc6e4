"""The configuration of the documentation, in a real nginx: each reader gets their own site and nothing of the others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fronted import PART, Front, build_sites, fence, free_port, serving

from compass.publish.serve import POLICY

GUARDED = ("team-payments", "tribe-product", "tribe-platform")


class Authenticator(BaseHTTPRequestHandler):
    """Answers as oauth2-proxy does; the cookie names the groups, which is what a real one must never do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("groups")
        wanted = parse_qs(place.query).get("allowed_groups", ["?"])[0].split(",")
        status = 302
        if place.path == "/oauth2/auth":
            status = 401 if cookie is None else 202 if set(cookie.value.split("+")) & set(wanted) else 403
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "https://login.example.com/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sites(tmp_path_factory.mktemp("sites"))


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, sites: Path) -> Iterator[Front]:
    assert shutil.which("nginx"), "nginx-light is one of .ci/run's packages"
    with serving(Authenticator) as port:
        found = Front(tmp_path_factory.mktemp("nginx"), sites, port)
        try:
            yield found
        finally:
            found.close()


def every_file(sites: Path, site: str) -> list[str]:
    return [
        "/" + path.relative_to(sites).as_posix()
        for path in sorted((sites / site).rglob("*"))
        if path.is_file() and not path.is_symlink()
    ]


PRODUCT = "groups=product+everybody"


@pytest.mark.services
@pytest.mark.parametrize("site", GUARDED)
def test_whoever_is_not_signed_in_gets_nothing_of_any_file(front: Front, sites: Path, site: str) -> None:
    paths = every_file(sites, site)
    for suffix in (".html", ".md", ".xml", ".js", "entries.json", "llms.txt"):
        assert [path for path in paths if path.endswith(suffix)], suffix
    assert [path for path in paths if PART.search(path)]
    for path in [*paths, f"/{site}/", f"/{site}/none"]:
        status, headers, body = front.ask(path)
        assert status == 302, path
        assert headers["Location"] == f"/oauth2/start?rd={path}"
        assert len(body) < 200
    for method in ("HEAD", "POST", "OPTIONS", "PROPFIND"):
        assert front.ask(paths[0], method=method)[0] == 302
    assert front.ask(paths[0], Range="bytes=0-10")[0] == 302
    assert front.ask(paths[0], **{"If-None-Match": "*"})[0] == 302


@pytest.mark.services
def test_a_reader_gets_their_own_site_and_nothing_of_another(front: Front, sites: Path) -> None:
    for path in every_file(sites, "tribe-product"):
        status, _, body = front.ask(path, PRODUCT)
        assert status == 200, path
        assert body == (sites / path[1:]).read_bytes()
    for site in ("tribe-platform", "team-payments"):
        for path in [*every_file(sites, site), f"/{site}/", f"/{site}/none"]:
            status, headers, body = front.ask(path, PRODUCT)
            assert status == 403, path
            assert len(body) < 200
            assert headers["Cache-Control"].startswith("private")


TRICKS = (
    "//tribe-platform/index.html",
    "/tribe-platform//index.html",
    "/./tribe-platform/index.html",
    "/tribe-product/../tribe-platform/index.html",
    "/tribe-product/%2e%2e/tribe-platform/index.html",
    "/tribe-product/%2E%2E%2Ftribe-platform/index.html",
    "/tribe-product/..%2ftribe-platform/index.html",
    "/tribe-product%2f..%2ftribe-platform%2findex.html",
    "/tribe-product/..\\tribe-platform\\index.html",
    "/tribe-product/..;/tribe-platform/index.html",
    "/tribe-product/%252e%252e/tribe-platform/index.html",
    "/%74ribe-platform/index.html",
    "/tribe-platform%2findex.html",
    "/tribe-platform/index.html%00.css",
    "/tribe-platform/index.html;.css",
    "/TRIBE-PLATFORM/index.html",
    "/Tribe-Platform/index.html",
    "/tribe-platform./index.html",
    "/who/product",
    "/who/../tribe-platform/index.html",
    "/oauth2/../tribe-platform/index.html",
    "/oauth2/%2e%2e/tribe-platform/index.html",
    "/tribe-product../tribe-platform/index.html",
    "/tribe-product/../../outside.html",
    "/tribe-product/%2e%2e/%2e%2e/outside.html",
    "/stray.html",
    "/tribe-product/../stray.html",
    "/tribe-product/out.html",
    "/",
    "/index.html",
)


@pytest.mark.services
@pytest.mark.parametrize("path", TRICKS)
def test_no_spelling_of_a_path_gets_round_the_rule(front: Front, path: str) -> None:
    for cookie in ("", PRODUCT, "groups=", "groups=nobody"):
        status, _, body = front.ask(path, cookie)
        assert status in {302, 400, 403, 404}, (cookie, status)
        assert not any(word in body for word in (b"STRAY", b"OUTSIDE"))


@pytest.mark.services
def test_headers_do_not_get_round_the_rule(front: Front) -> None:
    for name in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Accel-Redirect"):
        assert (
            front.ask("/tribe-platform/index.html", PRODUCT, **{name: "/tribe-product/index.html"})[0] == 403
        )
    assert front.ask("/tribe-platform/index.html?allowed_groups=product", PRODUCT)[0] == 403


@pytest.mark.services
def test_every_answer_says_what_a_page_may_do_and_who_may_keep_it(front: Front, sites: Path) -> None:
    files = {Path(path).suffix: path for path in every_file(sites, "tribe-product")}
    assert [path for path in files.values() if PART.search(path)]
    types = {
        ".html": "text/html; charset=utf-8",
        ".md": "text/markdown; charset=utf-8",
        ".json": "application/json; charset=utf-8",
        ".xml": "text/xml; charset=utf-8",
        ".js": "application/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
    }
    for suffix, path in files.items():
        for cookie in (PRODUCT, "", "groups=other"):
            _, headers, _ = front.ask(path, cookie)
            assert headers["Content-Security-Policy"] == POLICY
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert headers["Vary"] == "Cookie"
            kept = "max-age=86400, immutable" if PART.search(path) else "no-cache"
            assert headers["Cache-Control"] == f"private, {kept}"
        assert front.ask(path, PRODUCT)[1]["Content-Type"] == types.get(suffix, "application/octet-stream")
    etag = front.ask(files[".html"], PRODUCT)[1]["ETag"]
    assert front.ask(files[".html"], PRODUCT, **{"If-None-Match": etag})[0] == 304
    assert front.ask(files[".html"], "groups=other", **{"If-None-Match": etag})[0] == 403


@pytest.mark.services
def test_what_is_missing_has_the_sites_own_page(front: Front) -> None:
    status, _, body = front.ask("/tribe-product/patterns/none.html", PRODUCT)
    assert status == 404
    assert b"cm-page" in body


@pytest.mark.services
def test_nobody_gets_in_while_the_authenticator_is_down(tmp_path: Path, sites: Path) -> None:
    found = Front(tmp_path, sites, free_port())
    try:
        status, _, body = found.ask("/tribe-product/index.html", PRODUCT)
        assert status == 500
        assert b"cm-page" not in body
    finally:
        found.close()


@pytest.mark.services
@pytest.mark.parametrize("rule", ["auth_request /who/platform;", "disable_symlinks on from=$document_root;"])
def test_without_a_rule_what_it_keeps_back_is_read(tmp_path: Path, sites: Path, rule: str) -> None:
    with serving(Authenticator) as port:
        found = Front(tmp_path, sites, port, left_out=rule)
        try:
            assert found.ask("/tribe-platform/index.html", PRODUCT)[0] == (200 if "auth" in rule else 403)
            assert found.ask("/tribe-product/out.html", PRODUCT)[0] == (403 if "auth" in rule else 200)
        finally:
            found.close()


def test_the_policy_of_the_page_is_the_one_that_serve_sends() -> None:
    assert f'add_header Content-Security-Policy "{POLICY}" always;' in fence("nginx")
