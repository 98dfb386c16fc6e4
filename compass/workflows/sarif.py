"""The findings of a check as SARIF 2.1.0, the form in which code-scanning services take them.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0" (2020).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from compass import __version__
from compass.model.base import Problem, Severity
from compass.rules.registry import all_rules

_LEVEL: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(problems: Sequence[Problem], prefix: str = "") -> dict[str, Any]:
    """One log with one run; `prefix` is where the knowledge repository lies in its Git repository."""
    known = {rule.id: rule for rule in all_rules()}
    names = sorted({problem.rule for problem in problems})
    rules = [
        {"id": name, "shortDescription": {"text": known[name].sentence if name in known else name}}
        for name in names
    ]
    driver = {"name": "compass", "version": __version__, "rules": rules}
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, names.index(one.rule), prefix) for one in problems],
            }
        ],
    }


def _result(problem: Problem, rule: int, prefix: str) -> dict[str, Any]:
    text = problem.message + (f"\n{problem.hint}" if problem.hint else "")
    region = {"startLine": max(problem.line, 1), "startColumn": max(problem.column, 1)}
    # The same finding keeps its print when lines move: it is the entry, the rule and the words that make it.
    same = "\0".join((problem.rule, problem.entry or problem.path, problem.message))
    return {
        "ruleId": problem.rule,
        "ruleIndex": rule,
        "level": _LEVEL[problem.severity],
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(prefix + problem.path)},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {"compass/v1": hashlib.sha256(same.encode()).hexdigest()[:32]},
    }
