"""What telemetry says stands in a draft as plain words: it leads nowhere, also where a forge makes links of addresses."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from compass.model.foreign import untrusted
from compass.workflows.drafted_text import escaped

HOSTILE = (
    "see https://evil.example/x",
    "see HTTPS://evil.example/x and ftp://evil.example",
    "www.evil.example and WWW.evil.example",
    "[x](https://evil.example) ![x](//evil.example/x.png) <https://evil.example>",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_an_address_is_no_link_and_reads_as_what_it_is(text: str) -> None:
    safe = escaped(text)
    assert not re.search(r"(?<!\\)://|www\.", safe, re.IGNORECASE)
    (inline,) = [one for one in MarkdownIt("commonmark").parse(safe) if one.type == "inline"]
    assert {one.type for one in inline.children or ()} <= {"text"}
    assert "".join(one.content for one in inline.children or ()) == untrusted(text)
