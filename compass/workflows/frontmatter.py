"""Front matter of new files, written at once: a thousand imported files must not take seconds.

`documents.dump_entry` edits round trip and takes milliseconds a file; plain new data needs none of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from compass.adapters.documents import KEY_ORDER

_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ()/._+'&%-]*[A-Za-z0-9()/._+'%-])?")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def draft_file(data: Mapping[str, Any], body: str) -> str:
    """A whole file in canonical form, from text, numbers, days, lists and mappings."""
    place = {key: number for number, key in enumerate(KEY_ORDER)}
    ordered = {key: data[key] for key in sorted(data, key=lambda key: place[key])}
    up = "../../" if data["kind"] == "postmortem" else "../"
    comment = f"# yaml-language-server: $schema={up}.compass/schema/{data['kind']}.json"
    text = body.strip("\n")
    return "\n".join(["---", comment, *_lines(ordered, 0), "---", "", *([text, ""] if text else [])])


def _lines(data: Mapping[str, Any], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield f"{pad}{_scalar(key)}:"
            yield from _lines(value, depth + 1)
        elif isinstance(value, list):
            yield f"{pad}{_scalar(key)}:"
            for item in value:
                first, *rest = (
                    _lines(item, depth + 2) if isinstance(item, Mapping) else [f"{pad}    {_scalar(item)}"]
                )
                yield f"{pad}  - {first[len(pad) + 4 :]}"
                yield from rest
        else:
            yield f"{pad}{_scalar(key)}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    """A value on one line; what YAML could misread is quoted as JSON, of which YAML 1.2 is a superset."""
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
