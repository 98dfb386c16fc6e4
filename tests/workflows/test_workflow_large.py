"""Systems of more series than are read one by one: what is asked of them, in which order, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from compass.adapters.telemetry.queries import Reply, ToolTelemetry
from compass.investigate.experiments import Bench
from compass.investigate.findings import Finding, Signal
from compass.investigate.metric_trials import hurts, level, peers
from compass.investigate.observe import ALL_METRICS, observe
from compass.investigate.ranking import rank
from compass.investigate.series import calls, tracks
from compass.investigate.summed import Sum, of_every_component
from compass.model.entry import TimeWindow
from compass.model.investigation import Incident, Verdict
from compass.model.recording import RecordedTelemetry, Recording, RecordingInfo, Series
from compass.replay.direct import DirectTools
from compass.workflows.live import choosing
from compass.workflows.live.choosing import Metric, chosen, in_order, metrics_of
from compass.workflows.live.neighbours import nearest
from compass.workflows.live.routing import route_to
from compass.workflows.live.surveying import Survey
from compass.workflows.live.telemetry import LiveTelemetry
from compass.workflows.recording import ask_metrics
from compass.workflows.recording.ask_metrics import Group

START, DETECTED, END = 1_777_636_800, 1_777_638_300, 1_777_638_600
INFO = RecordingInfo.model_validate(
    {
        "schema": 1,
        "id": "large",
        "window": {"from": "2026-05-01T12:00:00Z", "to": "2026-05-01T12:30:00Z"},
        "detected": "2026-05-01T12:25:00Z",
        "symptom": {"text": "slow"},
    }
)
TIMES = range(START, END + 1, 15)
ILL, NOTICED, RESTARTED = "zoo", "bar", "abc"
SERVICES = (RESTARTED, NOTICED, "cow", "dog", "elk", "fox", "gnu", "hen", ILL)


class Asking:
    """A recording's tools that remember what PromQL they were asked."""

    def __init__(self, series: Sequence[Series], refuse: Callable[[str], str | None]) -> None:
        rows = RecordedTelemetry(series=tuple(series), present=frozenset({"metrics"}))
        self.inner, self.refuse = DirectTools(Recording(INFO, Path(), rows)), refuse
        self.asked: list[str] = []

    @property
    def tools(self) -> Mapping[str, frozenset[str]]:
        return self.inner.tools

    def call(self, tool: str, arguments: Mapping[str, object]) -> Reply:
        query = str(arguments.get("expr", ""))
        self.asked.append(query)
        refusal = self.refuse(query)
        return Reply(None, refusal) if refusal else self.inner.call(tool, arguments)

    def close(self) -> None:
        self.inner.close()


def live(
    series: Sequence[Series],
    service: str | None = None,
    *,
    clock: Callable[[], float] = lambda: 0.0,
    refuse: Callable[[str], str | None] = lambda _: None,
) -> tuple[LiveTelemetry, Asking]:
    asking = Asking(series, refuse)
    route = route_to((ToolTelemetry(asking),), (), timeout=10, clock=clock)
    return LiveTelemetry(route, lambda _: None, service), asking


def system() -> list[Series]:
    """Nine services of three pods: the last is ill, the second notices it, the first starts anew meanwhile."""
    found = []
    for place, name in enumerate(SERVICES):
        for pod in range(3):
            own = {"job": name, "pod": f"{name}-{pod}"}
            found += [
                series("aa_build", own, lambda _: 1.0),
                series("zz_queue_waiting", own, gauge(5.0 + place, 20.0 if name == ILL else 1.0)),
                counter("process_cpu_seconds_total", own, 0.2, restart=name == RESTARTED),
                counter("http_requests_total", {**own, "status": "200"}, 9.0, restart=name == RESTARTED),
                counter("http_requests_total", {**own, "status": "503"}, 0.1, restart=name == RESTARTED),
                counter("request_duration_seconds_count", own, 9.0, restart=name == RESTARTED),
                counter("request_duration_seconds_sum", own, 0.9, 4.0 if name in {ILL, NOTICED} else 1.0),
                counter("request_duration_seconds_bucket", {**own, "le": "+Inf"}, 9.0),
            ]
    graph = {"client": NOTICED, "server": ILL}
    return [*found, series("traces_service_graph_request_total", graph, lambda time: time - START)]


