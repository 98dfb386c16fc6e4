"""Hypotheses, experiments, verdicts and citations over the recordings of the example organization."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from conftest import WHEN

from compass.investigate.citations import checked
from compass.investigate.session import Session
from compass.investigate.verdicts import overall, posterior
from compass.model.investigation import Citation, Investigation, Origin, Verdict
from compass.workflows.investigate import Memory, find_record, investigation_of, keep

SUPPORTED, REFUTED, OPEN = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE
RECORDING = "recordings/pool-exhaustion-after-rollout"


def memory(repo: Path, home: Path) -> Memory:
    return Memory(repo, home / "data", home / "cache")


def investigate(folder: Path, where: Memory) -> tuple[Session, Investigation]:
    ticks = iter(range(1000))
    with investigation_of(
        folder, where, now=WHEN, random=Random(7), clock=lambda: float(next(ticks))
    ) as session:
        for place in range(len(session.candidates)):
            session.test(place)
        return session, session.record()


def test_the_known_pattern_is_found_with_rivals_and_every_one_was_tested(knowledge_repo, tmp_path):
    _, record = investigate(knowledge_repo / RECORDING, memory(knowledge_repo, tmp_path))
    assert 3 <= len(record.hypotheses) <= 5
    best = record.hypotheses[0]
    assert best.origin is Origin.PATTERN
    assert best.verdict is SUPPORTED
    assert best.service == "payments"
    assert all(len(one.experiments) >= 2 for one in record.hypotheses)
    assert all(
        one.sha256 and one.query and one.refuted_when for h in record.hypotheses for one in h.experiments
    )
    assert record.services[0].service == "payments"
    assert {one.service for one in record.services} >= {"checkout", "notifications", "payments-db"}
    assert any(one.verdict is REFUTED for one in record.hypotheses)
    assert len({cause.level for cause in record.contributing_causes}) > 1


def test_refuted_hypotheses_stand_behind_all_others(knowledge_repo, tmp_path):
    _, record = investigate(knowledge_repo / RECORDING, memory(knowledge_repo, tmp_path))
    standing = [one.verdict is not REFUTED for one in record.hypotheses]
    assert standing == sorted(standing, reverse=True)
    assert [one.rank for one in record.hypotheses] == list(range(1, len(standing) + 1))


def test_every_citation_can_be_read_again_and_a_false_quote_is_dropped(knowledge_repo, tmp_path):
    session, record = investigate(knowledge_repo / RECORDING, memory(knowledge_repo, tmp_path))
    cited = [one for hypothesis in record.hypotheses for one in hypothesis.citations]
    assert cited
    assert checked(cited, session.library) == tuple({one.ref: one for one in cited}.values())
    false = Citation(ref=cited[0].ref, quote="nobody ever wrote this")
    elsewhere = Citation(ref=cited[0].ref.replace("team/", "team/not-"), quote=cited[0].quote)
    assert checked([false, elsewhere, None], session.library) == ()


def test_an_unsupported_claim_is_marked(knowledge_repo, tmp_path):
    _, record = investigate(knowledge_repo / RECORDING, memory(knowledge_repo, tmp_path))
    for cause in record.contributing_causes:
        assert bool(cause.citations) != (cause.text in record.unsupported)


def test_without_a_knowledge_repository_it_works_and_the_record_lands_in_the_personal_one(
    knowledge_repo, tmp_path
):
    where = Memory(Path(), tmp_path / "data", tmp_path / "cache")
    _, record = investigate(knowledge_repo / RECORDING, where)
    assert record.services[0].service == "payments"
    assert all(not one.citations for one in record.hypotheses)
    path = keep(record, where, now=WHEN)
    assert path.is_relative_to(tmp_path / "data" / "personal" / "investigations" / "2026")
    found = find_record(record.id, where)
    assert (found.root, found.record) == (tmp_path / "data" / "personal", record)


def test_two_runs_differ_in_nothing_but_id_and_cost(knowledge_repo, tmp_path):
    where = memory(knowledge_repo, tmp_path)
    first = investigate(knowledge_repo / RECORDING, where)[1]
    second = investigate(knowledge_repo / RECORDING, where)[1]
    assert first == second


def test_on_a_recording_without_any_telemetry_nothing_is_concluded(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "recording.yaml").write_text(
        "schema: 1\nid: empty\nwindow: {from: 2026-03-14T09:00:00Z, to: 2026-03-14T09:30:00Z}\n"
        "detected: 2026-03-14T09:20:00Z\nsymptom: {text: nobody knows}\n"
    )
    _, record = investigate(folder, Memory(Path(), tmp_path / "data", tmp_path / "cache"))
    assert record.services == ()
    assert all(one.verdict is OPEN for one in record.hypotheses)
    assert record.contributing_causes == ()


def test_the_proposed_match_held_during_the_incident(knowledge_repo, tmp_path):
    session, record = investigate(knowledge_repo / RECORDING, memory(knowledge_repo, tmp_path))
    assert record.recognized_by is not None
    assert set(record.recognized_by.parsed.names) <= set(record.recognized_by.signals)
    assert session.observed.detected == datetime(2026, 4, 14, 14, 2, tzinfo=UTC).timestamp()


def test_a_component_that_falls_silent_is_named(knowledge_repo, tmp_path):
    session, _ = investigate(knowledge_repo / RECORDING, memory(knowledge_repo, tmp_path))
    observed = session.observed
    last = observed.detected - 300
    cut = replace(
        observed.window,
        tracks={
            key: replace(
                track, times=track.times[track.times < last], values=track.values[track.times < last]
            )
            if key.component == "ledger"
            else track
            for key, track in observed.window.tracks.items()
        },
        logs=tuple(line for line in observed.window.logs if line.service != "ledger"),
        spans=tuple(span for span in observed.window.spans if span.service != "ledger"),
    )
    assert replace(observed, window=cut).silent == ("ledger",)


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([SUPPORTED, OPEN], SUPPORTED),
        ([SUPPORTED, SUPPORTED, REFUTED], REFUTED),
        ([OPEN, OPEN], OPEN),
        ([], OPEN),
    ],
)
def test_one_refutation_refutes_and_missing_data_decides_nothing(verdicts, whole):
    assert overall(verdicts) is whole


def test_confidence_follows_its_rule_and_stays_within_bounds():
    assert posterior(0.5, []) == 0.5
    assert posterior(0.5, [OPEN]) == 0.5
    assert posterior(0.5, [SUPPORTED]) > 0.5 > posterior(0.5, [REFUTED])
    assert posterior(0.9, [SUPPORTED] * 9) == posterior(0.9, [SUPPORTED] * 2) == 0.97
    assert posterior(0.0, [REFUTED] * 9) == 0.01
