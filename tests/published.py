"""Repositories with one entry of every sort that the site has to tell apart, and one that means harm."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from conftest import commit_all

from compass.adapters.documents import dump_entry

TODAY = date(2026, 11, 22)
POOL, LOCK, OLD, GONE = "pat-7k3x9q2m4t", "pat-1k3x9q2m4t", "pat-2k3x9q2m4t", "pat-3k3x9q2m4t"
DRAIN, INCIDENT = "run-7k3x9q2m4t", "pm-7k3x9q2m4t"
SHARED = "pat-5k3x9q2m4t"
OWNER = "group:default/payments"

MATCH = {
    "window": "15m",
    "group_by": ["service.name"],
    "signals": {
        "slow": {"type": "alert", "matchers": ['alertname="HighLatency"', 'severity=~"page|critical"']},
        "pool": {"type": "log", "template": "timeout acquiring connection after <*> ms", "count": {"gte": 5}},
        "full": {
            "type": "metric",
            "promql": "db_pool_in_use / db_pool_size",
            "op": "gte",
            "value": 0.95,
            "for": "5m",
        },
        "roll": {"type": "change", "change": "deployment", "within": "30m"},
    },
    "condition": "slow and (pool or full)",
    "order": ["roll", "slow"],
    "weights": {"slow": 0.4, "pool": 0.4, "full": 0.2},
    "exclude": ['namespace="perf"'],
}


def base(kind: str, identifier: str, title: str, **fields: Any) -> dict[str, Any]:
    """Front matter that every kind has."""
    common = {
        "schema": 1,
        "kind": kind,
        "id": identifier,
        "title": title,
        "status": "draft",
        "created": "2026-01-05",
    }
    return common | fields


def pattern(
    identifier: str = POOL, title: str = "Connection pool exhausted after a rollout", **fields: Any
) -> dict[str, Any]:
    """A verified pattern with everything that a pattern may have."""
    full = {
        "status": "verified",
        "summary": "A release keeps connections longer, so `payments` waits for one.",
        "owner": OWNER,
        "services": ["component:default/payments", "component:default/checkout"],
        "severity": "critical",
        "tags": ["layer:database"],
        "aliases": ["POOL-1"],
        "match": MATCH,
        "hypotheses": [
            {
                "id": "h1",
                "statement": "The release leaks connections.",
                "predicts": "The pool stays full at an unchanged rate.",
                "refuted_by": {"query": "db_pool_in_use", "when": "It stays low."},
            },
            {
                "id": "h2",
                "statement": "More requests arrive.",
                "predicts": "The rate rises first.",
                "refuted_by": {"query": "http_requests", "when": "It is flat."},
            },
        ],
        "contributing_causes": [{"text": "The load test is too small.", "level": "technical_management"}],
        "mitigations": [DRAIN],
        "false_positives": ["A planned load test."],
        "tests": {"must_match": ["pool"], "must_not_match": ["quiet"]},
        "evidence": [
            {
                "id": "e1",
                "type": "log",
                "datasource": "loki",
                "query": '{service_name="payments"} |= "timeout"',
                "window": {"from": "2026-09-01T10:00:00Z", "to": "2026-09-01T10:30:00Z"},
                "observed": "timeout acquiring connection after 5000 ms\n<b>not bold</b>",
                "captured": "2026-09-01T11:00:00Z",
                "sha256": "0" * 64,
            }
        ],
        "confirmed": {"incidents": 3, "tribes": 1},
        "references": [{"type": "ARTICLE", "url": "https://example.com/pools"}],
        "review_by": "2026-11-12",
        "last_verified": "2026-05-12",
        "provenance": {"drafted_by": "agent", "model": "some-model"},
    }
    return base("pattern", identifier, title, **(full | fields))


def runbook(**fields: Any) -> dict[str, Any]:
    """A runbook with a step of each risk."""
    full = {
        "summary": "Free the pool.",
        "owner": OWNER,
        "services": ["component:default/payments"],
        "alerts": [{"name": "HighLatency", "matchers": ['severity="page"']}],
        "steps": [
            {
                "id": "s1",
                "text": "Look at the pool.",
                "command": "kubectl get pods",
                "expected": "All run.",
                "risk": "read_only",
            },
            {
                "id": "s2",
                "text": "Roll back.",
                "command": "kubectl rollout undo deployment/payments",
                "risk": "reversible",
            },
            {"id": "s3", "text": "Drop the queue.", "expected": "line one\nline two", "risk": "destructive"},
        ],
    }
    return base("runbook", DRAIN, "Relieve an exhausted pool", **(full | fields))


def postmortem(**fields: Any) -> dict[str, Any]:
    """A post-mortem with times, causes, actions and people."""
    full = {
        "owner": OWNER,
        "services": ["component:default/payments"],
        "times": {
            "start": "2026-09-01T10:00:00+02:00",
            "detected": "2026-09-01T10:04:00+02:00",
            "resolved": "2026-09-02T11:30:00+02:00",
        },
        "roles": {"incident_lead": "payments-lead"},
        "participants": ["payments-engineer"],
        "contributing_causes": [{"text": "No alert watches the pool.", "level": "human_system_interface"}],
        "what_went_well": ["The rollback took a minute."],
        "where_we_got_lucky": ["It was noon."],
        "what_surprised_us": ["The pool was never measured."],
        "actions": [
            {
                "text": "Measure the pool.",
                "owner": "group:default/elsewhere",
                "due": "2026-12-01",
                "strength": "strong",
            }
        ],
        "patterns": [POOL],
    }
    return base("postmortem", INCIDENT, "Payments waited for connections", **(full | fields))


def write(root: Path, path: str, data: dict[str, Any], body: str = "## Symptoms\n\nIt waits.\n") -> None:
    """One entry file."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(dump_entry(data, body), "utf-8")


