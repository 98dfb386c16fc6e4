"""From a repository to a folder that may be published, and nothing in it that may not."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from published import DRAIN, GONE, LOCK, POOL, TODAY, pattern, team, tribe, write

from compass.errors import NegativeAnswerError, UsageError
from compass.library import Library, load
from compass.model.scope import Level, Team, Teams
from compass.publish import build as building
from compass.publish.build import MARKER, build_site
from compass.publish.records import last_changed, read_records
from compass.publish.search.page import read
from compass.publish.swap import swap

EVIL = "</title><script>alert(1)</script><img src=https://example.com/x.png onerror=alert(1)>"


def everything(site: Path) -> str:
    """All names and contents of a site as one text, the search bundle unpacked."""
    parts = []
    for path in sorted(site.rglob("*")):
        parts.append(path.relative_to(site).as_posix())
        if path.is_file():
            data = path.read_bytes()
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            parts.append(data.decode("utf-8", "replace"))
    return "\n".join(parts)


def contents(site: Path) -> dict[str, bytes]:
    """Name -> bytes."""
    files = {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items()}


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The payments team and its tribe."""
    folder = tmp_path_factory.mktemp("organization")
    tribe(folder)
    root = team(folder, parents="parents: [../product]\n", config="share: tribe\n")
    write(
        root,
        "patterns/evil.md",
        pattern("pat-6k3x9q2m4t", EVIL[:100], summary=EVIL, mitigations=[]),
        f"# {EVIL}\n\n{EVIL}\n\n```\n{EVIL}\n```\n",
    )
    return root


