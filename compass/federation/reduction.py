"""Which fields of an entry may cross a boundary at all, before the anonymizer sees what is in them.

The table is DESIGN's "What crosses"; toward the tribe the same fields stay that only name what the whole tribe knows.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from compass.library import Library

_NEVER: Final = ("participants", "roles", "tests", "x")
_NOT_TO_THE_HUB: Final = ("times",)
_LISTS: Final = ("mitigations", "patterns")
_PRIVATE_PROVENANCE: Final = ("investigation", "origin")
STEWARDS: Final = "group:default/hub-stewards"


def reduce(
    front: dict[str, Any], known: Collection[str], below: Library, *, hub: bool
) -> tuple[dict[str, Any], list[str]]:
    """The front matter without what may not cross, and a note for each field that was dropped.

    `known` are the ids at the target and above it; `below` is the source, for the types of its services.
    """
    kept = dict(front)
    dropped = [name for name in (*_NEVER, *(_NOT_TO_THE_HUB if hub else ())) if kept.pop(name, None)]
    for name in _LISTS:
        if name in kept:
            kept[name] = [one for one in kept[name] if one in known]
            dropped += [name] if kept[name] != front[name] else []
    if "related" in kept:
        kept["related"] = [one for one in kept["related"] if one["id"] in known]
        dropped += ["related"] if kept["related"] != front["related"] else []
    if "provenance" in kept:
        kept["provenance"] = {
            key: value for key, value in kept["provenance"].items() if key not in _PRIVATE_PROVENANCE
        }
    if "actions" in kept:
        kept["actions"] = [_action(one, hub=hub) for one in kept["actions"]]
    if hub:
        _to_the_hub(kept, below)
    return {key: value for key, value in kept.items() if value != []}, [
        f"dropped: {name}" for name in dropped
    ]


def _action(action: dict[str, Any], *, hub: bool) -> dict[str, Any]:
    gone = {"tracker", "owner", "due"} if hub else {"tracker"}
    return {key: value for key, value in action.items() if key not in gone}


def _to_the_hub(kept: dict[str, Any], below: Library) -> None:
    if "owner" in kept:
        kept["owner"] = STEWARDS
    if "services" in kept:
        kept["services"] = list(dict.fromkeys(_category(one, below) for one in kept["services"]))
    if "evidence" in kept:
        kept["evidence"] = [
            {"id": one["id"], "type": one["type"], "redacted": True} for one in kept["evidence"]
        ]


def _category(service: str, below: Library) -> str:
    """`category:<type>`: a service's type in the catalog, which names no service."""
    if service.startswith("category:"):
        return service
    entity = below.entities.get(service)
    kind = str(entity.spec.get("type", "")) if entity else ""
    return f"category:{kind}" if kind.replace("-", "").isalnum() and kind.islower() else "category:service"
