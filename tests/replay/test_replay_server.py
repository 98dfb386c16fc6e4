"""The replay server through a real MCP session: in this process, and as a child process on stdio."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from compass.adapters.telemetry.answer import Answer
from compass.adapters.telemetry.client import McpTelemetry
from compass.adapters.telemetry.queries import ToolTelemetry
from compass.errors import OutsideError
from compass.replay.direct import direct
from compass.replay.load import load
from compass.replay.server import connect, server

Ask = Callable[[ToolTelemetry], Answer[Any]]
START, END = 1777636800.0, 1777637400.0
YAML = """schema: 1
id: small
window: {from: '2026-05-01T12:00:00Z', to: '2026-05-01T12:10:00Z'}
detected: '2026-05-01T12:05:00Z'
symptom: {text: something is slow}
history: history
"""


def nanoseconds(second: float) -> int:
    return round((START + second) * 1e9)


def span_row(i: int, n: int) -> dict[str, object]:
    return {
        "trace": f"t{i}",
        "span": f"s{i}-{n}",
        "parent": f"s{i}-0" if n else None,
        "service": "pay",
        "name": f'GET "{n}"',
        "start_ns": nanoseconds(i + n / 10),
        "end_ns": nanoseconds(i + 1),
        "status": "error" if n == 2 else "",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("small")
    (place / "recording.yaml").write_text(YAML)
    rows = "".join(f"{int(START) + s},{s},{s / 100000}\n" for s in range(0, 601, 60))
    (place / "metrics.csv").write_text("time,pay|requests_total,pay|share\n" + rows)
    logs = [
        f'{{"time_ns": {nanoseconds(i / 100)}, "service": "pay", "level": "INFO", "trace": "t{i}", "message": "line {i}"}}\n'
        for i in range(12_000)
    ]
    (place / "logs.jsonl").write_text("".join(logs))
    spans = [json.dumps(span_row(i, n)) + "\n" for i in range(100) for n in range(5)]
    (place / "traces.jsonl").write_text("".join(spans))
    (place / "alerts.jsonl").write_text(
        '{"name":"Slow","labels":{"severity":"page"},"starts_at":"2026-05-01T12:03:00Z","ends_at":"2026-05-01T12:04:00Z"}\n'
    )
    (place / "changes.jsonl").write_text(
        '{"time":"2026-05-01T12:02:00Z","type":"deployment","service":"pay","summary":"v2","labels":{"version":"v2"}}\n'
    )
    (place / "graph.csv").write_text("caller,callee\nshop,pay\n")
    (place / "history").mkdir()
    (place / "history" / "metrics.csv").write_text("time,pay|share\n1777500000,0.5\n")
    return place


@pytest.fixture(scope="module")
def telemetry(folder: Path) -> Iterator[McpTelemetry]:
    with connect(load(folder)) as opened:
        yield opened


def test_the_server_shows_what_was_recorded(telemetry: McpTelemetry) -> None:
    assert [source.type for source in telemetry.datasources().data] == [
        "prometheus",
        "loki",
        "tempo",
        "alertmanager",
    ]
    assert telemetry.metric_names().data == (
        "ALERTS",
        "requests_total",
        "share",
        "traces_service_graph_request_total",
    )
    assert telemetry.label_values("service_name").data == ("pay",)
    assert telemetry.label_values("service_name", "logs", start=START, end=END).data == ("pay",)
    assert all(telemetry.observes(kind) for kind in ("metrics", "logs", "traces", "alerts", "changes"))


def test_metrics_come_back_as_they_were_recorded(telemetry: McpTelemetry) -> None:
    raw = telemetry.raw('share{service_name="pay"}', START, END)
    assert (raw.error, raw.tool) == (None, "query_prometheus")
    assert list(raw.data[0].times) == [START + s for s in range(0, 601, 60)]
    assert list(raw.data[0].values) == [s / 100000 for s in range(0, 601, 60)]
    assert raw.data[0].service == "pay"
    rate = telemetry.instant("rate(requests_total[5m])", END)
    assert [dict(one.labels) for one in rate.data] == [{"service_name": "pay"}]
    assert rate.data[0].values[0] == pytest.approx(1.0)
    steps = telemetry.range_query("requests_total * 2", START, START + 120, 60)
    assert list(steps.data[0].values) == [0, 120, 240]
    assert telemetry.instant("1 + 1", END).data[0].values == (2.0,)


def test_history_is_served_at_its_own_time(telemetry: McpTelemetry) -> None:
    assert list(telemetry.raw("share", 1777499000.0, 1777501000.0).data[0].values) == [0.5]


def test_alerts_and_the_call_graph_are_series(telemetry: McpTelemetry) -> None:
    during = telemetry.instant('ALERTS{alertname="Slow",alertstate="firing"}', START + 200).data
    assert [dict(one.labels)["severity"] for one in during] == ["page"]
    assert telemetry.instant("ALERTS", START + 240).data == ()
    graph = telemetry.instant("traces_service_graph_request_total", END).data
    assert [(one.labels["client"], one.labels["server"]) for one in graph] == [("shop", "pay")]


def test_logs_are_paged_until_done(telemetry: McpTelemetry) -> None:
    answer = telemetry.logs('{service_name="pay"}', START, END)
    assert (answer.error, answer.truncated, len(answer.data)) == (None, False, 12_000)
    assert [line.message for line in answer.data] == [f"line {i}" for i in range(12_000)]
    assert (answer.data[7].trace, answer.data[7].level, answer.data[7].service) == ("t7", "INFO", "pay")


def test_logs_are_cut_at_the_limit_and_say_so(telemetry: McpTelemetry) -> None:
    answer = telemetry.logs('{service_name="pay"}', START, END, limit=7000)
    assert (len(answer.data), answer.truncated, answer.notes) == (
        7000,
        True,
        ("only the first 7000 lines were read",),
    )


def test_lines_are_counted_by_the_server(telemetry: McpTelemetry) -> None:
    answer = telemetry.log_counts(
        'sum by (service_name) (count_over_time({service_name="pay"} |= "line 1" [10m]))', END
    )
    assert [(dict(one.labels), list(one.values)) for one in answer.data] == [
        ({"service_name": "pay"}, [3111.0])
    ]


def test_spans_come_with_their_parents_and_failures(telemetry: McpTelemetry) -> None:
    answer = telemetry.traces("{}", START, END)
    assert (answer.error, answer.truncated, len(answer.data)) == (None, False, 500)
    child = next(span for span in answer.data if span.span == "s3-2")
    assert (child.trace, child.parent, child.name, child.status) == ("t3", "s3-0", 'GET "2"', "error")
    assert (child.start_ns, child.end_ns) == (nanoseconds(3.2), nanoseconds(4))
    assert len(telemetry.traces("{ status = error }", START, END).data) == 100
    assert telemetry.traces("{}", START, END, limit=20).truncated


def test_one_trace_is_read_whole(telemetry: McpTelemetry) -> None:
    answer = telemetry.trace("t5")
    assert [span.span for span in answer.data] == [f"s5-{n}" for n in range(5)]
    assert [span.status for span in answer.data] == ["", "", "error", "", ""]
    assert "no trace" in str(telemetry.trace("t999").error)


def test_changes_are_annotations(telemetry: McpTelemetry) -> None:
    (change,) = telemetry.annotations(START, END, ("deployment",)).data
    assert (change.time, change.type, change.service, change.summary) == (
        START + 120,
        "deployment",
        "pay",
        "v2",
    )
    assert change.labels["version"] == "v2"
    assert telemetry.annotations(START, END, ("config",)).data == ()
    assert telemetry.annotations(START + 200, END).data == ()


def test_an_answer_has_a_digest_that_tells_answers_apart(telemetry: McpTelemetry) -> None:
    first, again = telemetry.instant("share", END), telemetry.instant("share", END)
    other, failed = telemetry.instant("share", END - 60), telemetry.instant("topk(1, share)", END)
    assert first.digest == again.digest
    assert len({first.digest, other.digest, failed.digest, telemetry.instant("never_seen", END).digest}) == 4


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: t.instant("histogram_quantile(0.9, share)", END),
        lambda t: t.range_query("share and share", START, END, 60),
        lambda t: t.raw("share offset 5m", START, END),
        lambda t: t.logs('{service_name="pay"} | json', START, END),
        lambda t: t.log_counts('rate({service_name="pay"}[5m])', END),
        lambda t: t.traces("{} >> {}", START, END),
    ],
)
def test_what_cannot_be_evaluated_is_an_error_and_no_empty_answer(telemetry: McpTelemetry, ask: Ask) -> None:
    answer = ask(telemetry)
    assert not answer.ok
    assert str(answer.error).startswith("cannot evaluate: ")
    assert answer.data == ()


def test_what_was_not_recorded_is_an_error_and_no_empty_answer(tmp_path: Path) -> None:
    (tmp_path / "recording.yaml").write_text(YAML)
    (tmp_path / "metrics.csv").write_text("time,pay|x\n1777636800,1\n")
    with connect(load(tmp_path)) as telemetry:
        for kind in ("logs", "traces", "alerts", "changes"):
            assert not telemetry.observes(kind)
        assert "no datasource for logs" in str(telemetry.logs('{a="b"}', START, END).error)
        assert "no datasource for traces" in str(telemetry.traces("{}", START, END).error)
        assert "get_annotations" in str(telemetry.annotations(START, END).error)


def test_the_tools_refuse_wrong_arguments(telemetry: McpTelemetry) -> None:
    session = telemetry._session
    for arguments in (
        {},
        {"datasourceUid": "replay-prometheus", "expr": "share"},
        {"datasourceUid": "replay-prometheus", "expr": 5, "endTime": "now"},
        {"datasourceUid": "replay-loki", "expr": "share", "endTime": "now"},
        {"datasourceUid": "replay-prometheus", "expr": "share", "endTime": "tomorrow"},
        {"datasourceUid": "replay-prometheus", "expr": "share", "endTime": "2026-13-01T00:00:00Z"},
        {"datasourceUid": "replay-prometheus", "expr": "share", "endTime": "now", "surprise": "x"},
        {"datasourceUid": "replay-prometheus", "expr": "share", "endTime": "now", "queryType": "range"},
    ):
        assert session.call("query_prometheus", arguments).error, arguments
    assert session.call("delete_everything", {}).error


def test_times_may_be_relative_to_the_end_of_the_recording(telemetry: McpTelemetry) -> None:
    arguments = {"datasourceUid": "replay-prometheus", "expr": "requests_total", "queryType": "instant"}
    at_the_end = telemetry._session.call("query_prometheus", {**arguments, "endTime": "now"}).data
    earlier = telemetry._session.call("query_prometheus", {**arguments, "endTime": "now-5m"}).data
    assert (at_the_end["data"][0]["value"], earlier["data"][0]["value"]) == (
        [int(END), "600"],
        [int(END) - 300, "300"],
    )


def test_a_closed_source_answers_with_an_error(folder: Path) -> None:
    telemetry = connect(load(folder))
    telemetry.close()
    telemetry.close()
    assert "closed" in str(telemetry.instant("share", END).error)


QUESTIONS: list[Ask] = [
    lambda t: t.raw('{__name__=~".+"}', START, END),
    lambda t: t.logs('{service_name="pay"}', START, END),
    lambda t: t.traces("{}", START, END),
    lambda t: t.trace("t7"),
    lambda t: t.annotations(START, END),
    lambda t: t.instant("topk(1, share)", END),
]


@pytest.mark.parametrize("ask", QUESTIONS)
def test_the_same_recording_answers_the_same_without_mcp(
    folder: Path, telemetry: McpTelemetry, ask: Ask
) -> None:
    with direct(load(folder)) as plain:
        assert ask(plain) == ask(telemetry)
        assert plain.tools == telemetry.tools
    assert "closed" in str(plain.instant("share", END).error)


def test_the_same_recording_answers_the_same_over_http(folder: Path, telemetry: McpTelemetry) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        application = server(load(folder)).streamable_http_app()
        http = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="on"))
        thread = threading.Thread(target=http.run, args=([listener],))
        thread.start()
        try:
            with McpTelemetry(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", timeout=20) as remote:
                assert [ask(remote) for ask in QUESTIONS] == [ask(telemetry) for ask in QUESTIONS]
        finally:
            http.should_exit = True
            thread.join(timeout=20)


def test_the_same_recording_answers_the_same_over_stdio(folder: Path, telemetry: McpTelemetry) -> None:
    command = [sys.executable, "-m", "compass", "serve", "--recording", str(folder)]
    with McpTelemetry.command(command) as child:
        assert child.tools == telemetry.tools
        for ask in QUESTIONS:
            assert ask(child) == ask(telemetry)
            assert ask(child).digest == ask(telemetry).digest


@pytest.mark.parametrize(
    "command", [["no-such-command-anywhere"], [sys.executable, "-c", "raise SystemExit(3)"], ["sleep", "30"]]
)
def test_a_server_that_does_not_come_about_is_one_clear_error(command: list[str]) -> None:
    before = time.monotonic()
    with pytest.raises(OutsideError, match="could not be reached"):
        McpTelemetry.command(command, timeout=1.0)
    assert time.monotonic() - before < 10


def test_a_server_that_dies_leaves_evidence_of_its_absence(folder: Path, tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from compass.replay.server import serve_stdio;"
        "Path(sys.argv[1]).write_text(str(os.getpid())); serve_stdio(Path(sys.argv[2]))"
    )
    noted = tmp_path / "pid"
    with McpTelemetry.command(
        [sys.executable, "-c", program, str(noted), str(folder)], timeout=20
    ) as telemetry:
        assert telemetry.instant("share", END).ok
        os.kill(int(noted.read_text()), signal.SIGKILL)
        errors = [telemetry.instant("share", END).error for _ in range(2)]
    assert all("failed" in str(error) for error in errors)
