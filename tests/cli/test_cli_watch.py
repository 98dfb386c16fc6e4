"""`compass watch` end to end: real webhooks over HTTP, real investigations over MCP, and nothing left behind."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import ROOT
from notifications import alertmanager, encoded, grafana
from stuttering import SERVE, served, stuttering

from compass.adapters.documents import parse_yaml
from compass.cli import cli
from compass.model.investigation import Investigation


class Watch:
    """A running watch: what it told so far, and where it listens."""

    def __init__(self, repo: Path, *options: str) -> None:
        self.repo = repo
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "compass", "-C", str(repo), "watch", "--listen", "127.0.0.1:0"),
                *options,
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr
        ready = re.fullmatch(
            r"listening on http://127\.0\.0\.1:(\d+); Ctrl-C ends\n", self.process.stderr.readline()
        )
        assert ready
        self.port = int(ready[1])
        self._lines: Queue[str] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self, seconds: float = 60) -> str:
        try:
            return self._lines.get(timeout=seconds)
        except Empty:
            raise AssertionError("nothing was told") from None

    def post(self, data: bytes) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", "/", data, {"content-type": "application/json"})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found

    def end(self) -> tuple[int, str]:
        """Interrupt it; its exit code, and what it said last."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr
        code = self.process.wait(timeout=60)
        return code, self.process.stderr.read()


@contextmanager
def watch(repo: Path, *options: str) -> Iterator[Watch]:
    running = Watch(repo, *options)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def records(repo: Path) -> list[Investigation]:
    return [
        Investigation.model_validate(parse_yaml(path.read_text("utf-8")))
        for path in sorted(repo.glob("investigations/*/*.yaml"))
    ]


def test_an_alert_becomes_one_record_and_the_next_one_another(knowledge_repo: Path) -> None:
    with watch(knowledge_repo, "--server", served()) as running:
        assert running.post(encoded(alertmanager())) == (202, "taken\n")
        assert running.line() == "taken: HighLatency: checkout answers slowly\n"
        status, said = running.post(encoded(alertmanager()))
        assert (status, said[:7]) == (200, "joined:")
        told = running.line()
        found = re.match(
            r"(inv-\w{10}): HighLatency: checkout answers slowly -> (.*); next: compass draft", told
        )
        assert found
        assert found[2].startswith("Database connection pool exhausted after a rollout (supported, ")
        other = grafana()
        other["groupKey"] = "another"
        other["alerts"][0]["fingerprint"] = "0123456789abcdef"
        assert running.post(encoded(other))[0] == 202
        running.line()
        assert running.line().startswith("inv-")
        assert running.end() == (0, "ended\n")
    kept = records(knowledge_repo)
    assert len(kept) == 2
    assert found[1] in {one.id for one in kept}
    assert {one.incident.alert for one in kept} == {"HighLatency"}
    assert {one.services[0].service for one in kept} == {"payments"}


def test_what_is_no_alert_is_refused_and_it_goes_on(knowledge_repo: Path) -> None:
    with watch(knowledge_repo, "--command", SERVE) as running:
        status, said = running.post(b"{")
        assert status == 400
        assert said.count("\n") == 1
        assert running.post(b" " * 1_000_001)[0] == 413
        hostile: dict[str, Any] = alertmanager(alertname="\x1b[2J\n--repo=/", service_name='x"} or up #')
        assert running.post(encoded(hostile))[0] == 202
        assert running.line() == "taken: [2J --repo=/: checkout answers slowly\n"
        assert running.line().startswith("inv-")
        assert running.end()[0] == 0


def test_a_dead_server_is_told_and_the_alert_may_come_again(knowledge_repo: Path) -> None:
    with watch(knowledge_repo, "--command", f"{sys.executable} -c pass", "--timeout", "5") as running:
        for _ in range(2):
            assert running.post(encoded(alertmanager()))[0] == 202
            assert running.line().startswith("taken: ")
            assert "could not be reached" in running.line()
            time.sleep(0.2)
        assert running.end()[0] == 0
    assert records(knowledge_repo) == []


def test_interrupted_it_ends_what_runs_and_leaves_no_process(knowledge_repo: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    slow = stuttering(
        tmp_path,
        "query_loki_logs",
        f"open({str(there)!r}, 'w').write(str(os.getpid())); import time; time.sleep(120)",
    )
    with watch(knowledge_repo, "--command", slow) as running:
        assert running.post(encoded(alertmanager()))[0] == 202
        until(lambda: there.exists() and there.read_text())
        assert alive(there.read_text())
        began = time.monotonic()
        code, said = running.end()
        assert (code, said) == (0, "ended\n")
        assert time.monotonic() - began < 30
    until(lambda: not alive(there.read_text()))
    assert records(knowledge_repo) == []


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: str) -> bool:
    """Whether a process runs; one that only waits to be counted does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in {"", "Z"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--listen", "0.0.0.0:9099", "--command", SERVE), "not an address of this machine alone"),
        ((), "no telemetry server was named"),
        (("--command", SERVE, "--history", "yesterday"), "no stretch of time"),
        (("--command", SERVE, "--datasource", "x"), "KIND=UID"),
    ],
)
def test_options_that_cannot_work_are_refused_before_it_listens(options: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(cli, ["watch", *options])
    assert getattr(done.exception, "exit_code", None) == 2
    assert said in str(done.exception)


def test_the_help_says_that_it_listens_on_this_machine_alone() -> None:
    done = CliRunner().invoke(cli, ["watch", "--help"])
    assert "an address of this machine alone" in " ".join(done.stdout.split())
