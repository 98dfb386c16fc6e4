"""Ids: a kind prefix and ten random Crockford base-32 characters; drawn at random, never counted."""

from __future__ import annotations

import re
import unicodedata
from random import Random
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
PREFIXES: Final = {"pattern": "pat", "runbook": "run", "postmortem": "pm", "investigation": "inv"}
ENTRY_ID: Final = re.compile(r"(?:pat|run|pm)-[0-9a-hjkmnp-tv-z]{10}")
INVESTIGATION_ID: Final = re.compile(r"inv-[0-9a-hjkmnp-tv-z]{10}")
INVESTIGATION_PREFIX: Final = re.compile(r"inv-[0-9a-hjkmnp-tv-z]{1,10}")
LINK: Final = re.compile(r"\[\[([^\[\]\n]{1,80})\]\]")


def draw(length: int, random: Random) -> str:
    """`length` random base-32 characters from `random` (pass `random.SystemRandom()` outside tests)."""
    return "".join(random.choice(ALPHABET) for _ in range(length))


def new_id(kind: str, random: Random) -> str:
    """A fresh id of `kind` (`pattern`, `runbook`, `postmortem`, `investigation`)."""
    return f"{PREFIXES[kind]}-{draw(10, random)}"


def slug(title: str, limit: int = 60) -> str:
    """A readable file name part: lower-case ASCII words joined by hyphens, cut at a word; never empty."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", plain)
    words = re.findall(r"[a-z0-9]+", plain.lower())
    result = ""
    for word in words:
        if result and len(result) + 1 + len(word) > limit:
            break
        result = f"{result}-{word}" if result else word[:limit]
    return result or "entry"
