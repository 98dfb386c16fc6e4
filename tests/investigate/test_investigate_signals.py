"""The pure signals, on small incidents whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.investigate.families import Family, meaning
from compass.investigate.observation import Observation, SeriesKey, Slice, Track
from compass.investigate.ranking import rank
from compass.investigate.robust import share_changed
from compass.investigate.series import tracks
from compass.investigate.statements import mention, statement
from compass.investigate.traces import Forest
from compass.model.recording import LogLine, Series, Span

DETECTED = 10_000.0
SECOND = 1_000_000_000


def track(component: str, metric: str, before: float, since: float, wobble: float = 0.02) -> Track:
    times = np.arange(DETECTED - 600, DETECTED + 300, 30.0)
    levels = np.where(times < DETECTED, before, since)
    steady = 1 + wobble * np.sin(np.arange(len(times)) * 1.7)
    return Track(
        SeriesKey(component, metric), times, levels * steady, f'{metric}{{service_name="{component}"}}'
    )


def incident(
    *found: Track,
    spans: tuple[Span, ...] = (),
    logs: tuple[LogLine, ...] = (),
    graph: tuple[tuple[str, str], ...] = (),
) -> Observation:
    window = Slice({one.key: one for one in found}, spans, logs)
    return Observation(DETECTED, DETECTED - 600, DETECTED + 300, window, graph=graph)


def first(observed: Observation) -> str:
    return rank(observed).components[0].component


def requests(callee_ms: float, way_ms: float, *, since: bool, count: int = 30) -> list[Span]:
    """Requests front -> back, one a second, before or since detection."""
    spans = []
    for number in range(count):
        begin = int((DETECTED + 5 + number if since else DETECTED - 500 + number) * SECOND)
        trace = f"{'b' if since else 'a'}{number}"
        whole, own = int((callee_ms + way_ms) * 1e6), int(callee_ms * 1e6)
        spans += [
            Span(trace, "1", "", "front", "GET /", begin, begin + whole + 2_000_000),
            Span(trace, "2", "1", "front", "call back", begin + 1_000_000, begin + 1_000_000 + whole),
            Span(trace, "3", "2", "back", "work", begin + 1_500_000, begin + 1_500_000 + own),
            Span(trace, "4", "1", "front", "call side", begin, begin + 3_000_000),
            Span(trace, "5", "4", "side", "work", begin, begin + 1_000_000),
        ]
    return spans


@pytest.mark.parametrize(
    ("metric", "family", "bad"),
    [
        ("CpuUsage_m_", Family.CPU, 1),
        ("container_cpu_cfs_throttled_seconds_total", Family.CPU, 1),
        ("node_memory_MemAvailable_bytes", Family.MEMORY, -1),
        ("node_filesystem_avail_bytes", Family.DISK, -1),
        ("PodServerLatencyP99_s_", Family.LATENCY, 1),
        ("PodClientLatencyP90_s_", Family.CLIENT_LATENCY, 1),
        ("http_server_request_duration_seconds", Family.LATENCY, 1),
        ("availability_Average", Family.AVAILABILITY, -1),
        ("http_requests_errors_total", Family.ERRORS, 1),
        ("kafka_consumergroup_lag", Family.SATURATION, 1),
        ("db_pool_in_use", Family.SATURATION, 1),
        ("kube_pod_container_status_restarts_total", Family.RESTARTS, 1),
        ("requests_Sum", Family.TRAFFIC, 0),
        ("pi", Family.OTHER, 0),
    ],
)
def test_the_words_of_a_metric_name_tell_its_family_and_the_direction_that_hurts(metric, family, bad):
    assert meaning(metric)[:2] == (family, bad)


def test_a_component_whose_processor_time_jumps_comes_first():
    quiet = [track(name, "cpu_percent", 20, 20.5) for name in ("a", "b", "c", "d")]
    assert first(incident(*quiet, track("e", "cpu_percent", 20, 90))) == "e"


def test_free_memory_that_falls_is_trouble_and_free_memory_that_grows_is_not():
    falls = track("a", "memory_available_bytes", 8e9, 1e9)
    grows = track("b", "memory_available_bytes", 1e9, 8e9)
    quiet = [track(name, "memory_available_bytes", 4e9, 4e9) for name in "cdefg"]
    found = {one.component: one.score for one in rank(incident(falls, grows, *quiet)).components}
    assert found["a"] > 0
    assert found["b"] == 0


def test_latency_is_blamed_on_the_callee_that_adds_it_not_on_the_callers_that_hand_it_on():
    chain = [("shop", "cart"), ("cart", "stock"), ("shop", "mail")]
    found = [
        *(track(name, "latency_average", level, level + 0.4) for name, level in [("shop", 0.3), ("cart", 0.2), ("stock", 0.1)]),
        track("mail", "latency_average", 0.1, 0.1),
        *(track(name, "requests", 100, 100) for name in ("shop", "cart", "stock", "mail")),
    ]  # fmt: skip
    assert first(incident(*found, graph=tuple(chain))) == "stock"


def test_a_drifted_baseline_that_every_component_left_long_ago_names_nobody():
    found = [track(name, "cpu_percent", 40, 40 + 30 * (name == "c")) for name in "abcde"]
    old = {
        one.key: Track(
            one.key, one.times - 1e6, np.full(len(one.times), 10.0) + np.arange(len(one.times)) % 3
        )
        for one in found
    }
    observed = Observation(
        DETECTED, DETECTED - 600, DETECTED + 300, Slice({one.key: one for one in found}), Slice(old)
    )
    assert first(observed) == "c"


def test_calls_that_take_longer_on_the_way_are_credited_to_the_callee():
    spans = (*requests(10, 2, since=False), *requests(10, 300, since=True))
    ranked = rank(incident(spans=spans)).components[0]
    assert ranked.component == "back"
    assert "on the way" in ranked.findings[0].text


def test_a_service_that_is_slower_by_itself_is_told_from_one_behind_a_slow_network():
    spans = (*requests(10, 2, since=False), *requests(400, 2, since=True))
    ranked = rank(incident(spans=spans)).components[0]
    assert ranked.component == "back"
    assert "of its own" in ranked.findings[0].text


def test_the_deepest_operation_that_fails_is_the_one_that_is_named():
    good = requests(10, 2, since=False)
    bad = [
        span._replace(status="error") if span.span in {"1", "2", "3"} else span
        for span in requests(10, 2, since=True)
    ]
    assert first(incident(spans=(*good, *bad))) == "back"


def log(at: float, service: str, level: str, message: str, trace: str = "") -> LogLine:
    return LogLine(int(at * SECOND), {"service_name": service, "level": level}, message, trace)


def by_time(line: LogLine) -> int:
    return line.time_ns


def test_new_errors_speak_against_their_writer_and_against_the_component_they_name():
    names = ("bank", "cart", "mail")
    calm = [log(DETECTED - 500 + at, name, "INFO", "request handled") for at in range(700) for name in names]
    loud = [log(DETECTED + at, "cart", "ERROR", f"ValueError in row {at}") for at in range(0, 200, 4)]
    refused = [
        log(DETECTED + at, "cart", "ERROR", f"connection to mail refused, try {at}")
        for at in range(0, 200, 4)
    ]
    assert first(incident(logs=tuple(sorted([*calm, *loud], key=by_time)))) == "cart"
    assert first(incident(logs=tuple(sorted([*calm, *refused], key=by_time)))) == "mail"


def test_a_statement_is_its_place_in_the_code_else_its_constant_words():
    assert statement("12:00:01 INFO shop.Cart#120 TraceID: 4bf92f3577b34da6 added 3") == "shop.Cart#120"
    one = statement('{"message": "order 4711 failed after 30 ms", "level": "error"}')
    assert one == statement('{"message": "order 12 failed after 7 ms", "level": "error"}')
    assert statement("failed: java.lang.IllegalStateException") != statement("failed: java.io.IOException")


def test_only_whole_names_of_other_components_count_as_mentioned():
    told = mention(["cart", "cart-db", "shop"])
    assert told(log(1, "shop", "ERROR", "no route to cart-db")) == "cart-db"
    assert not told(log(1, "shop", "ERROR", "cartwheel of the shop"))


def test_counters_become_rates_and_histograms_become_means():
    times = [float(at) for at in range(0, 300, 30)]
    labels = {"service_name": "a", "__name__": "http_request_duration_seconds"}
    found = tracks(
        [
            Series({**labels, "__name__": "http_requests_total"}, times, [10.0 * at for at in range(10)]),
            Series({**labels, "__name__": "http_request_duration_seconds_sum"}, times, [2.0 * at for at in range(10)]),
            Series({**labels, "__name__": "http_request_duration_seconds_count"}, times, [10.0 * at for at in range(10)]),
            Series({**labels, "__name__": "http_request_duration_seconds_bucket", "le": "1"}, times, times),
        ]
    )  # fmt: skip
    assert found[SeriesKey("a", "http_requests_total")].values == pytest.approx([1 / 3] * 9)
    assert found[SeriesKey("a", "http_request_duration_seconds")].values == pytest.approx([0.2] * 9)
    assert not any("bucket" in key.metric for key in found)


def test_a_share_that_stayed_the_same_is_no_evidence_and_one_that_turned_over_is_much():
    assert share_changed((50, 100), (25, 50)) < 0
    assert share_changed((0, 100), (20, 20)) > 5
    assert share_changed((0, 0), (1, 1)) < 1


@given(st.permutations(range(40)))
def test_the_forest_does_not_depend_on_the_order_of_the_spans(order):
    spans = [*requests(10, 2, since=False, count=8)]
    assert Forest.grow([spans[at] for at in order]) == Forest.grow(spans)


def test_the_ranking_does_not_depend_on_the_order_of_the_telemetry():
    spans = [*requests(10, 2, since=False), *requests(10, 300, since=True)]
    found = [track(name, "cpu_percent", 20, 20 + at) for at, name in enumerate(("front", "back", "side"))]
    assert (
        rank(incident(*found, spans=tuple(spans))).components
        == rank(incident(*found[::-1], spans=tuple(spans[::-1]))).components
    )


def test_without_any_telemetry_there_is_no_ranking_and_no_crash():
    assert rank(incident()).components == ()
