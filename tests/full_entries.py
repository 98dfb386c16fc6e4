"""Generated entries of full size, all verified, so that every rule has something to read; seeded."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

from compass.model.ids import new_id, slug

WORDS = [
    "checkout", "latency", "pool", "connection", "queue", "rollout", "replica", "disk", "pressure", "memory", "eviction", "certificate", "broker", "consumer", "lag", "throttling", "timeout", "retry", "storm", "failover", "leader", "quota", "token", "cache", "primary", "index", "vacuum", "lock", "drain", "probe", "scrape",
]  # fmt: skip
CATALOG = """apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout}
spec: {type: service, lifecycle: production, owner: group:default/payments}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: cart}
spec: {type: service, lifecycle: production, owner: group:default/payments}
"""
HEADINGS = {
    "pattern": ("Symptoms", "Mechanism", "Diagnosis", "Mitigation"),
    "runbook": ("Meaning", "Impact", "Diagnosis", "Mitigation", "Rollback", "Escalation"),
    "postmortem": ("Impact", "Timeline", "Investigation", "Lessons"),
}
FOLDERS = {"pattern": "patterns", "runbook": "runbooks", "postmortem": "postmortems/2026"}


def write_repository(root: Path, count: int, seed: int = 7) -> None:
    """A team's repository with `count` entries, a third of each kind, about 2.8 kB each."""
    random = Random(seed)
    (root / "catalog").mkdir(parents=True)
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    (root / "catalog" / "catalog-info.yaml").write_text(CATALOG)
    kinds = ["pattern", "runbook", "postmortem"]
    ids = [(kind := kinds[number % 3], new_id(kind, random)) for number in range(count)]
    runbooks = [name for kind, name in ids if kind == "runbook"] or ["run-0000000000"]
    patterns = [name for kind, name in ids if kind == "pattern"] or ["pat-0000000000"]
    for folder in FOLDERS.values():
        (root / folder).mkdir(parents=True)
    for number, (kind, name) in enumerate(ids):
        title = f"{' '.join(random.sample(WORDS, 5))} {number}".capitalize()
        link = random.choice(runbooks if kind == "pattern" else patterns)
        text = _front(kind, name, title, link, random) + _body(kind, link, random)
        (root / FOLDERS[kind] / f"{slug(title)}.md").write_text(text)


def _words(random: Random, count: int) -> str:
    return " ".join(random.choice(WORDS) for _ in range(count))


def _front(kind: str, name: str, title: str, link: str, random: Random) -> str:
    up = "../../" if kind == "postmortem" else "../"
    seen = f"level=error msg=timeout acquiring connection after {random.randint(1000, 9000)} ms pool={_words(random, 3)}"
    digest = hashlib.sha256(seen.encode()).hexdigest()
    lines = [
        "---",
        f"# yaml-language-server: $schema={up}.compass/schema/{kind}.json",
        "schema: 1",
        f"kind: {kind}",
        f"id: {name}",
        f"title: {title}",
        "status: verified",
        "created: 2026-01-10",
        f"summary: {_words(random, 12)}.",
        "owner: group:default/payments",
        "services:",
        "  - component:default/checkout",
        "  - component:default/cart",
        "severity: high",
        "tags:",
        "  - layer:database",
        "related:",
        "  - type: similar",
        f"    id: {link}",
        *_kind_fields(kind, link, random),
        "evidence:",
        "  - id: e1",
        "    type: log",
        '    query: \'{service_name="checkout"} |= "timeout"\'',
        "    window:",
        "      from: 2026-01-09T10:00:00Z",
        "      to: 2026-01-09T10:30:00Z",
        f'    observed: "{seen}"',
        f"    sha256: {digest}",
        "confirmed:",
        "  incidents: 2",
        "  tribes: 1",
        "references:",
        "  - type: WEB",
        "    url: https://example.com/docs/pools",
        "review_by: 2027-03-01",
        "last_verified: 2026-02-01",
        "provenance:",
        "  drafted_by: human",
        "license: Apache-2.0",
        "---",
        "",
    ]
    return "\n".join(lines)


def _kind_fields(kind: str, link: str, random: Random) -> list[str]:
    if kind == "pattern":
        return [
            "match:",
            "  window: 15m",
            "  signals:",
            "    slow:",
            "      type: alert",
            "      matchers:",
            '        - alertname="HighLatency"',
            '        - severity=~"page|critical"',
            "    pool:",
            "      type: log",
            f"      template: {_words(random, 4)} after <*> ms",
            "  condition: slow and pool",
            "hypotheses:",
            *(
                line
                for number in (1, 2)
                for line in (
                    f"  - id: h{number}",
                    f"    statement: {_words(random, 4)}.",
                    f"    predicts: {_words(random, 3)}.",
                    "    refuted_by:",
                    "      query: db_pool_in_use / db_pool_size",
                    "      when: it stays under 0.8",
                )
            ),
            "mitigations:",
            f"  - {link}",
        ]
    if kind == "runbook":
        return [
            "alerts:",
            f"  - name: {_words(random, 2).title().replace(' ', '')}",
            "    matchers:",
            '      - severity=~"page|critical"',
            "steps:",
            *(
                line
                for number, risk in enumerate(("read_only", "reversible", "destructive"), 1)
                for line in (
                    f"  - id: s{number}",
                    f"    text: {_words(random, 5)}.",
                    "    command: kubectl -n payments get pods",
                    f"    risk: {risk}",
                )
            ),
        ]
    return [
        "times:",
        "  start: 2026-01-09T10:00:00Z",
        "  detected: 2026-01-09T10:04:00Z",
        "  acknowledged: 2026-01-09T10:06:00Z",
        "  mitigated: 2026-01-09T10:20:00Z",
        "  resolved: 2026-01-09T10:30:00Z",
        "roles:",
        "  incident_commander: payments-lead",
        "  facilitator: cart-lead",
        "participants:",
        "  - payments-lead",
        "  - support-desk",
        "contributing_causes:",
        f"  - text: {_words(random, 6)}.[^e1]",
        "    level: technical_management",
        f"  - text: {_words(random, 6)}.[^e1]",
        "    level: equipment_technology",
        "what_went_well:",
        f"  - {_words(random, 5)}.",
        "where_we_got_lucky:",
        f"  - {_words(random, 5)}.",
        "what_surprised_us:",
        f"  - {_words(random, 5)}.",
        "actions:",
        f"  - text: Add {_words(random, 5)}.",
        "    owner: group:default/payments",
        "    due: 2026-04-01",
        f"    tracker: PAY-{random.randint(1, 999)}",
        "    strength: strong",
        f"    done_when: {_words(random, 4)}.",
        "patterns:",
        f"  - {link}",
    ]


def _body(kind: str, link: str, random: Random) -> str:
    parts = [
        f"## {name}\n\n{_words(random, 32).capitalize()}.[^e1] See [[{link}]]." for name in HEADINGS[kind]
    ]
    if kind == "postmortem":
        parts.append("Compared with earlier incidents of the same service.")
    parts.insert(2, "```promql\nsum by (service_name) (rate(http_requests_total[5m]))\n```")
    return "\n" + "\n\n".join(parts) + "\n\n[^e1]: Log lines of checkout.\n"
