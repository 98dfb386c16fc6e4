"""The laboratory as a whole: up, observable, faulty when it is told to be, and gone without a trace."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import ROOT, commit_all
from lab.state import Lab, LabError

from compass.adapters.telemetry.client import McpTelemetry
from compass.replay.load import load

if TYPE_CHECKING:
    from lab.faults.fault import Scene
    from lab.run import Times

pytestmark = pytest.mark.services

LAB = Path(__file__).parent
COMMAND = [sys.executable, str(LAB)]
SERVICES = {"storefront", "checkout", "inventory", "payments", "worker"}
COMPONENTS = SERVICES | {"shop-db", "shop-cache"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's user can enter; a lab left in it is taken down."""
    path = Path(tempfile.mkdtemp(prefix="compass-lab-test-"))
    path.chmod(0o755)
    lab = path / "lab"
    yield lab
    run("down", lab)
    assert not lab.exists()
    path.rmdir()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab that one command starts and one takes down; nothing of it is left."""
    path = Path(tempfile.mkdtemp(prefix="compass-lab-test-"))
    path.chmod(0o755)
    began = time.monotonic()
    done = run("up", path / "lab")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the lab is up after" in done.stdout
    assert time.monotonic() - began < 60
    running = Lab(path / "lab")
    yield running
    processes, memory = running.processes(), segment(running)
    assert memory in segments()
    assert len(processes) > 10
    done = run("down", running.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert not any(one.alive for one in processes)
    assert not running.folder.exists()
    assert not running.processes()
    assert memory not in segments()
    assert "no lab is here" in run("status", running.folder).stdout
    path.rmdir()


def run(command: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, command, "--folder", str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def eventually(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `true` gives, once that is something."""
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found
    return found


def segment(lab: Lab) -> str:
    """The lab's segment of shared memory, which a killed PostgreSQL leaves behind."""
    return (lab.folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]


def segments() -> set[str]:
    """Every System V segment of shared memory on this machine."""
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


# What it shows ------------------------------------------------------------------------------------------------------


def over_replay_tools(lab: Lab) -> McpTelemetry:
    return McpTelemetry.command([*COMMAND, "telemetry", "--folder", str(lab.folder)], timeout=30)


def over_grafana(lab: Lab) -> McpTelemetry:
    from lab.backing.grafana import TOKEN

    url = f"http://127.0.0.1:{lab.port('grafana')}"
    server = str(Path(sys.executable).with_name("mcp-grafana"))
    return McpTelemetry.command(
        [server], {"GRAFANA_URL": url, "GRAFANA_SERVICE_ACCOUNT_TOKEN": TOKEN}, timeout=30
    )


@pytest.mark.parametrize("opened", [over_replay_tools, over_grafana])
def test_everything_the_lab_tells_of_itself_can_be_read_over_mcp(
    lab: Lab, opened: Callable[[Lab], McpTelemetry]
) -> None:
    from lab.hands import Hands

    Hands(lab).changed("deployment", "worker", "a change of this test", version="1.0.0")
    everything = '{service_name=~".+"}'
    with opened(lab) as telemetry:

        def now() -> tuple[float, float]:
            return time.time() - 40, time.time()

        assert all(telemetry.observes(kind) for kind in ("metrics", "logs", "traces", "changes"))
        eventually(lambda: set(telemetry.label_values("service_name").data) >= COMPONENTS)
        eventually(lambda: {one.service for one in telemetry.instant("up == 1", now()[1]).data} >= COMPONENTS)
        requests = "sum(increase(http_requests_total[15s])) > 10"
        eventually(lambda: telemetry.instant(requests, now()[1]).data)
        assert eventually(lambda: len(telemetry.raw("up", *now()).data) >= len(COMPONENTS))
        lines = eventually(lambda: telemetry.logs(everything, *now()).data)
        assert SERVICES & {line.service for line in lines}
        assert {line.service for line in lines} <= COMPONENTS | {"node"}
        assert any(line.trace for line in lines)
        assert telemetry.log_counts(f"sum by (level) (count_over_time({everything}[1m]))", now()[1]).data
        spans = eventually(lambda: [span for span in telemetry.traces("{}", *now()).data if not span.parent])
        whole = eventually(lambda: telemetry.trace(spans[0].trace).data)
        assert {span.trace for span in whole} == {spans[0].trace}
        assert "storefront" in {span.service for span in whole}
        found = telemetry.annotations(*now(), ("deployment",)).data
        assert ("worker", "a change of this test") in {(one.service, one.summary) for one in found}
        wrong = telemetry.instant("nonsense(", now()[1])
        assert "parse error" in str(wrong.error)


