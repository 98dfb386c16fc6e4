"""What a rule is: an id, a sentence, a good and a bad example, and one or two methods that yield problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from compass.library import Library, LoadedEntry, Mount
from compass.model.base import Problem, Severity
from compass.model.entry import Status
from compass.rules.facts import Facts, facts_of
from compass.rules.place import TOP, Place, position
from compass.rules.use import Use, last_use

if TYPE_CHECKING:
    from compass.rules.replays import Outcome

_CLAIM: Final = re.compile(r"^id:[ \t]*[\"']?([a-z]{2,3}-[0-9a-z]{10})\b", re.MULTILINE)
_HEAD_BYTES: Final = 65536
_CLOSED: Final = frozenset({Status.WITHDRAWN, Status.DEPRECATED})


@dataclass(frozen=True, slots=True)
class Example:
    """One entry of the reference page and the tests: fields over a complete draft of its kind, and a body."""

    kind: str = "pattern"
    front: str = ""
    """YAML fields, laid over those of a draft."""
    body: str = ""
    path: str = ""
    """Where the file lies, when that matters."""
    raw: str = ""
    """The whole text, when the front matter itself is the point."""
    beside: tuple[Example, ...] = ()
    """Further entries of the same repository."""
    above: tuple[Example, ...] = ()
    """Entries of the repository above it."""
    before: tuple[Example, ...] = ()
    """Entries of the same repository before the change."""


@dataclass(frozen=True)
class Base:
    """What a change is compared with: the entries whose file it changed or took away, as they stood, by id.

    `changed` are the paths of the files that differ, new ones too; `taken` maps the ids of entries that were deleted
    at any time before, or that an open proposal brings, to the day on which they were created.
    """

    entries: Mapping[str, LoadedEntry]
    changed: frozenset[str]
    taken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What a rule may look at beside its entry; `today` decides what is overdue, `base` is there for a change alone."""

    library: Library
    today: date
    known: Mapping[str, Facts] = field(default_factory=dict)
    """Facts by blob id, remembered from an earlier run."""
    base: Base | None = None
    cache: Path | None = None
    """The folder in which outcomes of replays are kept."""
    replayed: frozenset[str] | None = None
    """Ids of the patterns that are replayed; None: of all."""

    def facts(self, loaded: LoadedEntry) -> Facts:
        """What rules need to know of an entry; cheap when its file was seen before."""
        return self.known.get(loaded.blob) or self._read.get(loaded.blob) or self._reading(loaded)

    @cached_property
    def _read(self) -> dict[str, Facts]:
        return {}

    def _reading(self, loaded: LoadedEntry) -> Facts:
        found = self._read[loaded.blob] = facts_of(loaded)
        return found

    @cached_property
    def day(self) -> str:
        """Today, as facts give days."""
        return self.today.isoformat()

    @cached_property
    def tomorrow(self) -> str:
        """One day of grace for the other side of the world."""
        return (self.today + timedelta(days=1)).isoformat()

    @cached_property
    def own(self) -> tuple[LoadedEntry, ...]:
        """The entries of the repository that is checked, by path."""
        return tuple(entry for entry in self.library.entries if entry.mount.distance == 0)

    @cached_property
    def answerable(self) -> tuple[LoadedEntry, ...]:
        """The own entries that a change may have made wrong: those that it touched, and all once it took something away.

        Without a base: all. What else may be wrong was so before, and is for another day.
        """
        base = self.base
        if base is None:
            return self.own
        there = {one.id for one in self.own if one.status is not Status.WITHDRAWN}
        paths = {one.path for one in self.own}
        if any(name not in there for name in base.entries) or not base.changed <= paths:
            return self.own
        return tuple(one for one in self.own if one.path in base.changed)

    @cached_property
    def replayable(self) -> tuple[LoadedEntry, ...]:
        """The own patterns with a match that are still in use, where there is a recording to replay."""
        if not self.library.recordings:
            return ()
        return tuple(
            one
            for one in self.own
            if one.kind == "pattern"
            and one.status not in _CLOSED
            and (self.replayed is None or one.id in self.replayed)
            and self.facts(one).match
        )

    @cached_property
    def outcomes(self) -> Mapping[tuple[str, str], Outcome]:
        """What each of them says of each recording, by the pattern's id and the recording's name."""
        if not self.replayable:
            return {}
        from compass.rules.replays import Replays  # noqa: PLC0415  # it loads numpy and the evaluators

        return Replays(self.library.recordings, self.cache).outcomes(list(self.replayable))

    @cached_property
    def alerts(self) -> frozenset[str]:
        """Names of the alerts in rule files of the catalogs, here and above."""
        return self.library.alerts_above | {alert.name for alert in self.library.alerts}

    @cached_property
    def uses(self) -> Mapping[str, Use]:
        """The last investigation that relied on an entry, by the entry's id."""
        return last_use(self.library, self.own)

    @cached_property
    def ids(self) -> dict[str, list[LoadedEntry]]:
        """Every mounted entry by id, the repository's own first."""
        found: dict[str, list[LoadedEntry]] = {}
        for entry in sorted(self.library.entries, key=lambda one: (one.mount.distance, one.path)):
            found.setdefault(entry.id, []).append(entry)
        return found

    @cached_property
    def withdrawn(self) -> dict[str, LoadedEntry]:
        """The entries that nobody must follow any more, by id."""
        first = (found[0] for found in self.ids.values())
        return {one.id: one for one in first if one.status is Status.WITHDRAWN}

    @cached_property
    def broken(self) -> frozenset[str]:
        """Ids that files claim which cannot be read: links to them are not the fault of the entry that links."""
        found = set()
        for problem in self.library.problems:
            if problem.severity is Severity.ERROR and problem.path.endswith(".md"):
                above, _, path = problem.path.rpartition(":")
                mount = next((one for one in self.library.mounts if one.id == above), self.library.main)
                text = raw_file(mount, path).decode("utf-8", "replace")
                found.update(_CLAIM.findall(text)[:1])
        return frozenset(found)

    @cached_property
    def blind_parent(self) -> str | None:
        """Why an entry that is not found may exist all the same: a parent could not be read."""
        return next((problem.message for problem in self.library.problems if problem.rule == "parent"), None)

    @cached_property
    def blind_catalog(self) -> str | None:
        """Why a name that is not found may exist all the same: a parent or a file of the catalog could not be read."""
        wrong = (problem for problem in self.library.problems if problem.severity is Severity.ERROR)
        files = (problem.path for problem in wrong if "catalog/" in problem.path)
        return self.blind_parent or next((f"{path} cannot be read" for path in files), None)

    @cached_property
    def refs(self) -> dict[str, tuple[str, ...]]:
        """References of the catalog by kind: `group` -> `group:default/<team>`, …."""
        found: dict[str, list[str]] = {}
        for ref in sorted(self.library.entities):
            found.setdefault(ref.partition(":")[0], []).append(ref)
        return {kind: tuple(refs) for kind, refs in found.items()}


