"""What tells a component apart beyond levels of metrics: alerts, calls nobody answers, who is new, who calls whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compass.investigate.alerts import alert_findings
from compass.investigate.calls import failed_span_findings, last_call_findings
from compass.investigate.deviation import deviations
from compass.investigate.families import Family, meaning
from compass.investigate.logs import new_error_findings
from compass.investigate.observation import Observation, SeriesKey, Slice, Track
from compass.investigate.ranking import rank
from compass.investigate.series import calls, tracks
from compass.model.catalog import Entity
from compass.model.catalog import calls as catalog_calls
from compass.model.recording import Alert, LogLine, Series, Span

DETECTED = 10_000.0
SECOND = 1_000_000_000


def track(component: str, metric: str, times: np.ndarray, values: np.ndarray) -> Track:
    return Track(SeriesKey(component, metric), times, values, f'{metric}{{service_name="{component}"}}')


def often(component: str, metric: str, before: float, since: float, onset: float = 0.0) -> Track:
    """A sample every two seconds for ten minutes before detection; the level changes `onset` seconds before it."""
    times = np.arange(DETECTED - 600, DETECTED + 60, 2.0)
    wobble = 1 + 0.02 * np.sin(np.arange(len(times)) * 1.7)
    return track(component, metric, times, np.where(times < DETECTED - onset, before, since) * wobble)


def incident(*found: Track, spans: tuple[Span, ...] = (), logs: tuple[LogLine, ...] = ()) -> Observation:
    window = Slice({one.key: one for one in found}, spans, logs)
    return Observation(DETECTED, DETECTED - 600, DETECTED + 60, window)


def test_what_begins_shortly_before_it_is_noticed_stands_out_as_much_as_what_begins_with_it():
    quiet = [often(name, "cpu_percent", 20, 20) for name in "abcd"]
    late = deviations(incident(*quiet, often("e", "cpu_percent", 20, 80)))
    early = deviations(incident(*quiet, often("e", "cpu_percent", 20, 80, onset=40)))
    scores = [max(one.surprise for one in found if one.key.component == "e") for found in (late, early)]
    assert scores[0] == pytest.approx(scores[1], rel=0.05)
    assert scores[0] > 1


def test_with_few_samples_none_is_given_away():
    times = np.arange(DETECTED - 240, DETECTED + 180, 60.0)
    sparse = track("a", "cpu_percent", times, np.arange(len(times), dtype=float))
    assert len(incident(sparse).before(sparse)) == 4


def test_a_counter_of_failures_that_appears_with_the_first_failure_stood_at_nothing_before():
    times = np.arange(DETECTED, DETECTED + 60, 2.0)
    fails = track("a", "rejected_total", times, np.full(len(times), 5.0))
    pods = track("a", "cpu_percent", times, np.full(len(times), 50.0))
    observed = incident(often("a", "queue", 3, 3), often("b", "queue", 3, 3), fails, pods)
    found = {one.key.metric: one.surprise for one in deviations(observed)}
    assert found["rejected_total"] > 1
    assert "cpu_percent" not in found  # another series of a known component: a new process, not new use


def test_a_component_that_appears_with_the_trouble_used_nothing_before():
    times = np.arange(DETECTED - 20, DETECTED + 60, 2.0)
    newcomer = track("batch", "cpu_percent", times, np.full(len(times), 90.0))
    observed = incident(*(often(name, "cpu_percent", 20, 21) for name in "abcd"), newcomer)
    assert observed.newcomers == {"batch"}
    assert rank(observed).components[0].component == "batch"


def alert(name: str, service: str, at: float = -10.0) -> Alert:
    return Alert(name, {"service_name": service}, DETECTED + at, None)


def test_of_alerts_of_one_name_the_deepest_component_counts_and_what_is_special_to_one_counts_more():
    names = ("shop", "cart", "stock", "ledger")
    observed = replace(
        incident(*(often(name, "queue", 3, 3) for name in names)),
        graph=(("shop", "cart"), ("cart", "stock")),
        alerts=(
            alert("HighLatency", "shop"),
            alert("HighLatency", "cart"),
            alert("CertificateExpires", "ledger"),
            alert("HighLatency", "stock", at=500.0),
            alert("Anything", "unheard-of"),
        ),
    )
    found = {one.component: one.score for one in alert_findings(observed)}
    assert set(found) == {"cart", "ledger"}
    assert found["ledger"] > found["cart"] > 0


def exchange(number: int, *, since: bool, answered: bool, failed: bool) -> list[Span]:
    """A request at the shop, which calls the cart: whether the cart answers, and whether the call fails."""
    begin = int((DETECTED + 1 + number if since else DETECTED - 400 + number) * SECOND)
    trace = f"{'b' if since else 'a'}{number}"
    spans = [
        Span(trace, "1", "", "shop", "GET /", begin, begin + 4_000_000, "ok"),
        Span(trace, "2", "1", "shop", "call cart", begin + 1, begin + 3_000_000, "error" if failed else "ok"),
    ]
    return [
        *spans,
        *(
            [Span(trace, "3", "2", "cart", "GET /cart", begin + 2, begin + 2_000_000, "ok")]
            if answered
            else []
        ),
    ]


def exchanges(*, answered: bool) -> Observation:
    calm = [
        span for number in range(30) for span in exchange(number, since=False, answered=True, failed=False)
    ]
    loud = [
        span for number in range(30) for span in exchange(number, since=True, answered=answered, failed=True)
    ]
    return incident(spans=tuple(calm + loud))


def test_a_call_that_nobody_answers_speaks_of_who_used_to_answer_it():
    observed = exchanges(answered=False)
    assert [(one.component, one.other) for one in failed_span_findings(observed)] == [("cart", "shop")]
    assert not last_call_findings(observed)  # the request still ends after the call, answered or not


def test_a_call_that_fails_although_its_callee_does_not_speaks_of_both_alike():
    found = failed_span_findings(exchanges(answered=True))
    assert {one.component for one in found} == {"cart", "shop"}
    assert len({one.score for one in found}) == 1


def line(at: float, service: str, message: str) -> LogLine:
    return LogLine(int((DETECTED + at) * SECOND), {"service_name": service, "level": "ERROR"}, message)


def test_who_is_blamed_and_blames_another_hands_most_of_it_on():
    calm = [
        LogLine(int((DETECTED - 300 + at) * SECOND), {"service_name": "shop", "level": "INFO"}, "served")
        for at in range(0, 200, 2)
    ]
    loud = [line(at, "shop", "cart did not answer") for at in range(1, 50)]
    loud += [line(at, "cart", "stock did not answer") for at in range(1, 50)]
    observed = incident(
        *(often(name, "queue", 3, 3) for name in ("shop", "cart", "stock")), logs=tuple(calm + loud)
    )
    found = {one.component: one.score for one in new_error_findings(observed)}
    assert found["cart"] < 0.5 * found["stock"]


def test_labels_of_series_tell_who_calls_whom():
    client = Series(
        {"__name__": "http_client_requests_total", "service_name": "shop", "peer": "cart"}, (1.0,), (1.0,)
    )
    mesh = Series(
        {
            "__name__": "istio_requests_total",
            "app": "cart",
            "source_workload": "cart",
            "destination_workload": "stock",
        },
        (1.0,),
        (1.0,),
    )
    graph = Series(
        {"__name__": "traces_service_graph_request_total", "client": "a", "server": "b"}, (1.0,), (1.0,)
    )
    assert calls([client, mesh, graph]) == {("shop", "cart"), ("cart", "stock"), ("a", "b")}


def test_the_catalog_tells_who_depends_on_whom():
    shop = Entity.model_validate(
        {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name": "shop"},
            "spec": {"dependsOn": ["component:default/cart", "resource:shop-db"]},
        }
    )
    assert catalog_calls([shop]) == (("shop", "cart"), ("shop", "shop-db"))


def test_what_prometheus_tells_of_its_own_scrapes_says_nothing_of_a_component():
    own = Series({"__name__": "scrape_duration_seconds", "job": "shop"}, (1.0, 2.0), (0.1, 0.2))
    assert not tracks([own])


@pytest.mark.parametrize(
    ("metric", "family", "bad"),
    [
        ("db_pool_size", Family.SATURATION, 0),
        ("redis_memory_max_bytes", Family.MEMORY, 0),
        ("process_start_time_seconds", Family.RESTARTS, 1),
        ("process_resident_memory_bytes", Family.MEMORY, 1),
        ("http_request_duration_seconds_count", Family.TRAFFIC, 0),
    ],
)
def test_what_is_set_may_change_either_way_a_new_start_is_a_restart_and_a_count_is_traffic(
    metric, family, bad
):
    assert meaning(metric)[:2] == (family, bad)


def test_where_nobody_knows_who_calls_whom_a_share_of_the_trouble_counts_for_more_than_the_height_of_it():
    busy = [often("store", "requests_per_second", 400, 400), often("store", "latency_ms", 20, 60)]
    idle = [often("admin", "requests_per_second", 1, 1), often("admin", "latency_ms", 20, 90)]
    others = [
        often(name, metric, 20, 20) for name in "abcd" for metric in ("requests_per_second", "latency_ms")
    ]
    observed = incident(*busy, *idle, *others)
    ranking = rank(observed)
    assert [one.component for one in ranking.components[:2]] == ["store", "admin"]
    assert "who calls whom is not known" in ranking.components[0].findings[0].text
    linked = rank(replace(observed, graph=(("store", "a"),)))
    assert "none of its callees explains" in linked.components[0].findings[0].text
