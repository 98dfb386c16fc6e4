"""Conditions without the signals that could not cross a boundary: what is left is weaker, and says so."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[()]")
_LOOSE, _TIGHT = 0, 1


@dataclass
class _Reader:
    tokens: list[str]
    dropped: Collection[str]
    at: int = 0

    def joined(self, word: str, level: int) -> tuple[str, int] | None:
        """Operands joined by `word`; None when none of them is left. With the text comes how tightly it binds."""
        parts = []
        while True:
            part = self.joined("and", _TIGHT) if word == "or" else self.single()
            if part:
                parts.append(part)
            if self.at >= len(self.tokens) or self.tokens[self.at] != word:
                break
            self.at += 1
        if len(parts) < 2:
            return parts[0] if parts else None
        texts = [f"({text})" if binds < level else text for text, binds in parts]
        return f" {word} ".join(texts), level

    def single(self) -> tuple[str, int] | None:
        """A name, a negation, or what stands in parentheses."""
        word = self.tokens[self.at]
        self.at += 1
        if word == "not":
            inner = self.single()
            return (
                (f"not {inner[0]}" if inner[1] > _TIGHT else f"not ({inner[0]})", _TIGHT + 1)
                if inner
                else None
            )
        if word == "(":
            found = self.joined("or", _LOOSE)
            self.at += 1
            return found
        return None if word in self.dropped else (word, _TIGHT + 1)


def without(condition: str, dropped: Collection[str]) -> str | None:
    """A valid `condition` with the `dropped` signals left out of it; None when nothing is left.

    `a and b` without b is `a`: more incidents match, which is why the pattern is then marked partial.
    """
    found = _Reader(_TOKEN.findall(condition), dropped).joined("or", _LOOSE)
    return found[0] if found else None
