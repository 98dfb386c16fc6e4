"""What lies in the search bundle: the words of pages, what they are found by, and nothing that no page says."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published import DRAIN, GONE, LOCK, POOL, TODAY, team, tribe
from search_corpus import corpus
from search_questions import questions

from compass.library import load
from compass.publish.build import build_site
from compass.publish.search import facets
from compass.publish.search.page import FACT, HEADING, SUMMARY, TEXT, TITLE, Read, read
from compass.publish.search.terms import Postings, hashed, spelling_files, term_files
from compass.publish.search.words import name, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("KubePodCrashLooping", ["kube", "pod", "crash", "looping", "kubepodcrashlooping"]),
        ("http_requests_total", ["http", "requests", "total", "httprequeststotal"]),
        ("node.cpu.time HTTPServer", ["node", "cpu", "time", "nodecputime", "http", "server", "httpserver"]),
        ("job:errors:rate5m", ["job", "errors", "rate5m", "joberrorsrate5m"]),
        ("pat-7k3x9q2m4t", ["pat", "7k3x9q2m4t", "pat7k3x9q2m4t"]),
        ("Überlast, é", ["uberlast", "e"]),
        ("全文搜索", ["全文", "文搜", "搜索"]),
        ("x" * 49, []),
        ("a/b", ["a", "b"]),
    ],
)
def test_a_text_is_split_into_words_and_whole_identifiers(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_a_name_is_its_letters_and_digits() -> None:
    assert name("Kube-Pod_crash looping") == name("KubePodCrashLooping") == "kubepodcrashlooping"


def page(article: str) -> Read:
    found = read("p.html", f'<header>no</header><article class="x" data-search-body>{article}</article>')
    assert found is not None
    return found


def test_words_count_by_where_they_stand() -> None:
    found = page(
        '<h1>one</h1><p class="cm-summary">two</p><h2>three</h2><p>four <b>fi</b>ve</p><aside><dd>six</dd></aside>'
    )
    assert found.words == {
        "one": TITLE,
        "two": SUMMARY,
        "three": HEADING,
        "four": TEXT,
        "five": TEXT,
        "six": FACT,
    }
    assert found.title == "one"
    assert found.text == "two three four five"


def test_what_is_marked_as_not_for_the_search_is_not_read() -> None:
    found = page(
        "<h1>a</h1><div data-search-ignore>b<div>c</div>d</div><svg><title>e</title></svg><p>f &lt;g&gt;</p><script>h</script>"
    )
    assert set(found.words) == {"a", "f", "g"}
    assert read("p.html", "<article>words</article>") is None


def decoded(files: list[tuple[str, bytes]]) -> Mapping[str, list[tuple[int, int]]]:
    """Word -> (page, level) as the format says."""
    found = {}
    for _, data in files:
        head, _, rest = gzip.decompress(data).partition(b"\n")
        for word, many, size, *_ in json.loads(head):
            own, rest = rest[:size], rest[size:]
            pairs, number, value, shift = [], 0, 0, 0
            for byte in own:
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    number += value >> 4
                    pairs.append((number, value & 15))
                    value = shift = 0
            assert len(pairs) == many
            found[word] = pairs
        assert rest == b""
    return found


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.dictionaries(st.text("abcé\U0001f600", min_size=1, max_size=3), st.integers(1, 200)), max_size=30
    )
)
def test_each_word_leads_to_exactly_its_pages(pages: list[dict[str, int]]) -> None:
    postings = Postings()
    for number, own in enumerate(pages):
        postings.add(Read(f"{number}.html", "", "", "", own, names=[f"n{number}"]))
    firsts, files = term_files(postings.encoded(), {})
    found = decoded(files)
    wanted: dict[str, list[int]] = {}
    for number, own in enumerate(pages):
        for word in (*own, f"=n{number}"):
            wanted.setdefault(word, []).append(number)
    assert {word: [number for number, _ in pairs] for word, pairs in found.items()} == wanted
    assert all(1 <= level <= 15 for pairs in found.values() for _, level in pairs)
    assert firsts == sorted(firsts, key=lambda one: one.encode("utf-16-be"))


def test_a_file_of_terms_stays_small_and_far_pages_are_kept() -> None:
    postings = Postings()
    for number in range(3000):
        own = {f"w{number % 700}": 1, "all": 1, **({"far": 1} if number in {0, 2999} else {})}
        postings.add(Read(f"{number}", "", "", "", own))
    firsts, files = term_files(postings.encoded(), {"said": ["all"]})
    assert len(firsts) == len(files) >= 3
    found = decoded(files)
    assert [number for number, _ in found["far"]] == [0, 2999]
    assert found["said"] == []


@settings(deadline=None, max_examples=40)
@given(st.sets(st.text("abcdefgh", min_size=4, max_size=9), min_size=1, max_size=60), st.data())
def test_a_word_with_one_mistake_shares_a_file_with_what_was_meant(
    known: set[str], data: st.DataObject
) -> None:
    files = spelling_files(
        dict.fromkeys(known, (1, "")) | {f"zz{number:05}": (1, "") for number in range(2000)}
    )
    word = data.draw(st.sampled_from(sorted(known)))
    at = data.draw(st.integers(0, len(word) - 1))
    wrong = data.draw(
        st.sampled_from(
            [word[:at] + "x" + word[at:], word[:at] + word[at + 1 :], word[:at] + "x" + word[at + 1 :]]
        )
    )
    lines = {
        line.split("\t")[0]
        for key in (f"<{wrong[:2]}", f"{wrong[-2:]}>")
        for line in gzip.decompress(files[hashed(key) % len(files)][1]).decode().split("\n")
    }
    assert len(files) > 4
    assert word in lines


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The payments team's site, with a thesaurus of its own."""
    folder = tmp_path_factory.mktemp("search")
    tribe(folder)
    root = team(folder, parents="parents: [../product]\n")
    (root / "vocabulary").mkdir()
    (root / "vocabulary" / "thesaurus.yaml").write_text(
        "groups:\n  - [sesame, pool]\n  - [nowhere, zzyzx]\nmeans:\n  out of breath: [exhausted]\n", "utf-8"
    )
    build_site(load(root, revision=None, parents=True), folder / "site", today=TODAY)
    return folder / "site"


