"""Secrets are found wherever they stand and never repeated; what only stands for one is left alone."""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT
from full_entries import write_repository

from compass.adapters.documents import dump_entry
from compass.anonymize.secrets import find_secrets
from compass.library import load
from compass.model.base import Problem
from compass.rules.base import Context
from compass.rules.secrets import Secret

RANDOM = Random(11)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def drawn(length: int, letters: str = LETTERS) -> str:
    return "".join(RANDOM.choice(letters) for _ in range(length))


PLANTED = {
    "github": "ghp" + "_" + drawn(36),
    "gitlab": "glpat" + "-" + drawn(20),
    "slack": "xoxb" + "-" + drawn(12, "0123456789") + "-" + drawn(24),
    "aws-access-key": "AK" + "IA" + drawn(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "stripe": "sk" + "_live_" + drawn(24),
    "npm": "npm" + "_" + drawn(36),
    "jwt": "ey" + "J" + drawn(20) + ".ey" + "J" + drawn(30) + "." + drawn(40),
    "pem": "-----BEGIN " + "PRIVATE KEY-----\n" + drawn(64) + "\n-----END " + "PRIVATE KEY-----",
    "userinfo": "postgres://app:" + drawn(18) + "@db.example.com/pay",
}


def found(folder: Path, body: str, **fields: str) -> list[Problem]:
    data = {
        "schema": 1,
        "kind": "runbook",
        "id": "run-0000000001",
        "title": "A runbook",
        "status": "draft",
        "created": "2026-01-01",
    } | fields
    (folder / "runbooks").mkdir(exist_ok=True)
    (folder / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    (folder / "runbooks" / "one.md").write_text(dump_entry(data, body, None), "utf-8")
    library = load(folder, revision=None)
    context = Context(library, date(2026, 6, 1))
    return [problem for loaded in library.entries for problem in Secret().check(loaded, context)]


@pytest.mark.parametrize("rule", PLANTED)
def test_a_secret_is_found_in_prose_in_code_and_in_the_front_matter_and_not_repeated(
    rule: str, tmp_path: Path
) -> None:
    value = PLANTED[rule]
    for body in (f"Use {value} to log in.\n", f"First.\n\n```sh\ncurl -H 'X-Key: {value}' localhost\n```\n"):
        (problem, *_) = found(tmp_path, body)
        assert f"({rule}, " in problem.message
        lines = (tmp_path / "runbooks" / "one.md").read_text("utf-8").split("\n")
        assert value.split("\n")[0][-12:] in lines[problem.line - 1][problem.column - 1 :] or rule == "pem"
        assert not any(part in problem.message + str(problem.hint) for part in (value, value[-16:]))
    if "\n" not in value:
        (problem, *_) = found(tmp_path, "Nothing here.\n", summary=f"Log in with {value}.")
        assert problem.line < 12


@pytest.mark.parametrize(
    "text",
    [
        "export TOKEN=${TOKEN}",
        "curl -H 'Authorization: Bearer <token>' localhost",
        "https://user:${PASSWORD}@example.com/",
        "AK" + "IAIOSFODNN7" + "EXAMPLE",
        "sha256:" + "0a1b" * 16,
        "kubectl get secret payments-db-credentials-7f9c8d -o yaml",
        'rate(http_requests_total{service_name="payments-api-gateway",code=~"5.."}[5m])',
        "xox" + "b-xxxxxxxxxxxx-xxxxxxxxxxxx",
    ],
)
def test_what_only_stands_for_a_secret_is_left_alone(text: str, tmp_path: Path) -> None:
    assert found(tmp_path, f"{text}\n") == []


def test_the_example_organization_holds_no_secret() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "knowledge").rglob("*.md")]
    assert [one for text in texts for one in find_secrets(text)] == []


@pytest.mark.parametrize("rule", PLANTED)
def test_an_escape_in_the_front_matter_hides_no_secret(rule: str, tmp_path: Path) -> None:
    value = PLANTED[rule]
    assert found(tmp_path, "Nothing here.\n", summary="SUMMARY") == []
    file = tmp_path / "runbooks" / "one.md"
    hidden = "".join(f"\\x{ord(character):02x}" for character in value)
    file.write_text(file.read_text("utf-8").replace("SUMMARY", f'"{hidden}"'), "utf-8")
    library = load(tmp_path, revision=None)
    (problem, *_) = Secret().check(library.entries[0], Context(library, date(2026, 6, 1)))
    assert f"({rule}, " in problem.message
    assert value[-12:] not in problem.message
    assert problem.line < 12


@pytest.mark.scale
def test_ten_megabytes_are_searched_in_a_second(tmp_path: Path) -> None:
    write_repository(tmp_path / "repo", 4000)
    texts = [path.read_text("utf-8") for path in (tmp_path / "repo").rglob("*.md")]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    before = time.process_time()
    for text in texts:
        assert list(find_secrets(text)) == []
    speed = megabytes / (time.process_time() - before)
    sys.stderr.write(f"\n{megabytes:.1f} MB of entries, {speed:.1f} MB per CPU second\n")
    assert speed >= 10
