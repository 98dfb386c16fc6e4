"""`compass investigate` before a Prometheus that an organization of hundreds of services shares."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from grafana_stand_in import Grafana, grafana
from large_system import System
from process_cost import Cost, cost_of
from real_prometheus import prometheus

from compass.adapters.documents import parse_yaml
from compass.model.investigation import Investigation
from compass.model.recording import RecordedTelemetry, Recording, RecordingInfo
from compass.replay.store import Store

pytestmark = pytest.mark.services

SERVER = Path(sys.executable).with_name("mcp-grafana")
TOKEN = "glsa_" + "x" * 12
NOON = 1_776_168_000.0
"""2026-04-14T12:00:00Z, when it was noticed."""


class Backend(NamedTuple):
    """A system on one Prometheus, and the Grafana before it."""

    system: System
    grafana: Grafana
    folder: Path


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("large")
    info = RecordingInfo.model_validate(
        {
            "schema": 1,
            "id": "x",
            "window": {"from": shown(NOON - 1500), "to": shown(NOON + 300)},
            "detected": shown(NOON),
            "symptom": {"text": "x"},
        }
    )
    store = Store(Recording(info, folder, RecordedTelemetry()))
    system = System(300, NOON - 2400, NOON - 120, NOON + 301)
    with prometheus(folder / "prometheus") as server:
        system.write(server)
        with grafana(server.port, store, TOKEN) as front:
            yield Backend(system, front, folder)


def shown(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def investigated(repo: Path, backend: Backend, *options: str) -> tuple[dict[str, Any], Cost]:
    backend.grafana.asked.clear()
    cost = cost_of(
        [
            *(
                sys.executable,
                "-m",
                "compass",
                "-C",
                str(repo),
                "-q",
                "investigate",
                "--auto",
                "--format",
                "json",
            ),
            *("--command", f"{SERVER} --disable-write", "--symptom", "slow answers", *options),
            *("--from", shown(NOON - 1500), "--to", shown(NOON + 300), "--detected", shown(NOON)),
        ],
        GRAFANA_URL=backend.grafana.url,
        GRAFANA_SERVICE_ACCOUNT_TOKEN=TOKEN,
    )
    assert cost.code == 0, cost.out[-3000:]
    found: dict[str, Any] = json.loads(cost.out[cost.out.index("{") :])
    return found, cost


@pytest.mark.parametrize("named", ["named", "unnamed"])
def test_the_ill_one_of_three_hundred_services_is_among_the_first(
    knowledge_repo: Path, backend: Backend, named: str
) -> None:
    system = backend.system
    assert system.series >= 60_000
    found, cost = investigated(
        knowledge_repo, backend, *(("--service", system.noticed) if named == "named" else ())
    )
    first = [one["service"] for one in found["services"][:3]]
    assert system.ill in first
    scores = {one["service"]: one["score"] for one in found["services"]}
    assert scores.get(system.restarted, 0.0) < 0.1
    strongest = found["hypotheses"][0]
    assert (strongest["service"], strongest["verdict"]) == (system.ill, "supported")
    asked = [one["query"] for one in strongest["experiments"]]
    assert any(query.startswith("sum by (") and f'service="{system.ill}"' in query for query in asked)
    (path,) = knowledge_repo.glob(f"investigations/*/{found['id']}.yaml")
    kept = Investigation.model_validate(parse_yaml(path.read_text("utf-8")))
    said = [line for line in kept.missing if line.startswith("query_prometheus: ")]
    assert any("too many to be read one by one" in line for line in said)
    assert len(said) <= 5
    questions = sum("/resources/" in path for path in backend.grafana.asked)
    assert questions <= 150
    # A machine that has other things to do takes longer.
    assert cost.wall <= 60 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert cost.cpu <= 30
    assert cost.largest <= 600
