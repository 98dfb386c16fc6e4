"""Whatever happens during a build, and whoever else builds, one whole site is there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from published import LOCK, TODAY, pattern, team, write
from test_publish_build import contents

from compass.library import load
from compass.publish import swap as swapping
from compass.publish.build import build_site
from compass.publish.swap import swap, workshop

posix = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and locks on folders")
_SWAPS = """
import sys
from pathlib import Path
from compass.publish.swap import swap, workshop
output = Path(sys.argv[1])
print("ready", flush=True)
for number in range(1_000_000):
    with workshop(output) as work:
        for name in ("a", "b", "c"):
            (work / "site" / name).mkdir(parents=True)
            (work / "site" / name / "x").write_text(str(number))
        swap(work / "site", output)
"""
_BUILDS = """
import sys
from datetime import date
from pathlib import Path
from compass.library import load
from compass.publish.build import build_site
output, *roots = map(Path, sys.argv[1:])
libraries = [load(root, revision=None) for root in roots]
print("ready", flush=True)
while True:
    for library in libraries:
        build_site(library, output, today=date(2026, 11, 22))
        print("built", flush=True)
"""


def started(program: str, *arguments: Path) -> subprocess.Popen[str]:
    """A process that has come as far as its loop."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path, dict[str, bytes], dict[str, bytes]]:
    """Two states of a repository, and the site of each."""
    found = []
    for name in ("old", "new"):
        root = team(tmp_path / name)
        write(root, "patterns/lock.md", pattern(LOCK, f"The {name} title", mitigations=[]))
        output = tmp_path / f"site of the {name}"
        build_site(load(root, revision=None), output, today=TODAY)
        found.append((root, contents(output)))
    (old, old_site), (new, new_site) = found
    assert old_site != new_site
    return old, new, old_site, new_site


@pytest.mark.slow
@posix
def test_a_build_that_is_killed_leaves_a_whole_site(
    tmp_path: Path, two: tuple[Path, Path, dict[str, bytes], dict[str, bytes]]
) -> None:
    old, new, *sites = two
    output = tmp_path / "out" / "site"
    chance = random.Random(5)
    for number in range(5):
        process = started(_BUILDS, output, old, new)
        assert process.stdout is not None
        if number == 0:
            process.stdout.readline()
        time.sleep(chance.uniform(0, 4))
        killed(process)
        assert contents(output) in sites
    build_site(load(new, revision=None), output, today=TODAY)
    assert contents(output) == sites[1]
    assert [path.name for path in output.parent.iterdir()] == ["site"]


@posix
def test_a_kill_in_the_very_moment_of_the_swap_leaves_a_whole_site(tmp_path: Path) -> None:
    output = tmp_path / "site"
    chance = random.Random(7)
    for number in range(25):
        process = started(_SWAPS, output)
        while not output.exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.15))
        killed(process)
        found = {path.read_text("ascii") for path in sorted(output.rglob("x"))}
        assert len(list(output.rglob("x"))) == 3, number
        assert len(found) == 1, number
    with workshop(output):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@posix
def test_two_builds_into_one_folder_do_not_mix(
    tmp_path: Path, two: tuple[Path, Path, dict[str, bytes], dict[str, bytes]]
) -> None:
    old, new, *sites = two
    output = tmp_path / "out" / "site"
    build_site(load(old, revision=None), output, today=TODAY)
    missing: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.wait(0.001):
            try:
                (output / "index.html").read_bytes()
            except FileNotFoundError as error:
                missing.append(str(error))

    reading = threading.Thread(target=read)
    reading.start()
    builders = [started(_BUILDS, output, root) for root in (old, new)]
    for _ in range(2):
        for builder in builders:
            assert builder.stdout is not None
            assert builder.stdout.readline() == "built\n"
            assert contents(output) in sites
    for builder in builders:
        builder.terminate()
        builder.communicate()
    done.set()
    reading.join()
    assert contents(output) in sites
    if sys.platform == "linux":
        assert not missing


@posix
def test_folders_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    output = tmp_path / "site"
    dead = tmp_path / ".site.0123456789ab"
    (dead / "pages").mkdir(parents=True)
    others = [tmp_path / name for name in (".site.notes", ".sites.0123456789ab", ".site.0123456789abc")]
    for other in others:
        other.mkdir()
    (tmp_path / ".site.ffffffffffff").symlink_to(others[0])
    with workshop(output) as first:
        assert not dead.exists()
        with workshop(output) as second:
            assert first.is_dir()
            assert second != first
    assert {path.name for path in tmp_path.iterdir()} == {".site.ffffffffffff", *(one.name for one in others)}


@posix
def test_a_site_that_a_dead_build_had_put_aside_comes_back(tmp_path: Path) -> None:
    aside = tmp_path / ".site.0123456789ab" / "replaced"
    aside.mkdir(parents=True)
    (aside / "index.html").write_text("old", "utf-8")
    with workshop(tmp_path / "site"):
        assert (tmp_path / "site" / "index.html").read_text("utf-8") == "old"


def test_where_folders_cannot_be_exchanged_two_renames_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swapping, "_exchange", lambda *_: False)
    output = tmp_path / "site"
    for text in ("first", "second"):
        with workshop(output) as work:
            (work / "site").mkdir()
            (work / "site" / "index.html").write_text(text, "utf-8")
            swap(work / "site", output)
        assert (output / "index.html").read_text("utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@posix
def test_a_name_that_somebody_else_has_taken_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([None, 0])
    real = swapping._hold
    monkeypatch.setattr(swapping, "_hold", lambda folder: real(folder) if next(answers) is not None else None)
    with workshop(tmp_path / "site") as work:
        assert work.is_dir()
