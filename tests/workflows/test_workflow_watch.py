"""What `compass watch` does with each notification, and what it refuses at the door."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from compass.errors import OutsideError, UsageError
from compass.workflows.watch.child import Finding
from compass.workflows.watch.desk import Desk, Reply
from compass.workflows.watch.listener import address_of, listener


def body(
    name: str = "A", group: str = "g", *, status: str = "firing", starts: str = "2026-04-14T13:50:00Z"
) -> bytes:
    alert = {"status": status, "labels": {"alertname": name}, "startsAt": starts, "fingerprint": name}
    return json.dumps({"status": status, "groupKey": group, "alerts": [alert]}).encode()


class Investigator:
    """Works each alert until it may go on; `most` is how many it ever worked at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun: list[bytes] = []
        self.most = self.now = 0
        self.fail = False
        self._lock = threading.Lock()

    def __call__(self, payload: bytes) -> Finding:
        with self._lock:
            self.begun.append(payload)
            self.now += 1
            self.most = max(self.most, self.now)
        self.go.wait(10)
        with self._lock:
            self.now -= 1
        if self.fail:
            raise OutsideError("no server")
        return Finding("inv-x", "payments is slow")


@contextmanager
def desk_of(
    investigator: Investigator, at_once: int = 1, waiting: int = 2
) -> Iterator[tuple[Desk, list[str]]]:
    lines: list[str] = []
    desk = Desk(investigator, at_once, waiting, lines.append)
    desk.start()
    try:
        yield desk, lines
    finally:
        investigator.go.set()
        desk.close()
        desk.join()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_firing_is_investigated_once_and_told() -> None:
    investigator = Investigator()
    investigator.go.set()
    with desk_of(investigator) as (desk, lines):
        assert desk.take(body()) == Reply(202, "taken")
        until(lambda: len(lines) == 2)
        assert desk.take(body()).line == "joined: every alert that fires was taken before"
        assert desk.take(body(starts="2026-04-15T13:50:00Z")).status == 202
        until(lambda: len(lines) == 4)
    assert len(investigator.begun) == 2
    assert lines[:2] == ["taken: A", "inv-x: A -> payments is slow; next: compass draft inv-x"]


def test_more_of_a_group_that_is_being_investigated_joins_it() -> None:
    investigator = Investigator()
    with desk_of(investigator) as (desk, _):
        assert desk.take(body("A")).status == 202
        assert desk.take(body("B")).line == "joined: this group is being investigated"
        assert desk.take(body("A", "another")).line == "joined: every alert that fires was taken before"
        assert desk.take(body("B", "another")).status == 200


def test_so_many_run_so_many_wait_and_the_rest_is_sent_again() -> None:
    investigator = Investigator()
    with desk_of(investigator, at_once=2, waiting=3) as (desk, _):
        for number in range(2):
            assert desk.take(body(f"A{number}", f"g{number}")).status == 202
        until(lambda: len(investigator.begun) == 2)
        statuses = [desk.take(body(f"B{number}", f"h{number}")).status for number in range(5)]
        assert statuses == [202, 202, 202, 503, 503]
        investigator.go.set()
        until(lambda: len(investigator.begun) == 5)
        until(lambda: desk.take(body("B4", "h4")).status == 202)
    assert investigator.most == 2


def test_what_failed_is_told_and_tried_again_when_it_is_sent_again() -> None:
    investigator = Investigator()
    investigator.go.set()
    investigator.fail = True
    with desk_of(investigator) as (desk, lines):
        desk.take(body())
        until(lambda: len(lines) == 2)
        assert lines[1] == "no answer to A: no server"
        until(lambda: desk.take(body()).status == 202)


def test_what_joined_an_investigation_that_failed_is_tried_when_it_is_sent_again() -> None:
    investigator = Investigator()
    investigator.fail = True
    with desk_of(investigator) as (desk, lines):
        assert desk.take(body("A")) == Reply(202, "taken")
        until(lambda: len(investigator.begun) == 1)
        assert desk.take(body("B")).line == "joined: this group is being investigated"
        investigator.go.set()
        until(lambda: len(lines) == 2)
        until(lambda: desk.take(body("B")) == Reply(202, "taken"))


