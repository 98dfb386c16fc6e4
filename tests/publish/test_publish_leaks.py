"""What readers may not read is in no channel of the output, and each protection is needed for that."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from leaky import HIDDEN, Canaries, channels, library, world
from published import TODAY

from compass.adapters.forge.web import Web
from compass.errors import NegativeAnswerError
from compass.library import Library, LoadedEntry, load
from compass.model.scope import Level
from compass.publish import build as building
from compass.publish import commonmark, records
from compass.publish.audience import Cut, cut
from compass.publish.build import build_site
from compass.publish.edition import Edition
from compass.publish.entry import EntryPage
from compass.publish.markup import Markup
from compass.publish.pages import render
from compass.publish.records import last_changed, read_records
from compass.publish.symptoms import Symptoms
from compass.publish.twin import Twins

ADDRESS = "https://memory.example.com/payments/"
TOLD = {
    "page: whole",
    "page: head",
    "page: addresses",
    "page: patterns",
    "page: index.html",
    "page: services",
    "page: teams",
    "page: symptoms",
    "page: tags",
    "page: review",
}
TOLD |= {
    "search: page",
    "search: terms",
    "search: spell",
    "search: facets",
    "file: .xml",
    "file: .md",
    "file: .json",
    "file: entries.json",
    "file: llms.txt",
}
CHANNELS = TOLD | {
    "file names", "file: sitemap.xml", "file: sitemap.xml.gz", "file: heads.json", "file: .compass-site.json", "file: .css",
    "file: .js", "file: .svg", "page: header", "page: footer", "page: not found", "search: index",
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """The repositories, their canaries, and the channels of the site that readers get."""

    root: Path
    canaries: Canaries
    site: dict[str, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("leaks")
    canaries = Canaries()
    root = world(folder, canaries)
    build_site(library(root), folder / "site", today=TODAY, address=ADDRESS)
    return World(root, canaries, channels(folder / "site"))


def test_the_library_holds_what_the_site_must_not(made: World) -> None:
    read = library(made.root)
    texts = {
        "texts": "\n".join(one.text for one in read.entries),
        "catalog": repr(read.entities),
        "private": repr(read.private),
    }
    seen = {name.partition(".")[0] for name, _ in made.canaries.seen_in(texts, *HIDDEN)}
    assert seen == {"foreign", "withdrawn", "overruled", "private"}
    assert not [problem for problem in read.problems if problem.severity == "error"]


def test_no_hidden_canary_is_in_any_channel(made: World) -> None:
    assert set(made.site) >= CHANNELS
    assert all(made.site.values())
    assert len(made.canaries.named(*HIDDEN)) > 170
    assert made.canaries.seen_in(made.site, *HIDDEN) == set()


def test_what_may_be_read_is_found_by_the_same_means(made: World) -> None:
    seen = made.canaries.seen_in(made.site, "public.")
    assert {channel for _, channel in seen} >= TOLD
    assert {name for name, _ in seen} >= set(made.canaries.named("public.")) - {
        "public.extension",
        "public.explanation",
    }


Break = Callable[[pytest.MonkeyPatch], None]


def _no_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "cut", lambda library, _: Cut(library, library.main.level))


def _entries_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(library: Library, audience: Level | None) -> Cut:
        found = cut(library, audience)
        return replace(found, library=replace(found.library, entries=library.entries))

    monkeypatch.setattr(building, "cut", careless)


def _catalog_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(library: Library, audience: Level | None) -> Cut:
        found = cut(library, audience)
        return replace(found, library=replace(found.library, entities=library.entities))

    monkeypatch.setattr(building, "cut", careless)


def _no_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryPage, "_tombstone", EntryPage._full)


def _withdrawn_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Edition, "listed", property(lambda edition: tuple(edition.pages.values())))


def _titles_on_every_link(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(markup: Markup, entry_id: str, _page: str) -> str:
        target = markup.edition.pages.get(entry_id)
        return target.title if target else entry_id

    monkeypatch.setattr(Markup, "link", careless)


def _nearest_copy_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Edition, "pages", property(lambda edition: edition.library.by_id))


def _links_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Markup, "_resolve", lambda _markup, address, _env: f'href="{address}"')


def _images_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def image(tokens: Any, index: int, _options: object, _env: object) -> str:
        return f'<img src="{tokens[index].attrGet("src")}">'

    monkeypatch.setattr(commonmark, "draw_image", image)


def _twins_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Twins, "_safe", lambda _twins, text, _loaded: text)


def _twins_of_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def fields(_: Twins, loaded: LoadedEntry) -> dict[str, Any]:
        return loaded.entry.model_dump(mode="json", by_alias=True, exclude_unset=True)

    monkeypatch.setattr(Twins, "fields", fields)
    monkeypatch.setattr(Twins, "body", lambda _, loaded: loaded.body)


def _tags_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(edition: Edition) -> dict[str, tuple[LoadedEntry, ...]]:
        return {tag: (one,) for one in edition.library.entries for tag in one.entry.tags}

    monkeypatch.setattr(Edition, "by_tag", property(careless))


def _records_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(library: Library) -> records.Records:
        return records.read_records(load(library.main.root, parents=True))

    monkeypatch.setattr(building, "read_records", careless)


def _alerts_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(symptoms: Symptoms) -> dict[str, tuple[LoadedEntry, ...]]:
        return dict.fromkeys(symptoms.edition.library.alerts_above, ())

    monkeypatch.setattr(Symptoms, "by_alert", careless)


def _trailers_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "known", lambda found, _: tuple(found))


def _remote_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "web_of", lambda remote, branch: Web("github", remote, branch))


def _files_as_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    def everything(edition: Edition) -> Iterator[tuple[str, str]]:
        yield from render(edition)
        root = edition.library.main.root
        for path in sorted((*root.glob("catalog/*"), *root.glob("patterns/*"))):
            yield f"raw/{path.relative_to(root).with_suffix('.md')}", f"# Raw\n\n{path.read_text('utf-8')}"

    monkeypatch.setattr(building, "render", everything)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            _no_policy,
            {
                "foreign.title",
                "foreign.repository",
                "foreign.tag",
                "foreign.step",
                "foreign.person",
                "foreign.saying",
            },
        ),
        (_entries_of_all, {"foreign.title", "foreign.body", "foreign.owner", "foreign.service"}),
        (_catalog_of_all, {"foreign.catalog", "foreign.dependency"}),
        (_no_tombstone, {"withdrawn.title", "withdrawn.body", "withdrawn.tag", "withdrawn.observed"}),
        (
            _withdrawn_are_listed,
            {"withdrawn.title", "withdrawn.summary", "withdrawn.owner", "withdrawn.service"},
        ),
        (_titles_on_every_link, {"withdrawn.title"}),
        (_nearest_copy_wins, {"overruled.title", "overruled.body"}),
        (_links_as_written, {"withdrawn.slug", "foreign.slug"}),
        (_images_as_written, {"foreign.image"}),
        (_twins_as_written, {"withdrawn.slug", "foreign.slug", "foreign.image"}),
        (_twins_of_withdrawn, {"withdrawn.title", "withdrawn.body", "withdrawn.extension"}),
        (_tags_of_all, {"withdrawn.tag", "overruled.tag", "overruled.summary"}),
        (_records_of_all, {"foreign.noticed"}),
        (_alerts_of_all, {"foreign.rule"}),
        (_trailers_as_written, {"changed.role"}),
        (_remote_as_written, {"private.login", "private.password"}),
        (_files_as_they_lie, {"private.customers", "withdrawn.body", "withdrawn.slug", "overruled.body"}),
    ],
)
def test_without_a_protection_its_canaries_appear(
    made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Break, told: set[str]
) -> None:
    broken(monkeypatch)
    monkeypatch.setattr(building, "verify", lambda *_: ())
    build_site(library(made.root), tmp_path / "site", today=TODAY, address=ADDRESS)
    seen = made.canaries.seen_in(channels(tmp_path / "site"), *HIDDEN)
    assert {name for name, _ in seen} >= told


def test_a_picture_is_a_channel_and_is_looked_into(
    made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _catalog_of_all(monkeypatch)
    build_site(library(made.root), tmp_path / "site", today=TODAY)
    seen = made.canaries.seen_in(channels(tmp_path / "site"), *HIDDEN)
    assert ("foreign.dependency", "page: picture") in seen


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (_no_tombstone, {("withdrawn.body", "search: terms"), ("withdrawn.body", "search: spell")}),
        (_entries_of_all, {("foreign.owner", "search: facets"), ("foreign.title", "search: page")}),
        (_no_policy, {("foreign.saying", "search: terms")}),
    ],
)
def test_without_a_protection_the_search_would_tell_in_each_of_its_files(
    made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Break, told: set[tuple[str, str]]
) -> None:
    broken(monkeypatch)
    monkeypatch.setattr(building, "verify", lambda *_: ())
    build_site(library(made.root), tmp_path / "site", today=TODAY)
    assert made.canaries.seen_in(channels(tmp_path / "site"), *HIDDEN) >= told


@pytest.mark.parametrize("broken", [_links_as_written, _images_as_written])
def test_what_slips_through_as_an_address_is_caught_by_the_inspection(
    made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Break
) -> None:
    broken(monkeypatch)
    with pytest.raises(NegativeAnswerError, match="which is not here"):
        build_site(library(made.root), tmp_path / "site", today=TODAY)
    assert list(tmp_path.iterdir()) == []


def _of_the_past(made: World, output: Path) -> None:
    """The site as it was at the commit before."""
    build_site(load(made.root, revision="HEAD~1", parents=True), output, today=TODAY)
    names = {name for name, _ in made.canaries.seen_in(channels(output), "changed.", "renamed.", "deleted.")}
    assert names >= {"changed.title", "changed.body", "renamed.title", "deleted.body", "deleted.tag"}


def test_old_texts_are_gone_once_the_site_is_built_again(made: World, tmp_path: Path) -> None:
    _of_the_past(made, tmp_path / "site")
    build_site(library(made.root), tmp_path / "site", today=TODAY)
    assert made.canaries.seen_in(channels(tmp_path / "site"), *HIDDEN) == set()


def test_without_the_exchange_of_the_whole_folder_old_texts_would_stay(
    made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(site: Path, output: Path) -> None:
        shutil.copytree(site, output, dirs_exist_ok=True)

    _of_the_past(made, tmp_path / "site")
    monkeypatch.setattr(building, "swap", careless)
    build_site(library(made.root), tmp_path / "site", today=TODAY)
    seen = made.canaries.seen_in(channels(tmp_path / "site"), "changed.", "deleted.")
    assert {"search: page", "search: terms", "search: spell"} <= {channel for _, channel in seen}
    assert {name for name, _ in seen} >= {"changed.title", "changed.body", "deleted.title"}


def test_what_git_says_of_changes_is_dates_alone(made: World) -> None:
    found = repr(sorted(last_changed(read_records(library(made.root))).values()))
    assert made.canaries.seen_in({"dates": found}, *HIDDEN) == set()
