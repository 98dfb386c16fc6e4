"""Copies that were varied are found, different entries are left alone; linked, waived and withdrawn ones, too.

The pairs of real runbooks were labelled before the threshold was set: the 160 most alike of a public collection by a
plain measure, and 40 drawn at random. They are not ours: `alike_digests.jsonl` holds digests of their ids with the
label, and the texts are read from the folder that COMPASS_BENCH_RETRIEVAL names:
`pytest -m scale -s tests/rules/test_rules_duplicates.py`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from datetime import date
from pathlib import Path

import pytest
from conftest import ROOT, commit_all
from hypothesis import given
from hypothesis import strategies as st
from test_rules_blame import wilson
from variations import varied

from compass.adapters.documents import parse_yaml, split
from compass.library import load
from compass.model.base import Problem
from compass.rules.base import Context
from compass.rules.duplicates import ALIKE, NearDuplicate, likely_pairs, likeness, look_alikes, score
from compass.rules.sketch import alike, sketch
from compass.workflows.changes import base_of
from compass.workflows.check import check

FOLDER = os.environ.get("COMPASS_BENCH_RETRIEVAL")
"""Read here, because tests run without any COMPASS_ variable."""
DIGESTS = Path(__file__).with_name("alike_digests.jsonl")
TODAY = date(2026, 6, 1)
COPIES = 200


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str]]]:
    """Every entry of the example organization in one repository, with 200 varied copies of them."""
    root = tmp_path_factory.mktemp("copies")
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    files = sorted(
        path
        for path in (ROOT / "knowledge").rglob("*.md")
        if {"patterns", "runbooks", "postmortems"} & set(path.parts)
    )
    pairs = []
    for number, file in enumerate(files):
        text = file.read_text("utf-8")
        kind = parse_yaml(split(text).front)["kind"]
        folder = root / {"pattern": "patterns", "runbook": "runbooks", "postmortem": "postmortems/2026"}[kind]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"entry-{number}.md").write_text(text, "utf-8")
        for seed in range(number + 1, COPIES + 1, len(files)):
            copy = varied(text, seed)
            (folder / f"copy-{seed}.md").write_text(copy, "utf-8")
            pairs.append((identifier(text), identifier(copy)))
    return root, pairs


def identifier(text: str) -> str:
    return str(parse_yaml(split(text).front)["id"])


def found(root: Path) -> list[Problem]:
    return list(NearDuplicate().finish(Context(load(root, revision=None), TODAY)))


def test_varied_copies_are_found_and_different_entries_are_not(
    copies: tuple[Path, list[tuple[str, str]]],
) -> None:
    root, pairs = copies
    assert len(pairs) == COPIES
    context = Context(load(root, revision=None), TODAY)
    by_id = context.library.by_id
    family = {copy: entry for entry, copy in pairs}
    told = {problem.entry for problem in NearDuplicate().finish(context)}
    hits = sum(copy in told or entry in told for entry, copy in pairs)
    direct = sum(likeness(by_id[one], by_id[two]) >= ALIKE for one, two in pairs)
    sys.stderr.write(f"\n{hits} of {COPIES} copies are told of, {direct} by the entry that they are of\n")
    assert hits > 0.95 * COPIES
    assert direct > 0.95 * COPIES
    for one, other in likely_pairs(context):
        assert family.get(one.id, one.id) == family.get(other.id, other.id), (one.title, other.title)
    copy = by_id[pairs[0][1]]
    best = look_alikes(copy, context)
    assert 1 <= len(best) <= 3
    assert best[0].score >= best[-1].score >= ALIKE


def test_a_link_in_either_direction_silences_it_and_a_withdrawn_entry_is_no_duplicate(
    tmp_path: Path, copies: tuple[Path, list[tuple[str, str]]]
) -> None:
    text = next((copies[0] / "runbooks").glob("entry-*.md")).read_text("utf-8")
    root = tmp_path / "repo"
    (root / "runbooks").mkdir(parents=True)
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    (root / "runbooks/one.md").write_text(text, "utf-8")
    copy = varied(text, 1)
    (root / "runbooks/two.md").write_text(copy, "utf-8")
    (problem,) = found(root)
    assert problem.line > 1
    assert "(0." in problem.message
    linked = copy.replace(
        "\nstatus:", f"\nrelated:\n  - id: {identifier(text)}\n    type: similar\nstatus:", 1
    )
    (root / "runbooks/two.md").write_text(linked, "utf-8")
    assert found(root) == []
    gone = copy.replace("status: draft", "status: withdrawn\nwithdrawn: {at: 2026-05-01, reason: Wrong.}", 1)
    (root / "runbooks/two.md").write_text(gone, "utf-8")
    assert found(root) == []


@given(st.lists(st.text("abcdefgh", min_size=2, max_size=6), max_size=40))
def test_equal_texts_have_equal_sketches_and_texts_without_two_words_are_like_nothing(
    found_words: list[str],
) -> None:
    text = " ".join(found_words)
    pair = alike([sketch(text), sketch(text.upper())], 0.9)
    assert pair == ([(0, 1)] if len(found_words) > 1 else [])


@pytest.mark.scale
def test_pairs_of_real_runbooks_that_are_not_alike_are_left_alone() -> None:
    assert FOLDER, "set COMPASS_BENCH_RETRIEVAL to the folder that holds dev/corpus.jsonl.gz"
    with gzip.open(Path(FOLDER) / "dev" / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        documents = {hashlib.sha256(row["id"].encode()).hexdigest(): row for row in map(json.loads, lines)}
    labels = [json.loads(line) for line in DIGESTS.read_text("utf-8").splitlines()]
    right = wrong = 0
    for label in labels:
        one, other = documents[label["one"]], documents[label["other"]]
        if score((one["title"], other["title"]), (one["text"], other["text"])) >= ALIKE:
            right, wrong = right + label["duplicate"], wrong + (not label["duplicate"])
    alike_pairs = sum(label["duplicate"] for label in labels)
    different = len(labels) - alike_pairs
    low, high = wilson(wrong, different)
    sys.stderr.write(
        f"\nfalse alarms {wrong} of {different} different pairs [{low:.3f}, {high:.3f}];"
        f" found {right} of {alike_pairs} that are alike\n"
    )
    assert len(labels) == 200
    assert wrong <= 0.05 * different


def test_a_change_is_compared_with_everything_and_nothing_else_is(
    tmp_path: Path, copies: tuple[Path, list[tuple[str, str]]]
) -> None:
    texts = [path.read_text("utf-8") for path in sorted((copies[0] / "runbooks").glob("entry-*.md"))[:2]]
    root = tmp_path / "repo"
    (root / "runbooks").mkdir(parents=True)
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    (root / "runbooks/one.md").write_text(texts[0], "utf-8")
    (root / "runbooks/two.md").write_text(varied(texts[0], 1), "utf-8")
    (root / "runbooks/three.md").write_text(texts[1], "utf-8")
    commit_all(root)
    copy = varied(texts[1], 2)
    (root / "runbooks/four.md").write_text(copy, "utf-8")
    library = load(root, revision=None)
    context = Context(library, TODAY, base=base_of(library, "HEAD"))
    told = {problem.entry for problem in NearDuplicate().finish(context)}
    assert told <= {identifier(copy), identifier(texts[1])}
    assert len(told) == 1


def test_a_waiver_with_a_reason_silences_a_warning_for_the_whole_entry_and_never_an_error(
    tmp_path: Path, copies: tuple[Path, list[tuple[str, str]]]
) -> None:
    text = next((copies[0] / "runbooks").glob("entry-*.md")).read_text("utf-8")
    root = tmp_path / "repo"
    (root / "runbooks").mkdir(parents=True)
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    (root / "runbooks/one.md").write_text(text, "utf-8")

    def rules(waiver: str) -> set[str]:
        copy = varied(text, 1).rstrip("\n") + f"\n\nSee [[run-9999999999]].\n\n{waiver}\n"
        (root / "runbooks/two.md").write_text(copy, "utf-8")
        return {one.rule for one in check(root, today=TODAY).problems if one.path == "runbooks/two.md"}

    assert {"near-duplicate", "dangling-link"} <= rules("")
    allowed = rules(
        "<!-- compass-lint: allow near-duplicate until 2027-01-01 the other one is for the old stack -->"
    )
    assert "near-duplicate" not in allowed
    assert "dangling-link" in allowed
    assert {"near-duplicate", "waiver-without-reason"} <= rules("<!-- compass-lint: allow near-duplicate -->")
    assert "dangling-link" in rules("<!-- compass-lint: allow dangling-link it comes back -->")
    assert "waiver-ended" in rules(
        "<!-- compass-lint: allow near-duplicate until 2026-01-01 the old stack -->"
    )
