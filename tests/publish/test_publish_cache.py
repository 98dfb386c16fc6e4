"""A publish with a warm cache is the same, byte for byte, as a cold one; and what one site's readers see stays with them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import commit_all
from full_entries import write_repository
from large_site import write_organization
from published import POOL, SHARED, TODAY, pattern, team, tribe, write
from test_publish_build import contents, everything

from compass.library import load
from compass.library.cache import ParseCache
from compass.model.scope import Team, Teams
from compass.publish import finished, generate
from compass.publish.build import build_site
from compass.publish.finished import Commits, Finished, page_digest

CANARY = "Shared by the tribe"


def edit(root: Path) -> None:
    """A text that nobody quotes."""
    path = min((root / "runbooks").glob("*.md"))
    path.write_text(path.read_text("utf-8") + "\n## Later\n\nOne more thing.\n", "utf-8")


def retitle(root: Path) -> None:
    """A title that other pages show: each pattern is linked from a runbook or a post-mortem."""
    linked = re.findall(r"\[\[(pat-\w+)\]\]", "".join(path.read_text("utf-8") for path in root.rglob("*.md")))
    path = next(
        path for path in (root / "patterns").glob("*.md") if f"id: {linked[0]}" in path.read_text("utf-8")
    )
    path.write_text(re.sub(r"^title: .*$", "title: Renamed *for* all", path.read_text("utf-8"), flags=re.MULTILINE), "utf-8")  # fmt: skip


def rename(root: Path) -> None:
    """A file name, which changes no page's address."""
    path = sorted((root / "patterns").glob("*.md"))[1]
    path.rename(path.with_name("moved.md"))


def withdraw(root: Path) -> None:
    """An entry that others link to."""
    path = sorted((root / "patterns").glob("*.md"))[2]
    text = path.read_text("utf-8").replace("status: verified", "status: withdrawn", 1)
    path.write_text(text.replace("license: Apache-2.0", "license: Apache-2.0\nwithdrawn: {reason: It was wrong., at: 2026-10-01}", 1), "utf-8")  # fmt: skip


def delete(root: Path) -> None:
    """Two entries, and with one of them the only one of its service."""
    for path in sorted((root / "runbooks").glob("*.md"))[3:5]:
        path.unlink()


CHANGES: tuple[Callable[[Path], None], ...] = (edit, retitle, rename, withdraw, delete)


def same_after_each_change(folder: Path, root: Path) -> None:
    for number, change in enumerate((None, None, *CHANGES)):
        if change:
            change(root)
            commit_all(root, f"{change.__name__}\n")
        library = load(root)
        assert not library.problems, library.problems[:3]
        shown = []
        for name, cache in (("warm", folder / "cache"), ("cold", None)):
            build_site(
                library, folder / name, today=TODAY, address="https://memory.example.com/", cache=cache
            )
            shown.append(contents(folder / name))
        warm, cold = shown
        assert warm.keys() == cold.keys(), number
        assert not [name for name, data in cold.items() if warm[name] != data], number
        assert len(cold) > 100


@pytest.mark.slow
def test_a_warm_publish_is_the_same_as_a_cold_one_after_every_sort_of_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    run = generate._Batch.run

    def counted(batch: generate._Batch, texts: Mapping[str, bytes]) -> dict[str, bytes]:
        made.append(len(texts))
        return run(batch, texts)

    monkeypatch.setattr(generate._Batch, "run", counted)
    write_repository(tmp_path / "repo", 60)
    commit_all(tmp_path / "repo")
    # Pages tell which commit changed them last; the newest one must not be that of all.
    (tmp_path / "repo/README.md").write_text("A commit of its own.\n")
    commit_all(tmp_path / "repo", "A commit of its own\n")
    same_after_each_change(tmp_path, tmp_path / "repo")
    # First cold and cold; then nothing was left to be made, and after each change little.
    everything_made = made[1]
    assert made[0] == everything_made
    assert made[2] == 0
    assert all(0 < part < everything_made / 2 for part in made[4::2])


@pytest.mark.scale
def test_a_warm_publish_of_a_thousand_entries_is_the_same_too(tmp_path: Path) -> None:
    write_organization(tmp_path / "repo", int(os.environ.get("SCALE_CACHED", "1000")))
    same_after_each_change(tmp_path, tmp_path / "repo")


def test_pages_are_made_in_parts_and_come_out_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = load(team(tmp_path))
    build_site(library, tmp_path / "whole", today=TODAY)
    monkeypatch.setattr(generate, "_TOGETHER", 2)
    build_site(library, tmp_path / "parts", today=TODAY)
    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")


def two_audiences(folder: Path) -> tuple[Path, Path]:
    """What the cache holds after a site with the tribe's entry, and a site of the same team without it."""
    tribe(folder)
    root = team(folder, parents="parents: [../product]\n")
    write(root, "patterns/pool.md", pattern(related=[{"type": "similar", "id": SHARED}]), f"## Symptoms\n\nAs [[{SHARED}]].\n")  # fmt: skip
    commit_all(root)
    inside = load(root, parents=True)
    elsewhere = Teams(schema_version=1, teams=(Team(id="payments", tribe="platform", members=(), leads=()),), tribes=())  # fmt: skip
    for name, library in (("inside", inside), ("outside", replace(inside, teams=elsewhere))):
        build_site(library, folder / name, today=TODAY, cache=folder / "cache")
    return folder / "inside", folder / "outside"


