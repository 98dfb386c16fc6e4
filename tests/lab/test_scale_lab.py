"""Thirty incidents, unattended: takes an hour and a half, and its folder is what the recordings are made from."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import pytest

from compass.replay.load import load

pytestmark = pytest.mark.scale

LAB = Path(__file__).parent


def test_every_fault_in_both_intensities_is_played_recorded_and_noticed(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="compass-lab-scale-") as parent:
        Path(parent).chmod(0o755)
        folder = Path(parent) / "lab"
        command = [sys.executable, str(LAB), "all", "--folder", str(folder), "--output", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not folder.exists()
    took = [float(line.rsplit(" ", 2)[1]) for line in done.stdout.splitlines() if ": took " in line]
    assert len(took) == 30
    assert max(took) <= 240
    unnoticed = []
    for path in sorted(tmp_path.glob("*/truth.json")):
        truth = json.loads(path.read_text("utf-8"))
        recording = load(path.parent / "recording")
        size = sum(one.stat().st_size for one in (path.parent / "recording").rglob("*") if one.is_file())
        assert size < 300_000, path
        assert recording.notes == (), path
        present = {"metrics", "logs", "traces", "alerts", "changes", "graph"}
        assert recording.telemetry.present == present, path
        onset = datetime.fromisoformat(truth["onset"])
        assert recording.info.window.start < onset < recording.info.window.end
        assert recording.info.detected > onset
        if truth["intensity"] == "high" and not truth["alerts"]:
            unnoticed.append(truth["id"])
    assert unnoticed == []
