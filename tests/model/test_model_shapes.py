from __future__ import annotations

import pytest
from pydantic import ValidationError

from compass.errors import CompassError, Location
from compass.model.base import Problem, Severity
from compass.model.catalog import Entity
from compass.model.entry import Postmortem, Runbook
from compass.model.proposal import Proposal, State, Verb
from compass.model.scope import Repository

RUNBOOK = {
    "schema": 1,
    "kind": "runbook",
    "id": "run-7k3x9q2m4t",
    "title": "T",
    "status": "draft",
    "created": "2026-01-02",
}


def test_a_draft_needs_little() -> None:
    assert Runbook.model_validate(RUNBOOK).services == ()


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 101},
        {"title": 5},
        {"id": "pat-7k3x9q2m4t"},
        {"id": "run-7k3x9q2m4u"},
        {"owner": "payments"},
        {"services": ["checkout"]},
        {"tags": ["plain"]},
        {"created": "2026-13-01"},
        {"related": [{"type": "friend", "id": "run-7k3x9q2m4t"}]},
        {"evidence": [{"id": "one", "type": "query"}]},
        {"evidence": [{"id": "e1", "type": "query", "observed": "x" * 4097}]},
        {"root_cause": "x"},
    ],
)
def test_what_an_entry_may_not_be(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Runbook.model_validate(RUNBOOK | change)


def test_times_need_a_zone_and_come_out_in_utc() -> None:
    base = RUNBOOK | {"kind": "postmortem", "id": "pm-7k3x9q2m4t"}
    found = Postmortem.model_validate(base | {"times": {"start": "2026-01-02T10:00:00+02:00"}})
    assert found.times
    assert found.times.start
    assert found.times.start.isoformat() == "2026-01-02T08:00:00+00:00"
    with pytest.raises(ValidationError):
        Postmortem.model_validate(base | {"times": {"start": "2026-01-02T10:00:00"}})
    with pytest.raises(ValidationError):
        Postmortem.model_validate(base | {"root_cause": "one thing"})


def test_entities_keep_what_backstage_allows() -> None:
    raw = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "Checkout", "x": 1},
        "spec": {"dependsOn": ["resource:default/DB"]},
    }
    entity = Entity.model_validate(raw)
    assert entity.ref == "component:default/checkout"
    assert entity.depends_on == ("resource:default/db",)
    assert Entity.model_validate(raw | {"spec": {"dependsOn": "x"}}).depends_on == ()


@pytest.mark.parametrize("name", ["team/Payments", "payments", "team/../x", "hub/x"])
def test_repository_ids_are_plain(name: str) -> None:
    with pytest.raises(ValidationError):
        Repository.model_validate({"schema": 1, "level": "team", "id": name})


def test_a_proposal_has_the_shape_that_programs_read() -> None:
    proposal = Proposal(
        proposal="a" * 16,
        branch="b",
        head=None,
        tree=None,
        target="team/x",
        verb=Verb.CONTRIBUTE,
        entry="run-7k3x9q2m4t",
        state=State.OPEN,
    )
    dumped = proposal.model_dump(mode="json", by_alias=True)
    assert dumped["schema"] == 1
    assert {"proposal", "branch", "head", "tree", "target", "state", "needs", "replaced"} <= dumped.keys()


def test_places_read_as_compilers_print_them() -> None:
    problem = Problem(rule="r", severity=Severity.ERROR, message="m", path="a.md", line=3)
    assert str(problem.location) == "a.md:3:1"
    assert str(Location("a.md")) == "a.md"
    assert str(CompassError("no", location=Location("a.md", 1, 2))) == "a.md:1:2: no"
    assert str(CompassError("no")) == "no"