def test_one_cache_for_two_audiences_shows_neither_what_the_other_may_read(tmp_path: Path) -> None:
    inside, outside = two_audiences(tmp_path)
    assert CANARY in (inside / "patterns" / f"{POOL}.html").read_text("utf-8")
    assert CANARY not in everything(outside)
    assert SHARED in (outside / "patterns" / f"{POOL}.html").read_text("utf-8")
    assert len(list((tmp_path / "cache").glob("site-*"))) == 2


@pytest.mark.parametrize("kept", ["text", "readers", "neither"])
def test_either_protection_alone_is_enough_and_without_both_the_canary_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    if kept != "text":
        monkeypatch.setattr(generate, "page_digest", lambda base, name, _text: page_digest(base, name, b""))
    if kept != "readers":
        monkeypatch.setattr(generate, "Finished", lambda folder, _readers: Finished(folder, ""))
    # Links and search would not fit the wrong page: what is to be seen here is the page.
    monkeypatch.setattr("compass.publish.build.verify", lambda *_: ())
    _, outside = two_audiences(tmp_path)
    assert (CANARY in (outside / "patterns" / f"{POOL}.html").read_text("utf-8")) is (kept == "neither")


@pytest.mark.parametrize("part", ["settings", "theme", "program", "name", "text"])
def test_a_page_is_found_again_only_if_all_that_it_was_made_from_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    theme = tmp_path / "theme"
    shutil.copytree(generate.THEME, theme)

    def digest(settings: str = "{}", name: str = "a.md", text: bytes = b"x") -> str:
        return page_digest(finished.base_digest(settings, theme), name, text)

    before = digest()
    assert before == digest()
    if part == "theme":
        (theme / "main.html").write_text("other", "utf-8")
    if part == "program":
        monkeypatch.setattr(finished, "version", lambda _name: "999")
    changed: dict[str, dict[str, Any]] = {
        "settings": {"settings": "{1}"},
        "name": {"name": "b.md"},
        "text": {"text": b"y"},
    }
    assert digest(**changed.get(part, {})) != before


@pytest.mark.parametrize("damage", ["rubbish", "cut", "folder"])
def test_a_damaged_cache_costs_time_and_nothing_else(tmp_path: Path, damage: str) -> None:
    library = load(team(tmp_path))
    cache = tmp_path / "cache"
    build_site(library, tmp_path / "first", today=TODAY, cache=cache)
    store = next(cache.glob("site-*"))
    if damage == "rubbish":
        store.write_bytes(os.urandom(5000))
    elif damage == "cut":
        store.write_bytes(store.read_bytes()[:9000])
    else:
        store.unlink()
        store.mkdir()
    build_site(library, tmp_path / "second", today=TODAY, cache=cache)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_pages_of_the_last_site_alone_are_kept(tmp_path: Path) -> None:
    with Finished(tmp_path, "them") as store:
        store.find(["a", "b"])
        for digest in ("a", "b"):
            store.remember(digest, b"<p>" + digest.encode())
    with Finished(tmp_path, "them") as store:
        assert store.find(["b", "c"]) == {"b": b"<p>b"}
        store.remember("c", b"<p>c")
    with Finished(tmp_path, "them") as store:
        assert store.find(["a", "b", "c"]) == {"b": b"<p>b", "c": b"<p>c"}
    with pytest.raises(RuntimeError), Finished(tmp_path, "them") as store:
        raise RuntimeError
    with Finished(tmp_path, "them") as store:
        assert store.find(["b", "c"]).keys() == {"b", "c"}


def test_what_cannot_be_unpacked_is_not_found(tmp_path: Path) -> None:
    with Finished(tmp_path, "them") as store:
        store.remember("a", b"<p>a")
        store._store.remember("b", "no base64")
        store.find(["a", "b"])
    with Finished(tmp_path, "them") as store:
        assert store.find(["a", "b"]) == {"a": b"<p>a"}


def test_a_store_without_a_folder_keeps_nothing() -> None:
    with ParseCache(None, "x") as store:
        store.remember("a", "1")
        store.keep(["a"])
        assert store.find(["a"]) == {}


HEADS = ("0123456789abcdef" * 3)[:40], ("fedcba9876543210" * 3)[:40]


def test_pages_that_differ_in_the_commits_alone_are_the_same_page() -> None:
    old, new = Commits([HEADS[0]]), Commits([HEADS[1]])
    texts = [f"built from {head}, in short {head[:10]}, or {head[:12]}".encode() for head in HEADS]
    assert old.hidden(texts[0][:-2]) == new.hidden(texts[1][:-2])
    assert [
        commits.shown(commits.hidden(text), text) for commits, text in ((old, texts[0]), (new, texts[1]))
    ] == texts
    assert HEADS[0][:10].encode() not in old.hidden(texts[0])


def test_a_text_that_holds_what_stands_in_for_a_commit_is_left_alone() -> None:
    commits = Commits(HEADS)
    stand_in = commits.hidden(HEADS[0].encode())
    text = stand_in + b" and " + HEADS[0].encode()
    assert commits.hidden(text) == text
    assert commits.shown(text, text) == text
