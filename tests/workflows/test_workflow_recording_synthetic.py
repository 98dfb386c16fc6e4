"""A copy that may be shared: nothing of the original survives in it, and patterns see in it what they saw."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from compass.anonymize import Catalog
from compass.cli import cli
from compass.errors import NegativeAnswerError
from compass.library import load as load_library
from compass.model.catalog import PrivateNames
from compass.model.match import Match
from compass.model.recording import (
    Alert,
    Change,
    LogLine,
    RecordedTelemetry,
    RecordingInfo,
    Series,
    Span,
)
from compass.replay.load import load
from compass.workflows.recording.naming import Naming
from compass.workflows.recording.renamed import Renaming, metrics_in
from compass.workflows.recording.request import Gathered
from compass.workflows.recording.scaling import Scaling, metrics_of
from compass.workflows.recording.sharing import shared
from compass.workflows.recording.synthetic import START, Copier
from compass.workflows.recording.verdicts import asked, brought_together, compared, matches

SOURCE = ROOT / "knowledge" / "teams" / "payments" / "recordings" / "pool-exhaustion-after-rollout"
SERVICES = ("payments", "checkout", "ledger", "storefront", "notifications", "payments-db")
SEEDS = (1, 2, 3)


def compass(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def copied(target: Path, repo: Path, *more: object, source: Path = SOURCE) -> dict[str, Any]:
    done = compass(
        "-C", repo, "record", "shared", "--synthetic", "--from-recording", source, "--output", target, "--format", "json",
        *more,
    )  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(params=SEEDS)
def copier(request: pytest.FixtureRequest) -> Copier:
    recording = load(SOURCE)
    gathered = Gathered(recording.telemetry, recording.history)
    info = recording.info.model_copy(update={"id": "shared"})
    return Copier.of(info, gathered, (Catalog(), ()), (), Random(request.param))


def texts(info: RecordingInfo, part: RecordedTelemetry) -> Iterator[str]:
    yield from (info.id, info.symptom.text, str(info.symptom.service))
    for one in part.series:
        yield from (text for pair in one.labels.items() for text in pair)
    for line in part.logs:
        yield from (line.message, line.trace, line.service, line.level)
    for span in part.spans:
        yield from (span.trace, span.span, span.parent, span.service, span.name)
    for alert in part.alerts:
        yield from (alert.name, *alert.labels.values())
    for change in part.changes:
        yield from (change.type, change.service, change.summary, *change.labels.values())
    yield from (one for edge in part.edges for one in edge)


# Nothing survives ----------------------------------------------------------------------------------------------------


def test_no_service_id_or_value_of_the_original_stands_in_the_copy(copier: Copier) -> None:
    info, copy, _ = copier.copy(Random(7))
    before, after = copier.gathered.own, copy.own
    written = {word.lower() for text in texts(info, after) for word in re.findall(r"[\w.-]+", text)}
    ids = {one for span in before.spans for one in (span.trace, span.span)}
    requests = {found for line in before.logs for found in re.findall(r"\b[0-9a-f]{8}\b", line.message)}
    assert requests
    assert not written & {*SERVICES, *ids, *requests, "v2.14.0", "banner.text"}
    whole = " ".join(texts(info, after)).lower()
    for name in SERVICES:
        assert not re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", whole)


def test_no_time_of_the_original_is_one_of_the_copy(copier: Copier) -> None:
    info, copy, _ = copier.copy(Random(7))
    assert info.window.start.timestamp() == START
    assert info.synthetic is True
    for before, after in zip(copier.gathered.parts(), copy.parts(), strict=True):
        assert not {line.time_ns for line in before.logs} & {line.time_ns for line in after.logs}
        assert not {span.start_ns for span in before.spans} & {span.start_ns for span in after.spans}
        assert not {time for one in before.series for time in one.times} & {
            time for one in after.series for time in one.times
        }
    shift = copier.shift
    assert [line.time_ns + shift for line in copy.own.logs] == [
        line.time_ns for line in copier.gathered.own.logs
    ]


def test_no_number_of_the_original_stands_in_its_place(copier: Copier) -> None:
    _, copy, scaling = copier.copy(Random(7))
    assert all(abs(factor - 1) > 0.1 for factor in scaling.factors.values())
    for before, after in zip(copier.gathered.parts(), copy.parts(), strict=True):
        for old, new in zip(before.series, after.series, strict=True):
            for was, now in zip(old.values, new.values, strict=True):
                assert was in {0, 1} or now != was, old.labels
        for line, other in zip(before.logs, after.logs, strict=True):
            if len(re.findall(r"\d{3,}", line.message)) == 1 and "status=" not in line.message:
                old_number = re.findall(r"\d{3,}", line.message)[0]
                assert not re.search(rf"(?<!\d){old_number}(?!\d)", other.message), (
                    line.message,
                    other.message,
                )


def test_the_whole_folder_read_as_text_holds_no_service_and_no_day(
    tmp_path: Path, knowledge_repo: Path
) -> None:
    copied(tmp_path / "shared", knowledge_repo)
    import gzip

    for path in sorted((tmp_path / "shared").rglob("*")):
        if path.is_file():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            text = data.decode().lower()
            for word in (*SERVICES, "2026-04", "17761"):
                assert not re.search(rf"(?<![a-z0-9]){word}", text), (path.name, word)


# What is kept --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pattern_that_matches_the_original_matches_the_copy_under_the_same_new_names(
    seed: int, knowledge_repo: Path
) -> None:
    recording = load(SOURCE)
    gathered = Gathered(recording.telemetry, recording.history)
    patterns = matches(load_library(knowledge_repo, revision=None))
    info = recording.info.model_copy(update={"id": "shared"})
    verdicts = shared(info, gathered, (Catalog(), ()), patterns, Random(seed), lambda _: None).verdicts
    assert [one.entry for one in verdicts if one.original is True] == ["pat-3qbhrnha5p"]
    assert all(one.kept for one in verdicts)
    assert [one.changed for one in verdicts if one.original is True] == [()]


def test_a_pattern_that_the_copy_loses_is_named_with_its_signals(copier: Copier) -> None:
    threshold = Match.model_validate(
        {
            "window": "30m",
            "signals": {"all": {"type": "metric", "promql": "sum(db_pool_size)", "op": "gte", "value": 60}},
            "condition": "all",
        }
    )
    patterns = (("pat-0000000000", "as large as it gets", threshold),)
    before = asked(patterns, copier.info, copier.gathered)
    assert before[0].truth is True
    for draw in range(30):
        info, copy, scaling = copier.copy(Random(draw))
        if scaling.factors["count"] < 1:
            break
    (verdict,) = compared(patterns, before, info, copy, Renaming(copier.naming, copier.text(scaling)))
    assert (verdict.original, verdict.copy, verdict.kept) == (True, False, False)
    assert verdict.told() == "pat-0000000000 is true of the original and false of the copy (all)"


def test_ratios_of_metrics_that_a_query_divides_are_what_they_were(copier: Copier) -> None:
    _, copy, _ = copier.copy(Random(11))
    pairs = (("db_pool_in_use", "db_pool_size"), ("http_errors_per_second", "http_requests_per_second"))
    for upper, lower in pairs:
        for before, after in zip(
            ratios(copier.gathered.own, upper, lower), ratios(copy.own, upper, lower), strict=True
        ):
            assert math.isclose(before, after, rel_tol=2e-5, abs_tol=1e-9)


def ratios(part: RecordedTelemetry, upper: str, lower: str) -> list[float]:
    found = {(one.name, one.service): one.values for one in part.series}
    rows = [
        [
            above / below
            for above, below in zip(found[upper, service], found[lower, service], strict=True)
            if below
        ]
        for name, service in found
        if name == lower and (upper, service) in found
    ]
    return sorted(value for row in rows for value in row)


def test_the_same_seed_gives_the_same_copy() -> None:
    recording = load(SOURCE)
    gathered = Gathered(recording.telemetry, recording.history)
    copies = []
    for _ in range(2):
        made = Copier.of(
            recording.info.model_copy(update={"id": "shared"}), gathered, (Catalog(), ()), (), Random(5)
        )
        copies.append(made.copy(Random(6))[:2])
    assert copies[0] == copies[1]


def test_the_command_says_what_patterns_see_in_the_copy(tmp_path: Path, knowledge_repo: Path) -> None:
    found = copied(tmp_path / "shared", knowledge_repo)
    assert found["synthetic"] is True
    (matched,) = [one for one in found["patterns"] if one["original"] is True]
    assert (matched["entry"], matched["copy"]) == ("pat-3qbhrnha5p", True)
    recording = load(tmp_path / "shared")
    assert recording.info.synthetic
    assert recording.notes == ()
    assert recording.history
    done = compass(
        "-C", knowledge_repo, "investigate", "--recording", tmp_path / "shared", "--auto", "--format", "json"
    )
    original = compass(
        "-C", knowledge_repo, "investigate", "--recording", SOURCE, "--auto", "--format", "json"
    )
    scores = [
        [round(one["score"], 1) for one in json.loads(result.stdout)["services"]]
        for result in (done, original)
    ]
    assert scores[0][0] == pytest.approx(scores[1][0], rel=0.1)


def test_the_limit_holds_for_a_copy(tmp_path: Path, knowledge_repo: Path) -> None:
    found = copied(tmp_path / "shared", knowledge_repo, "--limit", "80kB")
    assert found["bytes"] <= 80_000
    assert any("traces: for size" in line for line in found["left_out"])


# Input of other people -----------------------------------------------------------------------------------------------


INFO = RecordingInfo.model_validate(
    {
        "schema": 1,
        "id": "shared",
        "window": {"from": "2026-05-01T12:00:00Z", "to": "2026-05-01T12:10:00Z"},
        "detected": "2026-05-01T12:05:00Z",
        "symptom": {
            "text": "Initech cannot pay at acme-pay",
            "service": "acme-pay",
            "metric": "acme-pay|acme_pay_loans_total",
        },
        "left_out": ["logs: failed: no route to host tsdb7.acme.internal"],
    }
)
AT = 1777636800.0
HOSTILE = Gathered(
    RecordedTelemetry(
        series=(
            Series(
                {"__name__": "acme_pay_loans_total", "service_name": "acme-pay", "tenant": "Initech", "instance": "10.2.3.4:9090"},
                (AT, AT + 60),
                (1200.0, 1300.0),
            ),
            Series({"__name__": "disk_used_ratio", "service_name": "acme-pay", "device": "nvme0n1"}, (AT,), (0.93,)),
            Series({"__name__": "process_start_time_seconds", "service_name": "acme-pay"}, (AT,), (AT - 5000,)),
            Series({"__name__": "up", "service_name": "acme-pay"}, (AT,), (1.0,)),
            Series({"__name__": "lat_seconds_bucket", "service_name": "acme-pay", "le": "0.5"}, (AT,), (77.0,)),
        ),
        logs=(
            LogLine(
                round(AT * 1e9) + 123,
                {"service_name": "acme-pay", "level": "ERROR"},
                "tenant Initech on acme-pay-7d9f8b6c5-x2x4z (10.2.3.4) waited 5000 ms, status=503, mail jane.roe@acme.com, run 8877665544 took 12.5 s",
                "ab" * 16,
            ),
        ),
        spans=(Span("ab" * 16, "cd" * 8, "", "acme-pay", "GET /loans/initech", round(AT * 1e9), round(AT * 1e9) + 5, "error"),),
        alerts=(Alert("AcmePayDown", {"service_name": "acme-pay", "severity": "page", "region": "frankfurt-2"}, AT, None),),
        changes=(Change(AT, "deployment", "acme-pay", "acme-pay 4.17.2 by Jane Roe for Initech", {"version": "4.17.2"}),),
        edges=(("acme-pay", "acme-db"),),
        present=frozenset({"metrics", "logs", "traces", "alerts", "changes", "graph"}),
    )
)  # fmt: skip
KNOWN = Catalog(
    PrivateNames(services=("acme-pay",), customers=("Initech",), internal_domains=("acme.internal",))
)
PLANTED = (
    "acme", "initech", "10.2.3.4", "9090", "nvme0n1", "7d9f8b6c5", "x2x4z", "jane", "roe", "frankfurt", "4.17.2", "abab",
    "cdcd", "5000", "8877665544", "12.5", "1200", "1300", "tsdb7", "loans/",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_planted_names_hosts_people_and_numbers_are_gone(seed: int) -> None:
    made = Copier.of(INFO, HOSTILE, (KNOWN, ()), (), Random(seed))
    info, copy, _ = made.copy(Random(seed))
    made.refuse_leaks(info, copy)
    numbers = [f"{value:g}" for one in copy.own.series for value in one.values]
    whole = "\n".join([*texts(info, copy.own), *info.left_out, str(info.symptom.metric), *numbers]).lower()
    for word in PLANTED:
        assert word not in whole, word
    assert "status=503" in copy.own.logs[0].message
    assert copy.own.logs[0].level == "ERROR"
    assert copy.own.logs[0].trace == copy.own.spans[0].trace
    assert copy.own.series[0].labels["instance"].startswith("instance-")
    assert copy.own.series[4].labels["le"] == "0.5"
    assert 0.9 < copy.own.series[1].values[0] < 0.96
    assert copy.own.series[2].values[0] == START - 5000
    assert copy.own.series[3].values[0] == 1


def test_a_name_that_names_a_service_is_refused(tmp_path: Path, knowledge_repo: Path) -> None:
    done = compass(
        "-C",
        knowledge_repo,
        "record",
        "payments-pool",
        "--synthetic",
        "--from-recording",
        SOURCE,
        "--output",
        tmp_path / "x",
    )
    assert getattr(done.exception, "exit_code", None) == 2
    assert "names a service" in str(done.exception)
    assert not (tmp_path / "x").exists()


def test_a_name_that_would_stay_stops_the_copy(copier: Copier) -> None:
    info, copy, _ = copier.copy(Random(1))
    leaking = copy.own.logs[0]._replace(message="asked the ledger again")
    own = RecordedTelemetry(logs=(leaking,))
    with pytest.raises(NegativeAnswerError, match="would still say ledger"):
        copier.refuse_leaks(info, Gathered(own))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from-recording", SOURCE], "makes a copy to share"),
        (["--from-recording", SOURCE, "--synthetic", "--server", "http://x"], "--server has no place"),
        (["--from-recording", SOURCE, "--synthetic", "--symptom", "x"], "--symptom has no place"),
        (["--from-recording", SOURCE.parent, "--synthetic"], "has no recording.yaml"),
    ],
)
def test_options_that_do_not_go_with_a_recording_are_named(
    tmp_path: Path, arguments: list[object], said: str
) -> None:
    done = compass("record", "shared", "--output", tmp_path / "x", *arguments)
    assert getattr(done.exception, "exit_code", None) == 2
    assert said in str(done.exception)


# The parts -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def naming() -> Naming:
    made = Naming(HOSTILE, KNOWN, (), Random(3))
    for one in HOSTILE.own.series:
        made.labels(one.labels.items())
    return made


@pytest.mark.parametrize(
    ("query", "renamed"),
    [
        ("acme_pay_loans_total", "metric_1_total"),
        ("rate(acme_pay_loans_total[5m]) > 2", "rate(metric_1_total[5m]) > 2"),
        ('up{service_name="acme-pay"}', 'up{service_name="SERVICE"}'),
        ('up{service_name=~"acme-pay|other"}', 'up{service_name=~"ESCAPED|service\\\\-3"}'),
        ('up{service_name=~"acme.*"}', 'up{service_name=~".+"}'),
        ('up{service_name=~"zzz.*"}', 'up{service_name=~"nothing-of-this-recording"}'),
        ('sum by (service_name) (up{tenant!="Initech"})', 'sum by (service_name) (up{tenant!="tenant-1"})'),
        ('{__name__="acme_pay_loans_total"}', '{__name__="metric_1_total"}'),
        ("up / on (instance) disk_used_ratio", "up / on (instance) disk_used_ratio"),
        ("not a query (", "not a query ("),
    ],
)
def test_a_query_is_renamed_word_for_word(naming: Naming, query: str, renamed: str) -> None:
    service = naming.service("acme-pay")
    wanted = renamed.replace("SERVICE", service).replace("ESCAPED", service.replace("-", r"\\-"))
    assert Renaming(naming, naming.text).promql(query) == wanted


@pytest.mark.parametrize(
    ("query", "metrics"),
    [
        ("db_pool_in_use / db_pool_size", {"db_pool_in_use", "db_pool_size"}),
        ('sum by (pod) (rate(a_total{x="b"}[5m])) / on (pod) group_left(node) c', {"a_total", "c"}),
        ("max without (pod) (a) offset 5m", {"a"}),
        ("bad (", {"bad"}),
        ("$", set()),
    ],
)
def test_the_metrics_of_a_query_are_found(query: str, metrics: set[str]) -> None:
    assert metrics_in(query) - {"bad"} == metrics - {"bad"}


def test_metrics_that_a_query_brings_together_share_their_factor() -> None:
    match = Match.model_validate(
        {
            "window": "5m",
            "signals": {
                "a": {"type": "metric", "promql": "work_seconds / requests_queued", "op": "gt", "value": 1}
            },
            "condition": "a",
        }
    )
    together = brought_together([("pat-0000000000", "t", match)])
    series = tuple(
        Series({"__name__": name}, (AT,), (value,))
        for name, value in (("work_seconds", 7.0), ("requests_queued", 3.0))
    )
    gathered = Gathered(RecordedTelemetry(series))
    scaling = Scaling.drawn(metrics_of(gathered, AT, together), together, 0.0, Random(1))
    assert scaling.factors["time"] == scaling.factors["count"] != scaling.factors["memory"]


@given(st.text(max_size=200), st.integers(0, 3))
def test_a_text_scaled_keeps_what_is_no_number(text: str, seed: int) -> None:
    scaling = Scaling({}, {"time": 1.5, "memory": 0.7, "count": 1.3}, 0.9 + seed / 20, 0.0)
    assert re.sub(r"[\d.]+", "", scaling.text(text)) == re.sub(r"[\d.]+", "", text)
