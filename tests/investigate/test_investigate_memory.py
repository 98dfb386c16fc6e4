"""What a person confirmed leads the next time, and what was disproven stands back, under the same conditions only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import ROOT, WHEN
from shifted import shifted

from compass.investigate.citations import checked
from compass.investigate.past import confirmed
from compass.investigate.session import Session
from compass.model.investigation import Deed, Investigation, Origin
from compass.workflows.investigate import Memory, investigation_of, keep

RECORDINGS = ROOT / "knowledge/tribes/product/recordings"
SLOW = RECORDINGS / "slow-dependency-behind-three-services"
OTHER = ROOT / "knowledge/teams/payments/recordings/pool-exhaustion-after-rollout"


@pytest.fixture(scope="module")
def again(tmp_path_factory) -> Path:
    """The same fault, a week later."""
    return shifted(SLOW, tmp_path_factory.mktemp("again"), "slow-again", 7)


@pytest.fixture
def where(tmp_path) -> Memory:
    return Memory(Path(), tmp_path / "data", tmp_path / "cache")


def investigated(folder: Path, where: Memory, seed: int, decide: Any = None) -> tuple[Session, Investigation]:
    told: list[str] = []
    where = replace(where)  # as another process sees it
    with investigation_of(folder, where, now=WHEN, random=Random(seed), clock=lambda: 0.0) as session:
        components = [one.component for one in session.ranking.components[:5]]
        session.remember(where.past(session.library, components, told.append))
        if decide:
            decide(session)
        session.test_all()
        record = session.record()
    assert told == []
    keep(record, where, now=WHEN)
    return session, record


def named(session: Session, words: str) -> int:
    return next(place for place, one in enumerate(session.candidates) if words in one.statement)


def test_the_second_time_the_confirmed_hypothesis_leads_and_cites_the_earlier_record(where, again):
    """An unlikely one, so that nothing but the person's word can have put it first."""
    _, before = investigated(again, where, 1)
    assert "storefront" not in before.hypotheses[0].statement
    (where.data / "personal/investigations" / str(WHEN.year) / f"{before.id}.yaml").unlink()

    def decide(session: Session) -> None:
        session.decide(Deed.CONFIRM, named(session, "checkout itself"), "seen in its code", WHEN)

    _, first = investigated(SLOW, where, 2, decide)
    assert first.hypotheses[0].statement.startswith("checkout itself")
    session, second = investigated(again, where, 3)
    best = second.hypotheses[0]
    assert best.statement == first.hypotheses[0].statement
    assert best.origin is Origin.MEMORY
    assert first.id in best.why[0]
    assert best.citations[0].ref.startswith("personal/personal@")
    assert f"{first.id}.yaml#L" in best.citations[0].ref
    assert best.statement in best.citations[0].quote
    assert checked(best.citations, session.library) == best.citations
    assert best.experiments[0].question == f"Does the match of {first.id} hold during the incident?"
    assert best.statement not in second.unsupported
    assert 3 <= len(second.hypotheses) <= 5
    assert any(one.origin is Origin.LOAD for one in second.hypotheses)


def test_elsewhere_the_same_memory_says_nothing(where, again):
    def decide(session: Session) -> None:
        session.decide(Deed.CONFIRM, named(session, "storefront"), None, WHEN)

    investigated(again, where, 1, decide)
    _, other = investigated(OTHER, where, 2)
    plain = Memory(Path(), where.data / "nobody", where.cache)
    _, alone = investigated(OTHER, plain, 2)
    told = [(one.statement, one.confidence, one.why, one.citations) for one in other.hypotheses]
    assert told == [(one.statement, one.confidence, one.why, one.citations) for one in alone.hypotheses]


def test_what_a_person_disproved_ranks_lower_under_the_same_conditions(where, again):
    plain = Memory(Path(), where.data / "nobody", where.cache)
    _, alone = investigated(again, plain, 1)

    def decide(session: Session) -> None:
        session.decide(
            Deed.REFUTE, named(session, "The deployment of accounts"), "rolled back, no change", WHEN
        )

    _, first = investigated(SLOW, where, 2, decide)
    assert next(one for one in first.hypotheses if one.refuted_by_person).experiments == ()
    _, second = investigated(again, where, 3)
    earlier, now = (
        next(one for one in record.hypotheses if "deployment of accounts" in one.statement)
        for record in (alone, second)
    )
    assert now.confidence < earlier.confidence
    assert "rolled back, no change" in now.why[0]
    assert now.citations
    assert f"{first.id}.yaml#L" in now.citations[0].ref


def test_a_pick_confirms_only_what_its_experiments_support(where):
    def decide(session: Session) -> None:
        session.decide(Deed.PICK, named(session, "More requests"), None, WHEN)

    _, record = investigated(SLOW, where, 1, decide)
    assert not any(confirmed(record, one) for one in record.hypotheses)
    supported = record.hypotheses[0]
    picked = record.model_copy(
        update={"notes": (record.notes[0].model_copy(update={"text": supported.statement}),)}
    )
    assert [one.rank for one in picked.hypotheses if confirmed(picked, one)] == [1]


def test_a_record_that_cannot_be_read_is_told_and_left_out(where):
    _, record = investigated(SLOW, where, 1)
    path = where.data / "personal/investigations" / str(WHEN.year) / f"{record.id}.yaml"
    path.write_text(path.read_text().replace("schema: 1", "schema: 9"))
    told: list[str] = []
    assert where.past(where.library, ["checkout"], told.append) == []
    assert str(path) in told[0]
    assert "left out" in told[0]
