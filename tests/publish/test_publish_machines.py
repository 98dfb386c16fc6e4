"""What other programs read: feeds, twins, lists, the sitemap and the heads; from the staged set alone, the same each time."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from posixpath import dirname, join, normpath
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from published import DRAIN, GONE, INCIDENT, LOCK, POOL, TODAY, pattern, runbook, team, write

from compass.adapters.documents import parse_yaml, split
from compass.errors import UsageError
from compass.library import load
from compass.model.entry import KINDS
from compass.publish.build import build_site
from compass.publish.edition import Edition
from compass.publish.feeds import NEWEST
from compass.publish.machines import machine_files
from compass.publish.pages import render
from compass.publish.records import last_changed, read_records
from compass.publish.twin import Twins

ADDRESS = "https://memory.example.com/payments/"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The payments team's newest commit."""
    library = load(team(tmp_path_factory.mktemp("machines")))
    return Edition(library, TODAY, last_changed(read_records(library)))


def xml(text: str) -> ET.Element:
    """Well-formed, or the test fails."""
    return ET.fromstring(text)  # noqa: S314  # we wrote it


def files(edition: Edition, address: str = ADDRESS) -> dict[str, str]:
    """Path -> text."""
    pages = dict(render(edition))
    found = machine_files(edition, pages, address, pages.__getitem__)
    return {path: one if isinstance(one, str) else gzip.decompress(one).decode() for path, one in found}


@pytest.fixture(scope="module")
def found(edition: Edition) -> dict[str, str]:
    return files(edition)


def test_there_is_a_feed_of_all_and_of_each_service_tag_and_team(found: dict[str, str]) -> None:
    assert {path for path in found if path.endswith(".xml") and path.startswith("feeds/")} == {
        "feeds/all.xml",
        "feeds/services/component-checkout.xml",
        "feeds/services/component-payments.xml",
        "feeds/tags/layer/database.xml",
        "feeds/teams/team-payments.xml",
    }


def test_feeds_are_atom_with_what_a_reader_needs(edition: Edition, found: dict[str, str]) -> None:
    for path in (path for path in found if path.endswith(".xml") and path.startswith("feeds/")):
        feed = xml(found[path])
        assert feed.tag == f"{ATOM}feed"
        assert {one.tag.removeprefix(ATOM) for one in feed} >= {
            "title",
            "id",
            "updated",
            "author",
            "link",
            "entry",
        }
        ids = [one.findtext(f"{ATOM}id", "") for one in feed.iter(f"{ATOM}entry")]
        assert len(set(ids)) == len(ids)
        for entry in feed.iter(f"{ATOM}entry"):
            assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", entry.findtext(f"{ATOM}id", ""))
            assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry.findtext(f"{ATOM}updated", ""))
            link = entry.find(f"{ATOM}link")
            assert link is not None
            page = link.attrib["href"].removeprefix(ADDRESS).removesuffix(".html")
            assert page.partition("/")[2] in edition.pages
    names = [one.findtext(f"{ATOM}title") for one in xml(found["feeds/tags/layer/database.xml"])]
    assert "Lock queue" in names


def test_a_feed_tells_of_a_withdrawal_without_its_words(found: dict[str, str]) -> None:
    assert f"Withdrawn pattern {GONE}" in found["feeds/all.xml"]
    assert GONE not in found["feeds/teams/team-payments.xml"]
    assert not [path for path, text in found.items() if "SECRET" in text]


def test_without_an_address_links_are_relative_and_there_is_no_sitemap(edition: Edition) -> None:
    found = files(edition, "")
    assert not [path for path in found if path.startswith("sitemap")]
    assert f'href="../../patterns/{POOL}.html"' in found["feeds/services/component-payments.xml"]
    assert "https://memory" not in "".join(found.values())


