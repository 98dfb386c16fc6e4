"""Three-way merge of an entry: field by field on the front matter, lists of ids as sets, then the body by diff3.

Where both sides changed the same thing differently, the target's version stays and a `Conflict` tells of it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compass.adapters.documents import Parts, YamlProblem, edited, parse_yaml, split
from compass.adapters.git import run

BODY: Final = "body"
_ABSENT: Final = object()
_TOKEN: Final = re.compile(r"\S{1,200}")
_CUT_SHORT: Final = 127
"""`git merge-file` answers the number of conflicts, 127 at most; above stands an error (binary text)."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides changed `field` differently; the three versions as text, empty where there is none."""

    field: str
    base: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The text that a merge comes to; with conflicts it holds the target's version of each."""

    text: str
    conflicts: tuple[Conflict, ...] = ()


def merge_entry(base: str | None, ours: str | None, theirs: str) -> Merged:
    """Merge whole entry files; `base` is what the source last sent, `ours` stands in the target (None: absent).

    Comments and quotes of `ours` are kept. YamlProblem when a text is no entry, or `ours` cannot be rewritten.
    """
    if ours is None or ours == base:
        return Merged(theirs)
    if theirs in {ours, base}:
        return Merged(ours)
    parts = [split(text) if text else None for text in (base, ours, theirs)]
    fields = [_fields(part) if part else {} for part in parts]
    found: list[Conflict] = []
    merged = _merge_mapping((), fields, found)
    changes = {key: merged.get(key) for key in fields[1] | merged if merged.get(key) != fields[1].get(key)}
    was, mine, sent = (part.body if part else "" for part in parts)
    body = merge_body(was, mine, sent, found)
    before = ours[: len(ours) - len(mine)]
    return Merged(edited(f"{before}{body}", changes), tuple(found))


def _fields(parts: Parts) -> dict[str, Any]:
    data = parse_yaml(parts.front)
    if not isinstance(data, dict):
        raise YamlProblem("front matter is a mapping of fields", parts.front_line)
    return data


def merge_body(base: str, ours: str, theirs: str, found: list[Conflict]) -> str:
    """diff3 over lines, as `git merge-file` does it; in a conflict ours stays and a `Conflict` is added to `found`."""
    if theirs in (ours, base):
        return ours
    if ours == base:
        return theirs
    with tempfile.TemporaryDirectory(prefix="compass-merge-") as folder:
        for name, text in (("ours", ours), ("base", base), ("theirs", theirs)):
            (Path(folder) / name).write_text(text, "utf-8", newline="")
        names = ["ours", "base", "theirs"]
        status, _, _ = run(["merge-file", "-p", "-q", *names], where=Path(folder))
        _, out, _ = run(["merge-file", "-p", "-q", "--ours", *names], where=Path(folder))
    if status:
        found.append(Conflict(BODY, base, ours, theirs))
    return out.decode("utf-8") if status <= _CUT_SHORT else ours


def _merge_mapping(
    path: tuple[str, ...], sides: Sequence[Mapping[str, Any]], found: list[Conflict]
) -> dict[str, Any]:
    merged = {}
    for key in dict.fromkeys([*sides[1], *sides[2]]):
        value = _merge_value((*path, str(key)), [side.get(key, _ABSENT) for side in sides], found)
        if value is not _ABSENT:
            merged[key] = value
    return merged


def _merge_value(path: tuple[str, ...], sides: Sequence[Any], found: list[Conflict]) -> Any:
    base, ours, theirs = sides
    if theirs in (ours, base):
        return ours
    if ours == base:
        return theirs
    present = [side for side in sides if side is not _ABSENT]
    if len(present) - (base is not _ABSENT) == 2:  # neither side removed it
        if all(isinstance(side, dict) for side in present):
            return _merge_mapping(path, [side if side is not _ABSENT else {} for side in sides], found)
        if all(isinstance(side, list) for side in present):
            lists = [side if side is not _ABSENT else [] for side in sides]
            if all(_is_keyed(side) for side in lists):
                return _merge_keyed(path, lists, found)
            if all(_is_set(side) for side in lists) or not _anything_removed(lists):
                return _merge_set(lists)
    found.append(Conflict(".".join(path), *("" if side is _ABSENT else str(side) for side in sides)))
    return ours


def _is_keyed(items: Sequence[Any]) -> bool:
    """A list of mappings, each with an id of its own: steps, hypotheses, evidence."""
    ids = [item.get("id") for item in items if isinstance(item, dict)]
    return len(ids) == len(items) == len({str(one) for one in ids}) and None not in ids


def _is_set(items: Sequence[Any]) -> bool:
    """Ids, references and tags: words without a blank; or links, which are equal only as a whole."""
    return all(
        (isinstance(item, str) and _TOKEN.fullmatch(item)) or (isinstance(item, dict) and "id" in item)
        for item in items
    )


def _anything_removed(lists: Sequence[Sequence[Any]]) -> bool:
    base, ours, theirs = lists
    return any(item not in ours or item not in theirs for item in base)


def _merge_set(lists: Sequence[Sequence[Any]]) -> list[Any]:
    base, ours, theirs = lists
    kept = [item for item in ours if item in theirs or item not in base]
    return kept + [item for item in theirs if item not in base and item not in ours]


def _merge_keyed(path: tuple[str, ...], lists: Sequence[Sequence[Any]], found: list[Conflict]) -> list[Any]:
    by_id = [{item["id"]: item for item in side} for side in lists]
    merged = _merge_mapping(path, by_id, found)
    return list(merged.values())
