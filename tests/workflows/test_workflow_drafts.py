"""What a person reads of an investigation: the report, the drafts, the fix of a runbook."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT, commit_all
from syrupy.assertion import SnapshotAssertion

from compass.cli import cli
from compass.cli.investigation_text import report
from compass.cli.sparkline import BLOCKS, PLAIN
from compass.library import load
from compass.model.entry import Pattern, Postmortem, SystemLevel, TimeWindow
from compass.model.investigation import (
    Cause,
    Citation,
    Curve,
    Deed,
    Experiment,
    Happening,
    Hypothesis,
    Incident,
    Investigation,
    Note,
    Origin,
    Rule,
    ServiceScore,
    Verdict,
)
from compass.workflows.draft import evidence
from compass.workflows.drafted_text import pattern_body, postmortem_body

RECORDING = "recordings/pool-exhaustion-after-rollout"
NOTICED = datetime(2026, 5, 6, 8, 50, tzinfo=UTC)
WINDOW = TimeWindow(start=NOTICED - timedelta(minutes=20), end=NOTICED + timedelta(minutes=10))
CITED = Citation(
    ref=f"team/payments@{'ab' * 20}:runbooks/relieve-a-pool.md#L40-L40",
    quote="1. Roll back. You need no permission.",
)


def compass(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def experiment(question: str, verdict: Verdict, reason: str, query: str, digest: str) -> Experiment:
    return Experiment(
        question=question,
        refuted_when="it lies within the range it had before",
        datasource="prometheus",
        query=query,
        window=WINDOW,
        observed=f"{query}\n2026-05-06T08:51:00Z 30",
        sha256=digest * 64,
        verdict=verdict,
        reason=reason,
        rule=Rule(name="level", given={"component": "payments", "metric": "waiting", "query": query}),
    )


def made_up() -> Investigation:
    """A record with everything that drafts have to show, whatever the ranking of today would say."""
    waiting = experiment(
        "Has waiting of payments left its range?",
        Verdict.SUPPORTED,
        "30 since detection, 0 before",
        "waiting",
        "a",
    )
    calls = experiment(
        "Do more requests arrive?", Verdict.REFUTED, "12 since detection, 12 before", "requests_total", "b"
    )
    return Investigation(
        id="inv-0123456789",
        tool="compass 0",
        started=NOTICED + timedelta(hours=1),
        incident=Incident(
            symptom="checkout is slow | and <b>payments</b> fail", service="checkout", detected=NOTICED, window=WINDOW
        ),
        hypotheses=(
            Hypothesis(
                rank=1,
                statement="payments runs short of connections",
                service="payments",
                origin=Origin.PATTERN,
                predicts="callers wait for a connection",
                confidence=0.9,
                verdict=Verdict.SUPPORTED,
                experiments=(waiting,),
                citations=(CITED,),
                confirmed_by_person=True,
            ),
            Hypothesis(
                rank=2,
                statement="More requests arrive than the system was sized for",
                service=None,
                origin=Origin.LOAD,
                predicts="the request rate rises first",
                confidence=0.02,
                verdict=Verdict.REFUTED,
                experiments=(calls,),
            ),
            Hypothesis(
                rank=3,
                statement="The deployment of checkout brought it",
                service="checkout",
                origin=Origin.CHANGE,
                predicts="checkout leaves its range after the change",
                confidence=0.01,
                verdict=Verdict.REFUTED,
                refuted_by_person="it was rolled back at 08:40, and nothing changed",
            ),
        ),
        services=(ServiceScore(service="payments", score=9.1), ServiceScore(service="checkout", score=1.2)),
        contributing_causes=(
            Cause(
                text="The pool's size comes with the release",
                level=SystemLevel.TECHNICAL_MANAGEMENT,
                citations=(CITED,),
                evidence=("a" * 64,),
            ),
            Cause(text="No alert watches the pool", level=SystemLevel.HUMAN_SYSTEM_INTERFACE),
            Cause(
                text="payments runs short of connections",
                level=SystemLevel.EQUIPMENT_TECHNOLOGY,
                evidence=("a" * 64,),
            ),
        ),
        timeline=(
            Happening(time=NOTICED - timedelta(minutes=10), what="deployment of checkout: v2", source="changes"),
            Happening(time=NOTICED - timedelta(minutes=4), what="payments leaves its range: waiting from 0 to 30", source="metrics"),
            Happening(time=NOTICED, what="noticed: checkout is slow", source="incident"),
        ),
        curves=(
            Curve(
                service="payments",
                metric="waiting",
                query="waiting",
                window=WINDOW,
                values=(0.0, 0.0, 1.0, None, 15.0, 30.0),
                detected=4,
            ),
        ),
        missing=("no spans of checkout",),
        unsupported=("No alert watches the pool", "payments runs short of connections"),
        notes=(
            Note(time=NOTICED, text="payments runs short of connections", deed=Deed.PICK),
            Note(time=NOTICED, text="The deployment of checkout brought it", deed=Deed.REFUTE, reason="it was rolled back"),
            Note(time=NOTICED, text="called the owner of the pool"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("characters", [BLOCKS, PLAIN])
def test_the_report_at_the_terminal(snapshot: SnapshotAssertion, characters):
    lines = list(report(made_up(), characters))
    assert max(len(line) for line in lines if not line.startswith(("Do ", "   cites"))) <= 80
    assert "\n".join(lines) == snapshot


def test_the_body_of_a_postmortem(snapshot: SnapshotAssertion):
    record = made_up()
    seen = [record.hypotheses[0].experiments[0]]
    assert [one["id"] for one in evidence(record)] == ["e1"]
    assert postmortem_body(record, seen) == snapshot


def test_the_body_of_a_pattern(snapshot: SnapshotAssertion):
    record = made_up()
    assert pattern_body(record, [record.hypotheses[0].experiments[0]]) == snapshot


@pytest.fixture
def drafted(knowledge_repo) -> tuple[Path, dict[str, Any]]:
    """The payments team's repository with the drafts of one investigation."""
    arguments = ["--recording", knowledge_repo / RECORDING, "--auto", "--no-llm", "--format", "json"]
    found = json.loads(compass("-C", knowledge_repo, "investigate", *arguments).stdout)
    done = compass("-C", knowledge_repo, "draft", found["id"], "--format", "json")
    assert done.exit_code == 0, done.output
    return knowledge_repo, json.loads(done.stdout)


