"""Services and groups of one edition: who owns what, who needs whom, from the catalog that its readers may read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

from compass.model.catalog import Entity

_SERVICES: Final = frozenset({"component", "resource"})


class Landscape:
    """The catalog as readers meet it; what entries name beyond the catalog is in it too, without facts."""

    def __init__(
        self, entities: Mapping[str, Entity], named_services: Iterable[str], named_owners: Iterable[str]
    ) -> None:
        self.entities = entities
        self._named_services = tuple(named_services)
        self._named_owners = tuple(named_owners)

    @cached_property
    def services(self) -> tuple[str, ...]:
        """Every component and resource of the catalog, and every service that an entry names, by name."""
        found = {ref for ref in self.entities if ref.partition(":")[0] in _SERVICES}
        return tuple(sorted(found.union(self._named_services), key=_by_name))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Every group of the catalog, and every owner that an entry names, by name."""
        found = {ref for ref in self.entities if ref.startswith("group:")}
        return tuple(sorted(found.union(self._named_owners), key=_by_name))

    @cached_property
    def pages(self) -> frozenset[str]:
        """Whatever has a page here."""
        return frozenset((*self.services, *self.groups))

    @cached_property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        """Service -> what it depends on, by name."""
        found = {
            ref: tuple(sorted({full(one) for one in entity.depends_on} - {ref}))
            for ref, entity in self.entities.items()
            if ref.partition(":")[0] in _SERVICES
        }
        return {ref: others for ref, others in found.items() if others}

    @cached_property
    def needed_by(self) -> Mapping[str, tuple[str, ...]]:
        """Service -> what depends on it, by name."""
        found: dict[str, list[str]] = defaultdict(list)
        for ref in sorted(self.needs):
            for other in self.needs[ref]:
                found[other].append(ref)
        return {ref: tuple(others) for ref, others in found.items()}

    @cached_property
    def owned(self) -> Mapping[str, tuple[str, ...]]:
        """Group -> the services it owns, by name."""
        found: dict[str, list[str]] = defaultdict(list)
        for ref in self.services:
            if owner := self.owner(ref):
                found[owner].append(ref)
        return {group: tuple(refs) for group, refs in found.items()}

    def about(self, ref: str) -> str:
        """The catalog's description, or nothing."""
        entity = self.entities.get(ref)
        return entity.metadata.description or "" if entity else ""

    def owner(self, ref: str) -> str:
        """The group that owns a service, or nothing."""
        entity = self.entities.get(ref)
        said = entity.spec.get("owner") if entity else None
        return full(said, "group") if isinstance(said, str) and said else ""

    def sort(self, ref: str) -> str:
        """What the catalog calls it: `service`, `database`, `tribe`; nothing where it says nothing."""
        entity = self.entities.get(ref)
        said = entity.spec.get("type") if entity else None
        return said if isinstance(said, str) else ""

    @cached_property
    def parent(self) -> Mapping[str, str]:
        """Group -> the group above it: as it says itself, or as that one says."""
        found: dict[str, str] = {}
        for ref in self.groups:
            entity = self.entities.get(ref)
            children = entity.spec.get("children") if entity else None
            for child in children if isinstance(children, list) else ():
                found.setdefault(full(str(child), "group"), ref)
        for ref in self.groups:
            entity = self.entities.get(ref)
            said = entity.spec.get("parent") if entity else None
            if isinstance(said, str) and said:
                found[ref] = full(said, "group")
        return found

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Group -> the groups right below it, by name."""
        found: dict[str, list[str]] = defaultdict(list)
        for child in sorted(self.parent):
            found[self.parent[child]].append(child)
        return {group: tuple(ones) for group, ones in found.items()}

    def within(self, group: str) -> tuple[str, ...]:
        """The services of a group and of the groups right below it, by name."""
        groups = (group, *self.children.get(group, ()))
        return tuple(sorted({ref for one in groups for ref in self.owned.get(one, ())}))


def _by_name(ref: str) -> tuple[str, str]:
    """`component:default/checkout` and `category:cache` by what people call them."""
    return ref.replace(":", "/").rpartition("/")[2], ref


def full(ref: str, kind: str = "component") -> str:
    """A reference with what Backstage lets people leave out: `payments` -> `component:default/payments`."""
    sort, mark, rest = ref.strip().lower().rpartition(":")
    return f"{sort if mark else kind}:{rest if '/' in rest else f'default/{rest}'}"
