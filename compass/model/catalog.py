"""The software catalog: Backstage entities unchanged, and the names that only their owner may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ConfigDict, Field

from compass.model.base import Model


class Metadata(Model):
    """`metadata` of a Backstage entity; further keys are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    name: str
    namespace: str = "default"
    title: str | None = None
    description: str | None = None
    annotations: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()


class Entity(Model):
    """One document of a Backstage catalog-info.yaml (Component, Group, System, Resource, …)."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    api_version: str = Field(alias="apiVersion")
    kind: str
    metadata: Metadata
    spec: dict[str, Any] = Field(default_factory=dict)

    @property
    def ref(self) -> str:
        """`kind:namespace/name` in lower case, Backstage's entity reference."""
        return f"{self.kind}:{self.metadata.namespace}/{self.metadata.name}".lower()

    @property
    def depends_on(self) -> tuple[str, ...]:
        """References in `spec.dependsOn`, with defaults filled in."""
        found = self.spec.get("dependsOn", ())
        return tuple(str(ref).lower() for ref in found) if isinstance(found, list | tuple) else ()


def calls(entities: Iterable[Entity]) -> tuple[tuple[str, str], ...]:
    """(caller, callee) names of what the catalog says depends on what, sorted."""
    return tuple(
        sorted(
            (one.metadata.name, ref.rpartition("/")[2].rpartition(":")[2])
            for one in entities
            for ref in one.depends_on
        )
    )


class PrivatePerson(Model):
    """A person's names, read by the anonymizer alone."""

    name: str = ""
    email: str = ""
    handle: str = ""


class PrivateNames(Model):
    """catalog/private.yaml: what identifies the organization; never published, never promoted."""

    services: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    people: tuple[PrivatePerson, ...] = ()
    clusters: tuple[str, ...] = ()
    internal_domains: tuple[str, ...] = ()
    ticket_prefixes: tuple[str, ...] = ()
    cloud_accounts: tuple[str, ...] = ()