def test_drafts_and_the_fix_pass_the_check_and_each_claim_is_cited_or_marked(drafted):
    repo, answer = drafted
    fix = answer["runbook_fix"]
    assert fix["diff"].startswith(f"--- a/{fix['path']}\n+++ b/{fix['path']}\n@@ ")
    before = (repo / fix["path"]).read_text()
    patch = ["git", "-C", str(repo), "apply", str(repo / fix["patch"])]
    subprocess.run(patch, check=True, capture_output=True)
    changed = (repo / fix["path"]).read_text()
    assert answer["investigation"] in changed
    assert "It was not: More requests arrive" in changed
    assert set(before.splitlines()) <= set(changed.splitlines())
    commit_all(repo, "drafts\n")
    done = compass("-C", repo, "check", "--format", "json")
    problems = json.loads(done.stdout)["problems"]
    assert [one for one in problems if one["severity"] == "error"] == []
    entries = {one.id: one for one in load(repo, parents=True).entries}
    postmortem, pattern = (entries[one["id"]] for one in answer["drafts"])
    assert isinstance(postmortem.entry, Postmortem)
    assert isinstance(pattern.entry, Pattern)
    assert pattern.entry.tests is not None
    assert pattern.entry.tests.must_match == (Path(RECORDING).name,)
    assert len({cause.level for cause in postmortem.entry.contributing_causes}) > 1
    causes = postmortem.text.partition("## Contributing causes")[2].partition("## Lessons")[0]
    claims = causes.split("\n- ")[1:]
    assert len(claims) == len(postmortem.entry.contributing_causes)
    assert all(
        "Cited: `" in one or "Seen in the telemetry alone" in one or "Not supported" in one for one in claims
    )
    assert all(action.text.endswith("?") for action in postmortem.entry.actions)


def test_a_second_run_keeps_the_fix_that_is_there(drafted):
    repo, first = drafted
    done = json.loads(
        compass("-C", repo, "draft", first["investigation"], "--kind", "runbook", "--format", "json").stdout
    )
    assert done["runbook_fix"] == {**first["runbook_fix"], "written": False}
    assert done["drafts"] == []


def test_without_a_cited_runbook_a_fix_is_refused_and_a_recording_from_elsewhere_is_copied(fixed_environment):
    recording = ROOT / "knowledge/tribes/product/recordings/slow-dependency-behind-three-services"
    done = compass("investigate", "--recording", recording, "--auto", "--no-llm")
    assert "--recording" in done.stdout.splitlines()[-1]
    identifier = done.stdout.splitlines()[0]
    refused = compass("draft", identifier, "--kind", "runbook")
    assert getattr(refused.exception, "exit_code", None) == 1
    assert "cites a runbook" in str(refused.exception)
    drafted = json.loads(compass("draft", identifier, "--recording", recording, "--format", "json").stdout)
    personal = Path(drafted["repository"])
    assert (personal / "recordings" / recording.name / "history/metrics.csv.gz").is_file()
    checked = json.loads(compass("-C", personal, "check", "--format", "json").stdout)
    assert [one for one in checked["problems"] if one["severity"] == "error"] == []
