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
from compass.retrieval.segments import single
from compass.retrieval.views import reopen


def small() -> Index:
    return build(
        [from_text("run-1", "PodCrash", "a pod crashes"), from_text("run-2", "DiskFull", "a disk is full")]
    )


def test_what_was_saved_answers_the_same(tmp_path: Path) -> None:
    assert store.save(tmp_path, "key", small())
    found = store.load(tmp_path, "key")
    assert found is not None
    ours, theirs = (Searcher(single(one)).search("disk full").results for one in (small(), found))
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


@pytest.mark.parametrize("data", [b"", b"compass-index-5\n", b"nonsense" * 40])
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
        store.save(tmp_path, f"key-{number}", small())
    assert len(list((tmp_path / "retrieval").iterdir())) == store.KEPT


def test_a_library_is_indexed_once_and_again_when_the_file_is_damaged(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    library = load_library(knowledge_repo, parents=True)
    cache = tmp_path / "cache"
    before = open_searcher(library, cache).search("connection pool exhausted").results
    assert before[0].repo == "team/payments"
    assert before[0].commit == library.main.commit
    files = sorted((cache / "retrieval").glob("*.idx"))
    assert len(files) == len(library.mounts)
    inodes = [one.stat().st_ino for one in files]
    assert open_searcher(library, cache).search("connection pool exhausted").results == before
    assert [one.stat().st_ino for one in files] == inodes
    for file in files:
        file.write_bytes(b"broken")
    assert open_searcher(library, cache).search("connection pool exhausted").results == before
    assert all(len(one.read_bytes()) > 100 for one in files)


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


def test_a_changed_entry_is_added_beside_the_index_and_its_old_text_is_gone(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    library = load_library(knowledge_repo)
    open_searcher(library, cache)
    entry = next(one for one in library.entries if one.kind == "runbook")
    file = knowledge_repo / entry.path
    file.write_text(file.read_text("utf-8") + "\nFrobnication helps.\n", "utf-8")
    commit_all(knowledge_repo)
    library = load_library(knowledge_repo)
    for searcher in (open_searcher(library, cache), open_searcher(library, cache)):
        assert len(searcher.index.segments) == 2
        assert searcher.index.count == len(library.entries)
        assert [one.id for one in searcher.search("frobnication").results] == [entry.id]
        found = [one.id for one in searcher.search(entry.title, 20).results]
        assert found.count(entry.id) == 1
    assert {one.suffix for one in (cache / "retrieval").iterdir()} == {".idx", ".add"}


def test_a_patch_whose_index_is_gone_is_made_again(knowledge_repo: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    library = load_library(knowledge_repo)
    open_searcher(library, cache)
    file = knowledge_repo / library.entries[0].path
    file.write_text(file.read_text("utf-8") + "\nFrobnication helps.\n", "utf-8")
    commit_all(knowledge_repo)
    library = load_library(knowledge_repo)
    before = open_searcher(library, cache).search("frobnication").results
    for path in (cache / "retrieval").glob("*.idx"):
        path.unlink()
    again = open_searcher(library, cache)
    assert again.search("frobnication").results[0].id == before[0].id
    assert len(again.index.segments) == 1


def test_many_changes_make_a_new_index(
    knowledge_repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compass.retrieval.opening.FEW", 0)
    library = load_library(knowledge_repo)
    open_searcher(library, tmp_path)
    for entry in library.entries:
        file = knowledge_repo / entry.path
        file.write_text(file.read_text("utf-8") + "\nFrobnication helps.\n", "utf-8")
    commit_all(knowledge_repo)
    assert len(open_searcher(load_library(knowledge_repo), tmp_path).index.segments) == 1


def test_nothing_is_read_again_while_no_repository_has_moved(knowledge_repo: Path, tmp_path: Path) -> None:
    assert reopen(tmp_path, knowledge_repo) is None
    library = load_library(knowledge_repo, parents=True)
    before = open_searcher(library, tmp_path).search("connection pool exhausted").results
    again = reopen(tmp_path, knowledge_repo)
    assert again is not None
    assert again.search("connection pool exhausted").results == before


@pytest.mark.parametrize("parent", [False, True])
def test_a_repository_that_has_moved_is_read_again(
    knowledge_repo: Path, tmp_path: Path, *, parent: bool
) -> None:
    library = load_library(knowledge_repo, parents=True)
    open_searcher(library, tmp_path)
    moved = library.mounts[-1].root if parent else knowledge_repo
    (moved / "runbooks").mkdir(exist_ok=True)
    (moved / "runbooks" / "note.txt").write_text("moved", "utf-8")
    commit_all(moved)
    assert reopen(tmp_path, knowledge_repo) is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"stamp": 1}', b"\xff"])
def test_a_broken_memory_of_last_time_is_not_used(knowledge_repo: Path, tmp_path: Path, data: bytes) -> None:
    open_searcher(load_library(knowledge_repo, parents=True), tmp_path)
    for path in (tmp_path / "retrieval").glob("view-*.json"):
        path.write_bytes(data)
    assert reopen(tmp_path, knowledge_repo) is None


def test_an_index_that_was_cleaned_away_is_not_missed(knowledge_repo: Path, tmp_path: Path) -> None:
    open_searcher(load_library(knowledge_repo, parents=True), tmp_path)
    for path in (tmp_path / "retrieval").glob("*.idx"):
        path.unlink()
    assert reopen(tmp_path, knowledge_repo) is None


def test_what_was_withdrawn_elsewhere_stays_hidden_when_reopened(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    library = load_library(knowledge_repo, parents=True)
    victim = next(one for one in library.entries if one.mount.distance == 0)
    gone = replace(victim, mount=library.mounts[-1], status=Status.WITHDRAWN)
    open_searcher(replace(library, entries=(*library.entries, gone)), tmp_path)
    again = reopen(tmp_path, knowledge_repo)
    assert again is not None
    assert all(one.id != victim.id for one in again.search(victim.title).results)


RULES = """groups:
  - name: pool
    rules:
      - alert: FrobnicationSaturated
        expr: frob_slots_in_use / frob_slots_total > 0.9
        annotations:
          summary: Frobnicator slots are running out
          runbook_url: https://runbooks.example/{slug}.md
"""


def test_a_rule_file_leads_from_its_alert_to_the_runbook_that_its_url_names(
    knowledge_repo: Path, tmp_path: Path
) -> None:
    entry = next(one for one in load_library(knowledge_repo).entries if one.kind == "runbook")
    open_searcher(load_library(knowledge_repo), tmp_path)
    rules = knowledge_repo / "catalog" / "rules.yaml"
    rules.parent.mkdir(exist_ok=True)
    rules.write_text(RULES.replace("{slug}", Path(entry.path).stem), "utf-8")
    commit_all(knowledge_repo)
    searcher = open_searcher(load_library(knowledge_repo), tmp_path)
    for query in (
        "FrobnicationSaturated",
        "[FIRING] FrobnicationSaturated shop",
        "frob_slots_total",
        "frobnicator slots",
    ):
        assert searcher.search(query).results[0].id == entry.id, query
    assert searcher.search("FrobnicationSaturated").confidence > 0.9
    rules.unlink()
    commit_all(knowledge_repo)
    assert open_searcher(load_library(knowledge_repo), tmp_path).search("frobnicator").results == ()
