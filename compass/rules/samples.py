"""The examples of rules as repositories: what the tests check and the reference page shows."""

from __future__ import annotations

from typing import Any, Final

from compass.adapters.documents import dump_entry, parse_yaml
from compass.model.entry import FOLDERS
from compass.rules.base import Example

_IDS: Final = {"pattern": "pat-0000000000", "runbook": "run-0000000000", "postmortem": "pm-0000000000"}
_TITLES: Final = {
    "pattern": "Connection pool exhausted",
    "runbook": "Relieve a connection pool",
    "postmortem": "Checkout waited for connections",
}
CATALOG: Final = """\
apiVersion: backstage.io/v1alpha1
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
RECORDING: Final = """\
schema: 1
id: pool-exhausted
window: {from: 2026-01-01T10:00:00Z, to: 2026-01-01T11:00:00Z}
detected: 2026-01-01T10:04:00Z
symptom: {text: Checkout answers slowly.}
synthetic: true
"""

ALERTS: Final = """\
{"name": "HighLatency", "labels": {"service_name": "checkout"}, "starts_at": "2026-01-01T10:02:00Z", "ends_at": null}
"""


def before(example: Example) -> dict[str, str]:
    """Path -> text of the repository before the change that the example makes."""
    return _common(example) | {place(one): text(one) for one in example.before}


def files(example: Example) -> dict[str, str]:
    """Path -> text of the repository in which the example stands, with one above it in `above/`."""
    found = _common(example)
    for one in (example, *example.beside):
        found[place(one)] = text(one)
    if example.above:
        found["above/compass.yaml"] = "schema: 1\nlevel: tribe\nid: tribe/product\n"
    return found | {f"above/{place(one)}": text(one) for one in example.above}


def _common(example: Example) -> dict[str, str]:
    parent = "\nparents: [above]" if example.above else ""
    return {
        "compass.yaml": f"schema: 1\nlevel: team\nid: team/payments{parent}\n",
        "catalog/catalog-info.yaml": CATALOG,
        "recordings/pool-exhausted/recording.yaml": RECORDING,
        "recordings/pool-exhausted/alerts.jsonl": ALERTS,
    }


def place(example: Example) -> str:
    """Where the example's file lies."""
    year = "2026/" if example.kind == "postmortem" else ""
    return example.path or f"{FOLDERS[example.kind]}/{year}example.md"


def text(example: Example) -> str:
    """The whole file: the example's fields over those of a draft."""
    if example.raw:
        return example.raw
    draft: dict[str, Any] = {
        "schema": 1,
        "kind": example.kind,
        "id": _IDS[example.kind],
        "title": _TITLES[example.kind],
        "status": "draft",
        "created": "2026-01-01",
    }
    up = "../" * place(example).count("/")
    comment = f"yaml-language-server: $schema={up}.compass/schema/{example.kind}.json"
    return dump_entry(draft | (parse_yaml(example.front) or {}), example.body, comment)
