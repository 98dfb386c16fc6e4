"""Finished pages by everything that they were made from, so that a publish runs MkDocs over the new ones only."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from compass.library.cache import ParseCache
from compass.publish import blocks

_MAKERS: Final = ("Jinja2", "Markdown", "mkdocs", "mkdocs-material")
_SHORT: Final = 10
"""Digits of a commit as pages show it to people."""


class Finished:
    """A context in which HTML is found again by the digest of its page, and what was not asked for is forgotten.

    A page is found only by the digest of its own text: whoever knows that has read the page already. Each set of
    `readers` has a file of its own all the same, so that what is copied along with one cache is theirs.
    """

    def __init__(self, folder: Path | None, readers: str) -> None:
        name = hashlib.sha256(readers.encode()).hexdigest()[:16]
        self._store = ParseCache(folder, f"site-{name}")
        self._asked: set[str] = set()

    def __enter__(self) -> Self:
        """Open the store."""
        self._store.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep what this site consists of, if it came about."""
        if error is None:
            self._store.keep(self._asked)
        self._store.__exit__(kind, error, trace)

    def find(self, digests: Iterable[str]) -> Mapping[str, bytes]:
        """Digest -> HTML of those that were finished before; one that cannot be read any more is not found."""
        wanted = list(digests)
        self._asked.update(wanted)
        found = {}
        for digest, data in self._store.find(wanted).items():
            try:
                found[digest] = zlib.decompress(base64.b64decode(data))
            except (ValueError, zlib.error):
                continue
        return found

    def remember(self, digest: str, html: bytes) -> None:
        """Keep a finished page."""
        self._store.remember(digest, base64.b64encode(zlib.compress(html, 1)).decode("ascii"))


def base_digest(settings: str, theme: Path) -> bytes:
    """Changes whenever something may have that all pages are made with: settings, theme, and the programs."""
    state = hashlib.sha256(settings.encode())
    for maker in _MAKERS:
        state.update(f"{maker} {version(maker)}\n".encode())
    files = [path for path in theme.rglob("*") if path.is_file()]
    for path in (*sorted(files), Path(blocks.__file__)):
        content = path.read_bytes()
        state.update(f"{path.name} {len(content)}\n".encode() + content)
    return state.digest()


class Commits:
    """Takes the commits that a site is made from out of its pages, for a page is as good when only they have moved.

    Something of the same shape stands in until the page is finished; a text that holds that already is left alone.
    """

    def __init__(self, heads: Iterable[str]) -> None:
        known = sorted(set(heads))
        other = [hashlib.sha256(b"compass %d" % number).hexdigest() for number in range(len(known))]
        whole = [(head, one[: len(head)]) for head, one in zip(known, other, strict=True)]
        short = [(head[:_SHORT], one[:_SHORT]) for head, one in whole]
        self._pairs = [(head.encode(), one.encode()) for head, one in (*whole, *short)]

    def hidden(self, text: bytes) -> bytes:
        """The text of a page without them."""
        if any(other in text for _, other in self._pairs):
            return text
        for head, other in self._pairs:
            text = text.replace(head, other)
        return text

    def shown(self, html: bytes, text: bytes) -> bytes:
        """What was made of the hidden `text`, with them."""
        if any(other in text for _, other in self._pairs):
            return html
        for head, other in self._pairs:
            html = html.replace(other, head)
        return html


def page_digest(base: bytes, name: str, text: bytes) -> str:
    """The digest of one page: `base` and its own name and text."""
    return hashlib.sha256(b"%s%d %s\n%s" % (base, len(name), name.encode(), text)).hexdigest()
