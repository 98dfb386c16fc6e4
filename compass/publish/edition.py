"""What one edition of the site is made from: the chosen entries, their pages, and links in both directions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Final

from compass.library import Library, LoadedEntry
from compass.model.entry import FOLDERS, Pattern, Postmortem, Relation, Status
from compass.model.ids import ENTRY_ID, LINK
from compass.publish.landscape import Landscape
from compass.publish.records import Landed, Records, Use

Changed = Mapping[tuple[str, str], datetime]
"""(mount id, path in its folder) -> when Git last saw the file change."""

KIND_NAMES: Final = {
    "pattern": ("Pattern", "Patterns"),
    "runbook": ("Runbook", "Runbooks"),
    "postmortem": ("Post-mortem", "Post-mortems"),
}
_FORWARD: Final = {
    Relation.DUPLICATES: "Duplicates",
    Relation.SUPERSEDES: "Supersedes",
    Relation.DERIVED_FROM: "Derived from",
    Relation.CAUSED_BY: "Caused by",
    Relation.REMEDIATED_BY: "Remediated by",
    Relation.SIMILAR: "Similar to",
}
_INVERSE: Final = {
    "Duplicates": "Duplicated by",
    "Supersedes": "Superseded by",
    "Superseded by": "Supersedes",
    "Derived from": "Source of",
    "Caused by": "Causes",
    "Remediated by": "Remediates",
    "Similar to": "Similar to",
    "Mitigated by": "Mitigates",
    "Showed": "Seen in",
    "Mentions": "Mentioned in",
}
_UNSAFE_NAME: Final = re.compile(r"[^a-z0-9._-]")


@dataclass(frozen=True)
class Edition:
    """One audience's entries on one day; everything on the site is computed from these alone.

    `today` decides what is overdue; `changed` maps (mount id, path) to the time of the last change; `records` is what
    the same repositories tell beside their entries.
    """

    library: Library
    today: date
    changed: Changed = field(default_factory=dict)
    records: Records = field(default_factory=Records)

    @cached_property
    def pages(self) -> Mapping[str, LoadedEntry]:
        """The entry shown under each id: the nearest copy, unless a copy above was withdrawn (that hides it)."""
        chosen = dict(sorted(self.library.by_id.items()))
        for loaded in self.library.entries:
            if loaded.status is Status.WITHDRAWN and chosen[loaded.id].status is not Status.WITHDRAWN:
                chosen[loaded.id] = loaded
        return chosen

    @cached_property
    def listed(self) -> tuple[LoadedEntry, ...]:
        """What indexes list, by title: all but the withdrawn, whose tombstones are reached by links alone."""
        shown = (one for one in self.pages.values() if one.status is not Status.WITHDRAWN)
        return tuple(sorted(shown, key=lambda one: (one.title.casefold(), one.id)))

    @cached_property
    def by_path(self) -> Mapping[tuple[str, str], str]:
        """(mount id, path) -> id, for relative links between files."""
        return {(one.mount.id, one.path): one.id for one in self.pages.values()}

    @cached_property
    def by_service(self) -> Mapping[str, tuple[LoadedEntry, ...]]:
        """Service reference -> entries that name it."""
        found: dict[str, list[LoadedEntry]] = defaultdict(list)
        for one in self.listed:
            for service in dict.fromkeys(one.entry.services):
                found[service].append(one)
        return {service: tuple(ones) for service, ones in sorted(found.items())}

    @cached_property
    def by_owner(self) -> Mapping[str, tuple[LoadedEntry, ...]]:
        """Group reference -> entries that it owns."""
        found: dict[str, list[LoadedEntry]] = defaultdict(list)
        for one in self.listed:
            if one.entry.owner:
                found[one.entry.owner].append(one)
        return {owner: tuple(ones) for owner, ones in sorted(found.items())}

    @cached_property
    def by_tag(self) -> Mapping[str, tuple[LoadedEntry, ...]]:
        """Tag -> entries that carry it."""
        found: dict[str, list[LoadedEntry]] = defaultdict(list)
        for one in self.listed:
            for tag in dict.fromkeys(one.entry.tags):
                found[tag].append(one)
        return {tag: tuple(ones) for tag, ones in sorted(found.items())}

    @cached_property
    def landscape(self) -> Landscape:
        """Services and groups, from the readable catalog and from what the entries name."""
        return Landscape(self.library.entities, self.by_service, self.by_owner)

    @cached_property
    def due(self) -> tuple[LoadedEntry, ...]:
        """Entries whose review is overdue, longest first."""
        late = [one for one in self.listed if self.overdue(one) > 0]
        return tuple(sorted(late, key=lambda one: (-self.overdue(one), one.id)))

    @cached_property
    def recent(self) -> tuple[LoadedEntry, ...]:
        """Entries by the date of their last change, newest first; those that Git does not know yet come first."""
        return tuple(sorted(self.listed, key=lambda one: (-self._age(one), one.id)))

    @cached_property
    def links(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Id -> (relation in words, other id) in both directions, between shown entries only, without repeats."""
        found: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
        shown = {one.id for one in self.listed}
        for one in self.listed:
            for word, other in _outgoing(one):
                if other in shown and other != one.id:
                    found[one.id][word, other] = None
                    found[other][_INVERSE[word], one.id] = None
        return {entry: _without_echoes(links) for entry, links in found.items()}

    def history(self, loaded: LoadedEntry) -> tuple[Landed, ...]:
        """Its changes on the main line, newest first."""
        return self.records.history.get((loaded.mount.id, loaded.path), ())

    def uses(self, loaded: LoadedEntry) -> tuple[Use, ...]:
        """The investigations that it helped, newest first."""
        return self.records.uses.get(loaded.id, ())

    @cached_property
    def seen_in(self) -> Mapping[str, tuple[LoadedEntry, ...]]:
        """Pattern -> the post-mortems that showed it; runbook -> those that name it; newest first."""
        found: dict[str, dict[str, LoadedEntry]] = defaultdict(dict)
        incidents = [one for one in self.listed if one.kind == "postmortem"]
        for one in sorted(incidents, key=lambda one: (began(one), one.id), reverse=True):
            for word, other in self.links.get(one.id, ()):
                kind = self.pages[other].kind
                if kind == "runbook" or (kind == "pattern" and word == "Showed"):
                    found[other][one.id] = one
        return {entry: tuple(ones.values()) for entry, ones in found.items()}

    def overdue(self, loaded: LoadedEntry) -> int:
        """Days since its review was due; 0 or less when it is not."""
        due = loaded.entry.review_by
        return (self.today - due).days if due else 0

    def _age(self, loaded: LoadedEntry) -> float:
        when = self.changed_at(loaded)
        return when.timestamp() if when else float("inf")

    def changed_at(self, loaded: LoadedEntry) -> datetime | None:
        """When Git last saw it change."""
        return self.changed.get((loaded.mount.id, loaded.path))


