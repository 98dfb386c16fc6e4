"""The documentation's nginx and oauth2-proxy files together, against a provider of OpenID Connect on loopback.

`go install github.com/oauth2-proxy/oauth2-proxy/v7@latest` builds the program.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from fronted import Front, build_sites, fence, free_port, serving

pytestmark = pytest.mark.live
KEY = rsa.generate_private_key(65537, 2048)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def token(claims: dict[str, Any]) -> str:
    """A JSON web token, signed with the provider's key."""
    parts = [base64url(json.dumps(one).encode()) for one in ({"alg": "RS256", "kid": "one"}, claims)]
    text = ".".join(parts)
    return f"{text}.{base64url(KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class Provider(BaseHTTPRequestHandler):
    """Signs in whoever comes, as a member of the groups of `who`."""

    who: tuple[str, ...] = ()
    nonces: dict[str, str] = {}  # noqa: RUF012  # one provider per test

    def do_GET(self) -> None:
        issuer = f"http://{self.headers['Host']}"
        place = urlsplit(self.path)
        asked = {key: one[0] for key, one in parse_qs(place.query).items()}
        if place.path == "/authorize":
            code = str(len(self.nonces))
            self.nonces[code] = asked.get("nonce", "")
            self.send_response(302)
            back = urlencode({"code": code, "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        elif place.path == "/keys":
            public = KEY.public_key().public_numbers()
            key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one"}
            self._json({"keys": [{**key, "n": number(public.n), "e": number(public.e)}]})
        else:
            ends = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            document = {f"{name}_endpoint": f"{issuer}/{end}" for name, end in ends.items()}
            self._json({**document, "issuer": issuer, "jwks_uri": f"{issuer}/keys"})

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(time.time())
        claims = {
            "iss": f"http://{self.headers['Host']}",
            "aud": "memory",
            "sub": "someone",
            "email": "someone@example.com",
            "email_verified": True,
            "groups": list(self.who),
            "nonce": self.nonces.get(sent.get("code", [""])[0], ""),
            "iat": now,
            "exp": now + 3600,
        }
        self._json(
            {"access_token": "x", "token_type": "Bearer", "expires_in": 3600, "id_token": token(claims)}
        )

    def _json(self, data: dict[str, Any]) -> None:
        text = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """nginx before the real oauth2-proxy, both with the page's files."""
    program = shutil.which("oauth2-proxy")
    assert program, "put oauth2-proxy on PATH"
    port = free_port()
    (tmp_path / "client-secret").write_text("secret")
    (tmp_path / "cookie-secret").write_bytes(b"0123456789abcdef0123456789abcdef")
    with serving(Provider) as issuer:
        text = fence("ini")
        for old, new in (
            ("https://login.example.com", f"http://127.0.0.1:{issuer}"),
            ("/etc/oauth2-proxy/", f"{tmp_path}/"),
            ("127.0.0.1:4180", f"127.0.0.1:{port}"),
        ):
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "oauth2-proxy.cfg").write_text(text)
        with (tmp_path / "log").open("wb") as log:
            proxy = subprocess.Popen(
                [program, "--config", str(tmp_path / "oauth2-proxy.cfg")], stdout=log, stderr=log
            )
        try:
            wait(port, tmp_path / "log")
            found = Front(tmp_path, build_sites(tmp_path), port)
            try:
                yield found
            finally:
                found.close()
        finally:
            proxy.terminate()
            proxy.wait()


def wait(port: int, log: Path) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def sign_in(front: Front, path: str, *groups: str) -> tuple[str, str]:
    """Follow the redirects as a browser does: (the cookies at the end, where it leads back to)."""
    Provider.who = groups
    status, headers, _ = front.ask(path)
    assert status == 302
    cookies: dict[str, str] = {}
    place = headers["Location"]
    while True:
        address = urlsplit(place)
        if address.netloc.startswith("127.0.0.1"):
            line = subprocess.run(
                ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{redirect_url}", place],
                capture_output=True,
                text=True,
                check=True,
            )
            place = line.stdout
            continue
        if not address.path.startswith("/oauth2/"):
            break
        jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
        status, headers, body = front.ask(f"{address.path}?{address.query}", jar)
        assert status == 302, (place, body)
        for one in headers.get_all("Set-Cookie") or []:
            for name, cookie in SimpleCookie(one).items():
                assert cookie["httponly"]
                assert cookie["secure"]
                cookies[name] = cookie.value
        place = headers["Location"]
    return "; ".join(f"{name}={value}" for name, value in cookies.items()), place


def test_a_reader_signs_in_lands_where_they_wanted_and_reads_their_own_site_alone(front: Front) -> None:
    wanted = "/tribe-product/entries.json"
    cookie, place = sign_in(front, wanted, "product", "everybody")
    assert place == wanted
    assert front.ask(wanted, cookie)[0] == 200
    for path in ("/tribe-platform/entries.json", "/team-payments/index.html", "/tribe-platform/heads.json"):
        assert front.ask(path, cookie)[0] == 403
        assert front.ask(path)[0] == 302


def test_a_forged_cookie_and_a_member_of_nothing_read_nothing(front: Front) -> None:
    assert front.ask("/tribe-product/index.html", "_oauth2_proxy=forged|1|x")[0] == 302
    cookie, _ = sign_in(front, "/tribe-product/index.html")
    assert front.ask("/tribe-product/index.html", cookie)[0] == 403


def test_signing_in_leads_to_no_other_host(front: Front) -> None:
    for path in ("//evil.example/tribe-product/", "/\\evil.example/"):
        status, headers, _ = front.ask(f"/oauth2/start?rd={path}")
        assert status == 302
        assert "evil" not in headers["Location"]
