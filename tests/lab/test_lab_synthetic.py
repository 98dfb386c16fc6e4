from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

from lab import synthetic
from lab.stories import STORIES

KNOWLEDGE = Path(__file__).resolve().parents[2] / "knowledge"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file, unpacked: compressed bytes depend on the version of zlib."""
    return {
        path.relative_to(folder).as_posix(): gzip.decompress(path.read_bytes())
        if path.suffix == ".gz"
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_recordings_in_the_tree_are_what_the_generator_makes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, synthetic.__file__, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.count("kB") == len(STORIES)
    for story in STORIES:
        assert contents(tmp_path / story.folder) == contents(KNOWLEDGE / story.folder)


def test_each_recording_is_small() -> None:
    for story in STORIES:
        size = sum(path.stat().st_size for path in (KNOWLEDGE / story.folder).rglob("*") if path.is_file())
        assert 10_000 < size < 300_000
