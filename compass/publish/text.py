"""Untrusted text made inert: for HTML, for a Markdown heading, for front matter; and the words that people read."""

from __future__ import annotations

import html
import re
from datetime import date, datetime
from typing import Final

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff0-\uffff\ud800-\udfff]"
)
_MARKUP: Final = re.compile(r"[^A-Za-z0-9 ,'\u00a0-\U0010ffff]")


def clean(text: str) -> str:
    """Without control characters, and without the marks that reorder text for the eye only."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def escape(text: str) -> str:
    """For HTML text, never for an attribute; quotes stay, since each entity slows every later parser down.

    Python-Markdown looks for code fences before it looks for HTML, so none may be left.
    """
    inert = clean(text).replace("&", "&amp;").replace("<", "&lt;")
    return inert.replace("```", "&#96;``").replace("~~~", "&#126;~~")


def attribute(text: str) -> str:
    """For a quoted attribute, on one line."""
    return html.escape(" ".join(clean(text).split()), quote=True)


def heading(text: str, level: int) -> str:
    """A Markdown heading whose text no Markdown processor reads as anything but text."""
    plain = " ".join(clean(text).split())
    return f"{'#' * level} {_MARKUP.sub(lambda found: f'&#{ord(found[0])};', plain) or '&#8203;'}"


def front_matter(**values: str) -> str:
    """Front matter of a page: each value becomes escaped HTML in ASCII, quoted, on one line."""
    lines = [f'{key}: "{_ascii(value)}"' for key, value in values.items()]
    return "\n".join(["---", *lines, "---", ""])


def _ascii(value: str) -> str:
    return attribute(value).replace("\\", "&#92;").encode("ascii", "xmlcharrefreplace").decode("ascii")


def day(value: date | datetime) -> str:
    """A machine-readable date that reads `3 Nov 2026`."""
    shown = f"{value.day} {value:%b %Y}"
    return f'<time datetime="{value.strftime("%Y-%m-%d")}">{shown}</time>'


def moment(value: datetime) -> str:
    """A machine-readable time that reads `3 Nov 2026, 14:05 UTC`."""
    return f'<time datetime="{value.isoformat()}">{value.day} {value:%b %Y, %H:%M} UTC</time>'


def clock(value: datetime) -> str:
    """A machine-readable time that reads `14:05 UTC`."""
    return f'<time datetime="{value.isoformat()}">{value:%H:%M} UTC</time>'


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 pattern`, `3 patterns`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def chip(word: str, group: str, shown: str | None = None) -> str:
    """A small label; `group` and `word` give its colour, its text says the same."""
    return (
        f'<span class="cm-chip cm-{group}-{attribute(word)}">{escape(shown or word.replace("_", " "))}</span>'
    )


def definition(term: str, *values: str) -> str:
    """A row of a definition list, or nothing when there is no value; values are HTML.

    Each on a line of its own, because the search takes what stands side by side for one word.
    """
    found = [f"<dd>{value}</dd>\n" for value in values if value]
    return "".join((f"<dt>{escape(term)}</dt>\n", *found)) if found else ""


def items(values: list[str], style: str = "") -> str:
    """An unordered list of HTML items, or nothing."""
    if not values:
        return ""
    return (
        f'<ul class="{style}">' + "".join(f"<li>{value}</li>" for value in values) + "</ul>"
        if style
        else ("<ul>" + "".join(f"<li>{value}</li>" for value in values) + "</ul>")
    )
