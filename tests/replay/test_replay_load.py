"""Reading a recording: what is there is read, what is broken is said, nothing outside is touched."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from compass.errors import ConfigError
from compass.replay.files import Limits
from compass.replay.load import digest, load, load_info

YAML = """schema: 1
id: small
window: {from: '2026-05-01T12:00:00Z', to: '2026-05-01T12:10:00Z'}
detected: '2026-05-01T14:05:00+02:00'
symptom: {text: something is slow}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "recordings" / "small"
    place.mkdir(parents=True)
    (place / "recording.yaml").write_text(YAML)
    return place


def test_a_recording_may_have_nothing_but_its_description(folder: Path) -> None:
    recording = load(folder)
    assert recording.info.detected.isoformat() == "2026-05-01T12:05:00+00:00"
    assert recording.telemetry.present == frozenset()
    assert recording.telemetry.span_of_time is None
    assert (recording.history, recording.notes, recording.info.synthetic) == (None, (), False)


def test_columns_become_series_with_names_that_prometheus_allows(folder: Path) -> None:
    (folder / "metrics.csv").write_text(
        'time,pay|CpuUsageRate(%),"a,b|x",lonely,1st|9lives\n60,1.5,2,3,4\n30,1,,NaN,4\n'
    )
    series = load(folder).telemetry.series
    assert [(dict(one.labels), list(one.times), list(one.values)) for one in series] == [
        ({"__name__": "CpuUsageRate___", "service_name": "pay"}, [30, 60], [1, 1.5]),
        ({"__name__": "x", "service_name": "a,b"}, [60], [2]),
        ({"__name__": "lonely"}, [60], [3]),
        ({"__name__": "_9lives", "service_name": "1st"}, [30, 60], [4, 4]),
    ]


def test_series_json_names_columns_as_they_were(folder: Path) -> None:
    (folder / "metrics.csv").write_text("time,pay|cpu,pay|mem\n1,2,3\n")
    named = {"pay|cpu": {"name": "node_cpu", "labels": {"cpu": "0"}}, "pay|mem": ["no", "mapping"]}
    (folder / "series.json").write_text(json.dumps(named))
    recording = load(folder)
    assert [dict(one.labels) for one in recording.telemetry.series] == [
        {"__name__": "node_cpu", "cpu": "0"},
        {"__name__": "mem", "service_name": "pay"},
    ]
    assert "pay|mem" in recording.notes[0]


def test_two_columns_that_become_one_name_stay_two_series(folder: Path) -> None:
    (folder / "metrics.csv").write_text("time,pay|cpu(%),pay|cpu[%]\n1,2,3\n")
    recording = load(folder)
    assert [one.labels.get("column") for one in recording.telemetry.series] == [None, "pay|cpu[%]"]
    assert "cpu[%]" in recording.notes[0]


