"""`compass record` from our own replay server, over stdio and over HTTP: what is kept, what is said to be missing."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from stuttering import SERVE, SOURCE, over_http, served, slow, stuttering

from compass.adapters.documents import parse_yaml, split
from compass.cli import cli
from compass.model.entry import Pattern
from compass.model.match import Truth
from compass.replay.direct import direct
from compass.replay.evaluate import evaluate_recording
from compass.replay.load import load
from compass.replay.server import server

WINDOW = ("--from", "2026-04-14T13:40:00Z", "--to", "2026-04-14T14:10:00Z")
NOTICED = (
    "--detected",
    "2026-04-14T14:02:00Z",
    "--symptom",
    "checkout answers slowly",
    "--service",
    "checkout",
)
HISTORY = ("--history", "2026-04-13T13:40:00Z/2026-04-13T14:40:00Z")


def compass(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def record(target: Path, *more: object, source: str = "") -> Result:
    where = ("--command", source) if source else ("--server", served())
    return compass("record", "copy", *where, *WINDOW, *NOTICED, "--output", target, *more)


def written(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, (done.output, done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("whole") / "copy"
    assert written(record(target, *HISTORY, "--format", "json", source=SERVE))["left_out"] == []
    return target


def patterns() -> Iterator[tuple[str, Pattern]]:
    for path in sorted((ROOT / "knowledge").rglob("patterns/*.md")):
        yield path.stem, Pattern.model_validate(parse_yaml(split(path.read_text("utf-8")).front))


def verdicts(folder: Path) -> dict[str, tuple[Truth, dict[str, Truth]]]:
    recording = load(folder)
    found = {}
    for name, pattern in patterns():
        assert pattern.match
        result = evaluate_recording(pattern.match, direct(recording), recording.info)
        found[name] = (result.truth, {one.name: one.truth for one in result.best.signals})
    return found


def test_a_copy_holds_the_same_rows_as_the_recording_that_was_served(copy: Path) -> None:
    ours, theirs = load(copy), load(SOURCE)
    assert ours.notes == ()
    for mine, other in ((ours.telemetry, theirs.telemetry), (ours.history, theirs.history)):
        assert mine
        assert other
        assert mine.logs == other.logs
        assert set(mine.spans) == set(other.spans)
        assert mine.alerts == other.alerts
        assert mine.edges == other.edges
        assert mine.changes == other.changes
        assert {
            frozenset(one.labels.items()): (list(one.times), list(one.values)) for one in mine.series
        } == {frozenset(one.labels.items()): (list(one.times), list(one.values)) for one in other.series}
    assert ours.info.window == theirs.info.window
    assert ours.info.detected == theirs.info.detected


def test_every_pattern_says_of_the_copy_what_it_says_of_the_original(copy: Path) -> None:
    assert verdicts(copy) == verdicts(SOURCE)
    assert any(truth is True for truth, _ in verdicts(copy).values())


def test_recording_twice_gives_the_same_bytes(copy: Path, tmp_path: Path) -> None:
    written(record(tmp_path / "copy", *HISTORY, "--format", "json"))
    for path in copy.rglob("*"):
        if path.is_file():
            assert (tmp_path / "copy" / path.relative_to(copy)).read_bytes() == path.read_bytes()


def test_it_goes_into_the_repository_where_check_reads_it(knowledge_repo: Path) -> None:
    done = compass(
        "-C",
        knowledge_repo,
        "record",
        "second-look",
        "--server",
        served(),
        *WINDOW,
        *NOTICED,
        "--format",
        "json",
    )
    target = knowledge_repo / "recordings" / "second-look"
    assert written(done)["path"] == str(target)
    found = json.loads(compass("-C", knowledge_repo, "check", "--format", "json").stdout)["problems"]
    assert [one["rule"] for one in found if "second-look" in one["message"]] == ["replay-unlisted"]


def test_the_limit_holds_and_what_did_not_fit_is_said(tmp_path: Path) -> None:
    found = written(record(tmp_path / "copy", *HISTORY, "--limit", "60kB", "--format", "json"))
    sizes = sum(path.stat().st_size for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert sizes == found["bytes"] <= 60_000
    assert sizes > 45_000, "most of the room is used"
    recording = load(tmp_path / "copy")
    assert recording.info.left_out == tuple(found["left_out"])
    assert any("lines of WARN and above" in line for line in found["left_out"])
    assert any("sampled by trace id" in line for line in found["left_out"])
    assert any(line.startswith("history: ") for line in found["left_out"])
    whole = load(SOURCE)
    severe = [line for line in whole.telemetry.logs if line.level in {"WARN", "ERROR"}]
    kept = {(line.time_ns, line.message) for line in recording.telemetry.logs}
    assert {(line.time_ns, line.message) for line in severe} <= kept
    traces = {span.trace for span in recording.telemetry.spans}
    assert set(recording.telemetry.spans) == {one for one in whole.telemetry.spans if one.trace in traces}
    assert verdicts(tmp_path / "copy") == verdicts(SOURCE)


def test_what_a_pattern_loses_by_the_limit_is_said(knowledge_repo: Path) -> None:
    folder = knowledge_repo / "patterns"
    text = (folder / "connection-pool-exhaustion-after-a-rollout.md").read_text("utf-8")
    for old, new in (
        ("pat-3qbhrnha5p", "pat-7k3x9q2m4t"),
        ("template: timeout acquiring connection after <*> ms", "template: request handled <*>"),
        ("gte: 5\n", "gte: 900\n"),
        ("  group_by:\n    - service.name\n", ""),
        ("condition: slow and roll and (pool or waiting)", "condition: slow and roll and pool"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "busy.md").write_text(text, "utf-8")
    arguments = (
        "-C",
        knowledge_repo,
        "record",
        "copy",
        "--server",
        served(),
        *WINDOW,
        *NOTICED,
        "--dry-run",
        "--limit",
    )
    thinned = compass(*arguments, "60kB")
    assert thinned.exit_code == 0, thinned.exception
    assert "pat-3qbhrnha5p is true of what was kept, as of all that was read" in thinned.stdout
    assert "pat-7k3x9q2m4t is true of all that was read and false of what was kept (pool)" in thinned.stdout
    assert "pat-" not in compass(*arguments, "300kB").stdout


def test_a_limit_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    done = record(tmp_path / "copy", "--limit", "2kB")
    assert getattr(done.exception, "exit_code", None) == 2
    assert "too small" in str(done.exception)
    assert not (tmp_path / "copy").exists()


def test_a_dry_run_says_everything_and_writes_nothing(tmp_path: Path) -> None:
    found = written(record(tmp_path / "copy", "--dry-run", "--format", "json"))
    assert found["written"] is False
    assert {one["path"] for one in found["files"]} >= {"recording.yaml", "metrics.csv.gz", "logs.jsonl.gz"}
    assert list(tmp_path.iterdir()) == []


def test_chosen_series_and_lines_are_all_there_is(tmp_path: Path) -> None:
    chosen = ("--metric", "db_pool_size", "--metric", 'cpu_percent{service_name="checkout"}')
    written(record(tmp_path / "copy", *chosen, "--logs", '{service_name="ledger"}', "--format", "json"))
    recording = load(tmp_path / "copy")
    assert {(one.name, one.service) for one in recording.telemetry.series} == {
        ("db_pool_size", "ledger"), ("db_pool_size", "payments"), ("cpu_percent", "checkout"),
    }  # fmt: skip
    assert {line.service for line in recording.telemetry.logs} == {"ledger"}


# What is missing ---------------------------------------------------------------------------------------------------


def test_a_kind_without_a_datasource_is_named_and_its_file_is_missing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("recording.yaml", "metrics.csv.gz"):
        (source / name).write_bytes((SOURCE / name).read_bytes())
    done = record(tmp_path / "copy", source=SERVE.replace(str(SOURCE), str(source)))
    assert done.exit_code == 0, done.exception
    assert "left out: no server has logs, traces, changes" in done.stderr
    recording = load(tmp_path / "copy")
    assert recording.telemetry.present == {"metrics"}
    assert "no server has logs, traces, changes" in recording.info.left_out
    assert any(line.startswith("alerts: ") for line in recording.info.left_out)


def test_a_window_without_telemetry_makes_no_empty_recording(tmp_path: Path) -> None:
    done = compass(
        "record", "copy", "--server", served(), "--from", "2025-01-01T00:00:00Z", "--to", "2025-01-01T00:30:00Z",
        "--detected", "2025-01-01T00:10:00Z", "--symptom", "x", "--output", tmp_path / "copy",
    )  # fmt: skip
    assert getattr(done.exception, "exit_code", None) == 3
    assert "no metrics, logs or traces" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_dead_server_ends_it_and_nothing_is_written(tmp_path: Path) -> None:
    for named in (("--command", f"{sys.executable} -c pass"), ("--server", "http://127.0.0.1:9/mcp")):
        done = compass(
            "record", "copy", *named, *WINDOW, *NOTICED, "--output", tmp_path / "copy", "--timeout", 5
        )
        assert getattr(done.exception, "exit_code", None) == 3, done.exception
        assert "could not be reached" in str(done.exception)
        assert list(tmp_path.iterdir()) == []


def test_one_dead_server_of_two_is_noted_and_the_other_recorded(tmp_path: Path) -> None:
    found = written(
        record(tmp_path / "copy", "--server", "http://127.0.0.1:9/mcp", "--timeout", 10, "--format", "json")
    )
    assert [line for line in found["left_out"] if "127.0.0.1:9" in line]
    assert load(tmp_path / "copy").info.left_out == tuple(found["left_out"])


def test_a_server_that_dies_on_the_way_leaves_what_came_before_and_says_what_is_missing(
    tmp_path: Path,
) -> None:
    found = written(
        record(
            tmp_path / "copy",
            "--format",
            "json",
            source=stuttering(tmp_path, "query_loki_logs", "os._exit(1)"),
        )
    )
    assert any(line.startswith("logs: given up") for line in found["left_out"])
    assert any(line.startswith("traces: given up") for line in found["left_out"])
    assert load(tmp_path / "copy").telemetry.present >= {"metrics"}
    assert not {"logs", "traces"} & load(tmp_path / "copy").telemetry.present


def test_a_slow_server_is_given_up_after_the_timeout(tmp_path: Path) -> None:
    began = time.monotonic()
    with slow("search_tempo_traces") as address:
        done = compass(
            *("record", "copy", "--server", address, *WINDOW, *NOTICED, "--output", tmp_path / "copy"),
            *("--timeout", 3, "--format", "json"),
        )
    found = written(done)
    assert time.monotonic() - began < 60
    assert any(line.startswith("traces: given up") for line in found["left_out"])
    assert "traces" not in load(tmp_path / "copy").telemetry.present
    assert "logs" in load(tmp_path / "copy").telemetry.present


# Killed --------------------------------------------------------------------------------------------------------------


def test_killed_while_it_asks_it_leaves_nothing_and_can_be_run_again(tmp_path: Path) -> None:
    slow = stuttering(
        tmp_path,
        "search_tempo_traces",
        f"open({str(tmp_path / 'there')!r}, 'w'); import time; time.sleep(60)",
    )
    place = tmp_path / "place"
    arguments = [sys.executable, "-m", "compass", "record", "copy", "--command", slow, *WINDOW, *NOTICED]
    process = subprocess.Popen(
        [*arguments, "--output", str(place / "copy")],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        if (tmp_path / "there").exists():
            break
        time.sleep(0.1)
    assert (tmp_path / "there").exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not place.exists() or list(place.iterdir()) == []
    written(record(place / "copy", "--format", "json"))


def test_what_a_killed_run_wrote_aside_goes_and_what_it_moved_away_comes_back(tmp_path: Path) -> None:
    written(record(tmp_path / "copy", "--format", "json"))
    (tmp_path / "copy").rename(tmp_path / ".copy.before")
    half = tmp_path / ".copy.abc.partial"
    half.mkdir()
    os.utime(half, (1, 1))
    done = record(tmp_path / "copy")
    assert "there is a recording" in str(done.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy"]
    assert load(tmp_path / "copy").info.id == "copy"


def test_a_failure_while_writing_leaves_the_old_recording_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(record(tmp_path / "copy", "--format", "json"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = record(tmp_path / "copy", "--replace", "--limit", "60kB")
    assert "No space left" in str(done.exception)
    assert {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_an_existing_recording_is_replaced_only_when_told_so(tmp_path: Path) -> None:
    written(record(tmp_path / "copy", "--format", "json"))
    again = record(tmp_path / "copy", "--limit", "60kB")
    assert getattr(again.exception, "exit_code", None) == 2
    assert "--replace" in str(getattr(again.exception, "hint", ""))
    assert (
        written(record(tmp_path / "copy", "--limit", "60kB", "--replace", "--format", "json"))["bytes"]
        <= 60_000
    )
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link above"])
def test_what_is_no_recording_is_never_replaced(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "place" / "copy"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").write_text("x")
    if kind == "link above":
        target.parent.symlink_to(tmp_path / "other")
    else:
        target.parent.mkdir()
    if kind == "file":
        target.write_text("x")
    elif kind == "folder":
        target.mkdir()
        (target / "precious").write_text("x")
    elif kind == "link":
        target.symlink_to(tmp_path / "other")
    done = record(target, "--replace")
    assert 2 in {getattr(done.exception, "exit_code", None), getattr(done.exception, "code", None)}
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["precious"]


def test_interrupted_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    there = tmp_path / "there"
    slow = stuttering(
        tmp_path, "search_tempo_traces", f"open({str(there)!r}, 'w'); import time; time.sleep(5)"
    )
    arguments = [sys.executable, "-m", "compass", "record", "copy", "--command", slow, *WINDOW, *NOTICED]
    process = subprocess.Popen(
        [*arguments, "--output", str(tmp_path / "place" / "copy")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(300):
        if there.exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted" in said
    assert not (tmp_path / "place").exists()


def test_nothing_of_the_progress_is_told_where_nobody_watches(tmp_path: Path) -> None:
    done = record(tmp_path / "copy")
    assert done.exit_code == 0
    assert done.stderr == ""


def test_progress_begins_after_two_seconds_and_comes_once_a_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from compass.cli.record import Progress

    now = [0.0]
    progress = Progress(lambda: now[0])
    for tenth in range(50):
        now[0] = tenth / 10
        progress(f"at {now[0]:g}")
    assert capsys.readouterr().err.splitlines() == ["at 2", "at 3", "at 4"]


# Bad input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["../up"], "cannot be the name"),
        (["Copy"], "cannot be the name"),
        (["copy", "--to", "2026-04-14T13:00:00Z"], "a window ends after it begins"),
        (["copy", "--to", "yesterday"], "--to 'yesterday' is no time"),
        (["copy", "--detected", "2027-01-01T00:00:00Z"], "--detected lies outside"),
        (["copy", "--limit", "much"], "is no size"),
        (["copy", "--limit", "0"], "is no size"),
        (["copy", "--history", "2026-04-13T13:40:00Z"], "--history"),
        (["copy", "--metric", "rate("], "--metric"),
        (["copy", "--logs", "no selector"], "--logs"),
        (["copy", "--server", "localhost:80"], "is no address"),
        (["copy", "--command", "'"], "--command"),
        (["copy", "--datasource", "pictures=x"], "is not KIND=UID"),
        (["copy", "--symptom", "x" * 401], "--symptom"),
    ],
)
def test_wrong_options_are_named_before_anything_is_asked(
    tmp_path: Path, arguments: Sequence[str], said: str
) -> None:
    name, *more = arguments
    done = compass(
        "record", name, "--command", "does-not-exist", *WINDOW, *NOTICED, "--output", tmp_path / "copy", *more
    )
    assert getattr(done.exception, "exit_code", None) == 2, done.exception
    assert said in str(done.exception)


def test_offline_asks_this_machine_alone(tmp_path: Path) -> None:
    done = compass(
        "--offline",
        "record",
        "copy",
        "--server",
        "https://mcp.example.com/mcp",
        *WINDOW,
        *NOTICED,
        "--output",
        tmp_path / "copy",
    )
    assert getattr(done.exception, "exit_code", None) == 2
    assert "--offline" in str(done.exception)


def test_what_is_needed_is_asked_for_together(tmp_path: Path) -> None:
    done = compass("record", "copy", "--command", "x", "--output", tmp_path / "copy")
    assert "--from and --detected and --symptom are missing" in str(done.exception)
    done = compass("record", "copy", *WINDOW, *NOTICED, "--output", tmp_path / "copy")
    assert "no telemetry server was named" in str(done.exception)
    done = compass("-C", tmp_path, "record", "copy", "--command", "x", *WINDOW, *NOTICED)
    assert "not a knowledge repository" in str(done.exception)


# Over HTTP -----------------------------------------------------------------------------------------------------------


class Guarded:
    """Lets nobody in without the right bearer token."""

    def __init__(self, app: Any, token: str) -> None:
        self.app, self.wanted = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization") != self.wanted:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"who are you?"})
            return
        await self.app(scope, receive, send)


@pytest.fixture
def guarded() -> Iterator[str]:
    app = Guarded(server(load(SOURCE)).streamable_http_app(), "open-sesame")
    with over_http(app) as address:
        yield address


def recorded_from(url: str, target: Path) -> Result:
    return compass(
        "record", "copy", "--server", url, *WINDOW, *NOTICED, *HISTORY, "--output", target, "--format", "json"
    )


def test_a_server_over_streamable_http_gives_the_same_recording(
    copy: Path, tmp_path: Path, guarded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPASS_TELEMETRY_TOKEN", "open-sesame")
    written(recorded_from(guarded, tmp_path / "copy"))
    for name in ("metrics.csv.gz", "logs.jsonl.gz", "traces.jsonl.gz", "history/logs.jsonl.gz"):
        assert gzip.decompress((tmp_path / "copy" / name).read_bytes()) == gzip.decompress(
            (copy / name).read_bytes()
        )


def test_a_server_that_lets_nobody_in_is_one_that_cannot_be_reached(tmp_path: Path, guarded: str) -> None:
    done = recorded_from(guarded, tmp_path / "copy")
    assert getattr(done.exception, "exit_code", None) == 3
    assert not (tmp_path / "copy").exists()


def test_a_copy_to_share_can_be_made_at_once_and_no_original_is_kept(knowledge_repo: Path) -> None:
    done = compass(
        "-C",
        knowledge_repo,
        "record",
        "shared",
        "--synthetic",
        "--server",
        served(),
        *WINDOW,
        *NOTICED,
        "--format",
        "json",
    )
    found = written(done)
    assert found["synthetic"] is True
    assert [one["copy"] for one in found["patterns"] if one["original"]] == [True]
    recordings = knowledge_repo / "recordings"
    assert [path.name for path in recordings.iterdir() if path.name.startswith((".", "shared"))] == ["shared"]
    assert "payments" not in {line.service for line in load(recordings / "shared").telemetry.logs}
