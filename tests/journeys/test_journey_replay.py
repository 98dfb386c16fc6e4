"""A pattern is knowledge with regression tests: loosened, it matches a quiet afternoon, and `check` stops it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from compass.cli import cli

PATTERN = "patterns/connection-pool-exhaustion-after-a-rollout.md"
CONDITION = "condition: slow and roll and (pool or waiting)"
ORDER = "  order:\n    - roll\n    - waiting\n    - slow\n"


def checked(repo: Path) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(cli, ["-C", str(repo), "check", "--format", "json"])
    assert not result.exception or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, json.loads(result.stdout)["problems"]


def test_a_threshold_that_matches_a_quiet_afternoon_is_stopped_with_its_place_and_mended(
    knowledge_repo: Path,
) -> None:
    file = knowledge_repo / PATTERN
    whole = file.read_text("utf-8")
    assert CONDITION in whole
    assert "value: 0.85" in whole
    assert ORDER in whole
    code, problems = checked(knowledge_repo)
    assert (code, [one for one in problems if one["rule"].startswith("replay")]) == (0, [])

    loose = whole.replace("value: 0.85", "value: 0.01").replace(CONDITION, "condition: full")
    file.write_text(loose.replace(ORDER, ""), encoding="utf-8")
    code, problems = checked(knowledge_repo)
    wrong = [one for one in problems if one["rule"] == "replay-tests"]
    assert {one["path"] for one in wrong} == {PATTERN}
    [stopped] = [one for one in wrong if "'quiet-afternoon'" in one["message"]]
    line = 1 + loose.replace(ORDER, "").splitlines().index("    - quiet-afternoon")
    assert code == 1
    assert (stopped["severity"], stopped["path"]) == ("error", PATTERN)
    assert (stopped["line"], stopped["column"]) == (line, 7)
    assert "must not match 'quiet-afternoon' and does" in stopped["message"]
    assert "full true" in stopped["message"]
    assert "narrower" in stopped["hint"]
    text = CliRunner().invoke(cli, ["-C", str(knowledge_repo), "check"])
    assert f"{PATTERN}:{line}:7: error: it must not match" in text.stdout

    file.write_text(whole, encoding="utf-8")
    code, problems = checked(knowledge_repo)
    assert (code, [one for one in problems if one["rule"].startswith("replay")]) == (0, [])