def test_bad_rows_are_left_out_and_told(folder: Path) -> None:
    (folder / "metrics.csv").write_text("time,a|x\n1,2\nsoon,3\n4\n-5,1\n2,many\n3,7\n\n")
    (folder / "logs.jsonl").write_text(
        '{"time_ns": 5, "service": "a", "level": "INFO", "message": "fine"}\n'
        "not json\n"
        '{"time_ns": "5", "message": "time is text"}\n'
        '{"time_ns": -6795364578871345152, "message": "before all time"}\n'
        '{"time_ns": 6}\n'
        "[1, 2]\n"
    )
    (folder / "traces.jsonl").write_text(
        '{"trace":"t","span":"s","parent":null,"service":"a","name":"n","start_ns":5,"end_ns":9,"status":"error"}\n'
        '{"trace":"t","span":"s","service":"a","name":"n","start_ns":9,"end_ns":5}\n'
        '{"trace":7,"span":"s","service":"a","name":"n","start_ns":1,"end_ns":5}\n'
    )
    (folder / "alerts.jsonl").write_text(
        '{"name":"Slow","labels":{"severity":"page"},"starts_at":"2026-05-01T12:01:00Z","ends_at":null}\n'
        '{"name":"NoZone","labels":{},"starts_at":"2026-05-01T12:01:00"}\n'
    )
    (folder / "changes.jsonl").write_text(
        '{"time": 1777636800.5, "type": "deployment", "service": "a"}\n{"type": "x"}\n'
    )
    (folder / "graph.csv").write_text("caller,callee\na,b\na,b\nonly one\n")
    recording = load(folder)
    told = recording.telemetry
    assert [(list(one.times), list(one.values)) for one in told.series] == [([1, 3], [2, 7])]
    assert [line.message for line in told.logs] == ["fine"]
    assert [(span.span, span.status, span.parent) for span in told.spans] == [("s", "error", "")]
    assert [(alert.name, alert.starts, alert.ends) for alert in told.alerts] == [("Slow", 1777636860.0, None)]
    assert [change.time for change in told.changes] == [1777636800.5]
    assert told.edges == (("a", "b"),)
    counted = {note.split(":")[0]: note for note in recording.notes}
    assert set(counted) == {
        "metrics.csv",
        "logs.jsonl",
        "traces.jsonl",
        "alerts.jsonl",
        "changes.jsonl",
        "graph.csv",
    }
    assert "5 rows were left out" in counted["logs.jsonl"]
    assert "2 rows were left out" in counted["traces.jsonl"]


def test_an_empty_file_is_present_and_a_missing_one_is_not(folder: Path) -> None:
    (folder / "alerts.jsonl").write_text("")
    (folder / "logs.jsonl.gz").write_bytes(gzip.compress(b""))
    recording = load(folder)
    assert recording.telemetry.present == {"alerts", "logs"}
    assert recording.notes == ()


def test_an_archive_that_unpacks_to_too_much_is_cut(folder: Path) -> None:
    row = b'{"time_ns": 5, "service": "a", "level": "INFO", "message": "again and again"}\n'
    (folder / "logs.jsonl.gz").write_bytes(gzip.compress(row * 200_000))
    recording = load(folder, limits=Limits(unpacked_bytes=1_000_000))
    assert 0 < len(recording.telemetry.logs) <= 1_000_000 // len(row)
    assert "unpacks to more than 1000000 bytes" in recording.notes[0]


