"""An investigation whose process is killed goes on where it stopped, and a record is never half written."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

from compass.adapters.documents import parse_yaml
from compass.cli import cli
from compass.investigate.kept_observation import packed, unpacked
from compass.model.investigation import Investigation
from compass.model.progress import Progress

RECORDING = ROOT / "knowledge/tribes/product/recordings/slow-dependency-behind-three-services"
# Dies by SIGKILL at the nth writing of a file below such a folder: before it, amid it (written aside, not renamed) or after it.
DYING = """
import os, signal, sys
from pathlib import Path
from compass.cli import cli

when, part, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
replace, seen = Path.replace, 0

def dying(self, target):
    global seen
    seen += part in str(target)
    if seen == number and when == "amid":
        os.kill(os.getpid(), signal.SIGKILL)
    done = replace(self, target)
    if seen == number and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return done

Path.replace = dying
cli(sys.argv[4:])
"""


def compass(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def killed(when: str, folder: str, number: int, *source: str) -> None:
    command = [sys.executable, "-c", DYING, when, folder, str(number)]
    done = subprocess.run(
        [*command, "investigate", *(source or ("--recording", str(RECORDING))), "--auto", "--no-llm"],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def kept(home: Path) -> Progress:
    files = list((home / "data/compass/unfinished").glob("*.json"))
    assert len(files) == 1
    return Progress.model_validate_json(files[0].read_bytes())


def records(home: Path) -> list[Path]:
    return sorted((home / "data/compass/personal/investigations").glob("*/*.yaml"))


def told(record: Investigation) -> Any:
    """What two investigations of the same incident have in common."""
    return [one.model_dump() for one in record.hypotheses], record.services, record.timeline, record.curves


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Investigation:
    """The same investigation, which nobody killed."""
    home = tmp_path_factory.mktemp("whole")
    environment = {**os.environ, "XDG_DATA_HOME": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "compass", "investigate", "--recording", str(RECORDING), "--auto", "--no-llm"],
        env=environment,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return Investigation.model_validate(parse_yaml(records(home)[0].read_text()))


@pytest.mark.parametrize(
    ("when", "folder", "number", "experiments"),
    [
        ("after", "/unfinished/", 1, 0),
        ("amid", "/unfinished/", 6, 3),
        ("after", "/unfinished/", 11, 9),
        ("amid", "/investigations/", 1, None),
    ],
)
def test_killed_at_any_moment_it_goes_on_and_asks_nothing_twice(
    fixed_environment, whole, when, folder, number, experiments
):
    killed(when, folder, number)
    before = kept(fixed_environment)
    done = [one for waiting in before.hypotheses for one in waiting.done.values()]
    if experiments is not None:
        assert len(done) == experiments
    assert records(fixed_environment) == []
    assert compass("investigate", "--replay", before.id).exit_code != 0
    marked = _marked(fixed_environment, before)
    resumed = compass("investigate", "--resume", "--format", "json")
    assert resumed.exit_code == 0, resumed.output
    found = json.loads(resumed.stdout)
    assert found["id"] == before.id
    record = Investigation.model_validate(parse_yaml(records(fixed_environment)[0].read_text()))
    assert record.seal == record.digest
    shown = [one for hypothesis in record.hypotheses for one in hypothesis.experiments]
    assert sum(one.observed == "as it was kept" for one in shown) == marked
    if not marked:
        assert told(record) == told(whole)
    assert not list((fixed_environment / "data/compass/unfinished").iterdir())


def _marked(home: Path, before: Progress) -> int:
    """Give every answer that was kept an excerpt that no telemetry gives; how many there are."""
    path = home / "data/compass/unfinished" / f"{before.id}.json"
    text, count = re.subn(
        r'"observed":"(?:[^"\\\\]|\\\\.)*"', '"observed":"as it was kept"', path.read_text()
    )
    path.write_text(text)
    return count


def test_of_a_running_system_what_was_seen_is_not_asked_for_again(fixed_environment):
    source = (
        *("--command", f"{sys.executable} -m compass serve --recording {RECORDING}"),
        *(
            "--from",
            "2026-05-06T08:30:00Z",
            "--to",
            "2026-05-06T09:00:00Z",
            "--detected",
            "2026-05-06T08:50:00Z",
        ),
        *("--symptom", "checkout is slow", "--service", "checkout"),
    )
    killed("after", "/unfinished/", 6, *source)
    before = kept(fixed_environment)
    assert before.asked.commands == (
        (sys.executable, "-m", "compass", "serve", "--recording", str(RECORDING)),
    )
    (seen,) = (fixed_environment / "data/compass/unfinished").glob("*.observed.gz")
    observed = unpacked(seen.read_bytes())
    assert packed(observed) == seen.read_bytes()
    seen.write_bytes(packed(replace(observed, failures=("seen the first time",))))
    assert started("investigate", "--resume", before.id[:8])["id"] == before.id
    record = Investigation.model_validate(parse_yaml(records(fixed_environment)[0].read_text()))
    assert "seen the first time" in record.missing
    assert all(one.error is None for hypothesis in record.hypotheses for one in hypothesis.experiments)
    asked = started("investigate", "--replay", before.id, *source[:2])
    assert (asked["source"], asked["same"], asked["asked"]) == ("servers", True, asked["experiments"])


def started(*arguments: str) -> dict[str, Any]:
    """What a process of its own answers: servers need a standard error with a file behind it."""
    command = [sys.executable, "-m", "compass", *arguments, "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_investigation_that_runs_cannot_be_resumed_beside_itself(fixed_environment):
    fcntl = pytest.importorskip("fcntl")
    killed("after", "/unfinished/", 2)
    lock = fixed_environment / "data/compass/unfinished" / f"{kept(fixed_environment).id}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = compass("investigate", "--resume")
    assert "is being worked on by another process" in str(done.exception)


def test_ctrl_c_while_experiments_run_ends_with_130_and_keeps_everything(fixed_environment):
    script = DYING.replace("SIGKILL", "SIGINT").replace("cli(sys.argv[4:])", "main(sys.argv[4:])")
    script = script.replace("import cli", "import main")
    command = [sys.executable, "-c", script, "after", "/unfinished/", "5"]
    done = subprocess.run(
        [*command, "investigate", "--recording", str(RECORDING), "--auto", "--no-llm"],
        capture_output=True,
        timeout=300,
        check=False,
        text=True,
    )
    assert done.returncode == 130, done.stderr
    before = kept(fixed_environment)
    assert f"go on with: compass investigate --resume {before.id}" in done.stderr
    assert sum(len(one.done) for one in before.hypotheses) in {3, 4}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--resume",), "there is no investigation to resume"),
        (("--resume", "inv-0000000000"), "with the id inv-0000000000 to resume"),
        (("--resume", "../x"), "with the id ../x to resume"),
        (("--resume", "--recording", "x"), "so --recording has no place beside it"),
        (("--replay", "inv-0000000000"), "there is no investigation inv-0000000000"),
        (("--replay", "latest"), "'latest' is not the id of an investigation"),
        (("--replay", "inv-0", "--since", "1h"), "so --since has no place beside it"),
    ],
)
def test_wrong_use_says_what_and_what_next(fixed_environment, arguments, message):
    done = compass("investigate", "--auto", *arguments)
    assert getattr(done.exception, "exit_code", None) == 2, done.output
    assert message in str(done.exception)


def test_progress_that_cannot_be_read_is_named_with_its_file(fixed_environment):
    folder = fixed_environment / "data/compass/unfinished"
    folder.mkdir(parents=True)
    (folder / "inv-0000000000.json").write_text('{"schema": 1')
    done = compass("investigate", "--resume", "--auto")
    assert "inv-0000000000.json cannot be read" in str(done.exception)
