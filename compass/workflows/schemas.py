"""The JSON Schemas of what people write, generated from the models; editors and other programs read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from compass.adapters.documents import write_atomically
from compass.errors import UsageError
from compass.model.entry import KINDS
from compass.model.recording import RecordingInfo
from compass.model.scope import People, Repository, Teams
from compass.rules.base import nearest
from compass.rules.status import REQUIRED

MODELS: Final[dict[str, type[BaseModel]]] = {
    **KINDS,
    "repository": Repository,
    "recording": RecordingInfo,
    "people": People,
    "teams": Teams,
}
FOLDER: Final = ".compass/schema"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind of file; UsageError for an unknown kind.

    What a status requires stands in `allOf`, as the rule `missing-fields` has it.
    """
    if kind not in MODELS:
        near = nearest(kind, MODELS, cutoff=50)
        raise UsageError(
            f"{kind!r} is not a kind of file",
            f"did you mean {near!r}?" if near else f"one of {', '.join(MODELS)}",
        )
    made = MODELS[kind].model_json_schema(by_alias=True)
    found: dict[str, Any] = {
        "$schema": _DIALECT,
        "title": kind,
        **{key: value for key, value in made.items() if key != "title"},
    }
    if kind in KINDS:
        found["allOf"] = [
            _when(["verified", "stable"], list(REQUIRED)),
            _when(["deprecated"], ["superseded_by"]),
            _when(["withdrawn"], ["withdrawn"]),
        ]
    return found


def _when(statuses: list[str], required: list[str]) -> dict[str, Any]:
    return {
        "if": {"properties": {"status": {"enum": statuses}}, "required": ["status"]},
        "then": {"required": required},
    }


def schema_files() -> dict[str, str]:
    """Path -> text of the schemas that a knowledge repository carries."""
    return {
        f"{FOLDER}/{kind}.json": json.dumps(schema(kind), indent=2, ensure_ascii=False, sort_keys=False)
        + "\n"
        for kind in MODELS
    }


def write_schemas(root: Path) -> tuple[str, ...]:
    """Bring the schemas in the repository at `root` up to date; the paths that changed."""
    changed = []
    for name, text in schema_files().items():
        path = root / name
        if not path.is_file() or path.read_text("utf-8") != text:
            write_atomically(path, text.encode())
            changed.append(name)
    return tuple(changed)
