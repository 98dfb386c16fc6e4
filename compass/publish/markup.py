"""Entry text (CommonMark, tables, `[[id]]`, `[^e1]`) to HTML that cannot run, load or cover anything."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from compass.library import LoadedEntry
from compass.model.ids import ENTRY_ID
from compass.publish.edition import Edition, entry_page, href, named, service_page, team_page
from compass.publish.text import clean, escape, heading

MAX_RENDERED: Final = 256 * 1024
_REFERENCE: Final = re.compile(r"\[\[([^\[\]\n]{1,80})\]\]|\[\^([A-Za-z0-9_-]{1,20})\]")
_OUTSIDE: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_FRAGMENT: Final = re.compile(r"#[A-Za-z0-9_-]+")


class Markup:
    """Renders the texts of one edition; it never passes HTML, images, scripts or attributes through."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 30})
        self.parser.enable(["table", "strikethrough"])
        self.parser.disable(["html_block", "html_inline"])
        self.parser.inline.ruler.before("link", "compass_reference", _reference)
        rules: dict[str, Any] = {
            "compass_reference": self._draw_reference,
            "link_open": self._open_link,
            "link_close": self._close_link,
            "image": _image,
            "fence": _code,
            "code_block": _code,
            "heading_open": _inner_heading,
            "heading_close": _inner_heading,
            "table_open": lambda *_: '<div class="cm-table"><table>\n',
            "table_close": lambda *_: "</table></div>\n",
            "th_open": _cell,
            "td_open": _cell,
        }
        self.renderer = RendererHTML()
        self.renderer.rules |= rules  # called as rule(tokens, index, options, env)

    def body(self, loaded: LoadedEntry, page: str) -> str:
        """Markdown that holds headings as Markdown and all else as blocks of finished HTML."""
        if len(loaded.body) > MAX_RENDERED:
            return f'<pre class="cm-raw"><code>{escape(loaded.body)}</code></pre>\n'
        tokens = self.parser.parse(clean(loaded.body), {})
        shift = 1 if any(token.tag == "h1" and token.level == 0 for token in tokens) else 0
        parts: list[str] = []
        start = 0
        for index, token in enumerate(tokens):
            if token.type == "heading_open" and token.level == 0:
                parts.append(self._html(tokens[start:index], loaded, page))
                text = _plain(tokens[index + 1].children or [])
                parts.append(heading(text, min(int(token.tag[1]) + shift, 6)))
                start = index + 3
        parts.append(self._html(tokens[start:], loaded, page))
        return "\n\n".join(part for part in parts if part)

    def inline(self, text: str, loaded: LoadedEntry, page: str) -> str:
        """One field's text as inline HTML."""
        tokens = self.parser.parseInline(" ".join(clean(text).split())[:MAX_RENDERED], {})
        return self._render(tokens, loaded, page)

    def link(self, entry_id: str, page: str) -> str:
        """The title of a shown entry as a link; a withdrawn one by its id; any other as the plain id."""
        target = self.edition.pages.get(entry_id)
        if target is None:
            return f'<code class="cm-id">{escape(entry_id)}</code>'
        address = href(page, entry_page(target))
        if target.status == "withdrawn":
            return f'<a href="{address}"><code class="cm-id">{escape(entry_id)}</code> (withdrawn)</a>'
        return f'<a href="{address}">{escape(target.title)}</a>'

    def team(self, reference: str, page: str) -> str:
        """A team's name, linked if it has a page."""
        name = escape(named(reference)[1])
        return (
            f'<a href="{href(page, team_page(reference))}">{name}</a>'
            if reference in self.edition.by_owner
            else name
        )

    def service(self, reference: str, page: str) -> str:
        """A service's name, linked if it has a page."""
        name = escape(named(reference)[1])
        return (
            f'<a href="{href(page, service_page(reference))}">{name}</a>'
            if reference in self.edition.by_service
            else name
        )

    def _html(self, tokens: Sequence[Token], loaded: LoadedEntry, page: str) -> str:
        drawn = self._render(tokens, loaded, page).strip()
        return f"<div>\n{drawn}\n</div>" if drawn else ""

    def _render(self, tokens: Sequence[Token], loaded: LoadedEntry, page: str) -> str:
        env = {
            "entry": loaded,
            "page": page,
            "evidence": {one.id for one in loaded.entry.evidence},
            "closing": [],
        }
        return self.renderer.render(tokens, self.parser.options, env)

    def _draw_reference(
        self, tokens: Sequence[Token], index: int, _options: object, env: dict[str, Any]
    ) -> str:
        entry_id, note = tokens[index].meta["entry"], tokens[index].meta["note"]
        if entry_id:
            return (
                self.link(entry_id, env["page"])
                if ENTRY_ID.fullmatch(entry_id)
                else escape(f"[[{entry_id}]]")
            )
        if note in env["evidence"]:
            return f'<sup class="cm-cite"><a href="#evidence-{note}" aria-label="Evidence {note}">{note}</a></sup>'
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
        if _OUTSIDE.match(address):
            return f'href="{escape(address)}" rel="noopener noreferrer nofollow"'
        if _FRAGMENT.fullmatch(address):
            return f'href="{address}"'
        loaded: LoadedEntry = env["entry"]
        path = unquote(address.partition("#")[0])
        if not path or path.startswith(("/", "\\")) or ":" in path:
            return ""
        near = posixpath.normpath(posixpath.join(posixpath.dirname(loaded.path), path))
        found = self.edition.by_path.get((loaded.mount.id, near))
        return f'href="{href(env["page"], entry_page(self.edition.pages[found]))}"' if found else ""


def _reference(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (markdown-it's own signature)
    found = _REFERENCE.match(state.src, state.pos) if state.src[state.pos] == "[" else None
    if not found:
        return False
    if not silent:
        token = state.push("compass_reference", "", 0)
        token.meta = {"entry": found[1], "note": found[2]}
        token.content = found[0]
    state.pos = found.end()
    return True


def _plain(tokens: Sequence[Token]) -> str:
    return "".join(" " if token.type.endswith("break") else token.content for token in tokens)


def _image(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    # An image would fetch from elsewhere when the page is read, so its description stands in for it.
    return f'<span class="cm-image">[image: {escape(_plain(tokens[index].children or [])) or "no description"}]</span>'


def _code(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    return code(tokens[index].content)


def code(text: str) -> str:
    """A block of code; its copy button is added by the page's script."""
    return f'<div class="cm-code"><pre tabindex="0"><code>{escape(text.rstrip())}\n</code></pre></div>\n'


def _inner_heading(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    # Inside a list or a quotation a heading is emphasis: the page's outline is made by its own sections.
    return '<p class="cm-inner-heading"><strong>' if tokens[index].nesting == 1 else "</strong></p>\n"


def _cell(tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    token = tokens[index]
    side = next((side for side in ("right", "center") if side in str(token.attrGet("style") or "")), None)
    return f'<{token.tag} class="cm-{side}">' if side else f"<{token.tag}>"
