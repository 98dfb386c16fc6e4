from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from lab.backing.load import USUAL, rate, wanted
from lab.backing.network import FIRST_TIMEOUT, Link
from lab.live import Live, Tail
from lab.state import Identity, Lab, LabError, end_all, free_ports, identity


def test_a_link_without_faults_holds_nothing_back() -> None:
    assert {Link(0, 0).hold() for _ in range(100)} == {0.0}


def test_a_lost_piece_comes_after_a_timeout_that_doubles_and_at_last_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = Link(0, 0)
    link.loss = 0.5
    draws = iter([0.4, 0.1, 0.9])
    monkeypatch.setattr(random, "random", lambda: next(draws))
    assert link.hold() == pytest.approx(FIRST_TIMEOUT * 3)
    link.loss = 1.0
    monkeypatch.setattr(random, "random", lambda: 0.5)
    with pytest.raises(ConnectionResetError):
        link.hold()


def test_a_delay_is_held_with_its_jitter_and_never_negative() -> None:
    link = Link(0, 0)
    link.delay, link.jitter = 0.1, 0.2
    held = [link.hold() for _ in range(500)]
    assert min(held) == 0.0
    assert 0.08 < sum(held) / len(held) < 0.2


def test_the_load_follows_a_day_and_a_rush() -> None:
    calm = {**USUAL, "noise": 0.0}
    noon, night = rate(calm, 75, 0), rate(calm, 225, 0)
    assert noon == pytest.approx(9 * 1.25)
    assert night == pytest.approx(9 * 0.75)
    assert rate({**calm, "rush": 2.0}, 75, 0) == pytest.approx(2 * noon)
    assert rate({**USUAL, "noise": 1.0}, 0, -50) == 0.1


def test_the_same_seed_wants_the_same() -> None:
    def hundred(seed: int) -> list[object]:
        rng = random.Random(seed)
        return [wanted(rng) for _ in range(100)]

    assert hundred(1) == hundred(1) != hundred(2)


def test_a_line_that_is_not_whole_yet_is_read_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 1}\n{"n"')
    tail = Tail(path, lambda line: int(json.loads(line)["n"]))
    assert tail.read() == [1]
    with path.open("a") as stream:
        stream.write(": 2}\n")
    assert tail.read() == [1, 2]
    assert tail.read() == [1, 2]


def test_what_the_lab_has_collected_is_laid_out_as_a_recording_is(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.append(
        {"time_ns": 5, "level": "WARN", "service": "worker", "message": "late", "trace": "t"},
        "logs",
        "worker.jsonl",
    )
    lab.append({"time_ns": 3, "level": "INFO", "service": "node", "message": "early"}, "logs", "node.jsonl")
    span = {"trace": "t", "span": "s", "parent": "", "service": "worker", "name": "ship"}
    lab.append({**span, "start_ns": 1, "end_ns": 2, "status": "ok"}, "spans.jsonl")
    change = {"time": 7.5, "type": "deployment", "service": "worker", "summary": "1.0.1", "labels": {}}
    lab.append(change, "changes.jsonl")
    lab.path("out", "postgres.log").write_bytes(
        b"2026-11-27 22:52:49.063 UTC [27806] payments ERROR:  canceling statement due to statement timeout\n"
        b"2026-11-27 22:52:49.063 UTC [27806] payments STATEMENT:  UPDATE charges\n"
        b"\tSET settled = now()\n"
        b"2026-11-27 22:52:50.000 UTC [1]  LOG:  ready\n"
    )
    store = Live(lab).store
    assert [(line.service, line.level, line.message, line.trace) for line in store.lines] == [
        ("node", "INFO", "early", ""),
        ("worker", "WARN", "late", "t"),
        ("shop-db", "ERROR", "canceling statement due to statement timeout", ""),
        ("shop-db", "INFO", "UPDATE charges", ""),
        ("shop-db", "INFO", "ready", ""),
    ]
    assert store.lines[-1].time_ns == 1795819970_000_000_000
    assert [trace.root.name for trace in store.traces] == ["ship"]
    assert [change.summary for change in store.changes] == ["1.0.1"]


def test_a_file_of_the_lab_is_replaced_whole(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    assert lab.read("config", "payments.json") == {}
    lab.write({"pool_size": 8}, "config", "payments.json")
    lab.write({"pool_size": 1}, "config", "payments.json")
    assert lab.read("config", "payments.json") == {"pool_size": 1}
    assert [path.name for path in (tmp_path / "config").iterdir()] == ["payments.json"]


def test_a_lab_that_is_not_up_has_no_ports_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="start one with `up`"):
        Lab(tmp_path).port("redis")


@pytest.mark.services
def test_a_process_is_known_by_its_start_and_not_by_its_number_alone() -> None:
    me = identity(os.getpid())
    assert me.alive
    assert not Identity(me.pid, me.started + 1).alive
    Identity(me.pid, me.started + 1).signal(signal.SIGKILL)
    with pytest.raises(LabError):
        identity(2**30)


@pytest.mark.services
def test_only_processes_with_the_mark_of_the_lab_are_found_and_they_are_made_to_end(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", stubborn],
            env={"COMPASS_LAB": folder},
            stdout=subprocess.PIPE,
        )
        for folder in (str(tmp_path), str(tmp_path / "other"))
    ]
    try:
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == b"1\n"
        found = Lab(tmp_path).processes()
        assert [one.pid for one in found] == [started[0].pid]
        end_all(found, 0.3)
        assert started[0].wait(5) == -signal.SIGKILL
        assert started[1].poll() is None
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_ports_are_free_and_none_is_given_twice() -> None:
    ports = free_ports(map(str, range(40)))
    assert len(set(ports.values())) == 40
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports["0"]))
        assert ports["0"] not in free_ports(map(str, range(2000))).values()
