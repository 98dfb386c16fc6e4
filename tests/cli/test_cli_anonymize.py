"""`compass anonymize` as programs and people call it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from compass.cli import cli
from compass.errors import ConfigError, NegativeAnswerError, UsageError


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, input=stdin)


def test_a_batch_answers_every_line_with_exact_offsets(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    names = {
        "services": ["ledger"], "teams": [], "customers": ["Vesper Retail"], "clusters": [], "internal_domains": ["int.vespera.io"],
        "people": [{"name": "Mark Thornbury", "email": "mark.thornbury@vespera.io", "handle": None}], "ticket_prefixes": ["VSP"], "cloud_accounts": [], "later": 1,
    }  # fmt: skip
    catalog.write_text(json.dumps({"vespera": names}))
    rows = [
        {"id": "a", "text": "Mark Thornbury paged for Vesper Retail: zorbulax.", "org": "vespera"},
        {"id": "b", "text": "10.1.2.3 is ledger-db-01.int.vespera.io", "org": "unknown"},
        {"id": "c", "text": ""},
    ]
    batch = tmp_path / "batch.jsonl"
    batch.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    result = run("anonymize", "--batch", str(batch), "--catalog", str(catalog), "--format", "json")
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["a", "b", "c"]
    for row, answer in zip(rows, answers, strict=True):
        assert set(answer) == {"id", "text", "spans"}
        text, position = "", 0
        for span in answer["spans"]:
            assert set(span) == {"start", "end", "label", "replacement"}
            text += row["text"][position : span["start"]] + span["replacement"]
            position = span["end"]
        assert text + row["text"][position:] == answer["text"]
    assert answers[0]["text"] == "⟨person-1⟩ paged for ⟨customer-1⟩: ⟨unknown-1⟩."
    assert answers[1]["text"] == "⟨ip-1⟩ is ⟨host-1⟩"


def test_a_line_that_is_no_json_is_reported_and_the_rest_is_answered() -> None:
    result = run(
        "anonymize", "--batch", "-", "--format", "json", stdin='nonsense\n{"id": 1, "text": "10.1.2.3"}\n'
    )
    assert isinstance(result.exception, NegativeAnswerError)
    assert json.loads(result.stdout.splitlines()[0])["text"] == "⟨ip-1⟩"
    assert "-:1: this is not a JSON object" in result.stderr


def test_a_catalog_that_is_none_is_refused(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_text("[1]")
    result = run("anonymize", "--batch", "-", "--catalog", str(catalog), stdin='{"id": 1, "text": "x"}\n')
    assert isinstance(result.exception, ConfigError)


def test_an_entry_or_a_file_is_shown_as_it_would_leave(knowledge_repo: Path) -> None:
    (knowledge_repo / "note.txt").write_text("Call +49 30 9018 2200 about the zorbulax at 10.1.2.3.\n")
    shown = run("-C", str(knowledge_repo), "anonymize", "note.txt")
    assert shown.exit_code == 0, shown.output
    assert "Call ⟨phone-1⟩ about the ⟨unknown-1⟩ at ⟨ip-1⟩." in shown.stdout
    assert "vocabulary/allow.yaml" in shown.stderr
    entry = next(knowledge_repo.glob("patterns/*.md"))
    answer = run(
        "-C", str(knowledge_repo), "anonymize", f"patterns/{entry.name}", "--to", "tribe", "--format", "json"
    )
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["schema"] == 1


def test_wrong_usage_and_a_missing_entry_are_said(knowledge_repo: Path) -> None:
    repo = str(knowledge_repo)
    assert isinstance(run("-C", repo, "anonymize").exception, UsageError)
    mixed = run("-C", repo, "anonymize", "x", "--catalog", str(knowledge_repo / "compass.yaml"))
    assert isinstance(mixed.exception, UsageError)
    assert isinstance(run("-C", repo, "anonymize", "pat-0000000000").exception, NegativeAnswerError)
