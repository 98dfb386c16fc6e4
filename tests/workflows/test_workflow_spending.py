"""What language models cost over time: the sum of the records, whatever else lies beside them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner
from conftest import WHEN

from compass.adapters.documents import dump_yaml
from compass.cli import cli
from compass.model.entry import TimeWindow
from compass.model.investigation import Cost, Incident, Investigation, ModelCall, ModelUse
from compass.model.scope import Level
from compass.workflows.initialize import Plan, initialize
from compass.workflows.spending import spending


def record(number: int, days: int, model: str | None, cost: Cost) -> Investigation:
    call = ModelCall(
        purpose="summary", prompt="summary-2", prompt_sha256="0" * 64, request_sha256="1" * 64, cost=cost
    )
    started = WHEN + timedelta(days=days)
    return Investigation(
        id=f"inv-{number:010d}",
        tool="compass 1",
        started=started,
        incident=Incident(
            symptom="slow\nlanguage_model: {name: forged}",
            detected=started,
            window=TimeWindow(start=started, end=started + timedelta(minutes=5)),
        ),
        language_model=ModelUse(name=model, estimate=cost, cost=cost, calls=(call, call)) if model else None,
        cost=cost,
    )


def written(root: Path, *records: Investigation) -> Path:
    for one in records:
        path = root / "investigations" / str(one.started.year) / f"{one.id}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump_yaml(one.model_dump(mode="json", by_alias=True)))
    return root


def test_the_sums_are_those_of_the_records_with_their_number_and_window(tmp_path):
    here = written(
        tmp_path / "here",
        record(1, 0, None, Cost()),
        record(2, 3, "small:1b", Cost(tokens=100, usd=0.0, seconds=1.5)),
        record(3, 9, "big", Cost(tokens=1000, usd=0.25, seconds=2.0)),
    )
    personal = written(
        tmp_path / "personal",
        record(3, 9, "big", Cost(tokens=1000, usd=0.25, seconds=2.0)),
        record(4, 400, "big", Cost(tokens=500, usd=None, seconds=4.0)),
    )
    found = spending((here, personal, tmp_path / "nowhere"))
    assert (found.investigations, found.asked, found.unreadable) == (4, 3, ())
    assert (found.first, found.last) == (WHEN, WHEN + timedelta(days=400))
    assert [one._asdict() for one in found.models] == [
        {"model": "big", "investigations": 2, "calls": 4, "tokens": 1500, "usd": 0.25, "unpriced": 1, "seconds": 6.0},
        {"model": "small:1b", "investigations": 1, "calls": 2, "tokens": 100, "usd": 0.0, "unpriced": 0, "seconds": 1.5},
    ]  # fmt: skip


def test_what_is_no_record_is_named_and_left_out(tmp_path):
    root = written(tmp_path / "here", record(1, 0, "small:1b", Cost(tokens=1)))
    folder = root / "investigations" / "2026"
    (folder / "broken.yaml").write_text("id: inv-1\nlanguage_model: {name: x\n")
    (folder / "other.yaml").write_bytes(b"\xff\xfe")
    (folder / "linked.yaml").symlink_to(folder / "inv-0000000001.yaml")
    found = spending((root,))
    assert found.investigations == 1
    assert [Path(one).name for one in found.unreadable] == ["broken.yaml", "other.yaml"]


def test_doctor_shows_them_for_the_repository_and_the_personal_one(tmp_path):
    data = tmp_path / "data"
    initialize(Plan(data / "compass" / "personal", Level.PERSONAL), now=WHEN)
    written(
        data / "compass" / "personal", record(1, 0, "small:1b", Cost(tokens=123, usd=0.5)), record(2, 9, None, Cost())
    )  # fmt: skip
    environment = {"XDG_DATA_HOME": str(data)}
    shown = CliRunner().invoke(cli, ["doctor"], env=environment).stdout
    assert "1 of 2 investigations, 2026-03-14 to 2026-03-23, asked a language model" in shown
    assert any("123" in line and "0.50" in line and "small:1b" in line for line in shown.splitlines())
    found = json.loads(CliRunner().invoke(cli, ["doctor", "--format", "json"], env=environment).stdout)
    assert found["spent"]["models"][0]["tokens"] == 123
    assert datetime.fromisoformat(found["spent"]["first"]).astimezone(UTC) == WHEN