def test_a_damaged_archive_is_read_as_far_as_it_goes(folder: Path) -> None:
    whole = gzip.compress(
        b"".join(b'{"time_ns": %d, "message": "x%d"}\n' % (i, i * i) for i in range(20_000))
    )
    (folder / "logs.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    recording = load(folder)
    assert 0 < len(recording.telemetry.logs) < 20_000
    assert any("damaged archive" in note for note in recording.notes)


def test_too_many_rows_and_columns_are_cut(folder: Path) -> None:
    (folder / "metrics.csv").write_text("time,a|x,a|y,a|z\n" + "".join(f"{i},1,2,3\n" for i in range(50)))
    (folder / "logs.jsonl").write_text('{"time_ns": 5, "message": "x"}\n' * 50)
    recording = load(folder, limits=Limits(rows=10, columns=3))
    assert len(recording.telemetry.series) == 2
    assert len(recording.telemetry.logs) == 10
    assert len(recording.notes) == 3


def test_history_is_read_from_beside_the_recording(folder: Path) -> None:
    past = folder.parent / "quiet"
    past.mkdir()
    (past / "metrics.csv").write_text("time,a|x\n1,2\n")
    (folder / "recording.yaml").write_text(YAML + "history: ../quiet\n")
    recording = load(folder)
    assert recording.history is not None
    assert recording.history.span_of_time == (1, 1)
    assert load(folder, history=False).history is None


@pytest.mark.parametrize("history", ["../../outside", "/etc", "link", "missing", "..", "a\\0b"])
def test_history_from_elsewhere_is_left_out_and_told(folder: Path, history: str) -> None:
    outside = folder.parent.parent / "outside"
    outside.mkdir()
    (outside / "metrics.csv").write_text("time,a|secret\n1,2\n")
    (folder / "link").symlink_to(outside)
    (folder / "recording.yaml").write_text(f"{YAML}history: {json.dumps(history)}\n")
    recording = load(folder)
    if history == "..":
        assert recording.history is not None
        assert recording.history.present == frozenset()
    else:
        assert recording.history is None
        assert "left out" in recording.notes[0]


def test_a_file_that_links_out_of_the_folder_is_not_read(folder: Path) -> None:
    secret = folder.parent.parent / "secret.jsonl"
    secret.write_text('{"time_ns": 5, "message": "secret"}\n')
    (folder / "logs.jsonl").symlink_to(secret)
    assert load(folder).telemetry.logs == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema: 2\n", "schema"),
        (YAML + "surprise: 1\n", "surprise"),
        (YAML.replace("12:10", "11:00"), "window"),
        (YAML.replace("12:10:00Z", "12:10:00"), "window"),
        (YAML + "id: twice\n", "id"),
        ("- a list\n", ""),
        ("{", ""),
    ],
)
def test_a_wrong_description_is_one_clear_error(folder: Path, text: str, told: str) -> None:
    (folder / "recording.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_info(folder)
    assert told in str(caught.value)
    assert "recording.yaml" in str(caught.value)


def test_a_folder_without_a_description_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a recording"):
        load(tmp_path)


def test_a_table_that_is_small_on_disk_and_endless_in_memory_is_cut_and_said(folder: Path) -> None:
    rows = "".join(f"{1777636800 + row},1,2,3\n" for row in range(100))
    (folder / "metrics.csv.gz").write_bytes(gzip.compress(f"time,a,b,c\n{rows}".encode()))
    recording = load(folder, limits=Limits(cells=40))
    assert [len(one.times) for one in recording.telemetry.series] == [9, 9, 9]
    assert recording.notes == ("metrics.csv.gz: has more than 40 cells; the rest was left out",)


@pytest.mark.parametrize("sort", ["device", "fifo", "outside", "folder"])
def test_a_description_that_is_no_plain_file_of_the_folder_is_refused(folder: Path, sort: str) -> None:
    path = folder / "recording.yaml"
    path.unlink()
    if sort == "device":
        path.symlink_to("/dev/zero")
    elif sort == "fifo":
        os.mkfifo(path)
    elif sort == "folder":
        path.mkdir()
    else:
        (folder.parent.parent / "secret.yaml").write_text(YAML)
        path.symlink_to(folder.parent.parent / "secret.yaml")
    with pytest.raises(ConfigError, match="no plain file"):
        load_info(folder)


def test_a_description_may_be_a_link_within_the_folder_and_is_bounded(folder: Path) -> None:
    (folder / "recording.yaml").rename(folder / "really.yaml")
    (folder / "recording.yaml").symlink_to("really.yaml")
    assert load_info(folder).id == "small"
    (folder / "really.yaml").write_text(YAML + "#" * 100_000)
    with pytest.raises(ConfigError, match="100,000 bytes at most"):
        load_info(folder)


def test_the_digest_is_of_what_is_read_and_of_no_more(folder: Path) -> None:
    (folder / "kept").mkdir()
    (folder / "kept" / "lines").write_text("")
    (folder / "logs.jsonl").symlink_to("kept/lines")
    before = digest(folder)
    (folder / "notes.txt").write_text("of a person")
    with (folder / "huge.bin").open("wb") as stream:
        stream.truncate(1 << 40)
    assert digest(folder) == before
    (folder / "kept" / "lines").write_text('{"time_ns": 1, "message": "x"}\n')
    after = digest(folder)
    assert after != before
    assert digest(folder, Limits(file_bytes=5)) not in {before, after}
    (folder / "metrics.csv").write_text("time,a\n")
    assert digest(folder) != after
