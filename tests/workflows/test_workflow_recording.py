"""Servers that give only a part, targets scraped apart, names in many labels: what is asked, kept and said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.adapters.telemetry.queries import Reply, ToolTelemetry
from compass.errors import OutsideError, UsageError
from compass.model.recording import (
    Alert,
    Change,
    LogLine,
    RecordedTelemetry,
    Recording,
    RecordingInfo,
    Series,
    Span,
)
from compass.replay import save
from compass.replay.direct import DirectTools
from compass.replay.load import load_telemetry
from compass.workflows.recording import ask_metrics, ask_rows, folder
from compass.workflows.recording.fit import fit
from compass.workflows.recording.gather import calls, gather
from compass.workflows.recording.grid import on_one_grid
from compass.workflows.recording.request import Gathered, Notes, Request, bytes_of, moment_of
from compass.workflows.recording.sources import Sources

AT = 1777636800
INFO = RecordingInfo.model_validate(
    {
        "schema": 1,
        "id": "small",
        "window": {"from": "2026-05-01T12:00:00Z", "to": "2026-05-01T12:10:00Z"},
        "detected": "2026-05-01T12:05:00Z",
        "symptom": {"text": "slow", "service": "pay"},
    }
)
REQUEST = Request("small", INFO.window, INFO.detected.timestamp(), INFO.symptom)
START, END = INFO.window.seconds


class Narrow:
    """A server like Tempo or Loki: it knows no arguments but its own, and fails when it is told to."""

    def __init__(
        self, telemetry: RecordedTelemetry, *, paged: bool = True, dead: frozenset[str] = frozenset()
    ) -> None:
        self.inner = DirectTools(Recording(INFO, Path(), telemetry))
        self.paged, self.dead = paged, dead
        self.asked: list[tuple[str, Mapping[str, object]]] = []

    @property
    def tools(self) -> Mapping[str, frozenset[str]]:
        hidden = set() if self.paged else {"limit", "page", "spss"}
        return {
            name: known - hidden if name == "search_tempo_traces" else known
            for name, known in self.inner.tools.items()
        }

    def call(self, tool: str, arguments: Mapping[str, object]) -> Reply:
        self.asked.append((tool, arguments))
        return Reply(None, "connection refused") if tool in self.dead else self.inner.call(tool, arguments)

    def close(self) -> None:
        self.inner.close()


def telemetry_of(rows: RecordedTelemetry, **options: object) -> tuple[ToolTelemetry, Narrow]:
    caller = Narrow(rows, **options)  # type: ignore[arg-type]
    return ToolTelemetry(caller), caller


def silent(_: str) -> None:
    pass


def series(name: str, times: range, **labels: str) -> Series:
    values = [float(number) for number in range(len(times))]
    return Series({"__name__": name, **labels}, list(times), values)


def rows(**kinds: tuple[object, ...]) -> RecordedTelemetry:
    return RecordedTelemetry(**kinds, present=frozenset({"metrics", "logs", "traces", "alerts", "changes"}))  # type: ignore[arg-type]


# Metrics -------------------------------------------------------------------------------------------------------------


def test_every_label_that_names_a_component_is_tried_and_no_series_comes_twice() -> None:
    times = range(AT, AT + 601, 60)
    found = (
        series("a", times, service_name="pay", pod="p1"),
        series("b", times, job="node", instance="10.0.0.1:9100"),
        series("c", times, pod="p2"),
        series("d", times, colour="red"),
    )
    telemetry, caller = telemetry_of(rows(series=found))
    notes = Notes()
    kept = ask_metrics.metrics(telemetry, (), START, END, notes, silent)
    assert kept is not None
    assert sorted(one.name for one in kept) == ["a", "b", "c"]
    raw = [
        str(arguments["expr"]) for tool, arguments in caller.asked if "600001ms" in str(arguments.get("expr"))
    ]
    assert sum("a" in expr.split('"')[1].split("|") for expr in raw) == 1
    assert notes.lines == []


def test_a_metric_with_too_many_series_is_named_and_the_others_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ask_metrics, "MOST_OF_ONE_NAME", 3)
    times = range(AT, AT + 601, 60)
    many = tuple(series("many", times, service_name="pay", id=str(number)) for number in range(4))
    telemetry, _ = telemetry_of(rows(series=(*many, series("few", times, service_name="pay"))))
    notes = Notes()
    kept = ask_metrics.metrics(telemetry, (), START, END, notes, silent)
    assert kept is not None
    assert [one.name for one in kept] == ["few"]
    assert notes.lines == ["metrics: many has 4 series; choose some with --metric"]


def test_a_long_answer_is_asked_for_in_pieces_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_metrics, "SAMPLES_AT_ONCE", 10)
    whole = series("a", range(AT, AT + 601, 15), service_name="pay")
    telemetry, caller = telemetry_of(rows(series=(whole,)))
    kept = ask_metrics.metrics(telemetry, (), START, END, Notes(), silent)
    assert kept is not None
    assert [(list(one.times), list(one.values)) for one in kept] == [(list(whole.times), list(whole.values))]
    assert sum("ms]" in str(arguments.get("expr")) for _, arguments in caller.asked) == 4


def test_targets_scraped_at_times_of_their_own_share_a_grid_and_nothing_comes_too_early() -> None:
    apart = [
        Series(
            {"__name__": "a", "i": str(number)},
            [AT + number + 15 * step for step in range(40)],
            list(range(40)),
        )
        for number in range(10)
    ]
    notes = Notes()
    moved = on_one_grid(apart, AT + 600, notes)
    assert {time for one in moved for time in one.times} <= {AT + 15.0 * step for step in range(41)}
    for before, after in zip(apart, moved, strict=True):
        for time, value in zip(after.times, after.values, strict=True):
            assert before.times[int(value)] <= time < before.times[int(value)] + 15
    assert "a grid of 15 s" in notes.lines[0]


def test_series_of_two_intervals_on_shared_times_stay_as_they_are() -> None:
    both = (series("a", range(AT, AT + 601, 15), x="1"), series("b", range(AT, AT + 601, 60), x="1"))
    notes = Notes()
    assert on_one_grid(both, AT + 600, notes) == both
    assert notes.lines == []


def test_an_alert_that_came_twice_is_two_alerts_and_one_that_still_fires_has_no_end() -> None:
    fired = (
        Alert("Slow", {"service_name": "pay"}, AT + 60.0, AT + 120.0),
        Alert("Slow", {"service_name": "pay"}, AT + 300.0, None),
        Alert("Before", {"service_name": "pay"}, AT - 600.0, AT - 300.0),
    )
    telemetry, _ = telemetry_of(rows(alerts=fired))
    assert ask_metrics.alerts(telemetry, START, END, Notes()) == fired[:2]


def test_a_failure_of_metrics_is_given_up_after_two_and_said() -> None:
    telemetry, _ = telemetry_of(rows(series=(series("a", range(AT, AT + 601, 60), service_name="pay"),)), dead=frozenset({"query_prometheus"}))  # fmt: skip
    notes = Notes()
    assert ask_metrics.metrics(telemetry, ("a", "b", "c"), START, END, notes, silent) is None
    assert notes.lines[-1] == "metrics: given up, 1 of 3 queries were not asked"


def test_a_failure_before_anything_is_known_is_not_taken_for_an_absence() -> None:
    whole = rows(
        series=(series("a", range(AT, AT + 601, 60), service_name="pay"),), logs=(line(1, "INFO", "x"),)
    )
    telemetry, _ = telemetry_of(whole, dead=frozenset({"query_prometheus"}))
    notes = Notes()
    gathered = gather(Sources((telemetry,)), REQUEST, notes, silent)
    assert "metrics" not in gathered.own.present
    assert "logs" in gathered.own.present
    assert notes.lines[0].startswith("metrics: connection refused")


# Logs ----------------------------------------------------------------------------------------------------------------


def line(number: float, level: str, message: str, **labels: str) -> LogLine:
    own = {"service_name": "pay", **({"level": level} if level else {}), **labels}
    return LogLine(round((AT + number) * 1e9), own, message)


@pytest.mark.parametrize("labelled", [True, False])
def test_of_a_crowded_slice_every_severe_line_is_kept(
    monkeypatch: pytest.MonkeyPatch,
    labelled: bool,  # noqa: FBT001  # two cases
) -> None:
    monkeypatch.setattr(ask_rows, "LINES_IN_A_SLICE", 50)
    crowd = [line(number / 10, "INFO" if labelled else "", f"info {number}") for number in range(300)]
    severe = [line(29 + number / 10, "ERROR" if labelled else "", f"error {number}") for number in range(10)]
    telemetry, _ = telemetry_of(rows(logs=(*crowd, *severe)))
    notes = Notes()
    kept = ask_rows.logs(telemetry, "", START, END, notes, silent)
    assert kept is not None
    assert {one.message for one in severe} <= {one.message for one in kept}
    assert {one.level for one in kept if one.message.startswith("error")} == {"ERROR"}
    assert notes.lines == ["logs: in 1 of 10 slices only the first 50 lines below WARN were read"]


@pytest.mark.parametrize(
    ("query", "label", "wanted"),
    [
        ('{a="}"}', "level", '{a="}",level=~"(?i)(warn|err|fatal|crit|alert|emerg|panic).*"}'),
        (
            '{a="b"} |= "x"',
            "severity",
            '{a="b",severity=~"(?i)(warn|err|fatal|crit|alert|emerg|panic).*"} |= "x"',
        ),
        (
            '{a="b"}',
            "detected_level",
            '{a="b"} | detected_level=~"(?i)(warn|err|fatal|crit|alert|emerg|panic).*"',
        ),
        ('{a="b"}', "none", '{a="b"} |~ "(?i)(warn|err|fatal|crit|alert|emerg|panic)"'),
    ],
)
def test_the_query_for_severe_lines(query: str, label: str, wanted: str) -> None:
    assert ask_rows.severe_only(query, [LogLine(0, {label: "x"}, "")]) == wanted


@pytest.mark.parametrize(
    ("labels", "message", "service", "level"),
    [
        ({"service_name": "pay", "level": "warn"}, "x", "pay", "warn"),
        ({"app": "shop", "detected_level": "error"}, "x", "shop", "error"),
        ({"pod": "p"}, 'ts=1 level=debug msg="x"', "p", "DEBUG"),
        ({"job": "j"}, '{"severity": "fatal", "m": 1}', "j", "FATAL"),
        ({"job": "j"}, "2026-05-01 12:00:00 WARN  slow", "j", "WARN"),
        ({}, "nothing of the sort", "", ""),
    ],
)
def test_the_service_and_level_of_a_line_are_found(
    labels: dict[str, str], message: str, service: str, level: str
) -> None:
    plain = ask_rows.plain(LogLine(0, labels, message))
    assert (plain.service, plain.level) == (service, level)


# Traces --------------------------------------------------------------------------------------------------------------


def trace(number: int) -> list[Span]:
    begin = (AT + number) * 10**9
    name = f"{number:032x}"
    status = "error" if number % 30 == 0 else ""
    return [
        Span(
            name,
            f"{number}-{part}",
            f"{number}-{part - 1}" if part else "",
            f"s{part}",
            "op",
            begin + part,
            begin + 9,
            status,
        )
        for part in range(6)
    ]


def test_a_server_that_gives_only_the_first_traces_is_asked_for_each_of_them_whole() -> None:
    spans = tuple(span for number in range(300) for span in trace(number))
    telemetry, caller = telemetry_of(rows(spans=spans), paged=False)
    notes = Notes()
    kept = ask_rows.traces(telemetry, START, END, notes, silent)
    assert kept is not None
    found = {span.trace for span in kept}
    assert 50 < len(found) < 300
    assert all(sum(span.trace == one for span in kept) == 6 for one in found)
    assert {span.trace for span in spans if span.status} <= found
    assert {tool for tool, _ in caller.asked} >= {"get_tempo_trace"}
    assert "the sample is what it gave" in notes.lines[0]


def test_the_call_graph_comes_from_parents_of_another_service() -> None:
    assert calls(tuple(trace(1))) == {(f"s{part}", f"s{part + 1}") for part in range(5)}


def test_a_change_without_a_type_gets_one_and_its_service_is_no_label() -> None:
    made = (
        Change(AT + 1.0, "", "", "something", {}),
        Change(AT + 2.0, "deployment", "pay", "v2", {"version": "v2"}),
    )
    telemetry, _ = telemetry_of(rows(changes=made))
    found = ask_rows.changes(telemetry, START, END, Notes())
    assert found is not None
    assert [(one.type, one.service, dict(one.labels)) for one in found] == [
        ("annotation", "", {}), ("deployment", "pay", {"version": "v2"}),
    ]  # fmt: skip


def test_servers_without_telemetry_of_the_window_make_no_recording() -> None:
    telemetry, _ = telemetry_of(rows(), dead=frozenset({"query_loki_logs"}))
    notes = Notes()
    with pytest.raises(OutsideError, match="no metrics, logs or traces"):
        gather(Sources((telemetry,)), REQUEST, notes, silent)
    assert notes.lines[0] == "logs: connection refused"


# Fitting -------------------------------------------------------------------------------------------------------------


def test_when_series_must_go_the_one_that_moved_stays() -> None:
    times = list(range(AT, AT + 601, 15))
    noisy = [
        Series(
            {"__name__": "m", "service_name": f"s{n}"},
            times,
            [n * 100 + hash_of(n, t) for t in times],
        )
        for n in range(60)
    ]
    moved = Series(
        {"__name__": "m", "service_name": "zz"}, times, [9.0 if t > AT + 250 else 1.0 + t % 2 for t in times]
    )
    gathered = Gathered(RecordedTelemetry((*noisy, moved), present=frozenset({"metrics"})))
    notes = Notes()
    fitted = fit(gathered, INFO, replace(REQUEST, limit=6_000), notes)
    names = {one.service for one in fitted.telemetry.own.series}
    assert "zz" in names
    assert 1 < len(names) < 61
    assert fitted.size <= 6_000
    assert notes.lines == [
        f"metrics: {61 - len(names)} of 61 series for size, the least telling; values have 6 digits"
    ]


def hash_of(*parts: int) -> float:
    return ask_rows.share_of(repr(parts))


def test_too_many_changes_leave_those_near_the_detection() -> None:
    made = tuple(Change(float(AT + number), "deployment", "pay", "x" * 100, {}) for number in range(600))
    gathered = Gathered(
        RecordedTelemetry(
            (series("a", range(AT, AT + 601, 60)),), changes=made, present=frozenset({"metrics", "changes"})
        )
    )
    notes = Notes()
    fitted = fit(gathered, INFO, replace(REQUEST, limit=20_000), notes)
    kept = [change.time for change in fitted.telemetry.own.changes]
    assert 0 < len(kept) < 600
    assert max(abs(time - REQUEST.detected) for time in kept) <= len(kept) / 2 + 1
    assert notes.lines[0].startswith("changes: for size")


# Files ---------------------------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.sampled_from("abcxyz_:09"), min_size=1, max_size=8).filter(
    lambda text: not text[0].isdigit()
)
values = st.floats(allow_nan=False)
sample = st.dictionaries(
    st.integers(0, 2**31).map(lambda ms: round(ms / 1000, 3)), values, min_size=1, max_size=5
)


labels = st.dictionaries(st.one_of(names, st.just("service_name")), words.filter(bool), max_size=3)


@given(st.lists(st.tuples(names, labels, sample), max_size=6))
def test_series_written_and_read_are_the_same(tmp_path_factory, found) -> None:
    place = tmp_path_factory.mktemp("series")
    unique = {
        frozenset({"__name__": name, **labels}.items()): dict(sorted(samples.items()))
        for name, labels, samples in found
        if "__name__" not in labels
    }
    series = [Series(dict(key), list(samples), list(samples.values())) for key, samples in unique.items()]
    for name, data in save.metrics(series).items():
        (place / name).write_bytes(data)
    read = load_telemetry(place)
    assert read.notes == ()
    assert {
        frozenset(one.labels.items()): dict(zip(one.times, one.values, strict=True)) for one in read.series
    } == unique


@given(st.lists(st.tuples(st.integers(0, 2**62), words, words, words), max_size=8))
def test_lines_written_and_read_are_the_same(tmp_path_factory, found) -> None:
    place = tmp_path_factory.mktemp("logs")
    lines = [
        LogLine(
            time,
            {key: value for key, value in (("service_name", service), ("level", "INFO")) if value},
            text,
            trace,
        )
        for time, service, text, trace in found
    ]
    (place / "logs.jsonl.gz").write_bytes(save.logs(lines))
    read = load_telemetry(place)
    assert read.notes == ()
    key = lambda one: (one.time_ns, one.service, one.message, one.trace)  # noqa: E731  # used twice, here
    assert sorted(map(key, read.logs)) == sorted(map(key, lines))


def test_what_is_no_line_of_text_breaks_no_file(tmp_path: Path) -> None:
    odd = 'two\nlines\u2028\x1f,"\ud800'
    files = {
        "graph.csv": save.graph([(odd, "a"), ("a", "b")]),
        "alerts.jsonl": save.alerts([Alert(odd, {"a": odd}, 1.0, None)]),
        "changes.jsonl": save.changes([Change(1.0, odd, odd, odd, {})]),
        "logs.jsonl.gz": save.logs([LogLine(1, {"service_name": odd}, odd)]),
        "traces.jsonl.gz": save.traces([Span("t", "s", "", odd, odd, 1, 2)]),
        **save.metrics([Series({"__name__": "m", "service_name": odd}, [1.0], [float("inf")])]),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    read = load_telemetry(tmp_path)
    assert read.notes == ()
    whole = odd.replace("\ud800", "?")
    assert read.edges == (("a", "b"),)
    assert [read.alerts[0].name, read.changes[0].summary, read.logs[0].message, read.spans[0].name] == [
        whole
    ] * 4
    assert [(one.service, list(one.values)) for one in read.series] == [(whole, [float("inf")])]


def test_a_folder_written_aside_by_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    half = tmp_path / ".small.abc.partial"
    half.mkdir()
    folder.recover(tmp_path / "small", now=lambda: half.stat().st_mtime + 5)
    assert half.is_dir()
    folder.recover(tmp_path / "small", now=lambda: half.stat().st_mtime + 500)
    assert not half.exists()


def test_nothing_is_put_right_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real" / ".small.abc.partial").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folder.recover(tmp_path / "link" / "small", now=lambda: 1e12)
    assert (tmp_path / "real" / ".small.abc.partial").is_dir()


@pytest.mark.parametrize(
    ("text", "size"),
    [("300kB", 300_000), ("1MB", 1_000_000), ("1.5 MB", 1_500_000), ("5000", 5000), ("64KiB", 64_000)],
)
def test_sizes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("now", 1000.0), ("now-5m", 700.0), ("1970-01-01T00:00:01Z", 1.0), ("1970-01-01T01:00:00+01:00", 0.0)],
)
def test_times(text: str, seconds: float) -> None:
    assert moment_of("--from", text, 1000.0) == seconds


def test_a_time_that_is_none_names_its_option() -> None:
    with pytest.raises(UsageError, match="--to 'noon' is no time"):
        moment_of("--to", "noon", 1000.0)
