"""Texts through the anonymizer without sending anything: one entry or file of a repository, or a batch with its catalog."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from compass.anonymize import (
    ALLOW_PATH,
    AllowList,
    Boundary,
    Catalog,
    Pseudonyms,
    Redacted,
    anonymize_text,
    load_allow,
)
from compass.anonymize.known import catalog_of
from compass.errors import ConfigError, NegativeAnswerError
from compass.library import Library
from compass.model.catalog import PrivateNames

_EMPTY: Final = Catalog()


def preview(library: Library, name: str, boundary: Boundary) -> Redacted:
    """What would become of an entry (by id or path) or of any text file, with the repository's own names.

    NegativeAnswerError when there is neither.
    """
    loaded = library.by_id.get(name) or next((one for one in library.entries if one.path == name), None)
    path = library.main.root / name
    if loaded is None and not path.is_file():
        raise NegativeAnswerError(f"there is no entry or file {name!r}", "give an entry's id, or a path")
    text = loaded.text if loaded else path.read_text(encoding="utf-8", errors="replace")
    allowed = allowed_words(library.main.root).allowed
    return anonymize_text(text, catalog_of(library), Pseudonyms(), boundary, allowed)


def batch_rows(
    lines: Iterable[str], catalog: Path | None, boundary: Boundary
) -> Iterator[tuple[str, Redacted | None]]:
    """The id and the result of each JSON line; for a line that cannot be read, what is wrong and None."""
    catalogs = read_catalogs(catalog) if catalog else {}
    everything = _joined(catalogs)
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            identifier, text, org = str(row["id"]), str(row["text"]), row.get("org")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            yield 'this is not a JSON object with "id" and "text"', None
            continue
        yield identifier, anonymize_text(text, catalogs.get(str(org), everything), Pseudonyms(), boundary)


def read_catalogs(path: Path) -> dict[str, Catalog]:
    """`{org: {services, teams, customers, people, clusters, internal_domains, ticket_prefixes, cloud_accounts}}`.

    Unknown keys of an organization are ignored. ConfigError when it is no such JSON.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {str(org): Catalog(_names(names)) for org, names in data.items()}
    except (ValueError, AttributeError, ValidationError) as error:
        raise ConfigError(
            f"{path}: this is no catalog: {error}", "see the reference of `compass anonymize`"
        ) from error


def _names(data: Mapping[str, Any]) -> PrivateNames:
    known = {key: value for key, value in data.items() if key in PrivateNames.model_fields and value}
    people = [
        {key: str(person.get(key) or "") for key in ("name", "email", "handle")}
        for person in known.get("people", ())
    ]
    return PrivateNames.model_validate(known | {"people": people})


def _joined(catalogs: Mapping[str, Catalog]) -> Catalog:
    """All names together, for a text that does not say whose it is."""
    if not catalogs:
        return _EMPTY
    names = [catalog.names for catalog in catalogs.values()]
    joined = {
        field: tuple(value for one in names for value in getattr(one, field))
        for field in PrivateNames.model_fields
    }
    return Catalog(PrivateNames.model_validate(joined))


def allowed_words(root: Path) -> AllowList:
    """The words that a repository's reviewers let pass."""
    path = root / ALLOW_PATH
    return load_allow(path.read_text(encoding="utf-8")) if path.is_file() else AllowList(schema_version=1)