def series(name: str, labels: Mapping[str, str], value: Callable[[float], float]) -> Series:
    wobble = (1.0, 1.01, 0.99, 1.02, 0.98)
    values = [value(time) * (1.0 if "total" in name else wobble[time // 15 % 5]) for time in TIMES]
    return Series({"__name__": name, **labels}, list(TIMES), values)


def gauge(usual: float, times: float) -> Callable[[float], float]:
    return lambda time: usual * (times if time >= DETECTED - 60 else 1.0)


def counter(
    name: str, labels: Mapping[str, str], rate: float, times: float = 1.0, *, restart: bool = False
) -> Series:
    total, values = 1e6, []
    for time in TIMES:
        total += 15 * rate * (times if time >= DETECTED - 60 else 1.0)
        if restart and time == DETECTED + 30 - (DETECTED + 30) % 15:
            total = 0.0
        values.append(total)
    return Series({"__name__": name, **labels}, list(TIMES), values)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_metrics, "MOST_SERIES", 50)


def incident(service: str | None = None) -> Incident:
    window = TimeWindow(start=INFO.window.start, end=INFO.window.end)
    return Incident(symptom="slow", service=service, detected=INFO.detected, window=window)


# The whole -----------------------------------------------------------------------------------------------------------


def test_a_system_that_fits_is_asked_series_by_series_as_ever() -> None:
    whole = system()
    telemetry, asking = live(whole)
    answer = telemetry.raw(ALL_METRICS, START, END)
    assert len(answer.data) == len(whole)
    assert answer.notes == ()
    assert not [query for query in asking.asked if "sum by" in query or "le!=" in query]
    before = len(asking.asked)
    telemetry.raw('{job="zoo"}', START, END)
    assert len(asking.asked) == before + 1


def test_a_system_that_fits_without_buckets_is_read_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = system()
    monkeypatch.setattr(ask_metrics, "MOST_SERIES", len(whole) - 27)
    telemetry, asking = live(whole)
    answer = telemetry.raw(ALL_METRICS, START, END)
    assert len(answer.data) == len(whole) - 27
    assert answer.notes == (
        "27 series that no comparison uses, such as buckets of histograms, were not read",
    )
    assert not [query for query in asking.asked if "sum by" in query]


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("service", [NOTICED, None])
def test_of_a_large_system_the_ill_component_comes_first_and_one_that_restarted_does_not(
    service: str | None,
) -> None:
    telemetry, asking = live(system(), service)
    observed = observe(incident(service), telemetry)
    ranking = rank(observed)
    assert ranking.components[0].component == ILL
    assert {one.component: one.score for one in ranking.components}[RESTARTED] < 0.1
    assert (NOTICED, ILL) in observed.edges
    assert len(observed.window.tracks) == len(SERVICES) * 7
    assert not [query for query in asking.asked if "_bucket" in query]
    assert len(asking.asked) < 60
    (told,) = [line for line in observed.failures if "too many to be read" in line]
    assert "189 series" in told
    assert "rates over 60 s" in told


@pytest.mark.usefixtures("large")
def test_a_counter_is_summed_as_its_rate_and_can_be_asked_for_again() -> None:
    telemetry, _ = live(system())
    found = tracks(telemetry.raw(ALL_METRICS, START, END).data)
    cpu = next(one for key, one in found.items() if key[:2] == (RESTARTED, "process_cpu_seconds_total"))
    # Before the first sample of all, a rate is that of less than its whole time.
    assert cpu.values[4:].min() >= 0.39
    assert cpu.values.max() < 0.7
    mean = next(one for key, one in found.items() if key[:2] == (ILL, "request_duration_seconds"))
    assert mean.values[-1] == pytest.approx(0.4, rel=0.01)
    errors = next(one for key, one in found.items() if key[:2] == ("cow", "errors_http_requests_total"))
    assert errors.values[-1] == pytest.approx(0.3, rel=0.01)
    for one in (cpu, mean, errors):
        (again,) = telemetry.range_query(one.expr, START, END, 15).data
        assert again.values[-1] == pytest.approx(one.values[-1], rel=0.01)


@pytest.mark.usefixtures("large")
def test_experiments_ask_for_sums_and_not_for_all_the_series_behind_them() -> None:
    telemetry, asking = live(system(), NOTICED)
    observed = observe(incident(NOTICED), telemetry)
    bench = Bench(telemetry, observed)
    worst = next(one for key, one in observed.window.tracks.items() if key[:2] == (ILL, "zz_queue_waiting"))
    finding = Finding(ILL, Signal.METRIC, 1.0, "", metric="zz_queue_waiting", query=worst.expr)
    asking.asked.clear()
    assert level(bench, finding).run().verdict is Verdict.SUPPORTED
    assert peers(bench, finding).run().verdict is Verdict.SUPPORTED
    hurt = hurts(bench, ILL).run()
    assert hurt.query.startswith('{job="zoo"}')
    assert hurt.verdict is Verdict.SUPPORTED
    assert asking.asked[:2] == [worst.expr, worst.expr.replace('job="zoo"', 'job=~".+"')]


@pytest.mark.usefixtures("large")
def test_an_experiment_on_too_many_series_is_not_made() -> None:
    telemetry, _ = live(system())
    telemetry.raw(ALL_METRICS, START, END)
    assert telemetry.raw('{job=~".+"}', START, END).error == (
        "not asked: 216 series are more than the 50 that are read at once"
    )


@pytest.mark.usefixtures("large")
def test_a_baseline_is_asked_for_what_its_window_was() -> None:
    telemetry, asking = live(system())
    window = telemetry.raw(ALL_METRICS, DETECTED - 600, END)
    asking.asked.clear()
    baseline = telemetry.raw(ALL_METRICS, START, START + 600)
    assert {one.query for one in baseline.data if one.query} == {
        one.query for one in window.data if one.query
    }
    assert not [query for query in asking.asked if query.startswith("count")]


# Bounds --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("large")
def test_after_so_many_seconds_nothing_more_is_asked_and_what_is_missing_is_named() -> None:
    now = [0.0]

    def slow(query: str) -> None:
        now[0] += 20.0 if query.startswith("sum by") else 0.1

    telemetry, asking = live(system(), clock=lambda: now[0], refuse=slow)
    answer = telemetry.raw(ALL_METRICS, START, END)
    (said,) = [note for note in answer.notes if note.startswith("enough was asked")]
    assert "not asked for" in said
    assert answer.error is None
    assert sum(query.startswith("sum by") for query in asking.asked) == 2


@pytest.mark.usefixtures("large")
def test_what_one_query_cannot_have_is_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {one.query: list(one.values) for one in live(system())[0].raw(ALL_METRICS, START, END).data}
    monkeypatch.setattr("compass.workflows.live.batching.SAMPLES_AT_ONCE", 200)

    def refuse(query: str) -> str | None:
        return "too much" if query.count("|") else None

    telemetry, _ = live(system(), refuse=refuse)
    found = telemetry.raw(ALL_METRICS, START, END)
    assert {one.query: pytest.approx(list(one.values)) for one in found.data} == expected


@pytest.mark.usefixtures("large")
def test_a_server_that_refuses_sums_is_given_up_and_that_is_an_error() -> None:
    telemetry, asking = live(system(), refuse=lambda query: "no sums" if query.startswith("sum") else None)
    answer = telemetry.raw(ALL_METRICS, START, END)
    assert "no sums" in str(answer.error)
    assert sum(query.startswith("sum") for query in asking.asked) < 10


# What others measure ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("large")
def test_metrics_by_which_one_component_tells_of_all_containers_and_machines_belong_to_these() -> None:
    told = []
    for number in range(30):
        scraped = {"job": "kubelet", "container": f"app-{number % 10}", "pod": f"pod-{number}"}
        told.append(counter("container_cpu_usage_seconds_total", scraped, 0.1 + number % 10))
        machine = {"job": "node-exporter", "instance": f"10.0.0.{number}:9100"}
        told.append(series("node_load1", machine, lambda _: 1.0))
    own = [
        series("pool_in_use", {"job": "pay", "pod": f"pay-{number}"}, lambda _: 1.0) for number in range(9)
    ]
    telemetry, _ = live([*told, *own])
    found = {key[:2] for key in tracks(telemetry.raw(ALL_METRICS, START, END).data)}
    assert ("app-7", "container_cpu_usage_seconds_total") in found
    assert ("10.0.0.29:9100", "node_load1") in found
    assert ("pay", "pool_in_use") in found
    assert not {component for component, _ in found} & {"kubelet", "node-exporter", "pay-1"}


# Who is near ---------------------------------------------------------------------------------------------------------


def test_what_a_service_depends_on_comes_before_who_depends_on_it() -> None:
    known = {("web", "shop"), ("shop", "pay"), ("pay", "bank"), ("shop", "cart"), ("web", "blog"), ("x", "y")}
    assert nearest("shop", known) == ["shop", "cart", "pay", "bank", "web", "blog"]
    assert nearest("nobody", known) == nearest(None, known) == []


def test_a_mesh_and_clients_tell_who_calls_whom_without_their_series_being_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ask_metrics, "MOST_SERIES", 3)
    mesh = [
        counter("istio_requests_total", {"app": "web", "destination_workload": "pay", "pod": str(pod)}, 1.0)
        for pod in range(5)
    ]
    telemetry, _ = live([*mesh, counter("rpc_total", {"job": "pay", "server_address": "bank"}, 1.0)])
    assert calls(telemetry.raw(ALL_METRICS, START, END).data) == {("web", "pay"), ("pay", "bank")}


# The choice ----------------------------------------------------------------------------------------------------------


def surveyed(names: Mapping[str, int], width: int = 10) -> list[Metric]:
    group = Group("job", 'job=~".+"', tuple(names.items()))
    survey = Survey((group,), {("job", name): width for name in names}, {}, frozenset(), 15)
    return in_order(metrics_of(survey, 60), {})


def test_what_the_ranking_uses_most_comes_first_and_never_what_the_alphabet_says() -> None:
    names = {
        "aa_info": 10, "ab_config": 10, "cpu_seconds_total": 10, "go_memstats_heap_bytes": 10, "net_receive_bytes": 10,
        "requests_total": 10, "z_duration_seconds_sum": 10, "z_duration_seconds_count": 10, "zz_queue_depth": 10,
    }  # fmt: skip
    ordered = [one.name for one in surveyed(names)]
    assert ordered[0] == "cpu_seconds_total"
    assert set(ordered[1:5]) == {
        "go_memstats_heap_bytes",
        "requests_total",
        "z_duration_seconds_count",
        "zz_queue_depth",
    }
    assert set(ordered[5:7]) == {"aa_info", "ab_config"}
    assert ordered[7:] == ["net_receive_bytes"]


def test_within_a_family_what_is_set_comes_last_and_the_alphabet_decides_nothing() -> None:
    queues = [f"{letter}_queue_depth" for letter in "abcdefgh"]
    ordered = [one.name for one in surveyed(dict.fromkeys(["a_queue_limit", *queues], 10))]
    assert ordered[-1] == "a_queue_limit"
    assert set(ordered[:-1]) == set(queues)
    assert ordered[:-1] not in (queues, queues[::-1])


def test_without_room_for_all_the_least_telling_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MOST_SUMS", 20)
    metrics = surveyed({"aa_info": 10, "cpu_total": 10, "huge_memory_bytes": 10**6, "queue_depth": 10})
    choice = chosen(metrics, [], {})
    assert [one.metric.name for one in choice.asked] == ["cpu_total", "queue_depth"]
    assert choice.left_out == ["aa_info"]
    assert choice.too_large == ["huge_memory_bytes"]


def test_where_not_even_what_is_telling_fits_the_nearest_components_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "MOST_SUMS", 15)
    metrics = surveyed({"cpu_total": 10, "queue_depth": 10, "aa_info": 10})
    components = {"job": frozenset(f"s.{number}" for number in range(10))}
    choice = chosen(metrics, [f"s.{number}" for number in (9, 3, 7, 1, 5, 2, 0, 4)], components)
    assert choice.near == ["s.9", "s.3", "s.7", "s.1", "s.5", "s.2", "s.0"]
    shown = [(one.metric.name, one.matcher, one.width) for one in choice.asked]
    near = 'job=~"s\\\\.0|s\\\\.1|s\\\\.2|s\\\\.3|s\\\\.5|s\\\\.7|s\\\\.9"'
    assert shown == [("cpu_total", near, 7), ("queue_depth", near, 7)]
    assert choice.left_out == ["aa_info"]
    assert choice.apart == ["cpu_total", "queue_depth"]


