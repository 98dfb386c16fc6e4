"""Evidence promotes, never age: who is due for the next status, and who is not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from compass.library import load
from compass.model.entry import Status
from compass.rules.base import Context, Example
from compass.rules.promotion import due
from compass.rules.samples import RECORDING, files

SLOW = "match: {window: 15m, signals: {slow: {type: alert, matchers: ['alertname=\"HighLatency\"']}}, condition: slow}"
TWO = "services: [component:default/checkout, component:default/cart]"
ONE = "services: [component:default/checkout]"
THREE = "confirmed: {incidents: 3, tribes: 1}"
MUST = "tests: {must_match: [pool-exhausted]}"
MUST_NOT = "tests: {must_not_match: [pool-exhausted]}"


def context(folder: Path, fields: list[str], recordings: tuple[str, ...] = ()) -> Context:
    texts = files(Example(front="\n".join([SLOW, *fields])))
    alerts = texts["recordings/pool-exhausted/alerts.jsonl"]
    for number, name in enumerate(recordings):
        info = RECORDING.replace("id: pool-exhausted", f"id: {name}").replace("synthetic: true\n", "")
        info = info.replace("10:04:00Z", f"10:{10 + number}:00Z")
        texts |= {
            f"recordings/{name}/recording.yaml": info,
            f"recordings/{name}/alerts.jsonl": alerts,
        }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return Context(load(folder, revision=None), date(2026, 6, 1))


def test_a_draft_that_replay_confirms_is_due_and_told_what_it_lacks(tmp_path: Path) -> None:
    here = context(tmp_path, [MUST])
    found = due(here.own[0], here)
    assert found is not None
    assert (found.status, "pool-exhausted" in found.reason) == (Status.VERIFIED, True)
    assert {"summary", "owner", "evidence", "a second hypothesis"} <= set(found.lacking)


def test_three_incidents_on_two_services_without_a_false_match_are_due_for_stable(tmp_path: Path) -> None:
    here = context(tmp_path, ["status: verified", THREE, TWO, MUST])
    found = due(here.own[0], here)
    assert found is not None
    assert (found.status, found.lacking) == (Status.STABLE, ())
    assert "3 incidents on 2 services" in found.reason


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([THREE, ONE, MUST], id="one service"),
        pytest.param(["confirmed: {incidents: 2, tribes: 1}", TWO, MUST], id="two incidents"),
        pytest.param([TWO, MUST], id="a made recording is no incident"),
        pytest.param([THREE, TWO, MUST_NOT], id="a false match"),
        pytest.param([THREE, TWO], id="no tests"),
    ],
)
def test_a_verified_pattern_that_lacks_evidence_is_not_due(tmp_path: Path, fields: list[str]) -> None:
    here = context(tmp_path, ["status: verified", *fields])
    assert due(here.own[0], here) is None


def test_recordings_of_incidents_count_and_one_that_nobody_lists_speaks_against_it(tmp_path: Path) -> None:
    names = ("first", "second", "third")
    listed = "tests: {must_match: [pool-exhausted, first, second, third]}"
    here = context(tmp_path / "a", ["status: verified", TWO, listed], names)
    found = due(here.own[0], here)
    assert found is not None
    assert found.status is Status.STABLE
    loose = context(tmp_path / "b", ["status: verified", TWO, listed], (*names, "unlisted"))
    assert due(loose.own[0], loose) is None


def investigated(folder: Path, name: str, *, at: str, service: str, verdict: str, recording: str) -> None:
    file = folder / "investigations" / "2026" / f"inv-{name * 10}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    hypothesis = f"{{pattern: pat-0000000000, verdict: {verdict}, service: {service}}}"
    incident = f"{{detected: '{at}', recording: {recording}}}"
    file.write_text(f"started: '{at}'\nincident: {incident}\nhypotheses: [{hypothesis}]\n", "utf-8")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Status.STABLE),
        ({"verdict": "refuted"}, None),
        ({"at": "2026-02-02T10:00:00Z"}, None),  # the incident of the second record
        ({"recording": "pool-exhausted"}, None),  # made by a generator
    ],
)
def test_investigations_count_by_incident_where_their_experiments_supported_it(
    tmp_path: Path, change: dict[str, str], expected: Status | None
) -> None:
    for name, service in (("1", "checkout"), ("2", "cart")):
        at = f"2026-02-0{name}T11:00:00+01:00"
        investigated(tmp_path, name, at=at, service=service, verdict="supported", recording="null")
    third = {"at": "2026-02-03T10:00:00Z", "service": "cart", "verdict": "supported", "recording": "null"}
    investigated(tmp_path, "3", **(third | change))
    (tmp_path / "investigations" / "2026" / "inv-4444444444.yaml").write_text("pat-0000000000: [\n", "utf-8")
    here = context(tmp_path, ["status: verified", ONE, MUST])
    found = due(here.own[0], here)
    assert (found.status if found else None) is expected


def test_a_stable_pattern_has_nothing_above_it(tmp_path: Path) -> None:
    here = context(tmp_path, ["status: stable", THREE, TWO, MUST])
    assert due(here.own[0], here) is None
