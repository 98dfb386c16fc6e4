"""What `site serve` answers: loopback only, strict headers, nothing hidden."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compass.errors import OutsideError
from compass.publish.serve import POLICY, server


@pytest.fixture
def address(tmp_path: Path) -> Iterator[int]:
    """The port of a server of a small folder."""
    for name in (
        "index.html",
        "404.html",
        "assets/x.css",
        "assets/x.js",
        "search/x.gz",
        ".compass-site.json",
    ):
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"this is {name}", "utf-8")
    with server(tmp_path / "site", 0) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield made.server_address[1]
        made.shutdown()
        thread.join()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/assets/x.css", "text/css; charset=utf-8"),
        ("/assets/x.js", "text/javascript; charset=utf-8"),
        ("/search/x.gz", "application/gzip"),
    ],
)
def test_each_file_has_its_type_and_the_policy(address: int, path: str, kind: str) -> None:
    status, headers, _ = ask(address, path)
    assert status == 200
    assert headers["content-type"] == kind
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/gone.html",
        "/.compass-site.json",
        "/assets/",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2fsecret",
        "/%2ecompass-site.json",
    ],
)
def test_what_is_not_there_or_hidden_gets_the_sites_own_error_page(address: int, path: str) -> None:
    status, headers, text = ask(address, path)
    assert (status, text) == (404, "this is 404.html")
    assert headers["content-security-policy"] == POLICY
    assert ask(address, path, "HEAD")[2] == ""


def test_a_foreign_name_for_this_machine_is_refused(address: int) -> None:
    assert ask(address, "/", Host="attacker.example.com")[0] == 421
    assert ask(address, "/", Host=f"localhost:{address}")[0] == 200


def test_nothing_can_be_written(address: int) -> None:
    assert ask(address, "/index.html", "PUT")[0] == 501


def test_a_port_that_is_taken_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OutsideError, match="cannot listen"):
        server(tmp_path, taken.getsockname()[1])


def test_one_file_after_another_comes_without_waiting_for_acknowledgements(address: int) -> None:
    """Over one connection, as a browser asks; a body held back until its head is acknowledged takes 40 ms."""
    connection = http.client.HTTPConnection("127.0.0.1", address, timeout=10)
    spent = []
    for _ in range(21):
        began = time.perf_counter()
        connection.request("GET", "/search/x.gz")
        assert connection.getresponse().read() == b"this is search/x.gz"
        spent.append(time.perf_counter() - began)
    connection.close()
    assert sorted(spent)[10] < 0.03