@pytest.fixture(scope="module")
def site(organization: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their site, from the working tree."""
    output = tmp_path_factory.mktemp("out") / "site"
    build_site(load(organization, revision=None, parents=True), output, today=TODAY)
    return output


def test_the_site_has_its_pages_its_search_and_its_own_error_page(site: Path) -> None:
    for name in (
        "index.html",
        "404.html",
        f"patterns/{POOL}.html",
        f"runbooks/{DRAIN}.html",
        "search/index.json",
        MARKER,
    ):
        assert (site / name).is_file(), name
    assert list((site / "search").glob("*/page-*.gz"))


def test_the_search_keeps_the_words_of_a_list_apart(site: Path) -> None:
    page = read("x.html", (site / f"patterns/{POOL}.html").read_text("utf-8"))
    assert page is not None
    assert {"services", "payments", "checkout", "pool-1".replace("-", "")} <= set(page.words)
    assert not {"servicespayments", "paymentscheckout"} & set(page.words)


def test_the_themes_own_search_and_scripts_are_not_there(site: Path) -> None:
    names = {path.relative_to(site).as_posix() for path in site.rglob("*")}
    assert not [
        name
        for name in names
        if "search_index" in name
        or "bundle." in name.replace("search/bundle.js", "")
        or name.endswith(".map")
        or "sitemap" in name
    ]
    assert {name for name in names if name.endswith(".js")} == {
        "assets/compass.js",
        "assets/compass-early.js",
        *(f"assets/search/{name}.js" for name in ("bundle", "dialog", "engine", "excerpt", "words")),
    }


def test_no_page_has_inline_script_style_or_a_foreign_host(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path
        assert "<style" not in text, path
        assert "fonts.g" not in text, path
        assert "Content-Security-Policy" in text, path


def test_hostile_titles_and_bodies_are_text_on_every_page(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        assert "<script>alert" not in text, path
        assert not re.search(r"<img\b", text), path
    assert "&lt;script&gt;" in (site / "patterns" / "pat-6k3x9q2m4t.html").read_text("utf-8")


def test_withdrawn_text_and_private_names_are_in_no_channel_of_the_output(site: Path) -> None:
    found = everything(site)
    assert "Connection pool exhausted after a rollout" in found
    assert "SECRET" not in found
    assert GONE in found


def test_navigation_lists_sections_only(site: Path) -> None:
    text = (site / "patterns" / f"{POOL}.html").read_text("utf-8")
    tabs = re.search(r'<nav class="cm-tabs".*?</nav>', text, re.DOTALL)
    assert tabs is not None
    assert tabs[0].count("<a ") == 8
    assert 'href="index.html" aria-current="true">Patterns' in tabs[0]


def test_the_same_library_gives_the_same_bytes(organization: Path, site: Path, tmp_path: Path) -> None:
    build_site(load(organization, revision=None, parents=True), tmp_path / "again", today=TODAY)
    first, again = contents(site), contents(tmp_path / "again")
    assert first.keys() == again.keys()
    assert not [name for name, data in first.items() if data != again[name]]


def test_what_the_audience_may_not_read_is_in_no_channel(organization: Path, tmp_path: Path) -> None:
    library = load(organization, revision=None, parents=True)
    elsewhere = Teams(
        schema_version=1, teams=(Team(id="payments", tribe="platform", members=(), leads=()),), tribes=()
    )
    built = build_site(replace(library, teams=elsewhere), tmp_path / "site", today=TODAY)
    assert built.not_for_them == ("tribe/product",)
    found = everything(tmp_path / "site")
    for canary in ("Shared by the tribe", "pat-5k3x9q2m4t", "tribe/product", "shared.md"):
        assert canary not in found


def test_a_site_is_replaced_whole_and_old_fragments_do_not_stay(organization: Path, tmp_path: Path) -> None:
    root = tmp_path / "payments"
    shutil.copytree(organization, root)
    output = tmp_path / "site"
    write(root, "patterns/lock.md", pattern(LOCK, "OLDCANARY", mitigations=[]))
    build_site(load(root, revision=None), output, today=TODAY)
    assert "OLDCANARY" in everything(output)
    write(root, "patterns/lock.md", pattern(LOCK, "A new title", mitigations=[]))
    built = build_site(load(root, revision=None), output, today=TODAY)
    assert "OLDCANARY" not in everything(output)
    assert built.entries == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["payments", "site"]


def test_the_marker_names_audience_and_commits(organization: Path, tmp_path: Path) -> None:
    library = load(organization, parents=True)
    built = build_site(library, tmp_path / "site", today=TODAY, audience=Level.TRIBE)
    marker = json.loads((tmp_path / "site" / MARKER).read_text("utf-8"))
    assert marker["audience"] == "tribe"
    assert marker["repositories"] == {mount.id: mount.commit for mount in library.mounts}
    assert built.repositories == marker["repositories"]


@pytest.mark.parametrize("kind", ["files", "file", "link"])
def test_a_folder_that_is_not_a_site_of_ours_is_never_replaced(
    organization: Path, tmp_path: Path, kind: str
) -> None:
    output = tmp_path / "site"
    if kind == "files":
        output.mkdir()
        (output / "precious.txt").write_text("mine", "utf-8")
    elif kind == "file":
        output.write_text("mine", "utf-8")
    else:
        (tmp_path / "elsewhere").mkdir()
        output.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        build_site(load(organization, revision=None), output, today=TODAY)
    assert output.is_symlink() or output.is_file() or (output / "precious.txt").read_text("utf-8") == "mine"


def test_an_empty_folder_is_taken(organization: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    build_site(load(organization, revision=None), tmp_path / "site", today=TODAY)
    assert (tmp_path / "site" / "index.html").is_file()


def test_a_site_that_fails_its_inspection_is_not_published(
    organization: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "verify", lambda *_: ("index.html: <img> asks for https://example.com",))
    with pytest.raises(NegativeAnswerError, match="inspection"):
        build_site(load(organization, revision=None), tmp_path / "site", today=TODAY)
    assert list(tmp_path.iterdir()) == []


def test_when_the_last_move_fails_the_old_site_stays(tmp_path: Path) -> None:
    output = tmp_path / "site"
    output.mkdir()
    (output / "index.html").write_text("old", "utf-8")
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(FileNotFoundError):
        swap(work / "site", output)
    assert (output / "index.html").read_text("utf-8") == "old"


def test_an_empty_repository_has_a_site_too(tmp_path: Path) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/new\n", "utf-8")
    built = build_site(load(root, revision=None), tmp_path / "site", today=TODAY)
    assert built.entries == 0
    assert (tmp_path / "site" / "index.html").is_file()


def test_dates_come_from_one_pass_over_the_history(organization: Path) -> None:
    library = load(organization)
    found = last_changed(read_records(library))
    assert found["team/payments", "patterns/pool.md"].year == 2026
    assert last_changed(read_records(Library(mounts=(replace(library.main, git=None, commit=None),)))) == {}
