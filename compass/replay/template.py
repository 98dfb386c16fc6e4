"""Log templates: text in which `<*>` stands for anything on the line."""

from __future__ import annotations

import re
from typing import Final

from compass.replay.matchers import escaped

WILDCARD: Final = "<*>"
_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$#&~-])")


def pattern(template: str) -> str:
    """The regular expression of a template, in RE2's language: every constant stands for itself alone."""
    return ".*?".join(_SPECIAL.sub(r"\\\1", part) for part in template.split(WILDCARD))


def line_filter(template: str) -> str:
    """The LogQL filter of a template: plain text where there is no wildcard, which is cheaper everywhere."""
    if WILDCARD not in template:
        return f'|= "{escaped(template)}"'
    return f'|~ "{escaped(pattern(template))}"'
