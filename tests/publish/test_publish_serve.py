"""`site serve`: loopback only, strict headers, rebuilt on change."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from published import LOCK, TODAY, pattern, team, write
from watchdog.events import (
    DirModifiedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileOpenedEvent,
    FileSystemEvent,
)

from compass.errors import OutsideError
from compass.library import Library, load
from compass.publish.serve import POLICY, Watch, serve_site, server


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


@pytest.mark.parametrize(
    "event",
    [
        FileModifiedEvent("/r/patterns/x.md"),
        FileModifiedEvent("/r/compass.yaml"),
        FileMovedEvent("/r/patterns/.x.swp", "/r/patterns/x.md"),
    ],
)
def test_a_change_of_knowledge_is_noticed(event: FileSystemEvent) -> None:
    watch = Watch((Path("/r"),))
    watch.on_any_event(event)
    assert watch.changed.is_set()


@pytest.mark.parametrize(
    "event",
    [
        FileModifiedEvent("/r/.git/x.md"),
        FileModifiedEvent("/r/patterns/x.md~"),
        FileModifiedEvent("/elsewhere/x.md"),
        FileOpenedEvent("/r/patterns/x.md"),
        DirModifiedEvent("/r/patterns"),
    ],
)
def test_what_git_and_editors_keep_for_themselves_is_not(event: FileSystemEvent) -> None:
    watch = Watch((Path("/r"),))
    watch.on_any_event(event)
    assert not watch.changed.is_set()


def test_an_edit_is_visible_soon_and_a_broken_repository_keeps_the_last_good_site(tmp_path: Path) -> None:
    root = team(tmp_path)
    said: list[str] = []
    ready = threading.Event()
    ports: list[int] = []
    turn = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        turn.set()

    def started(url: str) -> None:
        ports.append(int(url.rstrip("/").rpartition(":")[2]))
        ready.set()

    loads = 0

    def read() -> Library:
        nonlocal loads
        loads += 1
        if loads == 4:
            raise KeyboardInterrupt  # as Ctrl-C would, between two builds
        return load(root, revision=None)

    def run() -> None:
        with pytest.raises(KeyboardInterrupt):
            serve_site(read, 0, today=lambda: TODAY, ready=started, say=say)

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60)
    time.sleep(0.3)  # the watch begins with the first event after its thread is up
    write(root, "patterns/lock.md", pattern(LOCK, "A fresh title", mitigations=[]))
    assert turn.wait(60)
    assert "rebuilt" in said[-1]
    assert "A fresh title" in ask(ports[0], f"/patterns/{LOCK}.html")[2]
    turn.clear()
    config = (root / "compass.yaml").read_text("utf-8")
    (root / "compass.yaml").write_text("schema: [\n", "utf-8")
    assert turn.wait(60)
    assert "not rebuilt" in said[-1]
    assert "A fresh title" in ask(ports[0], f"/patterns/{LOCK}.html")[2]
    (root / "compass.yaml").write_text(config, "utf-8")
    thread.join(60)
    assert not thread.is_alive()
