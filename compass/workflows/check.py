"""`compass check`: read, apply every rule, report everything at once; a bad file never ends the run."""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Final

from pydantic import Field

from compass.adapters import documents
from compass.errors import UsageError
from compass.library import Library, load
from compass.library.cache import ParseCache
from compass.library.collector import paused
from compass.model.base import Model, Problem, SchemaVersion, Severity
from compass.rules.base import Base, Context, Rule
from compass.rules.facts import Facts
from compass.rules.hints import with_hint
from compass.rules.registry import all_rules
from compass.rules.runner import Findings, apply
from compass.workflows.changes import base_of

_TOP: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


class CheckReport(Model):
    """What was found, in the JSON shape that programs outside read."""

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    problems: tuple[Problem, ...]
    entries: int = Field(description="entry files that were read, broken ones too")
    seconds: float
    prefix: str = Field(
        default="", exclude=True, description="where the repository lies in its Git repository"
    )

    @property
    def counts(self) -> Counter[Severity]:
        """How many problems of each severity."""
        return Counter(problem.severity for problem in self.problems)


@dataclass(frozen=True)
class Examined:
    """A report, and what it speaks of."""

    report: CheckReport
    library: Library
    base: Base | None
    today: date


def check(root: Path, *, today: date, cache: Path | None = None, clones: Path | None = None) -> CheckReport:
    """The report of `examine` alone, on the whole working tree."""
    return examine(root, today=today, cache=cache, clones=clones).report


def examine(
    root: Path,
    *,
    today: date,
    cache: Path | None = None,
    clones: Path | None = None,
    paths: Sequence[Path] = (),
    since: str | None = None,
    clock: Callable[[], float] = perf_counter,
) -> Examined:
    """Check the working tree at `root`, in the light of its parents; report only on `paths` if there are any.

    With `since` (a revision) only on what changed since the last commit in common with it, and on what that broke
    elsewhere. ConfigError when `root` is not a knowledge repository, UsageError when there is no such revision.
    """
    start = clock()
    with paused():
        library = load(root, revision=None, parents=True, cache=cache, clones=clones)
        base = base_of(library, since) if since else None
        problems = find_problems(library, today=today, cache=cache, base=base)
    files = {entry.path for entry in library.entries if entry.mount.distance == 0}
    files |= {
        problem.path for problem in problems if problem.path.endswith(".md") and problem.rule != "unread-file"
    }
    if base:
        files &= base.changed
    if paths:
        wanted = [inside(library.main.root, path) for path in paths]
        problems = tuple(problem for problem in problems if among(problem.path, wanted))
        files = {path for path in files if among(path, wanted)}
    seconds = round(clock() - start, 3)
    report = CheckReport(problems=problems, entries=len(files), seconds=seconds, prefix=library.main.prefix)
    return Examined(report, library, base, today)


def find_problems(
    library: Library, *, today: date, cache: Path | None = None, base: Base | None = None
) -> tuple[Problem, ...]:
    """Everything that is wrong with the first repository of a library, by place; with `base` what a change did."""
    rules = all_rules()
    context, findings = _applied(rules, library, today, cache, base)
    above = tuple(f"{mount.id}:" for mount in library.mounts[1:])
    own = [with_hint(problem) for problem in library.problems if not problem.path.startswith(above)]
    found = [*own, *findings.problems]
    if base:
        found = list(_touched(found, context, base, rules))
    return tuple(sorted(found, key=_order))


def _touched(
    problems: Iterable[Problem], context: Context, base: Base, rules: Sequence[Rule]
) -> Iterator[Problem]:
    """What a change is answerable for: its own files, and errors elsewhere that what it took away may have made."""
    gradual = {rule.id for rule in rules if rule.gradual}
    joint = {rule.id for rule in rules if not rule.local}
    took = context.answerable is context.own
    for problem in problems:
        if problem.path in base.changed:
            strict = problem.rule in gradual and problem.severity is Severity.WARNING
            yield problem.model_copy(update={"severity": Severity.ERROR}) if strict else problem
        elif took and problem.rule in joint and problem.severity is Severity.ERROR:
            yield problem


def _order(problem: Problem) -> tuple[str, int, int, int, str]:
    return (problem.path, problem.line, problem.column, _TOP[problem.severity], problem.rule)


def _applied(
    rules: Sequence[Rule], library: Library, today: date, cache: Path | None, base: Base | None
) -> tuple[Context, Findings]:
    """Run the rules, without those whose answer about a text is known."""
    with ParseCache(cache, f"findings-{_digest(rules)}") as stored:
        rows = {
            blob: row.split("\n")
            for blob, row in stored.find(loaded.blob for loaded in library.entries).items()
        }
        known = {
            blob: [Problem.model_validate_json(one) for one in found] for blob, (_, *found) in rows.items()
        }
        context = Context(
            library,
            today,
            {blob: Facts.loaded(row[0]) for blob, row in rows.items()},
            base,
            cache,
        )
        findings = apply(rules, context, known)
        facts = {
            loaded.blob: context.facts(loaded).dumped() for loaded in context.own if loaded.blob not in rows
        }
        for blob, found in findings.fresh.items():
            stored.remember(blob, "\n".join([facts[blob], *(one.model_dump_json() for one in found)]))
    return context, findings


def _digest(rules: Sequence[Rule]) -> str:
    """Changes whenever the code of a rule may have: then nothing that was remembered holds."""
    modules = {type(rule).__module__ for rule in rules} | {
        documents.__name__,
        "compass.anonymize.secrets",
        *(f"compass.rules.{name}" for name in ("base", "facts", "logql_syntax", "place", "sketch", "text")),
    }
    state = hashlib.sha256(" ".join(sorted(rule.id for rule in rules)).encode())
    for name in sorted(modules):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            found = Path(file).stat()
            state.update(f"{file}:{found.st_size}:{found.st_mtime_ns}".encode())
    return state.hexdigest()[:12]


def inside(root: Path, path: Path) -> str:
    """`path` (relative to where the command runs, or to the repository) as a path of the repository at `root`."""
    for candidate in (path.absolute(), root / path):
        plain = Path(os.path.normpath(candidate))
        for place in (plain, plain.resolve()):
            if plain.exists() and (place == root or root in place.parents):
                return place.relative_to(root).as_posix()
    raise UsageError(f"there is no {path} in {root}", "name files or folders of the repository")


def among(path: str, wanted: Sequence[str]) -> bool:
    """Whether `path` is one of these files or lies in one of these folders."""
    return any(one in {".", path} or path.startswith(f"{one}/") for one in wanted)