def test_the_collector_sees_who_calls_whom(lab: Lab) -> None:
    from lab.metrics import Metrics

    def edges() -> bool:
        rows = Metrics(lab).instant("traces_service_graph_request_total")
        return {("storefront", "checkout"), ("checkout", "payments"), ("checkout", "inventory")} <= {
            (row["metric"]["client"], row["metric"]["server"]) for row in rows
        }

    eventually(edges)


# What happens in it -------------------------------------------------------------------------------------------------


def test_a_fault_shows_in_metrics_logs_and_alerts_and_its_truth_is_kept(lab: Lab) -> None:
    from lab.faults.fault import Scene
    from lab.hands import Hands
    from lab.metrics import Metrics
    from lab.plan import plan
    from lab.run import fired, play, truth_of

    story = replace(
        plan("wrong-answers", "high", 3),
        seconds=26.0,
        herring_begins=1.0,
        herring_ends=2.0,
        onset=6.0,
        ends=25.0,
    )
    scene: Scene = Scene(Hands(lab), "high", story.rng)
    times: Times = play(story, scene, lambda _: None)
    failing = 'sum(increase(http_requests_total{service_name="checkout",route="/orders",status="500"}[10s]))'
    metrics = Metrics(lab)
    during = metrics.instant(failing, times.ended - 1)
    assert float(during[0]["value"][1]) > 5
    before = metrics.instant(failing, times.onset)
    assert sum(float(row["value"][1]) for row in before) == 0
    log = (lab.folder / "logs" / "checkout.jsonl").read_text()
    assert "cents, 50000 are allowed" in log
    alerts = fired(lab, times)
    assert {("HighErrorRate", "checkout")} <= {(one["name"], one["labels"]["service_name"]) for one in alerts}
    truth = truth_of(story, scene, times, alerts)
    assert (truth["component"], truth["kind"], truth["facts"]["price_factor"]) == (
        "inventory",
        "wrong-answers",
        100,
    )
    assert truth["window"]["from"] < truth["red_herring"]["at"] < truth["onset"] < truth["detected"]
    assert truth["red_herring"]["component"] != "inventory"
    assert "of the requests to" in truth["symptom"]["text"]
    changes = (lab.folder / "changes.jsonl").read_text()
    assert "inventory 5.2.4: prices of the new catalog" in changes
    assert "inventory 5.2.3: rolled back" in changes


def test_a_fault_of_the_running_lab_is_investigated_within_a_minute(lab: Lab, tmp_path: Path) -> None:
    from lab.faults.fault import Scene
    from lab.hands import Hands
    from lab.plan import plan
    from lab.run import fired, play

    repository = tmp_path / "knowledge"
    shutil.copytree(
        ROOT / "knowledge/tribes/product", repository, ignore=shutil.ignore_patterns("investigations")
    )
    commit_all(repository)
    story = replace(
        plan("pool-too-small", "high", 5),
        seconds=75.0,
        herring_begins=5.0,
        herring_ends=8.0,
        onset=35.0,
        ends=74.0,
    )
    scene = Scene(Hands(lab), "high", story.rng)
    times = play(story, scene, lambda _: None)
    alerts = [
        {"labels": {"alertname": one["name"], **one["labels"]}, "status": "firing", "startsAt": one["began"]}
        for one in fired(lab, times)
    ]
    webhook = json.dumps({"status": "firing", "alerts": alerts})
    telemetry = shlex.join([*COMMAND, "telemetry", "--folder", str(lab.folder)])
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "compass", "-C", str(repository), "investigate", "--auto", "--no-llm"),
            *("--alert", "-", "--command", telemetry, "--since", "3m", "--urgent", "--format", "json"),
        ],
        input=webhook,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    spent = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    sys.stderr.write(f"answered after {spent:.1f} s\n")
    found = json.loads(done.stdout)
    assert spent < 60
    assert story.fault.component in [one["service"] for one in found["services"][:3]]


