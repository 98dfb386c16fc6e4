"""A wiki of runbooks and rule files with three hundred alerts, to a checked repository and a first proposal, by commands alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import commit_all, organization

from compass.cli import cli

GROUPS = ("node", "etcd", "storage", "ingress", "queue", "cache")
NOUNS = (
    "Disk",
    "Memory",
    "Latency",
    "Leader",
    "Certificate",
    "Replica",
    "Backlog",
    "Connection",
    "Quota",
    "Probe",
)
FAULTS = ("Full", "Slow", "Missing", "Flapping", "Expiring")
ALERTS = [f"{group.title()}{noun}{fault}" for group in GROUPS for noun in NOUNS for fault in FAULTS]
CAUSES = (
    "a rollout that changed the limits",
    "a neighbour that takes more than its share",
    "a volume that is smaller than its forecast",
    "a certificate that nobody renews",
)


def call(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def read(*arguments: str | Path, code: int = 0) -> dict[str, object]:
    found: dict[str, object] = json.loads(call(*arguments, "--format", "json", code=code).stdout)
    return found


def rule(alert: str, random: Random) -> str:
    metric = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", alert).lower()
    return f"""\
      - alert: {alert}
        expr: rate({metric}_total{{job="{random.choice(GROUPS)}"}}[{random.choice((5, 10, 15))}m]) > {random.randint(1, 99)}
        for: {random.choice((5, 10, 30))}m
        labels: {{severity: {random.choice(("warning", "critical"))}}}
        annotations:
          summary: "{alert} on {{{{ $labels.instance }}}}."
          runbook_url: https://runbooks.example.com/{alert.lower()}
"""


def page(alert: str, random: Random) -> str:
    return f"""---
title: {alert}
weight: {random.randint(1, 90)}
---

# {alert}

## Meaning

The signal behind `{alert}` has been over its threshold for longer than the alert waits.

## Impact

Requests of {random.choice(GROUPS)} may fail or wait.

## Diagnosis

Look first for {random.choice(CAUSES)}, then for {random.choice(CAUSES)}.

```shell
kubectl -n {random.choice(GROUPS)} get events --sort-by=.lastTimestamp
```

## Mitigation