def test_a_feed_is_cut_to_the_newest(tmp_path: Path) -> None:
    root = team(tmp_path)
    for number in range(NEWEST + 5):
        data = pattern(f"pat-zz000000{number:02}", f"Number {number}", mitigations=[])
        write(root, f"patterns/n{number}.md", data)
    found = files(Edition(load(root, revision=None), TODAY))
    assert found["feeds/all.xml"].count("<entry>") == NEWEST
    empty = Edition(replace(load(root, revision=None), entries=()), TODAY)
    assert "<updated>2026-11-22T00:00:00Z</updated>" in files(empty)["feeds/all.xml"]


def test_every_entry_has_a_twin_that_is_an_entry(edition: Edition, found: dict[str, str]) -> None:
    for loaded in edition.listed:
        page = f"{loaded.kind}s/{loaded.id}"
        document = json.loads(found[f"{page}.json"])
        assert KINDS[loaded.kind].model_validate(document["entry"]) == loaded.entry
        assert parse_yaml(split(found[f"{page}.md"]).front) == document["entry"]
        assert split(found[f"{page}.md"]).body.strip() == document["body"].strip()
        assert document["title"] == loaded.title


def test_links_in_a_twin_lead_to_twins(found: dict[str, str]) -> None:
    assert (
        f"See [Relieve an exhausted pool](../runbooks/{DRAIN}.md), [Lock queue](../patterns/{LOCK}.md)"
        in found[f"patterns/{POOL}.md"]
    )
    assert "and pat-0000000000." in found[f"patterns/{POOL}.md"]
    run = found[f"runbooks/{DRAIN}.md"]
    assert f"[the pattern](../patterns/{POOL}.md)" in run
    assert f"[{GONE} (withdrawn)](../patterns/{GONE}.md)" in run
    assert json.loads(found[f"patterns/{POOL}.json"])["links"]["mitigated_by"] == [DRAIN]


def test_the_twin_of_a_withdrawn_entry_is_its_tombstone(found: dict[str, str]) -> None:
    text = found[f"patterns/{GONE}.md"]
    assert "It was wrong." in text
    assert "title" not in text
    assert json.loads(found[f"patterns/{GONE}.json"])["body"] == ""


def body(edition: Edition, text: str) -> str:
    """A body as the twin of the pool pattern would have it."""
    loaded = edition.pages[POOL]
    return Twins(edition).body(replace(loaded, text=loaded.text.removesuffix(loaded.body) + text))


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("[x](nowhere.md)", "[x]()"),
        ("[x](../runbooks/drain.md#s1 'y')", f"[x](../runbooks/{DRAIN}.md)"),
        ("[x](<../runbooks/drain.md>)", f"[x](../runbooks/{DRAIN}.md)"),
        ("[x](pool.md)", f"[x]({POOL}.md)"),
        ("[x](https://example.com/a_(b))", "[x](https://example.com/a_(b))"),
        ("[x](javascript:alert(1))", "[x]()"),
        ("[x][r]\n\n[r]: secret.md", "[x][r]\n\n[r]: <>"),
        ("![words](secret.png)", "\\[image: words\\]"),
        ("![](secret.png)", "\\[image: no description\\]"),
        ("a <b onclick=x> c", "a \\<b onclick=x> c"),
        ("<https://example.com>", "<https://example.com>"),
        ("`[x](secret.md) <b>`", "`[x](secret.md) <b>`"),
        (
            "x\n\n```\n[x](secret.md) [[pat-1k3x9q2m4t]]\n```\n\ny",
            "x\n\n```\n[x](secret.md) [[pat-1k3x9q2m4t]]\n```\n\ny",
        ),
        ("[[anything]]", "\\[\\[anything\\]\\]"),
        ("Seen.[^n1]\n\n[^n1]: A note.", "Seen.[^n1]\n\n[^n1]: A note."),
    ],
)
def test_addresses_that_lead_nowhere_are_left_out_of_a_twin(edition: Edition, text: str, twin: str) -> None:
    assert body(edition, text).strip() == twin