@pytest.mark.parametrize("part", ["worker", "postgres", "redis", "prometheus", "collector"])
def test_a_part_that_is_killed_starts_again_and_the_machine_says_so(lab: Lab, part: str) -> None:
    from lab.hands import Hands
    from lab.parts import backing, shop

    killed = Hands(lab).process(part)
    killed.signal(signal.SIGKILL)
    eventually(lambda: lab.read("processes.json").get(part, {}).get("identity", [0]) != list(killed), 10)
    assert f"{part} ended with status -9, it starts again" in (lab.folder / "logs" / "node.jsonl").read_text()
    (again,) = (one for one in (*backing(lab), *shop(lab)) if one.name == part)
    eventually(again.ready)
    assert Hands(lab).process(part).alive
    assert "the lab is up" in run("status", lab.folder).stdout


def test_a_lab_is_not_started_where_one_is(lab: Lab) -> None:
    done = run("up", lab.folder)
    assert done.returncode == 1
    assert "is not empty (the lab is up" in done.stderr
    assert "take that lab down first" in done.stderr
    assert lab.info["status"] == "up"


def test_a_window_of_the_lab_becomes_a_recording_within_its_limit(lab: Lab, tmp_path: Path) -> None:
    from lab.metrics import Metrics
    from lab.run import moment, record

    edges = "count(traces_service_graph_request_total) >= 4"
    eventually(lambda: Metrics(lab).instant(edges))
    end = time.time()
    truth = {
        "id": "a-run",
        "window": {"from": moment(end - 20), "to": moment(end)},
        "detected": moment(end - 5),
        "symptom": {"text": "checkout is slow", "service": "checkout"},
    }
    target = tmp_path / "recording"
    record(lab, truth, target, [str(Path(sys.executable).with_name("compass"))])
    recording = load(target)
    assert recording.notes == ()
    assert recording.telemetry.present == {"metrics", "logs", "traces", "alerts", "changes", "graph"}
    assert {one.service for one in recording.telemetry.series} >= COMPONENTS
    assert ("checkout", "payments") in recording.telemetry.edges
    assert sum(path.stat().st_size for path in target.iterdir()) < 300_000


def test_a_recorder_that_fails_is_a_sentence_and_no_recording(lab: Lab, tmp_path: Path) -> None:
    from lab.run import record

    truth = {
        "id": "a-run",
        "window": {"from": "2026-05-01T12:00:00Z", "to": "2026-05-01T12:03:00Z"},
        "detected": "2026-05-01T12:02:00Z",
        "symptom": {"text": "slow", "service": "checkout"},
    }
    refuses = [sys.executable, "-c", "import sys; sys.exit(f'cannot: {sys.argv[1:3]}')"]
    with pytest.raises(LabError, match=r"failed: cannot: \['record', 'a-run'\]"):
        record(lab, truth, tmp_path / "recording", refuses)
    with pytest.raises(LabError, match=r"did not do its work: .*no-such-program"):
        record(lab, truth, tmp_path / "recording", ["no-such-program"])
    assert list(tmp_path.iterdir()) == []


def test_an_alert_that_fires_again_has_begun_twice() -> None:
    from lab.run import episodes

    assert episodes([10.0, 12.0, 14.0, 30.0, 32.0], 2.0) == [10.0, 30.0]
    assert episodes([], 2.0) == []