Undo the last change, or give it room.
"""


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    """Pages for a third of three hundred alerts, the rules of all, and what else lies in such a folder."""
    random, folder = Random(300), tmp_path / "wiki"
    assert len(set(ALERTS)) == 300
    for number, alert in enumerate(ALERTS):
        if number % 3 == 0:
            file = folder / "content" / "runbooks" / alert.lower()[:4] / f"{alert}.md"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(page(alert, random))
    for group in GROUPS:
        rules = "".join(rule(alert, random) for alert in ALERTS if alert.startswith(group.title()))
        text = f"groups:\n  - name: {group}\n    rules:\n{rules}"
        if group == "queue":  # as Kubernetes wraps it
            text = (
                "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: queue}\nspec:\n"
                + re.sub(r"^", "  ", text, flags=re.MULTILINE)
            )
        (folder / f"{group}.rules.yaml").write_text(text.rstrip() + "\n")
    (folder / "content" / "_index.md").write_text("# Runbooks\n\nOne page for each alert.\n")
    (folder / "content" / "empty.md").write_text("\n")
    (folder / "broken.rules.yaml").write_text("groups:\n  - name: x\n   rules: [{alert: a]\n")
    (folder / "logo.svg").write_text("<svg/>")
    reports = folder / "incidents"
    reports.mkdir()
    (reports / "2026-02-03-queue-backlog.md").write_text(
        "# Queue backlog\n\n## Timeline\n\n- 10:00 UTC The backlog grows.\n\n## Root cause\n\nA poison message.\n\n"
        "## Action items\n\n- Park what fails three times\n"
    )
    return folder


def rows(report: dict[str, object], key: str) -> list[dict[str, Any]]:
    found = report[key]
    assert isinstance(found, list)
    return found


def import_it(mine: Path, wiki: Path) -> dict[str, str]:
    """A page for each file, a draft for each alert without one, and a word about the rest; path by title."""
    report = read("-C", mine, "import", wiki)
    created = rows(report, "created")
    kinds = [one["path"].split("/")[0] for one in created]
    assert (kinds.count("runbooks"), kinds.count("postmortems")) == (301, 1)
    assert {one["title"] for one in created} >= set(ALERTS)
    assert {one["source"] for one in rows(report, "skipped")} == {"broken.rules.yaml", "content/empty.md"}
    assert "broken.rules.yaml" in call("-C", mine, "import", wiki).stderr
    assert read("-C", mine, "import", wiki)["unchanged"] == 302
    return {one["title"]: one["path"] for one in created}


def mend(mine: Path, path: str) -> None:
    """Edit one by hand, with the mistakes that hands make, and do what check and fmt say."""
    file = mine / path
    file.write_text(
        file.read_text()
        .replace("status: draft", "tags:\n- layer:storage\nstatus: draft\nowner: group:default/paymets")
        .replace("## Impact", "See [[run-0000000000]].\n\n## Impact")
        + "\n\n"
    )
    found = {one["rule"]: one for one in rows(read("-C", mine, "check", path, code=1), "problems")}
    assert {"unknown-owner", "dangling-link", "canonical-form"} <= set(found)
    assert all(one["line"] and one["column"] and one["hint"] for one in found.values())
    assert "payments" in found["unknown-owner"]["hint"]
    call("-C", mine, "fmt", path)
    rest = rows(read("-C", mine, "check", path, code=1), "problems")
    assert "canonical-form" not in {one["rule"] for one in rest}
    file.write_text(
        file.read_text()
        .replace("group:default/paymets", "group:default/payments")
        .replace("See [[run-0000000000]].", "Look at the volumes of the node.")
        .replace("status: draft", "status: draft\nsummary: A disk of a node is full; find what filled it.")
    )
    call("-C", mine, "fmt", path)
    assert read("-C", mine, "check", path)["problems"] == []


def propose(mine: Path, team: Path, path: str) -> None:
    """The dry run shows what would leave; then the proposal waits for one other person of the team."""
    leaves = read("-C", mine, "contribute", path, "--dry-run")["leaves"]
    assert isinstance(leaves, dict)
    assert [name for name in leaves if name] == [path]
    sent = read("-C", mine, "contribute", path)
    assert sent["state"] == "open"
    assert sent["needs"] == [{"role": "team_member", "count": 1, "have": 0}]
    assert read("-C", mine, "contribute", path)["proposal"] == sent["proposal"]
    waiting = json.loads(call("-C", team, "review", "list", "--format", "json").stdout)
    assert [one["proposal"] for one in waiting] == [sent["proposal"]]


def test_a_wiki_becomes_checked_knowledge_and_one_entry_of_it_a_proposal(
    wiki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPASS_PRINCIPAL", "payments-oncall")
    team, mine = organization(tmp_path) / "teams" / "payments", tmp_path / "mine"
    call("init", mine, "--level", "personal", "--parent", team, "--yes")
    paths = import_it(mine, wiki)
    problems = rows(read("-C", mine, "check"), "problems")
    assert [one for one in problems if one["severity"] == "error"] == [], "drafts are never blocked by form"

    commit_all(mine)
    alert = "NodeDiskFull"
    results = rows(read("-C", mine, "search", f"{alert} rate(node_disk_full_total)"), "results")
    assert results[0]["title"] == alert
    mend(mine, paths[alert])
    propose(mine, team, paths[alert])

    # What was edited here stays when the wiki changes, and the other pages follow it.
    changed = [path for name in (alert, "NodeDiskFlapping") for path in wiki.rglob(f"{name}.md")]
    assert [path.stem for path in changed] == [alert, "NodeDiskFlapping"]
    for one in changed:
        one.write_text(one.read_text() + "\nAsk the owners of the node first.\n")
    again = read("-C", mine, "import", wiki)
    assert [one["path"] for one in rows(again, "kept")] == [paths[alert]]
    assert [one["title"] for one in rows(again, "updated")] == ["NodeDiskFlapping"]
