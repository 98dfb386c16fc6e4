"""Entry text to HTML that cannot run, load or cover anything, with its links resolved within one edition."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from compass.library import LoadedEntry
from compass.model.entry import Status
from compass.model.ids import ENTRY_ID
from compass.publish import commonmark
from compass.publish.blocks import block
from compass.publish.edition import Edition, entry_page, href, named, service_page, team_page
from compass.publish.footnotes import citation
from compass.publish.text import attribute, clean, escape, heading

MAX_RENDERED: Final = 100_000
"""Characters of a body beyond which it is shown as it stands: hostile nesting costs time with the square."""
MAX_FIELD: Final = 20_000
OUTSIDE: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_WORDS: Final = re.compile(r"[^\\`*_~\[\]!<>&]*")
"""Text in which nothing can be markup: most fields are, and need no parser."""
FRAGMENT: Final = re.compile(r"#[A-Za-z0-9_-]+")


class Markup:
    """Renders the texts of one edition; it never passes HTML, images, scripts or attributes through."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.parser = commonmark.parser()
        self.renderer = RendererHTML()
        rules: dict[str, Any] = {
            "text": commonmark.draw_text,
            "code_inline": self._draw_code,
            "compass_reference": self._draw_reference,
            "note_open": commonmark.draw_note,
            "note_close": lambda *_: "</p>\n",
            "link_open": self._open_link,
            "link_close": self._close_link,
            "image": commonmark.draw_image,
            "fence": commonmark.draw_code,
            "code_block": commonmark.draw_code,
            "heading_open": commonmark.draw_inner_heading,
            "heading_close": commonmark.draw_inner_heading,
            "table_open": lambda *_: '<div class="cm-table"><table>\n',
            "table_close": lambda *_: "</table></div>\n",
            "th_open": commonmark.draw_cell,
            "td_open": commonmark.draw_cell,
        }
        self.renderer.rules |= rules  # called as rule(tokens, index, options, env)

    def body(self, loaded: LoadedEntry, page: str) -> str:
        """Markdown that holds headings as Markdown and all else as blocks of finished HTML."""
        if len(loaded.body) > MAX_RENDERED:
            return block(f'<pre class="cm-raw"><code>{escape(loaded.body)}</code></pre>')
        tokens = self.parser.parse(clean(loaded.body), {})
        anchors = {token.info: f"note-{token.info}" for token in tokens if token.type == "note_open"}
        shift = 1 if any(token.tag == "h1" and token.level == 0 for token in tokens) else 0
        parts: list[str] = []
        start = 0
        for index, token in enumerate(tokens):
            if token.type == "heading_open" and token.level == 0:
                parts.append(self._block(tokens[start:index], loaded, page, anchors))
                text = commonmark.plain(tokens[index + 1].children or [])
                parts.append(heading(text, min(int(token.tag[1]) + shift, 6)))
                start = index + 3
        parts.append(self._block(tokens[start:], loaded, page, anchors))
        return "\n\n".join(part for part in parts if part)

    def inline(self, text: str, loaded: LoadedEntry, page: str) -> str:
        """One field's text as inline HTML."""
        line = " ".join(clean(text).split())[:MAX_FIELD]
        if _WORDS.fullmatch(line):
            return escape(line)
        tokens = self.parser.parseInline(line, {})
        return self._render(tokens, loaded, page, {})

    def link(self, entry_id: str, page: str) -> str:
        """The title of a shown entry as a link; a withdrawn one by its id; any other as the plain id."""
        target = self.edition.pages.get(entry_id)
        if target is None:
            return f'<code class="cm-id">{escape(entry_id)}</code>'
        address = href(page, entry_page(target))
        if target.status is Status.WITHDRAWN:
            return f'<a href="{address}"><code class="cm-id">{escape(entry_id)}</code> (withdrawn)</a>'
        return f'<a href="{address}">{escape(target.title)}</a>'

    def team(self, reference: str, page: str) -> str:
        """A team's name, linked if it has a page."""
        name = escape(named(reference)[1])
        known = reference in self.edition.landscape.pages
        return f'<a href="{href(page, team_page(reference))}">{name}</a>' if known else name

    def service(self, reference: str, page: str) -> str:
        """A service's name, linked if it has a page."""
        name = escape(named(reference)[1])
        known = reference in self.edition.landscape.pages
        return f'<a href="{href(page, service_page(reference))}">{name}</a>' if known else name

    def _block(
        self, tokens: Sequence[Token], loaded: LoadedEntry, page: str, anchors: Mapping[str, str]
    ) -> str:
        return block(self._render(tokens, loaded, page, anchors))

    def _render(
        self, tokens: Sequence[Token], loaded: LoadedEntry, page: str, anchors: Mapping[str, str]
    ) -> str:
        evidence = {one.id: f"evidence-{one.id}" for one in loaded.entry.evidence}
        env = {"entry": loaded, "page": page, "anchors": {**anchors, **evidence}, "closing": []}
        return self.renderer.render(tokens, self.parser.options, env)

    def _draw_code(self, tokens: Sequence[Token], index: int, _options: object, env: dict[str, Any]) -> str:
        cited = citation(self.edition, tokens[index].content, env["page"])
        return cited or f"<code>{escape(tokens[index].content)}</code>"

    def _draw_reference(
        self, tokens: Sequence[Token], index: int, _options: object, env: dict[str, Any]
    ) -> str:
        entry_id, note = tokens[index].meta["entry"], tokens[index].meta["note"]
        if entry_id:
            known = ENTRY_ID.fullmatch(entry_id)
            return self.link(entry_id, env["page"]) if known else escape(f"[[{entry_id}]]")
        if anchor := env["anchors"].get(note):
            return f'<sup class="cm-cite"><a href="#{anchor}" aria-label="Evidence {note}">{note}</a></sup>'
        return escape(f"[^{note}]")

    def _open_link(self, tokens: Sequence[Token], index: int, _options: object, env: dict[str, Any]) -> str:
        target = self._resolve(str(tokens[index].attrGet("href") or ""), env)
        env["closing"].append("</a>" if target else "</span>")
        return f"<a {target}>" if target else '<span class="cm-unlinked">'

    def _close_link(
        self, _tokens: Sequence[Token], _index: int, _options: object, env: dict[str, Any]
    ) -> str:
        return str(env["closing"].pop())

    def _resolve(self, address: str, env: dict[str, Any]) -> str:
        """The attributes of a link that may be followed, or nothing: only known schemes and known files."""
        if OUTSIDE.match(address):
            return f'href="{attribute(address)}" rel="noopener noreferrer nofollow"'
        if FRAGMENT.fullmatch(address):
            return f'href="{address}"'
        loaded: LoadedEntry = env["entry"]
        path = unquote(address.partition("#")[0])
        near = posixpath.normpath(posixpath.join(posixpath.dirname(loaded.path), path))
        found = self.edition.by_path.get((loaded.mount.id, near)) if path else None
        return f'href="{href(env["page"], entry_page(self.edition.pages[found]))}"' if found else ""