@pytest.mark.parametrize(
    "text",
    [
        "[x](\nsecret.md\n)",
        "[x\n](secret.md (title))",
        "[x]( secret.md 'a \"b' )",
        "> [r]: secret.md\n\n[r]",
        "- [r]:\n  secret.md\n\n[r]",
        "[a\\]b]: secret.md\n\n[a\\]b]",
        "[x](secret(a(b)c).md)",
        "![a [b] c](secret.png)",
        "![x][r]\n\n[r]: secret.png",
        "` [x](secret.md)",
        "\\`[x](secret.md)\\`",
        "<img\nsrc=secret.png>",
        "[x](&#115;ecret.md)",
        "[x](javascript&colon;secret)",
    ],
)
def test_however_it_is_written_a_twin_fetches_and_leads_nowhere_else(edition: Edition, text: str) -> None:
    drawn = body(edition, text)
    html = MarkdownIt("commonmark").render(drawn)
    assert not re.search(r'(?:href|src)="[^"]+"', html), drawn
    assert "<img" not in html


def test_a_very_long_text_is_code_in_its_twin(edition: Edition) -> None:
    assert body(edition, "<b> ``` " * 20_000).strip().startswith("````\n<b>")


def test_every_page_has_a_twin_and_its_links_lead_to_twins(edition: Edition, found: dict[str, str]) -> None:
    parser = MarkdownIt("commonmark", {"html": True})
    for path, _ in render(edition):
        text = found[path]
        drawn = parser.render(split(text).body if text.startswith("---") else text)
        for address in re.findall(r'href="([^"]+)"', drawn):
            if not address.startswith(("http", "#")):
                assert normpath(join(dirname(path), address.partition("#")[0])) in found, (path, address)
    home = found["index.md"]
    assert home.startswith("# What team/payments knows\n\n")
    assert f"- [Lock queue](patterns/{LOCK}.md) draft" in home
    assert "](services/component-payments.md)" in home
    service = found["services/component-payments.md"]
    assert f"](../patterns/{POOL}.md)" in service
    assert "## Runbooks" in service
    assert "[feeds/all.xml]" not in home
    assert "](../feeds/all.xml)" in found["feeds/index.md"]


def test_hostile_words_stay_words_in_the_twin_of_a_list(tmp_path: Path) -> None:
    root = team(tmp_path)
    evil = "](javascript:x) <script>x</script> `x` # \u202e"
    write(root, "patterns/lock.md", pattern(LOCK, evil, summary="# heading\n\n> quote", mitigations=[]))
    drawn = MarkdownIt("commonmark", {"html": True}).render(
        files(Edition(load(root), TODAY))["patterns/index.md"]
    )
    assert "<script" not in drawn
    assert "javascript" not in "".join(re.findall(r'href="([^"]*)"', drawn))
    assert drawn.count("<h1>") == 1
    assert "<blockquote>" not in drawn


def test_extensions_and_comments_stay_in_the_repository(tmp_path: Path) -> None:
    root = team(tmp_path)
    write(root, "patterns/lock.md", pattern(LOCK, "Lock queue", mitigations=[], x={"note": "KEPTBACK"}))
    path = root / "patterns" / "lock.md"
    path.write_text(path.read_text("utf-8").replace("kind:", "# KEPTBACK\nkind:", 1), "utf-8")
    found = files(Edition(load(root, revision=None), TODAY))
    assert "KEPTBACK" in path.read_text("utf-8")
    assert not [name for name, text in found.items() if "KEPTBACK" in text]


def test_the_export_lists_every_entry_with_its_addresses(edition: Edition, found: dict[str, str]) -> None:
    entries = json.loads(found["entries.json"])["entries"]
    assert [one["id"] for one in entries] == sorted(edition.pages)
    for one in entries:
        assert one["markdown"] in found
        assert one["json"] in found
    gone = next(one for one in entries if one["id"] == GONE)
    assert "title" not in gone
    assert gone["status"] == "withdrawn"


def test_heads_name_the_commits(edition: Edition, found: dict[str, str]) -> None:
    heads = json.loads(found["heads.json"])
    assert heads["repositories"] == {"team/payments": edition.library.main.commit}


