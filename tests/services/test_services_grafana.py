"""The real Grafana MCP server before a real Prometheus: our client works with it as with replay, and cleans up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import ROOT
from grafana_stand_in import LOGS, METRICS, Grafana, grafana
from processes import children, open_files, servers
from real_prometheus import Prometheus, prometheus

from compass.adapters.documents import parse_yaml, split
from compass.adapters.telemetry.answer import Answer, Kind
from compass.adapters.telemetry.client import McpTelemetry
from compass.adapters.telemetry.queries import ToolTelemetry
from compass.adapters.telemetry.session import READ_ONLY_TOOLS, Session, stdio
from compass.errors import OutsideError
from compass.model.entry import Pattern
from compass.model.recording import Recording
from compass.replay.direct import direct
from compass.replay.evaluate import evaluate_recording
from compass.replay.load import load
from compass.replay.store import Store

pytestmark = pytest.mark.services

RECORDING = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"
SERVER = str(Path(sys.executable).with_name("mcp-grafana"))
FEW = ("--disable-write", "--enabled-tools", "datasource,prometheus,loki,annotations")
TOKEN = "glsa_" + "x" * 12
Ask = Callable[[ToolTelemetry, float, float], Answer[Any]]


class Backend(NamedTuple):
    """What the server stands before, and the recording that all of it came from."""

    prometheus: Prometheus
    grafana: Grafana
    recording: Recording

    @property
    def window(self) -> tuple[float, float]:
        return self.recording.info.window.seconds

    def open(self, *options: str, timeout: float = 30.0) -> McpTelemetry:
        """A session with a server process of its own."""
        return McpTelemetry.command([SERVER, *options], environment(self.grafana.url), timeout=timeout)


def environment(url: str) -> dict[str, str]:
    return {"GRAFANA_URL": url, "GRAFANA_SERVICE_ACCOUNT_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    recording = load(RECORDING)
    store = Store(recording)
    with prometheus(tmp_path_factory.mktemp("prometheus")) as server:
        server.write(store.series)
        with grafana(server.port, store, TOKEN) as front:
            yield Backend(server, front, recording)


@pytest.fixture(scope="module")
def live(backend: Backend) -> Iterator[McpTelemetry]:
    with backend.open(*FEW) as telemetry:
        yield telemetry


@pytest.fixture(scope="module")
def replay(backend: Backend) -> Iterator[ToolTelemetry]:
    with direct(backend.recording) as telemetry:
        yield telemetry


# What there is ------------------------------------------------------------------------------------------------------


def test_datasources_and_what_they_observe_are_discovered(live: McpTelemetry) -> None:
    found = live.datasources()
    assert found.error is None
    assert [(source.uid, source.type) for source in found.data] == [(METRICS, "prometheus"), (LOGS, "loki")]
    kinds: tuple[Kind, ...] = ("metrics", "logs", "traces", "alerts", "changes")
    assert [kind for kind in kinds if live.observes(kind)] == ["metrics", "logs", "alerts", "changes"]


def test_a_kind_of_telemetry_without_a_datasource_is_an_error_and_not_empty(live: McpTelemetry) -> None:
    answer = live.traces("{}", 0, 5)
    assert "no datasource for traces" in str(answer.error)


def test_of_everything_the_server_offers_only_reading_tools_are_ever_used(backend: Backend) -> None:
    session = Session(stdio([SERVER], environment(backend.grafana.url)), 30.0)
    try:
        offered = {tool.name for tool in session._portal.call(session._list_tools, None)[0]}
        assert len(offered) > 40
        assert any(name.startswith(("create_", "update_", "delete_")) for name in offered)
        assert offered >= READ_ONLY_TOOLS
        assert session.tools.keys() == READ_ONLY_TOOLS
        before = len(backend.grafana.asked)
        assert "no tool" in str(session.call("update_dashboard", {"dashboard": {}}).error)
        assert len(backend.grafana.asked) == before
    finally:
        session.close()


def test_fewer_tools_can_be_asked_of_the_server_and_nothing_more_is_offered(live: McpTelemetry) -> None:
    assert "search_tempo_traces" not in live.tools
    assert {"query_prometheus", "query_loki_logs", "get_annotations"} <= set(live.tools)


def test_the_server_is_told_not_to_report_its_use(live: McpTelemetry, backend: Backend) -> None:
    (pid,) = servers(backend.grafana.url)
    assert b"DO_NOT_TRACK=1" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


# The same answers as from replay ------------------------------------------------------------------------------------

METRIC_QUESTIONS: Mapping[str, Ask] = {
    "instant": lambda t, first, last: t.instant("sum by (service_name) (http_errors_per_second) > 0.5", last),
    "instant, to the millisecond": lambda t, first, last: t.instant("cpu_percent", last - 0.001),
    "a scalar": lambda t, first, last: t.instant("1 + 1", last),
    "nothing": lambda t, first, last: t.instant("never_recorded", last),
    "range": lambda t, first, last: t.range_query("db_pool_in_use / db_pool_size", first, last, 60),
    "range of an alert": lambda t, first, last: t.range_query('ALERTS{alertstate="firing"}', first, last, 30),
    "not a number": lambda t, first, last: t.instant("(cpu_percent - cpu_percent) / 0 > bool 1", last),
    "infinite": lambda t, first, last: t.instant("cpu_percent / 0", last),
    "huge": lambda t, first, last: t.range_query("memory_mb * 1e21", first, last, 300),
    "tiny": lambda t, first, last: t.range_query("http_errors_per_second * 1e-9", first, last, 300),
    "raw": lambda t, first, last: t.raw('latency_p95_ms{service_name="checkout"}', first + 60, first + 120),
    "raw, all of it": lambda t, first, last: t.raw('{__name__=~".+"}', first, last),
    "names": lambda t, first, last: t.metric_names(first, last),
    "values": lambda t, first, last: t.label_values("service_name", start=first, end=last),
}


@pytest.mark.parametrize("name", METRIC_QUESTIONS)
def test_metrics_are_answered_as_by_replay(
    name: str, backend: Backend, live: McpTelemetry, replay: ToolTelemetry
) -> None:
    ask = METRIC_QUESTIONS[name]
    real, recorded = ask(live, *backend.window), ask(replay, *backend.window)
    assert (real.error, real.truncated, real.notes) == (None, False, ())
    assert bool(real.data) is (name != "nothing")
    assert real.digest == recorded.digest


LOG_QUESTIONS: Mapping[str, Ask] = {
    "lines": lambda t, first, last: t.logs('{service_name="payments", level="ERROR"}', first, last),
    "more lines than one page": lambda t, first, last: t.logs('{service_name=~".+"}', first, last),
    "filtered": lambda t, first, last: t.logs('{service_name=~".+"} |= "timeout" != "retry"', first, last),
    "counted": lambda t, first, last: t.log_counts(
        'sum by (service_name) (count_over_time({service_name=~".+"}[10m]))', last
    ),
    "values": lambda t, first, last: t.label_values("service_name", "logs", start=first, end=last),
    "changes": lambda t, first, last: t.annotations(first, last, ("deployment",)),
    "all changes": lambda t, first, last: t.annotations(first, last),
}


@pytest.mark.parametrize("name", LOG_QUESTIONS)
def test_logs_and_changes_come_through_the_server_as_they_were_recorded(
    name: str, backend: Backend, live: McpTelemetry, replay: ToolTelemetry
) -> None:
    ask = LOG_QUESTIONS[name]
    real, recorded = ask(live, *backend.window), ask(replay, *backend.window)
    assert (real.error, real.truncated, real.notes) == (None, False, ())
    assert real.data
    assert real.digest == recorded.digest


def test_a_pattern_is_recognized_through_the_server_as_in_replay(
    backend: Backend, live: McpTelemetry, replay: ToolTelemetry
) -> None:
    truths = {}
    for path in sorted((ROOT / "knowledge").rglob("patterns/*.md")):
        pattern = Pattern.model_validate(parse_yaml(split(path.read_text("utf-8")).front))
        assert pattern.match
        real = evaluate_recording(pattern.match, live, backend.recording.info)
        recorded = evaluate_recording(pattern.match, replay, backend.recording.info)
        assert [one.error for one in real.evidence if one.error] == []
        assert (real.truth, real.best) == (recorded.truth, recorded.best), path.stem
        truths[path.stem] = real.truth
    assert True in truths.values()
    assert False in truths.values()


# What goes wrong is visible -----------------------------------------------------------------------------------------


def test_a_query_that_is_wrong_is_an_error_with_the_words_of_prometheus(live: McpTelemetry) -> None:
    answer = live.instant("nonsense(", 5)
    assert "parse error" in str(answer.error)
    assert answer.data == ()
    assert live.instant("1 + 1", 5).ok


def test_a_prometheus_that_dies_is_an_error_and_no_empty_answer(tmp_path: Path, backend: Backend) -> None:
    store = Store(backend.recording)
    with (
        prometheus(tmp_path / "prometheus") as server,
        grafana(server.port, store, TOKEN) as front,
        backend._replace(grafana=front).open(*FEW) as telemetry,
    ):
        assert telemetry.instant("1 + 1", 5).ok
        server.stop()
        answers: list[Answer[Any]] = [telemetry.instant("up", 5), telemetry.metric_names(0, 5)]
        assert all(answer.error and answer.data == () for answer in answers)
        assert telemetry.logs('{service_name="payments"}', *backend.window).ok


def test_a_grafana_that_refuses_is_an_error_at_every_question(backend: Backend) -> None:
    wrong = {**environment(backend.grafana.url), "GRAFANA_SERVICE_ACCOUNT_TOKEN": "wrong"}
    with McpTelemetry.command([SERVER, *FEW], wrong, timeout=30) as telemetry:
        for answer in (telemetry.datasources(), telemetry.instant("up", 5), telemetry.annotations(0, 5)):
            assert answer.error
            assert not answer.data


def test_a_server_that_is_killed_is_an_error_at_once_and_ever_after(backend: Backend) -> None:
    already = servers(backend.grafana.url)
    with backend.open(*FEW) as telemetry:
        assert telemetry.instant("1 + 1", 5).ok
        (pid,) = servers(backend.grafana.url) - already
        os.kill(pid, signal.SIGKILL)
        before = time.monotonic()
        errors = [telemetry.instant("1 + 1", 5).error for _ in range(3)]
        assert time.monotonic() - before < 10
    assert all("failed" in str(error) for error in errors)
    assert servers(backend.grafana.url) == already


@pytest.mark.parametrize("transport", ["stdio", "streamable-http"])
def test_a_server_that_stands_still_costs_one_timeout_and_is_left_in_seconds(
    transport: str, backend: Backend
) -> None:
    already = servers(backend.grafana.url)
    with ExitStack() as stack:
        if transport == "stdio":
            telemetry = backend.open(*FEW, timeout=20)
        else:
            address = f"127.0.0.1:{free_port()}"
            command = [SERVER, *FEW, "--transport", transport, "--address", address]
            process = stack.enter_context(
                subprocess.Popen(
                    command,
                    env={**os.environ, **environment(backend.grafana.url)},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            stack.callback(process.kill)
            telemetry = connected_to(f"http://{address}/mcp")
        (pid,) = servers(backend.grafana.url) - already
        assert telemetry.instant("1 + 1", 5).ok
        os.kill(pid, signal.SIGSTOP)
        before = time.monotonic()
        assert "no answer within 20 seconds" in str(telemetry.instant("1 + 1", 5).error)
        assert time.monotonic() - before < 30
        before = time.monotonic()
        assert "nor any other sign of life" in str(telemetry.instant("1 + 1", 5).error)
        telemetry.close()
        assert time.monotonic() - before < 20
        if transport == "stdio":
            assert pid not in servers(backend.grafana.url)
    assert servers(backend.grafana.url) == already


def connected_to(url: str) -> McpTelemetry:
    """A session with a server that may still be starting."""
    for _ in range(100):
        try:
            return McpTelemetry(url, timeout=20)
        except OutsideError:
            time.sleep(0.2)
    raise AssertionError("it does not listen")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_a_server_that_refuses_its_options_is_one_clear_error(backend: Backend) -> None:
    with pytest.raises(OutsideError, match="could not be reached"):
        backend.open("--no-such-option", timeout=10)


# Nothing is left behind ---------------------------------------------------------------------------------------------


def test_twenty_sessions_in_a_row_leave_no_process_and_no_open_file(backend: Backend) -> None:
    with backend.open(*FEW) as telemetry:
        assert telemetry.instant("1 + 1", 5).ok
    before = servers(backend.grafana.url), children(), open_files()
    for number in range(20):
        with backend.open(*FEW) as telemetry:
            assert telemetry.instant(f"{number} + 1", 5).data[0].values == (number + 1.0,)
    assert (servers(backend.grafana.url), children(), open_files()) == before
