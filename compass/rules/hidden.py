"""Rules about characters that make a text look like another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place

HIDDEN: Final = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u2028\u2029\u2060\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control characters, directional overrides (CVE-2021-42574), invisible spaces and tags."""


class HiddenCharacters(Rule):
    """A reviewer must see what a machine will read."""

    id = "hidden-characters"
    sentence = "The front matter holds no control, direction-changing or invisible characters."
    local = True
    good = Example(front="title: Queue of the dead letters")
    bad = Example(front='title: "Queue \\u202Esrettel fo"')

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Search the title and every other text of the front matter, escapes resolved."""
        del context
        front = loaded.text[: len(loaded.text) - len(loaded.body)]
        if "\\" not in front and (front.isascii() or not HIDDEN.search(front)):
            return  # neither written out nor escaped
        for fields, text in texts(loaded):
            if found := HIDDEN.search(text):
                yield self.problem(
                    loaded,
                    f"{'.'.join(map(str, fields))} holds {_name(found[0])}",
                    Place(fields),
                    "remove it, or write it out as text",
                )


class HiddenCharactersInBody(Rule):
    """Imported text may be full of them; they are shown, and pages leave them out."""

    id = "hidden-characters-in-body"
    sentence = "The body holds no control, direction-changing or invisible characters."
    severity = Severity.WARNING
    local = True
    good = Example(body="Delete the dead letters.")
    bad = Example(body="Delete the \u202edead letters.")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Report the first."""
        del context
        body = loaded.body
        if body.isascii() and body.replace("\n", "").replace("\t", "").isprintable():
            return  # as nearly always, and ten times quicker than to search
        found = HIDDEN.search(body)
        if found:
            yield self.problem(
                loaded, f"the body holds {_name(found[0])}", Place(offset=found.start()), "remove it"
            )


def texts(loaded: LoadedEntry) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text of the front matter, escapes resolved, with its place."""
    return _texts((), loaded.entry.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def _texts(fields: tuple[str | int, ...], value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield fields, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts((*fields, key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts((*fields, number), inner)


def _name(character: str) -> str:
    name = unicodedata.name(character, "a control character").lower()
    return f"U+{ord(character):04X} ({name})"