def parts(site: Path, kind: str) -> list[bytes]:
    return [gzip.decompress(one.read_bytes()) for one in sorted((site / "search").glob(f"*/{kind}*.gz"))]


def rows(site: Path) -> dict[str, list[Any]]:
    """Word -> its row in the files of terms."""
    return {row[0]: row for data in parts(site, "terms") for row in json.loads(data.partition(b"\n")[0])}


def test_synonyms_are_those_that_lead_to_a_word_of_a_page(site: Path) -> None:
    found = rows(site)
    assert found["sesame"][1:] == [0, 0, ["pool"]]
    assert found["out of breath"][1:] == [0, 0, ["exhausted"]]
    assert not {"nowhere", "zzyzx"} & set(found)
    assert {other for row in found.values() for other in (row[3] if len(row) > 3 else ())} <= {
        word for word, row in found.items() if row[1]
    }


def test_every_word_stands_on_a_page_and_spellings_are_among_them(site: Path) -> None:
    said: set[str] = set()
    for path in site.rglob("*.html"):
        found = read(path.relative_to(site).as_posix(), path.read_text("utf-8"))
        said |= set(found.words) if found else set()
    terms = rows(site)
    assert {word for word, row in terms.items() if row[1] and not word.startswith("=")} == said
    spelt = {line.split("\t")[0] for data in parts(site, "spell") for line in data.decode().split("\n")}
    assert "exhausted" in spelt
    assert spelt <= said


def test_names_lead_to_their_page_and_withdrawn_entries_have_none(site: Path) -> None:
    found = rows(site)
    whole = {POOL, DRAIN, LOCK, "HighLatency", "POOL-1", "Relieve an exhausted pool"}
    assert {f"={name(one)}" for one in whole} <= set(found)
    assert f"={name(GONE)}" not in found
    assert not [word for word in found if "secret" in word]


def test_facets_say_for_each_page_what_it_is(site: Path) -> None:
    cards = [json.loads(data) for data in parts(site, "page")]
    head, _, columns = parts(site, "facets")[0].partition(b"\n")
    known = {name: values for name, _, values in json.loads(head)}
    assert list(known) == list(facets.NAMES)
    assert {"Pattern", "Runbook", "Post-mortem", "Service", "Team"} == set(known["kind"])
    assert known["tribe"] == ["product"]
    assert known["service"] == ["checkout", "payments"]
    assert set(known["freshness"]) == {"never reviewed", "overdue"}
    assert len(columns) >= 2 * len(cards) * len(known)
    assert next(card for card in cards if POOL in card["path"])["late"] > 0


def test_the_same_library_gives_the_same_bundle(site: Path, tmp_path: Path) -> None:
    root = team(tmp_path)
    library = load(root, revision=None)
    for number in (1, 2):
        build_site(library, tmp_path / f"site{number}", today=date(2026, 11, 1))
    first, second = (
        {
            one.relative_to(tmp_path / f"site{number}"): one.read_bytes()
            for one in (tmp_path / f"site{number}" / "search").rglob("*.*")
        }
        for number in (1, 2)
    )
    assert first == second


def test_questions_are_the_same_for_the_same_seed_and_half_are_held_back() -> None:
    pages = {one.page: one.shown for one in corpus(60)}
    asked = questions(pages, 7, 20)
    assert asked == questions({one.page: one.shown for one in corpus(60)}, 7, 20)
    assert sum(one.held for one in asked) * 2 == len(asked) == 60
    assert {one.sort for one in asked} == {"plain", "noise", "typo"}
