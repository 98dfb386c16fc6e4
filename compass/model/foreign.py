"""Text of telemetry, entries, servers or a model, made fit to be shown: nothing in it steers, and no link is followed unseen."""

from __future__ import annotations

import re
from typing import Final

_LINK: Final = re.compile(
    r"(?i)(?:(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://|(?<!:)(?<!\[:\])//(?=[\w-]+\.)|(?<![\w.-])www\."
    r"|(?<![\w-])(?:mailto|javascript|vbscript|tel|data):(?=[\w/(+]))[^\s<>\"')\[\]]*"
)
_BARE_TARGET: Final = re.compile(r"(?i)\]\(\s*([\w-]+(?:\.[\w-]+)*\.[a-z]{2,}[^\s)]*)")


def clean(text: str) -> str:
    """The text without control, bidirectional and invisible characters, so that it cannot steer a terminal."""
    return "".join(char if char == "\n" or char.isprintable() else " " for char in text)


def untrusted(text: str) -> str:
    """The text without control characters, and with every link in it marked.

    `https://host/x` becomes `[foreign-link:https[:]//host/x]`: a reader sees what it is, and neither a terminal nor
    a forge makes it clickable. Doing it twice changes nothing.
    """
    marked = _LINK.sub(lambda found: f"[foreign-link:{_defused(found[0])}]", clean(text))
    return _BARE_TARGET.sub(lambda found: f"]([foreign-link:{found[1]}]", marked)


def _defused(link: str) -> str:
    if ":" in link:
        return link.replace(":", "[:]")
    return f"[:]{link}" if link.startswith("//") else link.replace(".", "[.]", 1)
