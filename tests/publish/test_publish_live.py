"""`site serve` while somebody writes: an edit shows, a broken one keeps the last good page, and nothing is left behind."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from published import LOCK, POOL, pattern, team, write
from serving import Serving
from watchdog.events import (
    DirModifiedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileOpenedEvent,
    FileSystemEvent,
)

from compass.publish.live import Watch

PAGE = f"patterns/{LOCK}.html"
on_linux = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="processes and sockets are looked up in /proc"
)


@pytest.mark.parametrize(
    "event",
    [
        FileModifiedEvent("/r/patterns/x.md"),
        FileModifiedEvent("/r/compass.yaml"),
        FileMovedEvent("/r/patterns/.x.swp", "/r/patterns/x.md"),
    ],
)
def test_a_change_of_knowledge_is_noticed(event: FileSystemEvent) -> None:
    watch = Watch((Path("/r"),))
    watch.on_any_event(event)
    assert watch.changed.is_set()


@pytest.mark.parametrize(
    "event",
    [
        FileModifiedEvent("/r/.git/x.md"),
        FileModifiedEvent("/r/patterns/x.md~"),
        FileModifiedEvent("/elsewhere/x.md"),
        FileOpenedEvent("/r/patterns/x.md"),
        DirModifiedEvent("/r/patterns"),
    ],
)
def test_what_git_and_editors_keep_for_themselves_is_not(event: FileSystemEvent) -> None:
    watch = Watch((Path("/r"),))
    watch.on_any_event(event)
    assert not watch.changed.is_set()


def gone(folder: Path, processes: list[int]) -> bool:
    """Whether a folder is empty and the processes have ended, within a few seconds."""
    for _ in range(100):
        if not list(folder.iterdir()) and not any(Path(f"/proc/{one}").exists() for one in processes):
            return True
        time.sleep(0.1)
    return False


def listening(port: int) -> set[str]:
    """The addresses at which a port is listened to, as the kernel writes them."""
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        rows = table.read_text("ascii").splitlines()[1:] if table.exists() else []
        local = [row.split()[1] for row in rows if row.split()[3] == "0A"]
        found |= {one.rpartition(":")[0] for one in local if one.endswith(f":{port:04X}")}
    return found


@on_linux
def test_an_edit_shows_and_a_broken_one_keeps_the_last_good_page(tmp_path: Path) -> None:
    root = team(tmp_path)
    with Serving(root, tmp_path / "temporary") as served:
        assert listening(int(served.address.rstrip("/").rpartition(":")[2])) == {"0100007F"}
        served.wait((served.site / "search").is_dir)

        write(root, "patterns/lock.md", pattern(LOCK, "A fresh title", mitigations=[]))
        served.until(PAGE, "A fresh title")
        served.until("patterns/index.html", "A fresh title")

        (root / "patterns" / "lock.md").write_text("---\nkind: [\n---\n", "utf-8")
        served.until(PAGE, "patterns/lock.md:3:1")
        assert "A fresh title" in served.get(PAGE)
        served.until("index.html", "patterns/lock.md:3:1")

        write(root, "patterns/lock.md", pattern(LOCK, "Mended", mitigations=[]))
        served.until(PAGE, "Mended")
        assert "patterns/lock.md:3:1" not in served.get(PAGE)
        served.until("index.html", "patterns/lock.md:3:1", there=False)

        config = (root / "compass.yaml").read_text("utf-8")
        (root / "compass.yaml").write_text("schema: [\n", "utf-8")
        served.until("index.html", "compass.yaml")
        assert "Mended" in served.get(PAGE)
        (root / "compass.yaml").write_text(config, "utf-8")
        served.until("index.html", "Not shown", there=False)

        (root / "patterns" / "lock.md").unlink()
        served.until(f"patterns/{POOL}.html", "Mended", there=False)
    assert served.process.returncode == 0
    assert gone(tmp_path / "temporary", served.family)


@on_linux
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_however_it_ends_nothing_is_left_behind(tmp_path: Path, how: int) -> None:
    served = Serving(team(tmp_path), tmp_path / "temporary")
    served.__enter__()
    assert list((tmp_path / "temporary").iterdir())
    assert served.end(how) == (-how if how == signal.SIGKILL else 0)
    assert len(served.family) >= 2
    assert gone(tmp_path / "temporary", served.family)