def began(loaded: LoadedEntry) -> date:
    """The day of an incident: when it began, was noticed, or else was written down."""
    entry = loaded.entry
    times = entry.times if isinstance(entry, Postmortem) else None
    when = (times.start or times.detected) if times else None
    return when.date() if when else entry.created


def _without_echoes(links: Mapping[tuple[str, str], None]) -> tuple[tuple[str, str], ...]:
    """A mention says nothing new about an entry that has a typed relation as well."""
    typed = {other for word, other in links if not word.startswith("Mention")}
    return tuple(
        (word, other) for word, other in links if not word.startswith("Mention") or other not in typed
    )


def _outgoing(loaded: LoadedEntry) -> Iterator[tuple[str, str]]:
    entry = loaded.entry
    if entry.superseded_by:
        yield "Superseded by", entry.superseded_by
    if isinstance(entry, Pattern):
        yield from (("Mitigated by", other) for other in entry.mitigations)
    if isinstance(entry, Postmortem):
        yield from (("Showed", other) for other in entry.patterns)
    yield from ((_FORWARD[link.type], link.id) for link in entry.related)
    yield from (("Mentions", other) for other in LINK.findall(loaded.text) if ENTRY_ID.fullmatch(other))


def entry_page(loaded: LoadedEntry) -> str:
    """The page of an entry, without suffix; by id, since a file's name is free to change."""
    return f"{FOLDERS[loaded.kind]}/{loaded.id}"


def service_page(reference: str) -> str:
    """The page of `component:default/<name>` or `category:<name>`."""
    sort, name = named(reference)
    return f"services/{sort}-{_UNSAFE_NAME.sub('-', name)}"


def team_page(reference: str) -> str:
    """The page of `group:default/<team>`."""
    return f"teams/team-{_UNSAFE_NAME.sub('-', named(reference)[1])}"


def tag_page(tag: str) -> str:
    """The page of a tag, `category:value`; neither part of a tag holds what is unsafe in a name."""
    return f"tags/{tag.replace(':', '.')}"


def named(reference: str) -> tuple[str, str]:
    """`component:default/checkout` -> ("component", "checkout")."""
    sort, _, rest = reference.partition(":")
    return sort, rest.rpartition("/")[2]


def href(page: str, target: str) -> str:
    """From one page to another, both without suffix; at most one folder deep."""
    return f"{'../' * page.count('/')}{target}.html"
