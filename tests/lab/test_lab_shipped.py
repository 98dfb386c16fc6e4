"""The laboratory's recordings that are kept under `knowledge/`: small, clean, each seen by its own pattern only."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner
from conftest import ROOT, organization

from compass.adapters.documents import parse_yaml, split
from compass.adapters.telemetry.queries import ToolTelemetry
from compass.cli import cli
from compass.model.entry import Pattern
from compass.model.recording import RecordingInfo
from compass.replay.direct import direct
from compass.replay.evaluate import evaluate_recording
from compass.replay.load import load

KNOWLEDGE: Final = ROOT / "knowledge"
SHIPPED: Final = {
    "lab-bad-config": ("a-rollout-brought-a-limit-that-refuses-good-orders", "checkout"),
    "lab-cache-eviction": ("cache-shrunk-below-its-working-set", "shop-cache"),
    # Three services that wait for the locked table deviate more than the database does.
    "lab-database-lock": ("a-forgotten-console-session-keeps-a-table-locked", "shop-db"),
    "lab-expired-certificate": ("server-certificate-between-services-has-expired", "inventory"),
    "lab-memory-leak": ("memory-grows-with-each-order-since-a-rollout", "checkout"),
    "lab-missing-index": ("a-table-outgrew-a-search-without-an-index", "shop-db"),
    "lab-network-delay": ("delay-on-the-link-between-two-services", "payments"),
    "lab-pool-too-small": ("connection-pool-exhaustion-after-a-rollout", "payments"),
    "lab-slow-disk": ("journal-on-a-slow-disk-holds-up-every-charge", "payments"),
    "lab-wrong-answers": ("a-dependency-answers-quickly-and-wrongly-since-a-rollout", "inventory"),
}
"""By recording: the pattern that matches it, and the component in which the laboratory made the fault."""
FOLDERS: Final = {path.name: path for path in sorted(KNOWLEDGE.rglob("recordings/lab-*"))}
PRIVATE: Final = re.compile(r"/(?:tmp|home|root|work|Users)/|PRIVATE KEY|[\w.]+@[\w-]+\.\w+|\btoken=")

Opened = dict[str, tuple[ToolTelemetry, RecordingInfo]]


@pytest.fixture(scope="module")
def opened() -> Opened:
    recordings = {name: load(folder) for name, folder in FOLDERS.items()}
    return {name: (direct(recording), recording.info) for name, recording in recordings.items()}


def test_the_table_names_every_recording_of_the_laboratory() -> None:
    assert set(SHIPPED) == set(FOLDERS)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recording_is_whole_small_and_tells_nothing_of_the_machine(name: str) -> None:
    recording = load(FOLDERS[name])
    assert recording.info.id == name
    assert not recording.info.synthetic
    assert recording.notes == ()
    files = [path for path in FOLDERS[name].rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
    for path in files:
        text = path.read_bytes()
        found = PRIVATE.search((gzip.decompress(text) if path.suffix == ".gz" else text).decode("utf-8"))
        assert found is None, f"{path.name}: {found}"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_pattern_matches_its_own_recording_and_no_other_of_the_laboratory(
    name: str, opened: Opened
) -> None:
    (path,) = KNOWLEDGE.rglob(f"patterns/{SHIPPED[name][0]}.md")
    match = Pattern.model_validate(parse_yaml(split(path.read_text("utf-8")).front)).match
    assert match
    matched = {
        other
        for other, (telemetry, info) in opened.items()
        if evaluate_recording(match, telemetry, info).truth is True
    }
    assert matched == {name}


@pytest.mark.slow
def test_an_investigation_cites_the_pattern_and_finds_the_component(tmp_path: Path) -> None:
    top = organization(tmp_path)
    for name, (pattern, component) in SHIPPED.items():
        found = investigated(top / FOLDERS[name].relative_to(KNOWLEDGE))
        leading = found["hypotheses"][:2]  # the component may lead, of which the pattern says more
        assert leading[0]["verdict"] == "supported", name
        cited = [
            one["ref"] for each in leading if each["verdict"] == "supported" for one in each["citations"]
        ]
        assert any(f":patterns/{pattern}.md#" in ref for ref in cited), name
        assert component in [one["service"] for one in found["services"][:3]], name


def investigated(recording: Path) -> dict[str, Any]:
    """What `compass investigate` answers of a recording in the repository that holds it."""
    repository = recording.parent.parent
    arguments = ["-C", str(repository), "investigate", "--recording", str(recording)]
    done = CliRunner().invoke(cli, [*arguments, "--auto", "--no-llm", "--format", "json"])
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
