"""Three-valued matching: by hand over small recordings, and over the examples under knowledge/."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from compass.adapters.telemetry.answer import Answer
from compass.model.match import Match, Truth
from compass.model.recording import Change, LogLine, Series
from compass.replay.direct import direct
from compass.replay.evaluate import MatchResult, evaluate, evaluate_recording
from compass.replay.load import load
from compass.replay.store import Store

KNOWLEDGE = Path(__file__).resolve().parents[2] / "knowledge"
START = 1777636800
END = START + 1800
YAML = """schema: 1
id: small
window: {from: '2026-05-01T12:00:00Z', to: '2026-05-01T12:30:00Z'}
detected: '2026-05-01T12:20:00Z'
symptom: {text: something is slow}
"""
POOL: Mapping[str, Any] = {
    "window": "15m",
    "group_by": ["service.name"],
    "signals": {
        "slow": {"type": "alert", "matchers": ['alertname="HighLatency"', 'severity=~"page|critical"']},
        "pool": {"type": "log", "template": "timeout acquiring connection after <*> ms", "count": {"gte": 3}},
        "full": {
            "type": "metric",
            "promql": "db_pool_in_use / db_pool_size",
            "op": "gte",
            "value": 0.95,
            "for": "5m",
        },
        "roll": {"type": "change", "change": "deployment", "within": "30m"},
    },
    "condition": "slow and (pool or full)",
    "order": ["roll", "slow"],
    "weights": {"slow": 0.4, "pool": 0.4, "full": 0.2},
}


def stamp(minute: float) -> str:
    return f"2026-05-01T12:{int(minute):02d}:{round(minute % 1 * 60):02d}Z"


class Incident:
    """Builds a recording; what is not given is not recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "recording.yaml").write_text(YAML)

    def alert(self, minute: float, until: float | None = None, **labels: str) -> Incident:
        ends = None if until is None else stamp(until)
        row = {
            "name": "HighLatency",
            "labels": {"severity": "page", **labels},
            "starts_at": stamp(minute),
            "ends_at": ends,
        }
        return self._append("alerts.jsonl", row)

    def change(self, minute: float, service: str, kind: str = "deployment") -> Incident:
        return self._append(
            "changes.jsonl", {"time": stamp(minute), "type": kind, "service": service, "summary": "v2"}
        )

    def log(self, minutes: list[float], service: str, text: str) -> Incident:
        for minute in minutes:
            row = {
                "time_ns": round((START + minute * 60) * 1e9),
                "service": service,
                "level": "ERROR",
                "message": text,
            }
            self._append("logs.jsonl", row)
        return self

    def pool(self, in_use: Sequence[float | None], service: str = "payments") -> Incident:
        """One sample a minute."""
        rows = "".join(f"{START + 60 * i},{'' if v is None else v},10\n" for i, v in enumerate(in_use))
        (self.folder / "metrics.csv").write_text(
            f"time,{service}|db_pool_in_use,{service}|db_pool_size\n{rows}"
        )
        return self

    def empty(self, *names: str) -> Incident:
        for name in names:
            (self.folder / f"{name}.jsonl").touch()
        return self

    def match(self, changes: Mapping[str, Any] | None = None, *, minute: float = 30) -> MatchResult:
        match = Match.model_validate({**POOL, **(changes or {})})
        with direct(load(self.folder)) as telemetry:
            return evaluate(match, telemetry, START + minute * 60)

    def _append(self, name: str, row: Mapping[str, Any]) -> Incident:
        with (self.folder / name).open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        return self


@pytest.fixture
def incident(tmp_path: Path) -> Incident:
    return Incident(tmp_path)


TIMEOUT = "timeout acquiring connection after 5000 ms"


def truths(result: MatchResult) -> dict[str, bool | None]:
    return {signal.name: signal.truth for signal in result.best.signals}


def test_everything_there_is_a_full_match(incident: Incident) -> None:
    result = (
        incident.change(10, "payments")
        .alert(20, service_name="payments")
        .log([18, 19, 20], "payments", TIMEOUT)
        .pool([3] * 12 + [10] * 19)
        .match()
    )
    assert (result.truth, result.best.group, result.best.ordered) == (
        True,
        {"service_name": "payments"},
        True,
    )
    assert truths(result) == {"slow": True, "pool": True, "full": True, "roll": True}
    assert result.best.share == pytest.approx(1.0)
    since = {signal.name: signal.since for signal in result.best.signals}
    assert since == {
        "roll": START + 600,
        "slow": START + 1200,
        "pool": START + 1080,
        "full": pytest.approx(START + 720, abs=200),
    }
    assert [evidence.error for evidence in result.evidence] == [None] * 5


def test_nothing_recorded_is_unknown_and_no_match(incident: Incident) -> None:
    result = incident.match()
    assert result.truth is None
    assert truths(result) == {"slow": None, "pool": None, "full": None, "roll": None}
    assert result.unknown == ("slow", "pool", "full", "roll")
    assert result.best.share == 0
    assert all(evidence.error for evidence in result.evidence if evidence.type != "alert")


