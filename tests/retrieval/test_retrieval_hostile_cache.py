"""A cache folder that somebody else wrote to: what does not fit together is made again, and nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import commit_all

from compass.library import load as load_library
from compass.retrieval import store
from compass.retrieval.document import from_text
from compass.retrieval.index import ARRAYS, build
from compass.retrieval.opening import open_searcher
from compass.retrieval.views import reopen

WHOLE = build(
    [from_text("run-1", "PodCrash", "a pod crashes"), from_text("run-2", "DiskFull", "a disk is full")]
).arrays()
NUMBERS = ("starts", "documents", "title_terms", "title_starts", "owners", "lines")


def written(folder: Path, head: Callable[[dict[str, Any]], Any], arrays: dict[str, Any] = WHOLE) -> None:
    """A file with a right checksum, and a head changed by `head` (bytes are taken as they are)."""
    data = store.packed(arrays)
    first = len(store.MAGIC) + 8
    last = first + int.from_bytes(data[len(store.MAGIC) : first], "little")
    found = head(json.loads(data[first:last]))
    text = found if isinstance(found, bytes) else json.dumps(found).encode()
    path = store.path_of(folder, "key")
    path.parent.mkdir(parents=True)
    path.write_bytes(store.MAGIC + len(text).to_bytes(8, "little") + text + data[last:])


def each(head: dict[str, Any], **change: Any) -> dict[str, Any]:
    return head | {"arrays": {name: one | change for name, one in head["arrays"].items()}}


def test_the_file_as_it_was_written_is_used(tmp_path: Path) -> None:
    written(tmp_path, lambda head: head)
    assert store.load(tmp_path, "key") is not None


@pytest.mark.parametrize(
    "head",
    [
        lambda _: b"[" * 100_000,
        lambda head: head | {"arrays": []},
        lambda head: head | {"arrays": {}},
        lambda head: each(head, shape=[10**30]),
        lambda head: each(head, shape=[2**40]),
        lambda head: each(head, shape=[1.5]),
        lambda head: each(head, shape=[-1]),
        lambda head: each(head, shape=[0]),
        lambda head: each(head, offset=10**30),
        lambda head: each(head, offset=-(10**6)),
        lambda head: each(head, type="<f4"),
        lambda head: each(head, type=[]),
    ],
)
def test_a_head_that_lies_makes_the_file_unusable(tmp_path: Path, head: Callable[[Any], Any]) -> None:
    written(tmp_path, head)
    assert store.load(tmp_path, "key") is None


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_points_outside_makes_the_file_unusable(tmp_path: Path, name: str) -> None:
    wrong = WHOLE[name].copy()
    wrong[-1] = np.iinfo(wrong.dtype).max
    written(tmp_path, lambda head: head, WHOLE | {name: wrong})
    assert store.load(tmp_path, "key") is None


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_another_length_makes_the_file_unusable(tmp_path: Path, name: str) -> None:
    longer = np.concatenate([WHOLE[name], np.zeros((1, *WHOLE[name].shape[1:]), WHOLE[name].dtype)])
    written(tmp_path, lambda head: head, WHOLE | {name: longer})
    assert store.load(tmp_path, "key") is None


def test_postings_that_run_backwards_make_the_file_unusable(tmp_path: Path) -> None:
    wrong = WHOLE["starts"].copy()
    wrong[1] = wrong[-1]
    written(tmp_path, lambda head: head, WHOLE | {"starts": wrong})
    assert store.load(tmp_path, "key") is None


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": [10**9]},
        {"hidden": [-1]},
        {"hidden": ["0"]},
        {"hidden": [[]]},
        {"state": 7},
        {"state": "../retrieval"},
        {"place": []},
        {"place": {"repo": "x", "commit": None, "distance": 0, "root": "/nowhere"}},
        {"place": {"repo": "x", "commit": "y", "distance": 0, "root": 7}},
        {"place": {"repo": "x", "commit": "y", "distance": 0, "root": "/\0"}},
        {"place": {"repo": [], "commit": "y", "distance": "far", "root": "/"}},
    ],
)
def test_a_memory_of_last_time_that_lies_is_not_used(
    knowledge_repo: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    open_searcher(load_library(knowledge_repo, parents=True), tmp_path / "cache")
    assert reopen(tmp_path / "cache", knowledge_repo) is not None
    for path in (tmp_path / "cache" / "retrieval").glob("view-*.json"):
        data = json.loads(path.read_bytes())
        for one in data["parts"]:
            one.update(change)
        path.write_text(json.dumps(data), "utf-8")
    assert reopen(tmp_path / "cache", knowledge_repo) is None


def test_a_memory_of_last_time_that_nests_without_end_is_not_used(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    open_searcher(load_library(knowledge_repo, parents=True), tmp_path / "cache")
    for path in (tmp_path / "cache" / "retrieval").glob("view-*.json"):
        path.write_text("[" * 100_000, "utf-8")
    assert reopen(tmp_path / "cache", knowledge_repo) is None


def test_a_library_that_was_read_without_its_parents_is_not_remembered_as_the_whole(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    library = load_library(knowledge_repo)
    assert library.main.config.parents
    open_searcher(library, tmp_path / "cache")
    assert reopen(tmp_path / "cache", knowledge_repo) is None


def test_an_addition_to_another_index_than_last_time_is_not_used(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    library = load_library(knowledge_repo, parents=True)
    open_searcher(library, cache)
    file = knowledge_repo / library.entries[0].path
    file.write_text(file.read_text("utf-8") + "\nFrobnication helps.\n", "utf-8")
    commit_all(knowledge_repo)
    library = load_library(knowledge_repo, parents=True)
    open_searcher(library, cache)
    before = reopen(cache, knowledge_repo)
    assert before is not None
    assert before.search("frobnication").results
    patch = next((cache / "retrieval").glob("*.add"))
    base = next(one.stem for one in (cache / "retrieval").glob("*.idx"))
    store.save(cache, patch.stem, build([]), base=f"{base[:16]}-0123456789abcdef")
    assert reopen(cache, knowledge_repo) is None
