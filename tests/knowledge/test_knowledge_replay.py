"""The patterns of `knowledge/` against its recordings, and their evidence against what the recordings say today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import ROOT

from compass.adapters.documents import parse_yaml, split
from compass.adapters.telemetry.client import McpTelemetry
from compass.model.entry import Evidence, Pattern
from compass.model.recording import RecordingInfo
from compass.replay.evaluate import evaluate_recording
from compass.replay.load import load
from compass.replay.server import connect

Opened = dict[str, tuple[McpTelemetry, RecordingInfo]]
KNOWLEDGE = ROOT / "knowledge"
RECORDINGS = {
    path.parent.name: path.parent for path in sorted(KNOWLEDGE.rglob("recordings/*/recording.yaml"))
}


def patterns() -> Iterator[tuple[Path, Pattern]]:
    for path in sorted(KNOWLEDGE.rglob("patterns/*.md")):
        yield path, Pattern.model_validate(parse_yaml(split(path.read_text("utf-8")).front))


PATTERNS = {path.stem: (path, pattern) for path, pattern in patterns()}
TESTED = [name for name, (_, pattern) in PATTERNS.items() if pattern.tests]


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Opened]:
    opened = {}
    for name, folder in RECORDINGS.items():
        recording = load(folder)
        opened[name] = (connect(recording), recording.info)
    yield opened
    for client, _ in opened.values():
        client.close()


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_matches_the_recordings_that_it_must_and_no_other(name: str, telemetry: Opened) -> None:
    pattern = PATTERNS[name][1]
    assert pattern.match
    must = pattern.tests.must_match if pattern.tests else ()
    must_not = pattern.tests.must_not_match if pattern.tests else ()
    for recording, (client, info) in telemetry.items():
        truth = evaluate_recording(pattern.match, client, info).truth
        if recording in must:
            assert truth is True, recording
        elif recording in must_not:
            assert truth is False, recording
        else:
            assert truth is not True, recording


def test_every_recording_is_matched_by_a_pattern_or_is_there_to_be_matched_by_none() -> None:
    named = {
        name
        for _, one in PATTERNS.values()
        if one.tests
        for name in (*one.tests.must_match, *one.tests.must_not_match)
    }
    assert named == set(RECORDINGS)


@pytest.mark.parametrize("name", sorted(TESTED))
def test_the_evidence_of_a_pattern_is_what_its_recording_answers(name: str, telemetry: Opened) -> None:
    pattern = PATTERNS[name][1]
    assert pattern.tests
    assert pattern.evidence
    client = telemetry[pattern.tests.must_match[0]][0]
    for evidence in pattern.evidence:
        answered = set(answers(client, evidence))
        assert evidence.observed
        seen = [line for line in evidence.observed.splitlines() if line.startswith("20")]
        assert len(seen) >= 3
        assert set(seen) <= answered, f"{evidence.id} is not what the recording says"


def answers(client: McpTelemetry, evidence: Evidence) -> Iterator[str]:
    """Each log line or sample as the evidence writes it down: `<time> <rest>`."""
    assert evidence.window
    assert evidence.query
    start, end = evidence.window.start.timestamp(), evidence.window.end.timestamp()
    if evidence.type == "log":
        for line in client.logs(evidence.query, start, end + 0.001).data:
            yield f"{when(line.time_ns / 1e9)} {line.service} {line.level} {line.message}"
    else:
        step = 300 if end - start >= 1500 else 20
        for series in client.range_query(evidence.query, start, end, step).data:
            for time, value in zip(series.times, series.values, strict=True):
                yield f"{when(time)} {value:g}"


def when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_every_query_of_a_match_can_be_evaluated_in_replay(name: str, telemetry: Opened) -> None:
    pattern = PATTERNS[name][1]
    assert pattern.match
    client, info = next(iter(telemetry.values()))
    result = evaluate_recording(pattern.match, client, info)
    assert [one.error for one in result.evidence if one.error] == []
