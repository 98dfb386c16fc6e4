"""Where a recording can not be put is said before anything is asked, and in one line if it only shows later."""

from __future__ import annotations

from pathlib import Path

import pytest

from compass.errors import UsageError
from compass.workflows.recording import folder


@pytest.mark.parametrize("below", ["copy", "further/copy"])
def test_a_place_below_a_file_is_refused_before_and_after(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("precious")
    target = tmp_path / "file" / below
    with pytest.raises(UsageError, match="is no folder"):
        folder.check(target, replace=False)
    with pytest.raises(UsageError, match="cannot write beside"):
        folder.put(target, {"recording.yaml": b"x"})
    assert (tmp_path / "file").read_text() == "precious"


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "copy"
    folder.check(target, replace=False)
    folder.put(target, {"recording.yaml": b"x", "history/logs": b"y"})
    assert sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    ) == [
        "a/b/copy/history/logs",
        "a/b/copy/recording.yaml",
    ]
