"""How entry text is read: CommonMark with tables, `[[id]]`, `[^e1]` and `[^e1]: …`, and no HTML at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from compass.publish.text import escape

_REFERENCE: Final = re.compile(r"\[\[([^\[\]\n]{1,80})\]\]|\[\^([A-Za-z0-9_-]{1,20})\]")
_NOTE: Final = re.compile(r"\[\^([A-Za-z0-9_-]{1,20})\]:[ \t]+(.*)")


def parser() -> MarkdownIt:
    """A parser whose tokens hold no HTML, and links of no scheme that could run."""
    made = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 30})
    made.enable(["table", "strikethrough"])
    made.disable(["html_block", "html_inline"])
    made.inline.ruler.before("link", "compass_reference", _reference)
    made.block.ruler.before("reference", "compass_note", _note, {"alt": ["paragraph", "reference"]})
    return made


def plain(tokens: Sequence[Token]) -> str:
    """The words of inline tokens."""
    return "".join(" " if token.type.endswith("break") else token.content for token in tokens)


def code(text: str) -> str:
    """A block of code; its copy button is added by the page's script."""
    return f'<div class="cm-code"><pre><code>{escape(text.rstrip())}\n</code></pre></div>\n'


def draw_text(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """Words."""
    return escape(tokens[index].content)


def draw_code(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """A fenced or indented block."""
    return code(tokens[index].content)


def draw_note(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """The beginning of a footnote."""
    note = tokens[index].info
    return f'<p class="cm-footnote" id="note-{note}"><strong class="cm-evidence-id">{note}</strong> '


def draw_image(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """An image would fetch from elsewhere when the page is read, so its description stands in for it."""
    words = escape(plain(tokens[index].children or [])) or "no description"
    return f'<span class="cm-image">[image: {words}]</span>'


def draw_inner_heading(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """Inside a list or a quotation a heading is emphasis: the page's outline is made by its own sections."""
    return '<p class="cm-inner-heading"><strong>' if tokens[index].nesting == 1 else "</strong></p>\n"


def draw_cell(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """A table cell; its side is a class, since the content security policy forbids inline styles."""
    token = tokens[index]
    side = next((side for side in ("right", "center") if side in str(token.attrGet("style") or "")), None)
    return f'<{token.tag} class="cm-{side}">' if side else f"<{token.tag}>"


def _reference(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # markdown-it's own signature
    found = _REFERENCE.match(state.src, state.pos) if state.src[state.pos] == "[" else None
    if not found:
        return False
    if not silent:
        token = state.push("compass_reference", "", 0)
        token.meta = {"entry": found[1], "note": found[2]}
        token.content = found[0]
    state.pos = found.end()
    return True


def _note(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  # markdown-it's own signature
    indented = state.sCount[start] - state.blkIndent >= 4
    found = None if indented else _NOTE.match(_line(state, start))
    if not found or silent:
        return bool(found)
    lines = [found[2]]
    line = start + 1
    while line < end and not state.isEmpty(line) and not _NOTE.match(_line(state, line)):
        lines.append(_line(state, line).strip())
        line += 1
    state.line = line
    state.push("note_open", "p", 1).info = found[1]
    inline = state.push("inline", "", 0)
    inline.content, inline.children = "\n".join(lines), []
    state.push("note_close", "p", -1)
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
