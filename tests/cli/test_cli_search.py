"""`compass search` and `compass bench retrieval`, as people and programs call them."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import commit_all

from compass.cli import cli
from compass.errors import ConfigError, NegativeAnswerError, UsageError


def run(repo: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["-C", str(repo), *arguments])


def test_people_get_a_band_titles_places_and_reasons(knowledge_repo: Path) -> None:
    found = run(knowledge_repo, "search", "connection", "pool", "exhausted", "after", "rollout")
    assert found.exit_code == 0, found.output
    assert "Database connection pool exhausted after a rollout" in found.output
    assert "team/payments:patterns/" in found.output
    assert "confidence" in found.output


def test_programs_get_the_promised_json(knowledge_repo: Path) -> None:
    found = run(knowledge_repo, "search", "kafka consumer lag", "--format", "json")
    data = json.loads(found.stdout)
    assert list(data) == ["schema", "results", "confidence", "abstained", "milliseconds"]
    assert data["results"][0]["repo"] == "tribe/product"


def test_a_batch_answers_each_line_with_its_id(knowledge_repo: Path, tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    lines = [
        {"id": "a", "text": "kafka lag"},
        {"id": 7, "text": ""},
        {"id": "c", "text": "the coffee is cold"},
    ]
    batch.write_text("\n".join(map(json.dumps, lines)) + "\n\n", "utf-8")
    found = run(knowledge_repo, "search", "--batch", str(batch), "--format", "json")
    assert found.exit_code == 0
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["a", "7", "c"]
    assert rows[0]["results"]
    assert rows[1]["results"] == []
    assert rows[2]["abstained"]


def test_a_batch_for_people_names_each_query(knowledge_repo: Path, tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text('{"id": "a", "text": "kafka lag"}\n', "utf-8")
    assert "a: kafka lag" in run(knowledge_repo, "search", "--batch", str(batch)).output


def test_a_batch_is_not_explained(tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text('{"id": "a", "text": "kafka lag"}\n', "utf-8")
    refused = run(tmp_path, "search", "--batch", str(batch), "--explain").exception
    assert isinstance(refused, UsageError)
    assert "--explain has no place beside --batch" in refused.message


def test_broken_lines_are_named_the_others_answered_and_the_exit_says_no(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_bytes(
        b'{"id": "a", "text": "kafka lag"}\nnot json\n{"id": "b"}\n\xff\xfe\n{"id": "c", "text": "dns"}\n'
    )
    found = run(knowledge_repo, "search", "--batch", str(batch), "--format", "json")
    assert isinstance(found.exception, NegativeAnswerError)
    assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == ["a", "c"]
    assert f"{batch}:2:" in found.stderr


def test_a_folder_that_is_a_link_to_itself_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert isinstance(run(tmp_path / "loop", "search", "pool").exception, ConfigError)


def test_a_query_that_shares_no_word_with_the_memory_ends_with_no(knowledge_repo: Path) -> None:
    assert isinstance(run(knowledge_repo, "search", "zzzzqqq").exception, NegativeAnswerError)


@pytest.mark.parametrize("arguments", [[], ["words", "--batch", "/dev/null"]])
def test_a_query_or_a_batch_is_needed_and_not_both(knowledge_repo: Path, arguments: list[str]) -> None:
    assert isinstance(run(knowledge_repo, "search", *arguments).exception, UsageError)


def test_half_characters_of_a_query_or_its_id_are_answered(knowledge_repo: Path, tmp_path: Path) -> None:
    title = next(
        line.partition(": ")[2]
        for file in sorted((knowledge_repo / "runbooks").glob("*.md"))
        for line in file.read_text("utf-8").splitlines()
        if line.startswith("title: ")
    )
    batch = tmp_path / "batch.jsonl"
    batch.write_text(json.dumps({"id": "\ud800", "text": f"{title}\udfff"}) + "\n", "ascii")
    for output in ("json", "text"):
        found = run(knowledge_repo, "search", "--batch", str(batch), "--format", output)
        assert found.exception is None
        assert title in found.stdout
    found = run(knowledge_repo, "search", f"{title}\udcff", "--format", "json")
    assert json.loads(found.stdout)["results"][0]["why"].startswith("named: ")


def test_what_an_entry_says_cannot_steer_the_terminal_or_pass_for_a_result(knowledge_repo: Path) -> None:
    file = knowledge_repo / "runbooks" / "odd.md"
    text = next((knowledge_repo / "runbooks").glob("*.md")).read_text("utf-8")
    text = re.sub(r"^id: .*$", "id: run-8f3k2m9q4t", text, count=1, flags=re.MULTILINE)
    title = 'title: "Frobnicator\\n 2. Faked \\e[31m \\x9b31m"'
    text = re.sub(r"^title: .*$", lambda _: title, text, count=1, flags=re.MULTILINE)
    file.write_text(
        text + "\nThe frobnicator\x1b[2J\x9b2J \u202e is reset by hand and nothing else.\n", "utf-8"
    )
    commit_all(knowledge_repo)
    found = run(knowledge_repo, "search", "frobnicator")
    assert "Frobnicator" in found.output
    assert "is reset by hand" in found.output
    assert not {"\x1b", "\x9b", "\u202e"} & set(found.output)
    assert not any(line.startswith(" 2. Faked") for line in found.output.splitlines())


def test_control_characters_of_a_query_do_not_reach_the_terminal(knowledge_repo: Path) -> None:
    assert "\x1b" not in run(knowledge_repo, "search", "kafka \x1b[31m lag").output


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    folder = tmp_path / "bench"
    folder.mkdir()
    names = ["PodCrashLooping", "DiskFull", "CertificateExpired", "ConsumerLag", "LockQueue", "NodeNotReady"]
    documents = [
        {
            "id": f"shop/{name}.md",
            "title": name,
            "text": f"## Meaning\nThe {name} alert fires.\n## Mitigation\nMend it.",
        }
        for name in names
    ]
    with gzip.open(folder / "corpus.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(one) + "\n" for one in documents)
    texts = [
        "pod crash looping",
        "disk full",
        "certificate expired",
        "consumer lag",
        "lock queue",
        "node not ready",
    ]
    queries = [{"id": f"q{place}", "text": text, "kind": "plain"} for place, text in enumerate(texts)]
    queries.append({"id": "q9", "text": "the cat is on the roof", "kind": "noans-foreign"})
    relevance = [
        {"id": f"q{place}", "docs": [f"shop/{name}.md"], "origin": name} for place, name in enumerate(names)
    ]
    relevance.append({"id": "q9", "docs": [], "origin": "cat"})
    (folder / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries), "utf-8")
    (folder / "qrels.jsonl").write_text("".join(json.dumps(one) + "\n" for one in relevance), "utf-8")
    return folder


def test_the_bench_prints_figures_beside_baselines_and_writes_a_run(bench: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    found = CliRunner().invoke(cli, ["bench", "retrieval", str(bench), "--run", str(out)])
    assert found.exit_code == 0, found.output
    assert "first hit right" in found.output
    assert "plain BM25" in found.output
    assert "sign test" in found.output
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(rows) == 7
    assert set(rows[0]) == {"id", "results", "confidence", "latency_ms"}
    assert rows[0]["results"][0][0] == "shop/PodCrashLooping.md"


def test_the_bench_speaks_json(bench: Path) -> None:
    data = json.loads(CliRunner().invoke(cli, ["bench", "retrieval", str(bench), "--format", "json"]).stdout)
    assert data["systems"]["compass"]["first hit right"]["value"] == 1
    assert data["out_of_fold"] is False


def test_coefficients_are_learnt_out_of_fold_with_where_they_came_from(bench: Path, tmp_path: Path) -> None:
    with (
        (bench / "queries.jsonl").open("a", encoding="utf-8") as queries,
        (bench / "qrels.jsonl").open("a") as relevance,
    ):
        for place in range(60):
            queries.write(
                json.dumps({"id": f"w{place}", "text": f"queue of nodes {place}", "kind": "noans-removed"})
                + "\n"
            )
            relevance.write(json.dumps({"id": f"w{place}", "docs": []}) + "\n")
    out = tmp_path / "coefficients.json"
    found = CliRunner().invoke(cli, ["bench", "retrieval", str(bench), "--train", str(out)])
    assert found.exit_code == 0, found.output
    data = json.loads(out.read_text("utf-8"))
    assert len(data["made_by"]["data"]) == 64
    assert data["made_by"]["scores_out_of_fold"]["first hit right"] == 1
    assert min(data["ranking"].values()) >= 0


def test_learning_from_answers_of_one_sort_is_refused(bench: Path, tmp_path: Path) -> None:
    for name in ("queries.jsonl", "qrels.jsonl"):
        kept = (bench / name).read_text("utf-8").splitlines()[:-1]
        (bench / name).write_text("\n".join(kept), "utf-8")
    found = CliRunner().invoke(cli, ["bench", "retrieval", str(bench), "--train", str(tmp_path / "c.json")])
    assert isinstance(found.exception, ConfigError)


def test_questions_of_ones_own_are_asked_by_title(bench: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text(
        '{"id": "a", "kind": "plain", "text": "the disk is full", "titles": ["DiskFull"]}\n', "utf-8"
    )
    call = ["bench", "retrieval", str(bench), "--questions", str(own), "--format", "json"]
    data = json.loads(CliRunner().invoke(cli, call).stdout)
    assert data["systems"]["compass"]["first hit right"] == {"value": 1, "error": 0, "count": 1}
    own.write_text('{"id": "a", "text": "x", "titles": ["Unheard"]}\n', "utf-8")
    assert "own.jsonl:1" in str(CliRunner().invoke(cli, call).exception)


def test_a_folder_without_the_files_is_skipped_with_a_message(tmp_path: Path) -> None:
    found = CliRunner().invoke(cli, ["bench", "retrieval", str(tmp_path / "absent")])
    assert found.exit_code == 0
    assert "skipped" in found.stderr


def test_a_broken_bench_names_the_line(bench: Path) -> None:
    with (bench / "queries.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("nonsense\n")
    found = CliRunner().invoke(cli, ["bench", "retrieval", str(bench)])
    assert "queries.jsonl:8" in str(found.exception)


def test_the_bench_lists_its_tasks_without_loading_them() -> None:
    found = CliRunner().invoke(cli, ["bench", "--help"])
    assert "retrieval" in found.output
    assert "rca" in found.output


def test_people_see_the_line_that_answers_and_how_far_an_entry_can_be_trusted(knowledge_repo: Path) -> None:
    found = run(knowledge_repo, "search", "connection", "pool", "exhausted")
    again = run(knowledge_repo, "search", "connection", "pool", "exhausted")
    for output in (found.output, again.output):
        assert "verified 20" in output
        lines = output.splitlines()
        place = next(n for n, line in enumerate(lines) if "team/payments:runbooks/" in line)
        path = lines[place].partition(":")[2].split("  ")[0]
        text = " ".join((knowledge_repo / path).read_text("utf-8").split())
        assert lines[place + 2].strip()[:30] in text.replace("`", "").replace("*", "")
    assert found.output.splitlines()[1:] == again.output.splitlines()[1:]


def test_explain_shows_what_each_signal_gives(knowledge_repo: Path) -> None:
    found = run(knowledge_repo, "search", "connection pool", "--explain")
    assert "title_share" in found.output
    data = json.loads(
        run(knowledge_repo, "search", "connection pool", "--explain", "--format", "json").stdout
    )
    assert set(data["explain"][0]) == {"id", "shares"}
