"""A repository's own words: read whatever the file holds, and never slow."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from conftest import commit_all

from compass.library import load as load_library
from compass.retrieval.opening import open_searcher
from compass.retrieval.thesaurus import LARGEST, MOST, default, merged


def words(count: int) -> list[str]:
    return [f"w{'abcdefghij'[one // 1000 % 10]}{one:05d}z".replace("0", "o") for one in range(count)]


@pytest.mark.parametrize(
    "text",
    [
        f"groups:\n  - [{', '.join(words(20_000))}]\n",
        f"means:\n  pool: [{', '.join(words(20_000))}]\n",
        "groups:\n" + "".join(f"  - [pool, {one}]\n" for one in words(4_000)),
        "groups:\n" + "  - [pool, lag]\n" * 4_000,
    ],
    ids=["one group", "one meaning", "many groups of one word", "the same group"],
)
def test_a_large_thesaurus_costs_little_and_widens_a_word_only_so_far(text: str) -> None:
    start = time.process_time()
    found = merged([text, text])
    assert time.process_time() - start < 6
    assert 0 < len(found.terms("pool") or found.terms(words(1)[0])) <= MOST
    assert all(len(one) <= MOST for one in found.sayings.values())


def test_the_words_that_come_with_compass_are_all_kept() -> None:
    assert merged([]) == default()
    assert max(len(one) for one in default().words.values()) < MOST


@pytest.mark.parametrize(
    "text",
    ["groups: " + "[" * 5000, "\0", "- a\n- b", "groups: {a: b}\nmeans: [a]", "groups: [[[a]], 7, null]"],
)
def test_a_thesaurus_that_is_none_adds_nothing(text: str) -> None:
    assert merged([text]).words.keys() <= default().words.keys() | {"a"}


@pytest.mark.parametrize("revision", ["HEAD", None])
def test_a_file_too_large_to_be_read_is_left_out(knowledge_repo: Path, revision: str | None) -> None:
    own = knowledge_repo / "vocabulary" / "thesaurus.yaml"
    own.parent.mkdir(exist_ok=True)
    own.write_text("groups:\n  - [frobnication, pool]\n" + "#" * LARGEST, "utf-8")
    commit_all(knowledge_repo)
    searcher = open_searcher(load_library(knowledge_repo, revision=revision), None)
    assert searcher.search("frobnication").results == ()
    assert searcher.search("connection pool").results


def test_a_link_in_the_place_of_the_file_is_not_followed(knowledge_repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesaurus.yaml").write_text("groups:\n  - [frobnication, pool]\n", "utf-8")
    shutil.rmtree(knowledge_repo / "vocabulary")
    (knowledge_repo / "vocabulary").symlink_to(other)
    searcher = open_searcher(load_library(knowledge_repo, revision=None), None)
    assert searcher.search("frobnication").results == ()


def test_a_file_that_may_not_be_opened_is_left_out(
    knowledge_repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = knowledge_repo / "vocabulary" / "thesaurus.yaml"
    own.parent.mkdir(exist_ok=True)
    own.write_text("groups:\n  - [frobnication, pool]\n", "utf-8")
    library = load_library(knowledge_repo, revision=None)

    def refused(*_: object) -> bytes:
        raise PermissionError(13, os.strerror(13), str(own))

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert open_searcher(library, None).search("connection pool").results
