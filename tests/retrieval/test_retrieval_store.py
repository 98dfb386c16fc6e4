"""An index on disk is used when it is exactly right, and otherwise made again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import commit_all

from compass.library import load as load_library
from compass.model.entry import Status
from compass.retrieval import store
from compass.retrieval.document import from_text
from compass.retrieval.index import Index, build
from compass.retrieval.opening import open_searcher
from compass.retrieval.search import Searcher


def small() -> Index:
    return build(
        [from_text("run-1", "PodCrash", "a pod crashes"), from_text("run-2", "DiskFull", "a disk is full")]
    )


def test_what_was_saved_answers_the_same(tmp_path: Path) -> None:
    assert store.save(tmp_path, "key", small())
    found = store.load(tmp_path, "key")
    assert found is not None
    ours, theirs = (Searcher(one).search("disk full").results for one in (small(), found))
    assert ours == theirs


def test_the_same_entries_give_the_same_bytes() -> None:
    assert store.packed(small().arrays()) == store.packed(small().arrays())


@pytest.mark.parametrize("place", [0, 20, 60, 400, -200, -1])
def test_a_damaged_byte_makes_it_unusable_or_changes_nothing(tmp_path: Path, place: int) -> None:
    store.save(tmp_path, "key", small())
    path = store.path_of(tmp_path, "key")
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    found = store.load(tmp_path, "key")
    assert found is None or store.packed(found.arrays()) == store.packed(small().arrays())


@pytest.mark.parametrize("data", [b"", b"compass-index-2\n", b"nonsense" * 40])
def test_a_cut_or_foreign_file_is_not_used(tmp_path: Path, data: bytes) -> None:
    path = store.path_of(tmp_path, "key")
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert store.load(tmp_path, "key") is None


def test_a_cut_file_is_not_used(tmp_path: Path) -> None:
    store.save(tmp_path, "key", small())
    path = store.path_of(tmp_path, "key")
    path.write_bytes(path.read_bytes()[:-64])
    assert store.load(tmp_path, "key") is None


def test_an_index_of_another_tokenizer_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(tmp_path, "key", small())
    monkeypatch.setattr(store, "stamp", lambda: "another")
    assert store.load(tmp_path, "key") is None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "retrieval").write_text("a file is in the way", "utf-8")
    assert not store.save(tmp_path, "key", small())


def test_only_a_few_files_are_kept(tmp_path: Path) -> None:
    for number in range(store.KEPT + 3):
        store.save(tmp_path, f"key{number}", small())
    assert len(list((tmp_path / "retrieval").iterdir())) == store.KEPT


def test_a_library_is_indexed_once_and_again_when_the_file_is_damaged(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    library = load_library(knowledge_repo, parents=True)
    cache = tmp_path / "cache"
    before = open_searcher(library, cache).search("connection pool exhausted").results
    assert before[0].repo == "team/payments"
    assert before[0].commit == library.main.commit
    file = next((cache / "retrieval").iterdir())
    made = file.stat().st_mtime_ns
    assert open_searcher(library, cache).search("connection pool exhausted").results == before
    assert file.stat().st_mtime_ns == made
    file.write_bytes(b"broken")
    assert open_searcher(library, cache).search("connection pool exhausted").results == before
    assert len(file.read_bytes()) > 100


def test_an_entry_withdrawn_in_one_repository_is_hidden_in_all(knowledge_repo: Path) -> None:
    library = load_library(knowledge_repo, parents=True)
    victim = next(one for one in library.entries if one.mount.distance == 0)
    gone = replace(victim, mount=library.mounts[-1], status=Status.WITHDRAWN)
    copies = (*library.entries, gone)
    hidden = type(library)(library.mounts, copies)
    found = open_searcher(hidden, None).search(victim.title)
    assert all(one.id != victim.id for one in found.results)


def test_a_repository_adds_its_own_words(knowledge_repo: Path) -> None:
    assert open_searcher(load_library(knowledge_repo), None).search("frobnication").results == ()
    own = knowledge_repo / "vocabulary" / "thesaurus.yaml"
    own.parent.mkdir(exist_ok=True)
    own.write_text("groups:\n  - [frobnication, pool]\n", "utf-8")
    commit_all(knowledge_repo)
    for revision in ("HEAD", None):
        found = (
            open_searcher(load_library(knowledge_repo, revision=revision), None)
            .search("frobnication")
            .results
        )
        assert "pool" in found[0].title
        assert "frobnication ~ pool" in found[0].why
