"""Entry text becomes HTML that says what was written and can do nothing."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import text
from published import DRAIN, GONE, LOCK, POOL, TODAY, team

from compass.library import load
from compass.publish.edition import Edition
from compass.publish.markup import MAX_RENDERED, Markup
from compass.publish.text import clean

PAGE = f"patterns/{POOL}"


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """What readers of the payments team may read."""
    return Edition(load(team(tmp_path_factory.mktemp("markup")), revision=None), TODAY)


def drawn(edition: Edition, body: str) -> str:
    """The body as the page of the pool pattern would show it."""
    loaded = edition.pages[POOL]
    return Markup(edition).body(replace(loaded, text=loaded.text.removesuffix(loaded.body) + body), PAGE)


@pytest.mark.parametrize(
    ("hostile", "absent"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("<iframe src=https://example.com></iframe>", "<iframe"),
        ("<div style='position:fixed;inset:0'>x</div>", "<div style"),
        ("text <img src=x onerror=alert(1)> text", "<img"),
        ("[x](javascript:alert(1))", "href="),
        ("[x](JaVaScRiPt:alert(1))", "href="),
        ("[x](&#106;avascript:alert(1))", "href="),
        ("[x](vbscript:x) [y](file:///etc/passwd) [z](data:text/html,x)", "href="),
        ("<javascript:alert(1)>", "href="),
        ("[x]: javascript:alert(1)\n\n[x]", "href="),
        ("[x](//example.com/x)", "href="),
        ("[x](/etc/passwd)", "href="),
        ("[x](../../../etc/passwd)", "href="),
        ("[x](\\\\example.com\\x)", "href="),
        ("![x](https://example.com/pixel.png)", "src="),
        ("![x](data:image/svg+xml;base64,xxxx)", "src="),
        ("```{.python onclick=x}\ncode\n```", "onclick=x"),
        ("```mermaid\ngraph TD\n```", "mermaid"),
        ("--8<-- 'compass.yaml'", "schema: 1"),
        ('[x](https://example.com/"onmouseover=alert(1)//)', '"onmouseover'),
        ("<!-- comment --> <?php ?> <![CDATA[x]]>", "<!"),
    ],
)
def test_hostile_text_is_shown_and_never_runs(edition: Edition, hostile: str, absent: str) -> None:
    assert absent not in drawn(edition, hostile)


def test_html_is_shown_as_it_was_written(edition: Edition) -> None:
    assert "&lt;script>alert(1)&lt;/script>" in drawn(edition, "<script>alert(1)</script>")


def test_attribute_lists_and_templates_stay_text(edition: Edition) -> None:
    text = drawn(edition, "A paragraph. {: .x onclick=y }\n\n{{ config.site_name }} {% raw %}")
    assert "{: .x onclick=y }" in text
    assert "{{ config.site_name }}" in text


def test_commonmark_is_read_as_on_a_forge(edition: Edition) -> None:
    text = drawn(
        edition,
        "Text\n- a\n  - b\n\n    ```sh\n    ls | wc\n    ```\n\n> quoted\n\n~~gone~~ **bold** `code`",
    )
    assert "<ul>\n<li>" in text
    assert "<code>ls | wc\n</code>" in text
    assert "<s>gone</s>" in text
    assert "<blockquote>" in text


def test_a_table_keeps_its_sides_without_a_style(edition: Edition) -> None:
    text = drawn(edition, "| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert '<td class="cm-right">2</td>' in text
    assert "style=" not in text


def test_headings_are_markdown_and_one_level_under_the_title(edition: Edition) -> None:
    text = drawn(edition, "# First\n\ntext\n\n## Second `code`\n\n> # quoted\n")
    assert "\n\n### Second code" in f"\n\n{text}"
    assert text.startswith("## First")
    assert "<strong>quoted</strong>" in text


def test_ids_become_links_where_their_target_is_published(edition: Edition) -> None:
    text = drawn(edition, f"[[{DRAIN}]] [[{LOCK}]] [[pat-0000000000]] [[{GONE}]] [[anything <b>]] [[x]")
    assert f'<a href="../runbooks/{DRAIN}.html">Relieve an exhausted pool</a>' in text
    assert f'<a href="../patterns/{LOCK}.html">Lock queue</a>' in text
    assert '<code class="cm-id">pat-0000000000</code>' in text
    assert f"{GONE}</code> (withdrawn)</a>" in text
    assert "[[anything &lt;b>]]" in text
    assert "SECRET" not in text


def test_links_to_files_become_links_to_pages_or_plain_words(edition: Edition) -> None:
    text = drawn(
        edition,
        "[run](../runbooks/drain.md#steps) [no](../runbooks/none.md) [out](https://example.com/a?b=1&c=2) [here](#top)",
    )
    assert f'<a href="../runbooks/{DRAIN}.html">run</a>' in text
    assert '<span class="cm-unlinked">no</span>' in text
    assert '<a href="https://example.com/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">out</a>' in text
    assert '<a href="#top">here</a>' in text


def test_an_image_is_described_and_not_fetched(edition: Edition) -> None:
    assert "[image: a graph]" in drawn(edition, "![a graph](graph.png)")
    assert "[image: no description]" in drawn(edition, "![](graph.png)")


def test_footnotes_lead_to_evidence_or_to_their_own_text(edition: Edition) -> None:
    text = drawn(
        edition, "Seen.[^e1] Noted.[^n1] Lost.[^e9]\n\n[^n1]: Some *words*\n    and more.\n[^n2]: Another.\n"
    )
    assert 'href="#evidence-e1"' in text
    assert 'href="#note-n1"' in text
    assert "[^e9]" in text
    assert 'id="note-n1"' in text
    assert "<em>words</em>" in text
    assert 'id="note-n2"' in text


def test_a_fence_inside_a_fence_does_not_break_the_page(edition: Edition) -> None:
    text = drawn(edition, "~~~\n```\n<b>\n```\n~~~\n\nafter")
    assert "```" not in text
    assert "&lt;b>" in text


def test_a_body_beyond_the_limit_is_shown_as_it_stands(edition: Edition) -> None:
    text = drawn(edition, "x <b> " * (MAX_RENDERED // 6 + 1))
    assert text.startswith('<div class="cm-block">\n<pre class="cm-raw">')
    assert "<b>" not in text


@pytest.mark.parametrize("piece", ["[", "*a", "[^a]", "> ", "`", "[[", "- ", "|a", "![", "<a", "_", "~~a"])
def test_hostile_repetition_is_read_within_seconds(edition: Edition, piece: str) -> None:
    started = time.process_time()
    drawn(edition, piece * (15_000 // len(piece)))
    assert time.process_time() - started < 5


def test_a_field_keeps_its_inline_code_and_its_links(edition: Edition) -> None:
    loaded = edition.pages[POOL]
    text = Markup(edition).inline(f"run `ls`\n\nthen [[{DRAIN}]] <b>", loaded, PAGE)
    assert "<code>ls</code>" in text
    assert "Relieve an exhausted pool</a>" in text
    assert "&lt;b>" in text


def test_teams_and_services_without_a_page_are_plain_words(edition: Edition) -> None:
    markup = Markup(edition)
    assert markup.team("group:default/elsewhere", PAGE) == "elsewhere"
    assert markup.service("component:default/nowhere", PAGE) == "nowhere"
    assert markup.team("group:default/payments", PAGE) == '<a href="../teams/team-payments.html">payments</a>'


@given(text(st.characters(codec="utf-8") | st.sampled_from(" .,:;-_*`~<>&[]()!#'\"\\\n\thw")))
def test_words_without_markup_are_drawn_as_the_parser_would(edition: Edition, words: str) -> None:
    markup = Markup(edition)
    line = " ".join(clean(words).split())
    slow = markup._render(markup.parser.parseInline(line, {}), edition.pages[POOL], PAGE, {})
    assert markup.inline(words, edition.pages[POOL], PAGE) == slow
