"""Which servers of catalogs the user agreed to: a command from a repository is code, and its headers are secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from compass.adapters.documents import write_atomically
from compass.errors import ConfigError
from compass.library import NamedServer
from compass.model.base import Model, SchemaVersion


class Agreement(Model):
    """One server, as it was when the user agreed to it."""

    digest: str
    name: str
    repository: str
    at: datetime


class Agreements(Model):
    """agreed-servers.json in the user's data folder."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    agreed: tuple[Agreement, ...] = ()

    def holds(self, one: NamedServer) -> bool:
        """Whether the user agreed to exactly this."""
        return any(known.digest == one.digest for known in self.agreed)


def agreements_path(data: Path) -> Path:
    """Where they lie; `data` is the settings' data folder."""
    return data / "agreed-servers.json"


def read_agreements(data: Path) -> Agreements:
    """What the user agreed to so far; ConfigError when the file cannot be read."""
    path = agreements_path(data)
    try:
        return Agreements.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Agreements()
    except (OSError, ValidationError) as problem:
        raise ConfigError(
            f"{path} cannot be read: {str(problem).splitlines()[0]}",
            "delete it: you are then asked again before a server is run",
        ) from problem


def agree(servers: Iterable[NamedServer], data: Path, now: datetime) -> None:
    """Remember that the user agreed to these."""
    known = read_agreements(data)
    fresh = {one.digest: one for one in servers if not known.holds(one)}
    if fresh:
        more = tuple(
            Agreement(digest=digest, name=one.name, repository=one.mount.id, at=now.astimezone(UTC))
            for digest, one in sorted(fresh.items())
        )
        whole = Agreements(agreed=(*known.agreed, *more)).model_dump(mode="json", by_alias=True)
        write_atomically(agreements_path(data), f"{json.dumps(whole, indent=2)}\n".encode())