class Rule:
    """Subclasses fill the class variables and override `check`, `finish` or both; they keep no state."""

    id: ClassVar[str]
    sentence: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    good: ClassVar[Example]
    bad: ClassVar[Example]
    local: ClassVar[bool] = False
    """What `check` says follows from the file's text alone, so it may be remembered by blob id."""
    gradual: ClassVar[bool] = False
    """A warning that is an error in what a change touches: so a rule can be stricter than the entries of old."""

    def check(self, loaded: LoadedEntry, context: Context) -> Iterable[Problem]:
        """What is wrong with one entry."""
        del loaded, context
        return ()

    def finish(self, context: Context) -> Iterable[Problem]:
        """What is wrong with the collection; called once, after every entry was checked."""
        del context
        return ()

    def problem(
        self,
        loaded: LoadedEntry,
        message: str,
        place: Place = TOP,
        hint: str | None = None,
        severity: Severity | None = None,
    ) -> Problem:
        """A finding of this rule at a place of an entry."""
        line, column = position(loaded, place)
        return Problem(
            rule=self.id,
            severity=severity or self.severity,
            message=message,
            path=loaded.path,
            line=line,
            column=column,
            hint=hint,
            entry=loaded.id,
        )


def raw_file(mount: Mount, path: str, most: int = _HEAD_BYTES) -> bytes:
    """The first bytes of a file, be it an entry or not; none when it is no plain file."""
    if mount.commit and mount.git:
        return mount.git.attempt("cat-file", "blob", f"{mount.commit}:{mount.prefix}{path}")[1][:most]
    file = mount.root / path
    if file.is_symlink() or not file.is_file():
        return b""
    with file.open("rb") as stream:
        return stream.read(most)


def nearest(word: str, known: Iterable[str], cutoff: int = 70) -> str | None:
    """The known word that looks most like `word`, if any is near."""
    from rapidfuzz import process  # noqa: PLC0415  # only a finding needs it, and it costs as much as 1,000 entries

    found = process.extractOne(word, list(known), score_cutoff=cutoff)
    return found[0] if found else None
