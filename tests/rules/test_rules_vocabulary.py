"""Tags against vocabulary/tags.yaml, here and above."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from compass.library import load
from compass.model.base import Problem
from compass.rules.base import Context, Example
from compass.rules.runner import apply
from compass.rules.samples import files
from compass.rules.vocabulary import TAGS, UnknownTag


def found(folder: Path, *, own: str = "", above: str = "", parent: str = "above") -> list[Problem]:
    example = Example(front="tags: ['layer:memory', 'layer:memroy', 'odd:thing']", above=(Example(),))
    texts = files(example) | ({TAGS: own} if own else {}) | ({f"above/{TAGS}": above} if above else {})
    texts["compass.yaml"] = texts["compass.yaml"].replace("[above]", f"[{parent}]")
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    context = Context(load(folder, revision=None, parents=True), date(2026, 6, 1))
    return list(apply([UnknownTag()], context).problems)


def test_without_a_list_every_tag_is_taken(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_the_list_above_counts_and_the_nearest_tag_is_named_at_the_place(tmp_path: Path) -> None:
    near, far = found(tmp_path, above="schema: 1\ntags: ['layer:memory']\n")
    text = (tmp_path / near.path).read_text(encoding="utf-8").split("\n")[near.line - 1]
    assert text[near.column - 1 :].startswith("layer:memroy")
    assert near.hint == "did you mean 'layer:memory'?"
    assert far.hint == "use a listed tag, or propose it for vocabulary/tags.yaml"


def test_both_lists_count(tmp_path: Path) -> None:
    lists = {
        "own": "schema: 1\ntags: ['layer:memroy', 'layer:memory']\n",
        "above": "schema: 1\ntags: ['odd:thing']\n",
    }
    assert found(tmp_path, **lists) == []


@pytest.mark.parametrize("text", ["tags: [", "schema: 1\ntags: [Odd]\n", "schema: 1\nlabels: []\n"])
def test_a_list_that_cannot_be_read_is_one_problem_of_its_own_and_none_of_the_entries(
    text: str, tmp_path: Path
) -> None:
    (problem,) = found(tmp_path, own=text)
    assert problem.path == TAGS
    assert problem.message.startswith("the list of tags cannot be read: ")


def test_where_a_parent_or_its_list_cannot_be_read_no_tag_is_unknown(tmp_path: Path) -> None:
    assert found(tmp_path / "one", own="schema: 1\ntags: []\n", parent="nowhere") == []
    assert found(tmp_path / "two", own="schema: 1\ntags: []\n", above="tags: [") == []
