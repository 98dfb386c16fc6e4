"""A page that is no entry (home, services, feeds, …) as Markdown for machines, made from the page as it was staged."""

from __future__ import annotations

import html
import re
from collections.abc import Container
from html.parser import HTMLParser
from posixpath import dirname, join, normpath
from typing import Final
from urllib.parse import urlsplit

from compass.publish.blocks import BLOCK
from compass.publish.twin import label

_FRONT: Final = re.compile(r"\A---\n.*?^---\n", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^(#{1,6}) (.*)$", re.MULTILINE)
_BREAKS: Final = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "aside",
        "header",
        "footer",
        "nav",
        "figure",
        "figcaption",
        "details",
        "summary",
        "blockquote",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "table",
        "caption",
        "tr",
        "pre",
        "br",
        "hr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    ]
)
_UNREAD: Final = frozenset({"svg", "button", "script", "style", "template"})
_OPENING: Final = re.compile(r"^(\d*)(?=[#>+=~|.)-])")
"""What would make a heading, a quotation or a list of a line."""


def listing(text: str, page: str, pages: Container[str]) -> str:
    """The twin of the staged page `text`; `page` and `pages` are paths without their ending.

    Links to pages lead to the twins of those.
    """
    parts: list[str] = []
    start = 0
    body = _FRONT.sub("", text)
    for found in BLOCK.finditer(body):
        parts += _headings(body[start : found.start()])
        parts.append(_Words(page, pages).read(found[0]))
        start = found.end()
    parts += _headings(body[start:])
    return "\n\n".join(part for part in parts if part) + "\n"


def _headings(text: str) -> list[str]:
    return [f"{marks} {label(html.unescape(words))}" for marks, words in _HEADING.findall(text)]


class _Words(HTMLParser):
    """Our own HTML to lines: each block one line, each item of a list with its dash."""

    def __init__(self, page: str, pages: Container[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.page, self.pages = page, pages
        self.lines: list[str] = []
        self.line = ""
        self.lead = ""
        self.unread = 0
        self.item = ""
        self.targets: list[str] = []
        self.known: dict[str, str] = {}

    def read(self, text: str) -> str:
        """HTML in, Markdown out."""
        self.feed(text)
        self.close()
        self._end()
        return "\n".join(self.lines).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unread += tag in _UNREAD
        if self.unread:
            return
        if tag in _BREAKS:
            self._end()
        if tag == "li":
            self.lead, self.item = "- ", "  "
        elif tag == "span" and self.line[-1:].isalnum():
            self.line += " "
        elif tag in {"td", "th"} and self.line.strip():
            self.line += " \\| "
        elif tag == "dd":
            self.line = f"{self.line.rstrip()}{', ' if ': ' in self.line else ': '}"
        elif tag == "a":
            address = dict(attrs).get("href") or ""
            if address not in self.known:
                self.known[address] = self._target(address)
            target = self.known[address]
            self.targets.append(target)
            self.line += "[" if target else ""

    def handle_endtag(self, tag: str) -> None:
        if self.unread:
            self.unread -= tag in _UNREAD
            return
        if tag == "a" and self.targets:
            target = self.targets.pop()
            self.line = f"{self.line.rstrip()}]({target})" if target else self.line
        if tag in _BREAKS and tag != "dt":
            self._end()
        if tag in {"li", "ul", "ol"}:
            self.item = ""
        if tag in {"ul", "ol", "p", "dl", "table"} and not self.item and self.lines and self.lines[-1]:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if self.unread:
            return
        words = label(data)
        before = " " if data[:1].isspace() and self.line and not self.line.endswith((" ", "[")) else ""
        after = " " if words and data[-1:].isspace() else ""
        self.line += f"{before}{words}{after}"

    def _end(self) -> None:
        if words := self.line.strip():
            words = _OPENING.sub(r"\1\\", words)
            self.lines.append(f"{self.lead or self.item}{words}")
            self.lead = ""
        self.line = ""

    def _target(self, address: str) -> str:
        """Where a link leads, seen from the twin; nothing for what is no link that may be followed."""
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return (
                address if parts.scheme in {"http", "https"} and not re.search(r"[()<>\s]", address) else ""
            )
        if not parts.path:
            return ""
        near = normpath(join(dirname(self.page), parts.path))
        stem = near.removesuffix(".html")
        if stem != near:
            near = f"{stem}.md" if stem in self.pages else ""
        return f"{'../' * self.page.count('/')}{near}" if near else ""
