"""`compass investigate` through the real Grafana MCP server before a real Prometheus: the answer of the recording."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import ROOT, commit_all
from grafana_stand_in import Grafana, grafana
from real_prometheus import Prometheus, prometheus

from compass.adapters.documents import parse_yaml
from compass.adapters.telemetry.session import READ_ONLY_TOOLS
from compass.model.investigation import Investigation, Verdict
from compass.replay.load import load
from compass.replay.store import Store

pytestmark = pytest.mark.services

RECORDING = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"
SERVER = Path(sys.executable).with_name("mcp-grafana")
TOKEN = "glsa_" + "x" * 12
WINDOW = (
    "--from",
    "2026-04-14T13:40:00Z",
    "--to",
    "2026-04-14T14:10:00Z",
    "--detected",
    "2026-04-14T14:02:00Z",
)
NOTICED = ("--symptom", "checkout answers slowly and one payment in five fails", "--service", "checkout")


class Backend(NamedTuple):
    """What the Grafana MCP server asks."""

    prometheus: Prometheus
    grafana: Grafana


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    store = Store(load(RECORDING))
    with prometheus(tmp_path / "prometheus") as server:
        server.write(store.series)
        with grafana(server.port, store, TOKEN) as front:
            yield Backend(server, front)


def investigate(repo: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "compass", "-C", str(repo), "investigate", "--auto", "--format", "json"),
            *options,
        ],
        env={**os.environ, "GRAFANA_URL": url, "GRAFANA_SERVICE_ACCOUNT_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def record(repo: Path, answer: dict[str, Any]) -> Investigation:
    (path,) = repo.glob(f"investigations/*/{answer['id']}.yaml")
    return Investigation.model_validate(parse_yaml(path.read_text("utf-8")))


def test_a_real_stack_gives_the_components_and_verdicts_that_the_recording_gives_without_its_traces(
    knowledge_repo: Path, tmp_path: Path, backend: Backend
) -> None:
    spanless = tmp_path / "spanless"
    spanless.mkdir()
    for name in (
        "recording.yaml",
        "metrics.csv.gz",
        "logs.jsonl.gz",
        "alerts.jsonl",
        "changes.jsonl",
        "graph.csv",
    ):
        if (RECORDING / name).exists():
            (spanless / name).write_bytes((RECORDING / name).read_bytes())
    expected = investigate(knowledge_repo, "", "--recording", str(spanless))
    assert expected.returncode == 0, expected.stderr
    # What was refuted once would stand back the second time.
    for path in knowledge_repo.glob(f"investigations/*/{json.loads(expected.stdout)['id']}.yaml"):
        path.unlink()
    began = time.monotonic()
    command = ("--command", f"{SERVER} --disable-write", *WINDOW, *NOTICED)
    done = investigate(knowledge_repo, backend.grafana.url, *command)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 60
    found, wanted = json.loads(done.stdout), json.loads(expected.stdout)
    assert found["services"] == wanted["services"]
    assert [
        (one["statement"], one["verdict"], one["confidence"], one["citations"]) for one in found["hypotheses"]
    ] == [
        (one["statement"], one["verdict"], one["confidence"], one["citations"])
        for one in wanted["hypotheses"]
    ]
    assert found["services"][0]["service"] == "payments"
    kept = record(knowledge_repo, found)
    assert "no server has a datasource for traces" in kept.missing
    assert kept.incident.servers == (str(SERVER),)
    assert TOKEN not in kept.model_dump_json()


def test_an_alert_is_watched_for_and_investigated_over_streamable_http(
    knowledge_repo: Path, backend: Backend
) -> None:
    environment = {**os.environ, "GRAFANA_URL": backend.grafana.url, "GRAFANA_SERVICE_ACCOUNT_TOKEN": TOKEN}
    with ExitStack() as stack:
        port = free_port()
        address = ("--transport", "streamable-http", "--address", f"127.0.0.1:{port}")
        server = started(stack, [str(SERVER), "--disable-write", *address], environment, subprocess.DEVNULL)
        until_it_listens(server, port)
        watch = started(
            stack,
            [
                *(sys.executable, "-m", "compass", "-C", str(knowledge_repo), "watch", "--listen"),
                *("127.0.0.1:0", "--server", f"http://127.0.0.1:{port}/mcp"),
            ],
            {**os.environ},
            subprocess.PIPE,
        )
        assert watch.stderr
        assert watch.stdout
        listening = re.search(rb"http://(127.0.0.1):(\d+);", watch.stderr.readline())
        assert listening
        alert = {
            "status": "firing",
            "labels": {"alertname": "HighLatency", "service_name": "checkout"},
            "startsAt": "2026-04-14T14:02:00Z",
        }
        body = json.dumps({"status": "firing", "groupKey": "g", "alerts": [alert]})
        connection = HTTPConnection("127.0.0.1", int(listening[2]), timeout=30)
        connection.request("POST", "/", body, {"content-type": "application/json"})
        assert connection.getresponse().status == 202
        connection.close()
        assert watch.stdout.readline().startswith(b"taken: ")
        said = watch.stdout.readline().decode()
        assert said.startswith("inv-"), said
        watch.send_signal(signal.SIGINT)
        assert watch.wait(timeout=60) == 0
    kept = record(knowledge_repo, {"id": said[:14]})
    assert kept.incident.servers == (f"http://127.0.0.1:{port}/mcp",)
    assert kept.services[0].service == "payments"


def started(
    stack: ExitStack, command: list[str], environment: dict[str, str], output: int
) -> subprocess.Popen[bytes]:
    """A process that is gone when the stack is left."""
    process = stack.enter_context(
        subprocess.Popen(command, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    )
    stack.callback(process.kill)
    return process


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(200):
        assert process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it does not listen")


def test_a_server_of_the_catalog_is_examined_and_asked_without_a_word_about_it(
    knowledge_repo: Path, backend: Backend
) -> None:
    asks = {
        "command": str(SERVER),
        "args": ["--disable-write"],
        "env": {
            "GRAFANA_URL": backend.grafana.url,
            "GRAFANA_SERVICE_ACCOUNT_TOKEN": "${GRAFANA_SERVICE_ACCOUNT_TOKEN}",
        },
    }
    (knowledge_repo / "catalog" / "mcp.json").write_text(json.dumps({"mcpServers": {"grafana": asks}}))
    commit_all(knowledge_repo)
    shown = subprocess.run(
        [
            *(sys.executable, "-m", "compass", "-C", str(knowledge_repo), "mcp", "tools", "--trust"),
            *("--timeout", "60", "--format", "json"),
        ],
        env={**os.environ, "GRAFANA_SERVICE_ACCOUNT_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert TOKEN not in shown.stdout + shown.stderr
    (server,) = json.loads(shown.stdout)["servers"]
    assert server["kinds"] == ["metrics", "logs", "changes"]
    assert {one["name"] for one in server["tools"] if one["refused"] is None} == READ_ONLY_TOOLS
    assert sum(one["refused"] is not None for one in server["tools"]) > 20
    done = investigate(knowledge_repo, "http://127.0.0.1:9", *WINDOW, *NOTICED, "--timeout", "60")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"][0]["service"] == "payments"


def test_a_prometheus_that_is_down_is_evidence_of_its_absence(knowledge_repo: Path, backend: Backend) -> None:
    backend.prometheus.stop()
    command = ("--command", f"{SERVER} --disable-write", *WINDOW, *NOTICED, "--timeout", "20")
    done = investigate(knowledge_repo, backend.grafana.url, *command)
    assert done.returncode == 0, done.stderr
    kept = record(knowledge_repo, json.loads(done.stdout))
    assert any(line.startswith("query_prometheus failed: ") for line in kept.missing)
    asked = [one for each in kept.hypotheses for one in each.experiments if one.datasource == "prometheus"]
    assert all(one.verdict is Verdict.INCONCLUSIVE and one.error for one in asked)


def test_a_grafana_that_refuses_the_token_is_an_error_and_no_record(
    knowledge_repo: Path, backend: Backend
) -> None:
    command = ("--command", f"{SERVER} --disable-write", *WINDOW, *NOTICED)
    backend.grafana.asked.clear()
    environment = {**os.environ, "GRAFANA_URL": backend.grafana.url, "GRAFANA_SERVICE_ACCOUNT_TOKEN": "wrong"}
    done = subprocess.run(
        [sys.executable, "-m", "compass", "-C", str(knowledge_repo), "investigate", "--auto", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 3
    assert "gave no metrics, logs or traces" in done.stderr
    assert "does not say what it has" in done.stderr
    assert not (knowledge_repo / "investigations").exists()
