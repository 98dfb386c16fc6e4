"""Prompts: instructions from versioned files, and data between marks that the data cannot forge."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final, NamedTuple

from compass.anonymize.secrets import find_secrets

_MOST: Final = 600  # characters of one text


class Prompt(NamedTuple):
    """The instructions of one task; the version stands in the file's name."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Digest of the file, for the record."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def prompt(name: str) -> Prompt:
    """The prompt of this name and version, such as `summary-1`."""
    return Prompt(
        name, resources.files("compass.investigate").joinpath("prompts", f"{name}.md").read_text("utf-8")
    )


def delimited(data: Mapping[str, Any]) -> str:
    """`data` as JSON between two marks.

    The mark is drawn from the data's own digest, so that no text within can contain it, and two calls with the same
    data are identical. JSON in ASCII leaves no line break, control character or look-alike to break out with.
    """
    text = json.dumps(data, ensure_ascii=True, sort_keys=False)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"<data {mark}>\n{text}\n</data {mark}>"


def fitting(data: Mapping[str, Any], rows: str, room: int) -> dict[str, Any]:
    """`data` with as many of the first elements of its list `rows` as `room` bytes hold; what was cut is said."""
    every: Sequence[Any] = data[rows]
    kept = list(every)
    while kept:
        found = {**data, rows: kept, "left_out": len(every) - len(kept)}
        if len(delimited(found)) <= room:
            return found
        kept = kept[: len(kept) * 3 // 4]
    return {**data, rows: [], "left_out": len(every)}


def quoted_text(text: str) -> str:
    """Text from outside for a prompt: bounded, on one line, and without secrets."""
    return without_secrets(" ".join(text.split())[: 2 * _MOST])[:_MOST]


def without_secrets(text: str) -> str:
    """The text with every secret of a published format replaced by `[secret]`.

    An underscore may be part of a secret, and may join it to the name of a metric: both readings count.
    """
    found = {(one.start, one.end) for read in (text, text.replace("_", " ")) for one in find_secrets(read)}
    left = len(text)
    for start, end in sorted(found, key=lambda span: (-span[1], span[0])):
        if start < left:
            text = f"{text[:start]}[secret]{text[min(end, left) :]}"
            left = start
    return text