def test_llms_txt_lists_each_kind_best_confirmed_first(found: dict[str, str]) -> None:
    text = found["llms.txt"]
    assert text.startswith("# team/payments\n\n> ")
    assert f"- [Relieve an exhausted pool](runbooks/{DRAIN}.md): draft. Free the pool." in text
    order = [text.index(f"patterns/{one}.md") for one in (POOL, LOCK)]
    assert order == sorted(order)
    assert GONE not in text
    for address in re.findall(r"\]\(([^)]+)\)", text):
        assert address in found


def test_hostile_titles_stay_words_in_lists_and_feeds(tmp_path: Path) -> None:
    root = team(tmp_path)
    evil = "](javascript:x) <b> & ]]> \" ' `x` # \u202e"
    write(root, "patterns/lock.md", pattern(LOCK, evil, summary=f"{evil}\n\n## No", mitigations=[]))
    write(root, "runbooks/drain.md", runbook(summary="<script>x</script>"))
    found = files(Edition(load(root, revision=None), TODAY))
    html = MarkdownIt("commonmark", {"html": True}).render(found["llms.txt"])
    assert "<b>" not in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert html.count("<h2>") == 3
    titles = [one.text for one in xml(found["feeds/all.xml"]).iter(f"{ATOM}title")]
    assert evil.removesuffix(" \u202e") in titles


def test_the_sitemap_has_absolute_addresses_of_pages_that_exist(
    edition: Edition, found: dict[str, str]
) -> None:
    pages = {path.removesuffix(".md") for path, _ in render(edition)}
    places = [one.text or "" for one in xml(found["sitemap.xml"]).iter() if one.tag.endswith("loc")]
    listed = {one.removeprefix(ADDRESS).removesuffix(".html") for one in places}
    assert listed == pages - {f"patterns/{GONE}"}
    assert f"{ADDRESS}postmortems/{INCIDENT}.html</loc><lastmod>2026-03-14</lastmod>" in found["sitemap.xml"]
    assert found["sitemap.xml.gz"] == found["sitemap.xml"]


def test_the_same_entries_give_the_same_bytes(edition: Edition) -> None:
    pages = dict(render(edition))
    again = Edition(load(edition.library.main.root), TODAY, edition.changed)
    first, second = (dict(machine_files(one, pages, ADDRESS, pages.__getitem__)) for one in (edition, again))
    assert first == second


def test_pages_name_their_twins_their_feed_and_themselves(edition: Edition, tmp_path: Path) -> None:
    build_site(edition.library, tmp_path / "site", today=TODAY, address=ADDRESS.removesuffix("/"))
    text = (tmp_path / "site" / "patterns" / f"{POOL}.html").read_text("utf-8")
    assert f'<link rel="alternate" type="text/markdown" href="{POOL}.md">' in text
    assert f'<link rel="alternate" type="application/json" href="{POOL}.json">' in text
    assert 'type="application/atom+xml" title="What changed" href="../feeds/all.xml"' in text
    assert '<meta property="og:title" content="Connection pool exhausted after a rollout">' in text
    assert '<meta property="og:type" content="article">' in text
    assert f'<meta property="og:url" content="{ADDRESS}patterns/{POOL}.html">' in text
    index = (tmp_path / "site" / "patterns" / "index.html").read_text("utf-8")
    assert '<link rel="alternate" type="text/markdown" href="index.md">' in index
    assert (tmp_path / "site" / "patterns" / "index.md").is_file()
    service = (tmp_path / "site" / "services" / "component-payments.html").read_text("utf-8")
    assert 'href="../feeds/services/component-payments.xml"' in service
    assert (tmp_path / "site" / "patterns" / f"{POOL}.md").is_file()


@pytest.mark.parametrize(
    "address", ["memory.example.com", "javascript:x", "https://x/<b>", "https://x/?q", "ftp://x"]
)
def test_what_is_no_address_is_refused(edition: Edition, tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError, match="not the address"):
        build_site(edition.library, tmp_path / "site", today=TODAY, address=address)