# What is left -------------------------------------------------------------------------------------------------------


def test_a_keeper_that_is_killed_takes_everything_with_it_and_the_state_is_clear(folder: Path) -> None:
    from lab.faults import quota
    from lab.hands import Hands

    assert run("up", folder).returncode == 0
    lab = Lab(folder)
    memory = segment(lab)
    assert memory in segments()
    processes = lab.processes()
    keeper = lab.keeper
    assert keeper
    # Where control groups may be made, one of them is left over, too.
    quota.limit(lab, "worker", Hands(lab).process("worker").pid, 0.5)
    keeper.signal(signal.SIGKILL)
    eventually(lambda: not any(one.alive for one in processes))
    said = run("status", folder)
    assert said.returncode == 1
    assert "keeper was killed while it was up, 0 of its processes live: take it down" in said.stdout
    assert "take that lab down first" in run("up", folder).stderr
    assert run("down", folder).returncode == 0
    assert not folder.exists()
    assert not quota.group(lab).exists()
    assert memory not in segments()


def test_a_starter_that_is_killed_leaves_a_lab_that_can_be_taken_down(folder: Path) -> None:
    lab = Lab(folder)
    with subprocess.Popen([*COMMAND, "up", "--folder", str(folder)], stdout=subprocess.DEVNULL) as starter:
        try:
            eventually(lambda: lab.info.get("status") == "starting")
        finally:
            starter.kill()
    assert "the lab is " in run("status", folder).stdout
    processes = lab.processes()
    assert run("down", folder).returncode == 0
    assert not any(one.alive for one in processes)
    assert not lab.processes()


def test_a_run_that_is_interrupted_takes_its_lab_down(folder: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "run", "slow-disk", "--folder", str(folder), "--output", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as running:
        try:
            eventually(lambda: Lab(folder).info.get("status") == "up")
            running.terminate()
            assert running.wait(30) == 130
        finally:
            running.kill()
        assert running.stderr
        assert running.stderr.read() == b"interrupted\n"
    assert not folder.exists()
    assert not Lab(folder).processes()
    assert list(tmp_path.iterdir()) == []


def test_a_lab_whose_parts_do_not_start_says_which_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab import control

    programs = folder.parent / "programs"
    programs.mkdir()
    for name in ("prometheus", "setpriv", "setsid", "ipcrm"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(LabError, match="Redis is not installed: apt-get install redis-server"):
        control.up(folder)
    assert not folder.exists()
    assert not Lab(folder).processes()
    shutil.rmtree(programs)


def test_a_folder_that_is_no_lab_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "mine").touch()
    done = run("down", folder)
    assert done.returncode == 1
    assert "is no lab, and is left alone" in done.stderr
    shutil.rmtree(folder)


# What is planned ----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_story_and_another_seed_another() -> None:
    from lab.plan import collection, plan

    assert plan("slow-disk", "low", 5) == plan("slow-disk", "low", 5)
    assert plan("slow-disk", "low", 5).onset != plan("slow-disk", "low", 6).onset
    assert plan("slow-disk", "low", 5).rng.random() == plan("slow-disk", "low", 5).rng.random()
    thirty = collection()
    assert len({one.name for one in thirty}) == 30
    assert len({one.fault.kind for one in thirty}) >= 14
    assert {one.intensity for one in thirty} == {"low", "high"}
    assert len({one.herring.kind for one in thirty}) > 2
    for one in thirty:
        assert 0 < one.herring_begins < one.herring_ends < one.onset < one.ends < one.seconds
        assert one.herring.component not in {one.fault.component, *one.fault.accept}


def test_a_fault_that_is_not_known_and_a_run_that_is_too_long_are_refused() -> None:
    from lab.plan import plan

    with pytest.raises(LabError, match="there is no fault 'gremlins'; there are pool-too-small"):
        plan("gremlins", "low", 1)
    with pytest.raises(LabError, match="takes 60 to 210 seconds, not 900"):
        plan("slow-disk", "low", 1, 900)
