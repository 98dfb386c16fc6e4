"""The gate: what `check` would say about the entry if it stood in the target already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from compass.federation.repositories import Member
from compass.federation.route import Route
from compass.federation.source import parse_entry
from compass.library import Library, LoadedEntry, load
from compass.model.base import Problem
from compass.rules.base import Context
from compass.rules.registry import all_rules
from compass.rules.runner import apply


def judged(
    route: Route, library: Library, path: str, text: str, files: Iterable[str]
) -> tuple[LoadedEntry, tuple[Problem, ...]]:
    """The entry as it would stand at `path` of the target, and all that `check` would say of it there.

    `library` is what the target and its parents hold, `files` are the paths of further files that come along.
    NegativeAnswerError when the text is no entry at all.
    """
    loaded = replace(parse_entry(route.target, path, text.encode()), mount=library.main)
    others = tuple(one for one in library.entries if (one.mount.distance, one.path) != (0, path))
    names = [one.path for one in route.target.git.tree(route.target.commit, "recordings")]
    recordings = {
        name.split("/")[1]: Path(name).parent for name in (*names, *files) if name.endswith("/recording.yaml")
    }
    whole = replace(library, entries=(loaded, *others), recordings=recordings)
    known = {one.blob: () for one in others}  # they were checked when they came; only what joins them matters
    found = apply(all_rules(), Context(whole, route.today), known).problems
    return loaded, tuple(one for one in found if one.path == path)


def library_of(member: Member, route: Route) -> Library:
    """The `main` of one repository, with its parents."""
    return load(
        member.git.root, revision="refs/heads/main", parents=True, cache=route.cache, clones=route.clones
    )
