"""Many investigations in one process over the real Grafana MCP server leave nothing behind, whatever the server does."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT
from grafana_stand_in import Grafana, grafana
from processes import Held, held, servers
from real_prometheus import Prometheus, prometheus

# The SDK keeps the standard error that is there when it is imported, which must not be that of one test.
import compass.adapters.telemetry.client  # noqa: F401
from compass.errors import OutsideError
from compass.model.investigation import Investigation
from compass.replay.load import load
from compass.replay.promql import Stored
from compass.replay.store import Store
from compass.workflows.investigate import Memory
from compass.workflows.live.request import Options, plan
from compass.workflows.live.session import live_investigation

RECORDING = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"
SERVER = Path(sys.executable).with_name("mcp-grafana")
TOKEN = "glsa_" + "x" * 12
NOW = datetime(2026, 4, 14, 14, 10, tzinfo=UTC)
MEGABYTES = 25.0
"""So much may the memory grow after the first tenth, for what Python keeps of freed blocks."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Prometheus]:
    with prometheus(tmp_path / "prometheus") as found:
        yield found


@pytest.fixture
def front(server: Prometheus) -> Iterator[Grafana]:
    store = Store(load(RECORDING))
    server.write(store.series)
    with grafana(server.port, store, TOKEN) as found:
        yield found


def investigated(memory: Memory, url: str, timeout: float = 30.0) -> Investigation:
    """One investigation from first to last, as the command line makes it."""
    options = Options(
        commands=((str(SERVER), "--disable-write"),),
        start="2026-04-14T13:40:00Z",
        end="2026-04-14T14:10:00Z",
        detected="2026-04-14T14:02:00Z",
        symptom="checkout answers slowly and one payment in five fails",
        service="checkout",
        timeout=timeout,
        environment={**os.environ, "GRAFANA_URL": url, "GRAFANA_SERVICE_ACCOUNT_TOKEN": TOKEN},
    )
    made = plan(options, None, NOW.timestamp())
    with live_investigation(made, memory, now=NOW, random=Random(1), clock=time.perf_counter) as session:
        for place in range(len(session.candidates)):
            session.test(place)
        return session.record()


def memory_of(repo: Path, tmp_path: Path) -> Memory:
    return Memory(repo, tmp_path / "data", tmp_path / "cache")


@pytest.mark.parametrize(
    "count", [pytest.param(10, marks=pytest.mark.services), pytest.param(100, marks=pytest.mark.scale)]
)
def test_investigations_in_a_row_leave_no_process_file_thread_or_memory(
    count: int, knowledge_repo: Path, tmp_path: Path, front: Grafana, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = memory_of(knowledge_repo, tmp_path)
    seen: list[Held] = []
    first = investigated(memory, front.url)
    began = time.process_time()
    for _ in range(count):
        found = investigated(memory, front.url)
        assert found.services == first.services
        assert found.hypotheses == first.hypotheses, "nor does the order in which answers come in matter"
        seen.append(held())
    spent = time.process_time() - began
    early, late = seen[max(2, count // 10) - 1], seen[-1]
    with capsys.disabled():
        sys.stderr.write(f"\n{count} investigations, {spent / count:.2f} CPU s each: {early} then {late}\n")
    assert servers(front.url) == set()
    assert late[:3] == early[:3]
    assert late.megabytes - early.megabytes < MEGABYTES


@pytest.mark.services
@pytest.mark.parametrize("share", [0.25, 0.75])
def test_a_server_that_is_killed_on_the_way_leaves_nothing_either(
    share: float, knowledge_repo: Path, tmp_path: Path, front: Grafana
) -> None:
    memory = memory_of(knowledge_repo, tmp_path)
    asked: list[str] = []

    def kill(path: str) -> None:
        asked.append(path)
        if len(asked) == fatal:
            for one in servers(front.url):
                os.kill(one, signal.SIGKILL)

    investigated(memory, front.url)
    fatal = int(share * len(front.asked))
    before = held()
    front.trouble = kill
    for _ in range(3):
        asked.clear()
        found = investigated(memory, front.url)
        assert len(asked) >= fatal
        experiments = [one for each in found.hypotheses for one in each.experiments]
        assert any("failed" in (one.error or "") for one in experiments)
        assert all(one.verdict == "inconclusive" for one in experiments if one.error)
        assert any("failed" in line for line in found.missing) is (share < 0.5)
    assert servers(front.url) == set()
    assert held()[:3] == before[:3]


@pytest.mark.services
def test_backends_that_hang_cost_one_timeout_and_leave_nothing(
    knowledge_repo: Path, tmp_path: Path, front: Grafana
) -> None:
    memory = memory_of(knowledge_repo, tmp_path)
    go_on = threading.Event()
    began = time.monotonic()
    investigated(memory, front.url)
    work = time.monotonic() - began
    before = held()
    seconds = 8.0

    def hang(path: str) -> None:
        if "/resources/" in path or "/proxy/" in path or "annotations" in path:
            go_on.wait(600)

    front.trouble = hang
    try:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(OutsideError, match="gave no metrics, logs or traces") as failure:
                investigated(memory, front.url, seconds)
            assert time.monotonic() - began < 1.5 * seconds + work
            for tool in ("query_prometheus", "query_loki_logs", "get_annotations"):
                assert f"{tool} failed: no answer within 8 seconds" in str(failure.value.hint)
    finally:
        go_on.set()
    assert servers(front.url) == set()
    ours = held()
    assert ours.children == before.children
    until(lambda: held()[:3] == before[:3])


@pytest.mark.services
def test_metrics_of_thousands_of_series_are_summed_where_they_are_and_not_fetched(
    knowledge_repo: Path, tmp_path: Path, server: Prometheus, front: Grafana
) -> None:
    memory = memory_of(knowledge_repo, tmp_path)
    before = investigated(memory, front.url)
    first, last = NOW.timestamp() - 1800, NOW.timestamp()
    moments = [round(1000 * (first + (last - first) * at / 10)) for at in range(10)]
    names = [("a_wide_total", number) for number in range(3000)]
    names += [(f"narrow_{part}_total", number) for part in range(4) for number in range(1500)]
    for at in range(0, len(names), 1000):
        server.write(
            Stored({"__name__": name, "service_name": "checkout", "route": f"/{number}"}, moments, [5.0] * 10)
            for name, number in names[at : at + 1000]
        )
    front.largest = 0
    found = investigated(memory, front.url)
    (said,) = (line for line in found.missing if "too many to be read one by one" in line)
    assert "the server summed them for each component" in said
    assert int(said.partition(" series")[0].rpartition(" ")[2].replace(",", "")) > 9000
    assert [one.service for one in found.services][:1] == [one.service for one in before.services][:1]
    assert front.largest < 5_000_000
    assert all(len(one.observed) <= 4096 for each in found.hypotheses for one in each.experiments)


def until(condition: object) -> None:
    """The stand-in's own threads end when their requests do."""
    assert callable(condition)
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, held()
        time.sleep(0.1)
