"""Blocks of finished HTML in a staged page: how they are written, and a quick way past Python-Markdown for them.

Python-Markdown and MkDocs each read every tag of a raw block; of a page's time that is two thirds.
The extension takes the blocks out first. Without it the pages come out the same, only later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor

BLOCK: Final = re.compile(r'^<div class="cm-block">\n.*?\n</div>$', re.MULTILINE | re.DOTALL)


def block(html: str) -> str:
    """Finished HTML as one block of Markdown, or nothing."""
    return f'<div class="cm-block">\n{html.strip()}\n</div>' if html.strip() else ""


def document(parts: Iterable[str]) -> str:
    """A page of front matter, headings and HTML; what is neither a heading nor in a block becomes a block."""
    ready = (
        part if part.startswith(("---\n", "#", '<div class="cm-block">\n')) else block(part) for part in parts
    )
    return "\n\n".join(part for part in ready if part) + "\n"


class FinishedBlocks(Preprocessor):
    """Puts each block aside whole, as Python-Markdown's own reader of raw HTML would after looking at every tag."""

    md: Markdown

    def run(self, lines: list[str]) -> list[str]:
        """Lines in, lines out, with a placeholder for each block."""
        return BLOCK.sub(lambda found: self.md.htmlStash.store(f"{found[0]}\n"), "\n".join(lines)).split("\n")


class FinishedBlocksExtension(Extension):
    """For MkDocs' setting `markdown_extensions`, by the name of this module."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # Python-Markdown's own name
        """After white space is made regular, before anything looks for fences or tags."""
        md.preprocessors.register(FinishedBlocks(md), "compass_finished_blocks", 29)


def makeExtension(**settings: object) -> FinishedBlocksExtension:  # noqa: N802  # Python-Markdown's own name
    """What Python-Markdown calls."""
    return FinishedBlocksExtension(**settings)