def test_what_was_watched_and_did_not_happen_is_false(incident: Incident) -> None:
    incident.empty("alerts", "changes").log([5, 15, 25], "payments", "all is well").pool([3] * 31)
    result = incident.match()
    assert truths(result) == {"slow": False, "pool": False, "full": False, "roll": False}
    assert result.truth is False


def test_a_signal_without_data_never_completes_a_match(incident: Incident) -> None:
    incident.alert(20, service_name="payments").empty("changes").pool([3] * 31)
    result = incident.match()
    assert (result.truth, truths(result)["pool"], truths(result)["full"]) == (None, None, False)
    assert result.best.share == pytest.approx(0.4)


def test_a_service_that_writes_no_logs_is_unknown_and_one_that_does_is_false(incident: Incident) -> None:
    incident.alert(20, service_name="payments").alert(20, service_name="silent").log([20], "payments", "fine")
    result = incident.match()
    found = {
        group.group["service_name"]: {s.name: s.truth for s in group.signals}["pool"]
        for group in result.groups
    }
    assert found == {"payments": False, "silent": None}


def test_signals_must_meet_in_one_group(incident: Incident) -> None:
    incident.alert(20, service_name="checkout").log([18, 19, 20], "payments", TIMEOUT).empty("changes").pool(
        [3] * 31
    )
    assert incident.match().truth is not True
    assert incident.match({"group_by": []}).truth is True


def test_an_alert_without_the_groups_label_belongs_to_every_group(incident: Incident) -> None:
    result = incident.alert(20).log([18, 19, 20], "payments", TIMEOUT).match()
    assert (result.truth, result.best.group) == (True, {"service_name": "payments"})


def test_fewer_lines_than_asked_for_are_not_enough(incident: Incident) -> None:
    incident.alert(20).log([18, 19], "payments", TIMEOUT).log([20], "payments", "timeout of another sort")
    assert truths(incident.match())["pool"] is False


def test_lines_before_the_window_do_not_count(incident: Incident) -> None:
    incident.alert(20).log([1, 2, 14], "payments", TIMEOUT).log([20], "payments", "fine")
    assert truths(incident.match())["pool"] is False
    assert truths(incident.match(minute=15))["pool"] is True


@pytest.mark.parametrize(
    ("in_use", "expected"),
    [
        ([3] * 20 + [10] * 11, True),
        ([3] * 27 + [10] * 4, False),
        ([3] * 20 + [10, 10, 10, 3, 10, 10, 10, 3, 10, 10, 10], False),
        ([10] * 8 + [3] * 23, False),
        ([10] * 12 + [3] * 19, False),
        ([10] * 24 + [3] * 7, True),
        ([None] * 31, None),
        ([None] * 30 + [10], None),
        ([None] * 20 + [10] * 11, True),
    ],
)
def test_a_metric_must_hold_for_its_time_without_a_gap(
    incident: Incident, in_use: list[float | None], expected: Truth
) -> None:
    assert truths(incident.pool(in_use).match())["full"] is expected


def test_signals_in_the_wrong_order_are_no_match(incident: Incident) -> None:
    incident.alert(10, service_name="payments").change(20, "payments").log([18, 19, 20], "payments", TIMEOUT)
    result = incident.match({"window": "25m"})
    assert (result.best.condition, result.best.ordered, result.truth) == (True, False, False)


def test_order_says_nothing_about_signals_that_are_not_true(incident: Incident) -> None:
    incident.alert(20, service_name="payments").log([18, 19, 20], "payments", TIMEOUT).empty("changes")
    result = incident.match()
    assert (result.best.ordered, result.truth) == (None, True)


def test_an_alert_that_ended_before_the_window_does_not_count(incident: Incident) -> None:
    incident.alert(2, 5, service_name="payments").empty("changes").log([18, 19, 20], "payments", TIMEOUT)
    assert truths(incident.match())["slow"] is False


def test_excluded_labels_are_left_out_everywhere(incident: Incident) -> None:
    incident.alert(20, service_name="perf-payments").log([18, 19, 20], "perf-payments", TIMEOUT)
    incident.change(10, "perf-payments").pool([10] * 31, "perf-payments")
    assert incident.match().truth is True
    result = incident.match({"exclude": ['service.name=~"perf-.*"']})
    assert result.truth is not True
    assert result.best.share == 0
    assert incident.match({"exclude": ['namespace!="prod"']}).truth is True


def test_a_query_that_cannot_be_evaluated_leaves_its_signal_unknown_with_the_reason(
    incident: Incident,
) -> None:
    signals = {"odd": {"type": "metric", "promql": "topk(1, db_pool_in_use)", "op": "gt", "value": 1}}
    result = incident.pool([10] * 31).match(
        {"signals": signals, "condition": "odd", "order": [], "weights": {}}
    )
    assert result.truth is None
    assert str(result.evidence[0].error).startswith("cannot evaluate: the function 'topk'")
    assert result.evidence[0].observed.startswith("failed: ")