@pytest.mark.usefixtures("large")
def test_without_room_for_all_what_moved_comes_first_in_its_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MOST_SUMS", 60)
    queues = [
        series(f"{letter}_queue_depth", {"job": name, "pod": name}, lambda _: 3.0)
        for letter in "abcdefghijklmnop"
        for name in SERVICES
    ]
    telemetry, _ = live([*queues, *system()])
    observed = observe(incident(), telemetry)
    assert (ILL, "zz_queue_waiting") in {key[:2] for key in observed.window.tracks}
    assert len(observed.window.tracks) <= 60
    assert rank(observed).components[0].component == ILL
    assert any("no room for what tells least or moved least" in line for line in observed.failures)


# PromQL --------------------------------------------------------------------------------------------------------------


def test_a_sum_of_one_component_becomes_the_sums_of_all() -> None:
    odd = 'a"b\\c'
    one = Sum("x_total", "job", 'service=""', 60, "code")
    assert one.of_component(odd) == (
        'sum by (job) (rate(x_total{job="a\\"b\\\\c",service="",code=~"5.*"}[60s]))'
    )
    assert of_every_component(one.of_component(odd)) == one.of('job=~".+"')
    ratio = f"{one.of_component(odd)} / {one.of_component(odd)}"
    assert of_every_component(ratio).count('job=~".+"') == 2
    assert Sum("y", "app").of_component("z") == 'sum by (__name__, app) (y{app="z"})'
    with pytest.raises(ValueError, match="asks for no sum"):
        of_every_component("rate(x[5m])")