def team(folder: Path, *, config: str = "", parents: str = "") -> Path:
    """The payments team's repository, committed: one entry of every sort."""
    root = folder / "payments"
    root.mkdir(parents=True)
    (root / "compass.yaml").write_text(
        f"schema: 1\nlevel: team\nid: team/payments\n{config}{parents}", "utf-8"
    )
    write(
        root,
        "patterns/pool.md",
        pattern(),
        f"## Symptoms\n\nThreads wait.[^e1] See [[{DRAIN}]], [[{LOCK}]] and [[pat-0000000000]].\n\n## Mechanism\n\nA pool is full.\n",
    )
    write(
        root,
        "patterns/lock.md",
        pattern(LOCK, "Lock queue", status="draft", review_by=None, related=[{"type": "similar", "id": POOL}])
        | {"mitigations": []},
    )
    write(
        root,
        "patterns/old.md",
        pattern(OLD, "An old pattern", status="deprecated", superseded_by=POOL, mitigations=[]),
    )
    write(
        root,
        "patterns/gone.md",
        pattern(
            GONE, "SECRETTITLE of what is gone", status="withdrawn", summary="SECRETSUMMARY", mitigations=[]
        )
        | {"withdrawn": {"reason": "It was wrong.", "at": "2026-10-01"}},
        "## Symptoms\n\nSECRETBODY\n",
    )
    write(
        root,
        "runbooks/drain.md",
        runbook(),
        f"## Meaning\n\nSee [the pattern](../patterns/pool.md) and [[{GONE}]].\n",
    )
    write(
        root,
        "postmortems/2026/pool.md",
        postmortem(),
        "# Impact\n\n| who | how many |\n|---|--:|\n| all | 3 |\n",
    )
    (root / "catalog").mkdir()
    (root / "catalog" / "private.yaml").write_text("customers: [SECRETCUSTOMER]\n", "utf-8")
    commit_all(root)
    return root


def tribe(folder: Path, **fields: Any) -> Path:
    """The product tribe's repository, committed: one pattern of its own."""
    root = folder / "product"
    root.mkdir(parents=True)
    (root / "compass.yaml").write_text("schema: 1\nlevel: tribe\nid: tribe/product\n", "utf-8")
    write(root, "patterns/shared.md", pattern(SHARED, "Shared by the tribe", mitigations=[], **fields))
    commit_all(root)
    return root
