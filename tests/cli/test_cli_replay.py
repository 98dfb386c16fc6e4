"""A finished record evaluated again: with its telemetry, without it, and after somebody changed it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT, WHEN

from compass.adapters.documents import dump_yaml, parse_yaml
from compass.cli import cli
from compass.investigate.again import replay
from compass.investigate.session import Session
from compass.model.investigation import Experiment, Investigation, Verdict
from compass.workflows.investigate import Memory, investigation_of

NAME = "pool-exhaustion-after-rollout"
OTHER = {
    Verdict.SUPPORTED: Verdict.REFUTED,
    Verdict.REFUTED: Verdict.SUPPORTED,
    Verdict.INCONCLUSIVE: Verdict.REFUTED,
}
RECORDINGS = [
    ROOT / "knowledge/tribes/product/recordings/slow-dependency-behind-three-services",
    ROOT / "knowledge/tribes/product/recordings/lab-wrong-answers",
    ROOT / "knowledge/teams/kubernetes/recordings/lab-network-delay",
]


def compass(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


@pytest.fixture(scope="module", params=RECORDINGS, ids=lambda one: one.name)
def worked(request, tmp_path_factory) -> Iterator[tuple[Session, Investigation]]:
    """A session that is still open, and its record as it is read back from a file."""
    home = tmp_path_factory.mktemp("worked")
    where = Memory(Path(), home / "data", home / "cache")
    with investigation_of(request.param, where, now=WHEN, random=Random(1), clock=lambda: 0.0) as session:
        session.test_all()
        yield session, written(session.record())


def written(record: Investigation) -> Investigation:
    """To a file and back."""
    return Investigation.model_validate(parse_yaml(dump_yaml(record.model_dump(mode="json", by_alias=True))))


def changed(record: Investigation, **update: Any) -> Investigation:
    """With the first experiment that measured something changed."""
    first = record.hypotheses[0]
    experiments = list(first.experiments)
    at = next(n for n, one in enumerate(experiments) if one.rule is not None and one.rule.measured)
    experiments[at] = experiments[at].model_copy(update=update)
    best = first.model_copy(update={"experiments": tuple(experiments)})
    return record.model_copy(update={"hypotheses": (best, *record.hypotheses[1:])})


def first(record: Investigation) -> Experiment:
    return next(one for one in record.hypotheses[0].experiments if one.rule is not None and one.rule.measured)


def test_every_experiment_reaches_its_verdict_again_with_the_telemetry_and_without(worked):
    session, record = worked
    for bench in (session.bench, None):
        done = replay(record, bench)
        assert done.same, done.differences
        assert done.experiments == sum(len(one.experiments) for one in record.hypotheses) > 8
        assert done.asked == (done.experiments if bench else 0)


def test_whatever_is_changed_in_a_record_is_noticed(worked):
    _, record = worked
    rule = first(record).rule
    assert rule is not None
    for update, said in (
        (
            {"verdict": OTHER[first(record).verdict]},
            "the rule says otherwise",
        ),
        ({"reason": "because"}, "the rule says otherwise"),
        ({"rule": rule.model_copy(update={"measured": {"surprise": "much"}})}, "rule"),
        ({"rule": rule.model_copy(update={"name": "whim"})}, "the rule cannot be applied"),
    ):
        for bench in (None, worked[0].bench):
            done = replay(changed(record, **update), bench)
            whats = [one.what for one in done.differences]
            assert whats[0] == "the record was changed after it was written"
            assert any(said in what for what in whats[1:])
            assert not done.same
    for update in ({"observed": "nothing"}, {"sha256": "0" * 64}):
        quietly = changed(record, **update).sealed()
        assert replay(changed(record, **update), None).differences[0].hypothesis == 0
        assert {one.what for one in replay(quietly, worked[0].bench).differences} <= {
            "excerpt", "digest of the answer",
        }  # fmt: skip
        assert not replay(quietly, worked[0].bench).same
    surer = record.hypotheses[0].model_copy(update={"confidence": 0.5})
    done = replay(record.model_copy(update={"hypotheses": (surer,)}).sealed(), None)
    assert [one.what for one in done.differences] == ["confidence"]


def test_a_record_of_an_older_version_cannot_be_evaluated_and_says_so(worked):
    _, record = worked
    done = replay(changed(record, rule=None).model_copy(update={"seal": None}), None)
    assert (done.without_rule, done.differences, done.same) == (1, (), False)


def test_from_the_command_line_with_a_recording_without_it_and_with_another_one(knowledge_repo, tmp_path):
    recording = knowledge_repo / "recordings" / NAME
    arguments = ["--recording", recording, "--auto", "--no-llm", "--format", "json"]
    found = json.loads(compass("-C", knowledge_repo, "investigate", *arguments).stdout)

    def replayed(*more: object) -> tuple[int, dict[str, Any]]:
        done = compass(
            "-C", knowledge_repo, "investigate", "--replay", found["id"][:9], "--format", "json", *more
        )
        return done.exit_code, json.loads(done.stdout)

    status, answer = replayed()
    assert (status, answer["source"], answer["same"], answer["differences"]) == (0, "recording", True, [])
    assert answer["asked"] == answer["experiments"] > 8
    elsewhere = tmp_path / "elsewhere"
    shutil.move(recording, elsewhere)
    assert replayed()[1]["source"] == "record"
    assert replayed()[0] == 0
    assert replayed("--recording", elsewhere)[1]["asked"] == answer["asked"]
    alerts = elsewhere / "alerts.jsonl"
    alerts.write_text(alerts.read_text().replace("HighLatency", "HighLoad"))
    status, other = replayed("--recording", elsewhere)
    assert (status, other["same"]) == (1, False)
    assert {one["what"] for one in other["differences"]} >= {"digest of the answer", "verdict"}
    (path,) = (knowledge_repo / "investigations").glob("*/*.yaml")
    path.write_text(path.read_text().replace("verdict: supported", "verdict: refuted", 1))
    done = compass("-C", knowledge_repo, "investigate", "--replay", found["id"])
    assert done.exit_code == 1
    assert "the record was changed after it was written" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_a_record_that_cannot_be_read_is_named_with_its_line(knowledge_repo):
    path = knowledge_repo / "investigations/2026/inv-0123456789.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("schema: 1\nid: [\n")
    done = compass("-C", knowledge_repo, "investigate", "--replay", "inv-01")
    assert getattr(done.exception, "exit_code", None) == 2
    assert f"{path}:" in str(done.exception)
    near = compass("-C", knowledge_repo, "draft", "inv-0123456780")
    assert "did you mean inv-0123456789?" in str(getattr(near.exception, "hint", None))