def test_not_turns_false_into_true_and_leaves_unknown_alone(incident: Incident) -> None:
    incident.empty("alerts")
    changes = {"condition": "not slow", "order": [], "weights": {}}
    assert incident.match(changes).truth is True
    (incident.folder / "alerts.jsonl").unlink()
    assert incident.match(changes).truth is None


def test_a_recording_matches_at_the_first_minute_at_which_it_holds(incident: Incident) -> None:
    incident.alert(12, 14, service_name="payments").log([10, 11, 12], "payments", TIMEOUT).empty("changes")
    match = Match.model_validate({**POOL, "window": "3m"})
    recording = load(incident.folder)
    with direct(recording) as telemetry:
        assert evaluate(match, telemetry, END).truth is not True
        result = evaluate_recording(match, telemetry, recording.info)
    assert (result.truth, result.best.at) == (True, START + 12 * 60)


def test_labels_in_matchers_may_be_written_as_opentelemetry_names_them(incident: Incident) -> None:
    incident.log([18, 19, 20], "payments", TIMEOUT).log([18], "checkout", TIMEOUT)
    signals = {"pool": {**POOL["signals"]["pool"], "matchers": ['service.name="payments"']}}
    changes = {"signals": signals, "condition": "pool", "order": [], "weights": {}}
    assert incident.match(changes).truth is True
    signals["pool"]["matchers"] = ['service.name="checkout"']
    assert incident.match(changes).truth is False


def test_a_partial_match_says_so(incident: Incident) -> None:
    assert incident.match({"partial": True}).partial


EXAMPLES = {
    "teams/payments/recordings/pool-exhaustion-after-rollout": True,
    "teams/payments/recordings/quiet-afternoon": False,
    "tribes/product/recordings/slow-dependency-behind-three-services": None,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_recordings_are_told_apart(name: str) -> None:
    recording = load(KNOWLEDGE / name)
    assert recording.notes == ()
    assert recording.info.synthetic
    match = Match.model_validate({**POOL, "group_by": [], "condition": "slow and roll and (pool or full)"})
    with direct(recording) as telemetry:
        assert evaluate_recording(match, telemetry, recording.info).truth is EXAMPLES[name]


def test_the_rows_of_the_examples_are_what_their_story_says() -> None:
    folder = KNOWLEDGE / "teams/payments/recordings/pool-exhaustion-after-rollout"
    told = load(folder).telemetry
    assert [change for change in told.changes if change.type == "deployment"] == [
        Change(
            1776174720.0,
            "deployment",
            "payments",
            "payments v2.14.0 rolled out to every region",
            {"version": "v2.14.0"},
        )
    ]
    errors = [line for line in told.logs if line.message == TIMEOUT]
    assert {line.service for line in errors} == {"payments"}
    assert len(errors) > 100
    assert isinstance(errors[0], LogLine)
    in_use, size = (
        {one.name: one for one in told.series if one.service == "payments"}[n]
        for n in ("db_pool_in_use", "db_pool_size")
    )
    assert (size.values[0], size.values[-1], in_use.values[-1]) == (40, 8, 8)
    assert all(used <= most for used, most in zip(in_use.values, size.values, strict=True))
    assert gzip.decompress((folder / "metrics.csv.gz").read_bytes()).startswith(
        b"time,storefront|http_requests_per_second,"
    )


class Hollow:
    """Telemetry whose series have labels and no samples, as a server that means no good may send them."""

    def __getattr__(self, name: str) -> Any:
        none = Answer((Series({"__name__": "ALERTS", "alertname": "HighLatency"}, (), ()),), name, "", 0, 0)
        return (lambda *_: True) if name == "observes" else lambda *_: none

    def annotations(self, *_: object) -> Answer[tuple[Change, ...]]:
        return Answer((), "get_annotations", "", 0, 0)

    def logs(self, *_: object) -> Answer[tuple[LogLine, ...]]:
        return Answer((), "query_loki_logs", "", 0, 0)


def test_series_without_samples_say_nothing() -> None:
    result = evaluate(Match.model_validate(POOL), Hollow(), END)  # as much of telemetry as is asked
    assert truths(result) == {"slow": False, "pool": None, "full": None, "roll": False}


def test_an_alert_that_is_said_to_fire_for_decades_costs_no_more_than_one_that_fires(
    incident: Incident,
) -> None:
    incident.folder.joinpath("alerts.jsonl").write_text(
        '{"name":"HighLatency","labels":{"severity":"page"},"starts_at":0}\n'
        '{"name":"HighLatency","labels":{"severity":"critical"},"starts_at":0,"ends_at":"9999-01-01T00:00:00Z"}\n'
    )
    series = [one for one in Store(load(incident.folder)).series if one.labels["__name__"] == "ALERTS"]
    assert [one.labels["severity"] for one in series] == ["page", "critical"]
    assert all(len(one.times) < 12_000 for one in series)
    assert truths(incident.match())["slow"] is True
