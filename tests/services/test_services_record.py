"""`compass record` through the real Grafana MCP server before a real Prometheus: the recording says what replay says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from grafana_stand_in import grafana
from real_prometheus import prometheus

from compass.adapters.documents import parse_yaml, split
from compass.model.entry import Pattern
from compass.replay.direct import direct
from compass.replay.evaluate import evaluate_recording
from compass.replay.load import load
from compass.replay.store import Store

pytestmark = pytest.mark.services

RECORDING = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"
PATTERNS = ROOT / "knowledge/teams/payments/patterns"
SERVER = Path(sys.executable).with_name("mcp-grafana")
TOKEN = "glsa_" + "x" * 12


def test_a_real_prometheus_is_recorded_and_patterns_say_of_it_what_they_said(tmp_path: Path) -> None:
    original = load(RECORDING)
    store = Store(original)
    with prometheus(tmp_path / "prometheus") as server:
        server.write(store.series)
        with grafana(server.port, store, TOKEN) as front:
            done = subprocess.run(
                [
                    sys.executable, "-m", "compass", "record", "copy", "--command", f"{SERVER} --disable-write", "--from",
                    "2026-04-14T13:40:00Z", "--to", "2026-04-14T14:10:00Z", "--detected", "2026-04-14T14:02:00Z",
                    "--symptom", "slow", "--output", str(tmp_path / "copy"), "--format", "json",
                ],
                env={**os.environ, "GRAFANA_URL": front.url, "GRAFANA_SERVICE_ACCOUNT_TOKEN": TOKEN},
                capture_output=True, text=True, check=False, timeout=300,
            )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert any("no server has traces" in line for line in json.loads(done.stdout)["left_out"])
    copy = load(tmp_path / "copy")
    assert {frozenset(one.labels.items()): list(one.values) for one in copy.telemetry.series} == {
        frozenset(one.labels.items()): list(one.values) for one in original.telemetry.series
    }
    assert copy.telemetry.alerts == original.telemetry.alerts
    assert copy.telemetry.changes == original.telemetry.changes
    assert {(line.time_ns, line.message) for line in copy.telemetry.logs} == {
        (line.time_ns, line.message) for line in original.telemetry.logs
    }
    for path in sorted(PATTERNS.glob("*.md")):
        match = Pattern.model_validate(parse_yaml(split(path.read_text("utf-8")).front)).match
        assert match
        verdicts = [evaluate_recording(match, direct(one), one.info).truth for one in (copy, original)]
        assert verdicts[0] == verdicts[1], path.name