def test_what_is_over_starts_nothing() -> None:
    with desk_of(Investigator()) as (desk, lines):
        assert desk.take(body(status="resolved")) == Reply(200, "nothing fires")
        assert lines == []


def test_what_waits_when_it_ends_is_told() -> None:
    investigator = Investigator()
    with desk_of(investigator) as (desk, lines):
        desk.take(body("A", "g"))
        until(lambda: len(investigator.begun) == 1)
        desk.take(body("B", "h"))
        desk.close()
        assert desk.take(body("C", "i")).status == 503
        assert "not investigated: B" in lines


@pytest.mark.parametrize("data", [b"", b"{", b"null", b'{"status": "firing", "alerts": [1]}', b"\x00" * 9])
def test_what_is_no_notification_gets_one_line(data: bytes) -> None:
    with desk_of(Investigator()) as (desk, _):
        reply = desk.take(data)
        assert reply.status == 400
        assert "\n" not in reply.line
        assert "no notification of Alertmanager or Grafana" in reply.line


# The door ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listener(("127.0.0.1", 0), lambda data: Reply(202, f"{len(data)} bytes\ntaken")) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def post(
    port: int, data: bytes, headers: Mapping[str, str] | None = None, method: str = "POST"
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, "/any", skip_host=bool(headers and "host" in headers))
        sent = {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})}
        for name, value in sent.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_body_of_json_is_taken(port: int) -> None:
    assert post(port, b"{}") == (202, b"2 bytes taken\n")
    assert (
        post(port, b"{}", {"content-type": "application/json; charset=utf-8", "host": "localhost:1"})[0]
        == 202
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example.com"}, 421),
        ({"host": "127.0.0.1.evil.example.com"}, 421),
        ({"host": "["}, 421),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": ""}, 415),
        ({"content-length": ""}, 411),
        ({"content-length": "-1"}, 411),
        ({"content-length": "²"}, 411),
        ({"content-length": "1000001"}, 413),
        ({"content-length": "9" * 400}, 413),
    ],
)
def test_what_is_refused_is_refused_in_one_line(port: int, headers: dict[str, str], status: int) -> None:
    try:
        found = post(port, b"", headers)
    except UnicodeEncodeError:
        found = post(port, b"", {name: value.encode().decode("latin-1") for name, value in headers.items()})
    assert found[0] == status
    assert found[1].count(b"\n") == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_post_is_known(port: int, method: str) -> None:
    status, line = post(port, b"", method=method)
    assert status == 405
    assert line.count(b"\n") == 1


def test_nonsense_and_half_a_body_do_no_harm(port: int) -> None:
    for data in (
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{}",
        b"A" * 70_000 + b"\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            assert b" 202 " not in client.recv(1000)
    assert post(port, b"{}")[0] == 202


def test_a_sender_that_goes_away_is_not_told(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    for data in (b"", b"POST / HTTP/1.1\r\ncontent-le"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(data)
            time.sleep(0.1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.2)
    assert post(port, b"{}")[0] == 202
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:9099", ("127.0.0.1", 9099)),
        ("localhost:0", ("127.0.0.1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("127.9.9.9:1", ("127.9.9.9", 1)),
    ],
)
def test_addresses_of_this_machine(text: str, found: tuple[str, int]) -> None:
    assert address_of(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:80", "[::]:80", "192.168.0.1:80", "example.com:80", "127.0.0.1", ":80", "127.0.0.1:x", "[x:1",
        "127.0.0.1:99999", "127.0.0.1.example.com:1", "a@127.0.0.1:1", "127.0.0.1:1/x", "",
    ],
)  # fmt: skip
def test_every_other_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--listen"):
        address_of(text)


def test_a_port_that_is_taken_is_said() -> None:
    def take(_: bytes) -> Any:
        raise AssertionError

    with listener(("127.0.0.1", 0), take) as server, pytest.raises(OutsideError, match="cannot listen"):
        listener(("127.0.0.1", server.server_port), take)
