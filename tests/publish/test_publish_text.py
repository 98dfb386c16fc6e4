"""Untrusted text is inert wherever it lands."""

from __future__ import annotations

from datetime import UTC, date, datetime

import markdown
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from compass.publish import text

HOSTILE = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ config }} {% include 'x' %} {# x #}",
    "# not # a heading {#id .class onclick=x}",
    "[link](javascript:alert(1)) ![i](https://example.com/i.png) `code` *em* <b>",
    "a\n---\nkey: value\n...\n- x: &a *b !!python/object:os.system",
    "\u202egnp.exe\u2066 \x00\x07\x1b[31m\x85\u2028\ufffe",
    "\\",
    "\\x41 \\u0041 \\",
    "&lt;script&gt;",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_front_matter_stays_one_line_of_ascii_with_the_same_words(hostile: str) -> None:
    drawn = text.front_matter(title=hostile)
    lines = drawn.split("\n")
    assert lines[0] == "---"
    assert lines[2] == "---"
    assert drawn.isascii()
    loaded = yaml.safe_load(lines[1])
    assert list(loaded) == ["title"]
    assert "<" not in loaded["title"]
    assert '"' not in loaded["title"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_heading_is_read_as_nothing_but_its_text(hostile: str) -> None:
    drawn = text.heading(hostile, 2)
    html = markdown.Markdown(extensions=["toc", "tables", "fenced_code", "attr_list"]).convert(drawn)
    assert html.startswith("<h2")
    assert html.count("<") == 2
    assert "\n" not in html


@given(st.text())
def test_escaped_text_holds_no_tag_no_fence_and_no_control_character(anything: str) -> None:
    drawn = text.escape(anything)
    assert "<" not in drawn
    assert "```" not in drawn
    assert "~~~" not in drawn
    assert not any(ord(char) < 32 and char not in "\n\t" for char in drawn)


@given(st.text())
def test_an_attribute_cannot_end_early(anything: str) -> None:
    drawn = text.attribute(anything)
    assert not set(drawn) & set("\"'<>\n")


def test_dates_read_well_and_keep_their_machine_form() -> None:
    assert text.day(date(2026, 11, 3)) == '<time datetime="2026-11-03">3 Nov 2026</time>'
    assert "3 Nov 2026, 14:05 UTC" in text.moment(datetime(2026, 11, 3, 14, 5, tzinfo=UTC))
    assert "14:05 UTC" in text.clock(datetime(2026, 11, 3, 14, 5, tzinfo=UTC))


def test_numbers_agree_with_their_nouns() -> None:
    assert text.count(1, "entry", "entries") == "1 entry"
    assert text.count(1200, "pattern") == "1,200 patterns"


def test_lists_and_definitions_without_values_draw_nothing() -> None:
    assert text.items([]) == ""
    assert text.definition("Owner", "", "") == ""
    assert text.items(["a"], "x") == '<ul class="x"><li>a</li></ul>'
    assert text.items(["a"]) == "<ul><li>a</li></ul>"
