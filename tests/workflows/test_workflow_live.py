"""Alerts as notices, options as plans, servers as one route, and the runbook an alert leads to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import commit_all

from compass.adapters.telemetry.answer import Answer, Datasource, Kind
from compass.errors import UsageError
from compass.investigate.log_trials import errors_of
from compass.investigate.observe import ALL_LOGS, ALL_METRICS
from compass.library import load
from compass.model.alert import Notification
from compass.model.recording import LogLine, RecordedTelemetry, Recording, RecordingInfo, Series
from compass.replay.direct import direct
from compass.workflows.live.notice import Notice, notice_of
from compass.workflows.live.request import Options, plan
from compass.workflows.live.routing import Asked, Route, route_to
from compass.workflows.live.runbook import runbook_for
from compass.workflows.live.telemetry import LiveTelemetry

NOW = 1_776_175_200.0
"""2026-04-14T14:00:00Z"""
LABELS = {"alertname": "HighLatency", "service_name": "checkout"}


def notification(*alerts: dict[str, Any], status: str = "firing") -> Notification:
    return Notification.model_validate(
        {
            "status": status,
            "alerts": [{"status": "firing", "startsAt": "2026-04-14T13:50:00Z", **one} for one in alerts],
        }
    )


# Notices -------------------------------------------------------------------------------------------------------------


def test_the_earliest_alert_that_fires_says_what_was_noticed() -> None:
    notice = notice_of(
        notification(
            {"labels": {"alertname": "Over"}, "startsAt": "2026-04-14T13:00:00Z", "status": "resolved"},
            {"labels": {"alertname": "Late"}, "startsAt": "2026-04-14T13:55:00Z"},
            {"labels": {"alertname": "Early"}, "startsAt": "2026-04-14T13:40:00Z"},
        )
    )
    assert (notice.name, notice.symptom, notice.since) == ("Early", "Early", NOW - 1200)
    assert [name for name, _ in notice.alerts] == ["Early", "Late"]


def test_an_alert_that_is_over_can_be_investigated_too() -> None:
    notice = notice_of(
        notification({"labels": {"alertname": "Over"}, "status": "resolved"}, status="resolved")
    )
    assert notice.name == "Over"


@pytest.mark.parametrize(
    ("labels", "annotations", "symptom", "service"),
    [
        ({"alertname": "A", "app": "shop"}, {"description": "slow"}, "A: slow", "shop"),
        ({"alertname": "A", "pod": "p", "service": "pay"}, {"summary": "s", "message": "m"}, "A: s", "pay"),
        ({"job": "j"}, {"message": " m\n\tn "}, "m n", "j"),
        ({}, {}, "an alert without a name", None),
        ({"alertname": "\x1b[31m"}, {}, "[31m", None),
    ],
)
def test_symptom_and_service_come_from_annotations_and_labels(
    labels: dict[str, str], annotations: dict[str, str], symptom: str, service: str | None
) -> None:
    notice = notice_of(notification({"labels": labels, "annotations": annotations}))
    assert (notice.symptom, notice.service) == (symptom, service)


def test_one_firing_has_one_key_however_often_it_is_sent() -> None:
    first, again, later, other = notification(
        {"labels": LABELS, "fingerprint": "a", "annotations": {"value": "1"}},
        {"labels": LABELS, "fingerprint": "a", "annotations": {"value": "2"}},
        {"labels": LABELS, "fingerprint": "a", "startsAt": "2026-04-14T13:51:00Z"},
        {"labels": {"alertname": "Other"}},
    ).alerts
    assert first.key == again.key
    assert len({first.key, later.key, other.key}) == 3


# Plans ---------------------------------------------------------------------------------------------------------------


def planned(
    notice: Notice | None = None, now: float = NOW, **given: Any
) -> tuple[str, str, str, tuple[str, ...]]:
    given.setdefault("symptom", "slow")
    made = plan(Options(servers=("http://127.0.0.1:1/mcp",), **given), notice, now)
    one = made.incident
    return f"{one.window.start:%T}", f"{one.detected:%T}", f"{one.window.end:%T}", made.assumed


def noticed(since: float) -> Notice:
    return Notice("A", "A: slow", "pay", since, (("A", {}),))


def test_the_window_is_half_an_hour_where_nothing_says_otherwise() -> None:
    start, detected, end, assumed = planned()
    assert (start, detected, end) == ("13:30:00", "13:55:00", "14:00:00")
    assert assumed == ("it is taken to have been noticed at 2026-04-14T13:55:00Z; say it with --detected",)
    assert planned(since="6m")[:3] == ("13:54:00", "13:58:00", "14:00:00")


def test_an_alert_gives_the_window_around_its_beginning() -> None:
    assert planned(noticed(NOW - 3600)) == ("12:30:00", "13:00:00", "13:15:00", ())
    assert planned(noticed(NOW - 60))[:3] == ("13:29:00", "13:59:00", "14:00:00")
    assert planned(noticed(NOW - 60), since="10m")[:3] == ("13:50:00", "13:59:00", "14:00:00")
    assert planned(noticed(NOW - 60), start="now-20m", detected="now-2m")[:3] == (
        "13:40:00",
        "13:58:00",
        "14:00:00",
    )


def test_an_alert_of_the_future_begins_now_and_that_is_said() -> None:
    start, detected, end, assumed = planned(noticed(NOW + 9e8))
    assert (start, detected, end) == ("13:30:00", "14:00:00", "14:00:00")
    assert "in the future" in assumed[0]


def test_an_alert_before_the_window_is_refused() -> None:
    with pytest.raises(UsageError, match="beginning of the alert lies outside the window"):
        planned(noticed(NOW - 3600), since="5m")


# Routes --------------------------------------------------------------------------------------------------------------


class Server:
    """A source that has some kinds and answers, or fails, after some seconds of a clock of its own."""

    def __init__(
        self,
        *kinds: Kind,
        seconds: float = 0.0,
        error: str | None = None,
        listed: str | None = None,
        listing: float = 0.0,
    ) -> None:
        self.listing = listing
        self.kinds, self.seconds, self.error, self.listed = kinds, seconds, error, listed
        self.now = 0.0
        self.calls = 0

    def datasources(self) -> Answer[tuple[Datasource, ...]]:
        self.now += self.listing
        return Answer((), "list_datasources", "", 0, 0, error=self.listed)

    def observes(self, kind: Kind) -> bool:
        return kind in self.kinds

    def instant(self, expr: str, at: float) -> Answer[tuple[Series, ...]]:
        self.calls += 1
        self.now += self.seconds
        return Answer((), "query_prometheus", expr, at, at, error=self.error)

    def clock(self) -> float:
        return self.now


def ask(route: Route) -> str | None:
    return route.ask(Asked("metrics", "up", 1, 1), lambda one: one.instant("up", 1)).error


def routed(*servers: Any) -> Route:
    return route_to(servers, (), timeout=10.0, clock=servers[0].clock)


def test_a_kind_is_asked_of_the_first_server_that_has_it() -> None:
    first, second = Server("logs"), Server("metrics", "logs")
    route = routed(first, second)
    assert {kind: id(one) for kind, one in route.servers.items()} == {
        "logs": id(first),
        "metrics": id(second),
    }
    assert "no telemetry server has a datasource for traces" in str(
        route.ask(Asked("traces", "{}", 1, 2), lambda one: one.trace("x")).error
    )


def test_a_kind_that_is_too_slow_is_not_asked_again() -> None:
    server = Server("metrics", seconds=10.0, error="timed out")
    route = routed(server)
    assert ask(route) == "timed out"
    assert "not asked: a question for metrics before it had no answer within 10 seconds" in str(ask(route))
    assert server.calls == 1


def test_errors_that_come_at_once_and_late_answers_do_not_end_it() -> None:
    quick, late = Server("metrics", error="parse error"), Server("metrics", seconds=9.9)
    for server in (quick, late):
        route = routed(server)
        for _ in range(5):
            ask(route)
        assert server.calls == 5


def test_a_server_that_does_not_say_what_it_has_is_noted_and_asked_for_changes_alone() -> None:
    route = routed(Server("metrics", "changes", listed="401 unauthorized"))
    assert set(route.servers) == {"changes"}
    assert route.notes == ("a server does not say what it has: 401 unauthorized",)


def test_a_server_that_does_not_answer_in_time_is_asked_for_nothing() -> None:
    slow = Server("metrics", "changes", listed="no answer", listing=10.0)
    assert routed(slow).servers == {}
    assert routed(Server("metrics", "changes", listing=9.9)).servers.keys() == {"metrics", "changes"}


# Pieces --------------------------------------------------------------------------------------------------------------


def live(rows: RecordedTelemetry) -> LiveTelemetry:
    info = RecordingInfo.model_validate(
        {
            "schema": 1,
            "id": "x",
            "window": {"from": "2026-04-14T13:30:00Z", "to": "2026-04-14T14:00:00Z"},
            "detected": "2026-04-14T13:50:00Z",
            "symptom": {"text": "x"},
        }
    )
    telemetry = direct(Recording(info, Path(), rows))
    return LiveTelemetry(route_to((telemetry,), (), timeout=10, clock=lambda: 0.0), lambda _: None)


def test_what_was_cut_is_stated_and_never_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compass.workflows.recording.ask_rows.LINES_IN_A_SLICE", 10)
    labels = {"service_name": "pay", "level": "INFO"}
    lines = tuple(LogLine(round((NOW - 600 + at / 10) * 1e9), labels, f"line {at}") for at in range(300))
    telemetry = live(RecordedTelemetry(logs=lines, present=frozenset({"logs"})))
    answer = telemetry.logs(ALL_LOGS, NOW - 1800, NOW)
    assert answer.ok
    assert answer.truncated
    assert 0 < len(answer.data) < 300
    assert answer.notes == ("in 1 of 30 slices only the first 10 lines below WARN were read",)
    assert telemetry.logs(ALL_LOGS, NOW - 1800, NOW) is answer, "asked once"
    assert len(telemetry.logs('{service_name="pay"}', NOW - 1800, NOW).data) == 300


def test_nothing_readable_is_an_error_and_not_empty() -> None:
    telemetry = live(RecordedTelemetry(logs=(), present=frozenset({"logs"})))
    answer = telemetry.raw(ALL_METRICS, NOW - 1800, NOW)
    assert answer.data == ()
    assert "no telemetry server has a datasource for metrics" in str(answer.error)


def test_whether_alerts_are_seen_is_asked_once() -> None:
    labels = {"__name__": "ALERTS", "alertname": "A", "alertstate": "firing", "service_name": "pay"}
    with_alerts = RecordedTelemetry(
        series=(Series(labels, [NOW - 60], [1.0]),), present=frozenset({"metrics"})
    )
    telemetry = live(with_alerts)
    assert telemetry.observes("alerts")
    telemetry.route.servers = {}
    assert telemetry.observes("alerts")
    assert not live(RecordedTelemetry(present=frozenset({"metrics"}))).observes("alerts")


@pytest.mark.parametrize(
    ("labels", "query"),
    [
        ({"level": "ERROR"}, '{service_name=~"a|b\\\\.c",level=~"(?i:error|fatal|critical|severe|panic).*"}'),
        (
            {"level": "error", "detected_level": "error"},
            '{service_name=~"a|b\\\\.c"} | detected_level=~"(?i:error|fatal|critical|severe|panic).*"',
        ),
        ({}, '{service_name=~"a|b\\\\.c"} |~ "(?i)(error|fatal|critical|severe|panic)"'),
    ],
)
def test_errors_are_asked_for_by_what_tells_the_level_there(labels: dict[str, str], query: str) -> None:
    assert errors_of(["a", "b.c"], [LogLine(0, {"service_name": "a", **labels}, "x")]) == query


# Runbooks ------------------------------------------------------------------------------------------------------------


def advice(repo: Path, name: str, labels: dict[str, str], symptom: str = "") -> Any:
    return runbook_for([(name, labels)], symptom, load(repo, parents=True), None)


def test_the_runbook_whose_matchers_fit_comes_with_its_place_and_the_others(knowledge_repo: Path) -> None:
    found = advice(knowledge_repo, "HighLatency", {"service_name": "checkout"})
    assert found.title == "Relieve an exhausted database connection pool"
    assert found.citations[0].ref.startswith("team/payments@")
    assert {title for _, title in found.others} >= {"Turn a feature flag back"}
    verified = advice(knowledge_repo, "HighLatency", {"service_name": "ledger"})
    assert verified.title == "Clear a PostgreSQL lock queue"
    assert verified.others == ()


def test_a_name_that_is_nearly_an_alert_is_none(knowledge_repo: Path) -> None:
    for name in ("highlatency", "HighLatency ", "HighLatenc", ""):
        assert advice(knowledge_repo, name, {"service_name": "nobody"}) is None


def test_a_runbook_that_is_deprecated_or_has_broken_matchers_is_not_offered(knowledge_repo: Path) -> None:
    path = knowledge_repo / "runbooks" / "clear-a-postgresql-lock-queue.md"
    text = path.read_text("utf-8")
    for old, new in (
        ("status: verified", "status: deprecated"),
        ('service_name=~"payments|ledger"', 'service_name=~"(payments"'),
    ):
        path.write_text(text.replace(old, new), "utf-8")
        commit_all(knowledge_repo)
        assert advice(knowledge_repo, "HighLatency", {"service_name": "ledger"}) is None
