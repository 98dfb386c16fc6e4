"""Evidence promotes: the next status of a pattern, written by the tool and proposed like everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from compass.adapters.documents import YamlProblem, edited, write_atomically
from compass.errors import NegativeAnswerError, UsageError
from compass.federation.endorsement import signature_of
from compass.federation.messages import message
from compass.federation.repositories import find_roster, open_member, via_origin
from compass.federation.setting import Setting
from compass.federation.source import requester_of, unwritable
from compass.library import LoadedEntry, blob_id, load
from compass.model.scope import Level
from compass.rules.base import Context
from compass.rules.promotion import Due, due

_LEVELS: Final = frozenset({Level.TEAM, Level.TRIBE})


def confirm(repo: Path, entry: str, setting: Setting) -> str | None:
    """Commit the status that a pattern has earned to this clone, with the reason; what it was for, or None.

    None where the clone has a version that its origin has not: that one is proposed as it is, so that a run that was
    interrupted can be repeated. NegativeAnswerError says what the evidence does not show yet.
    """
    here = open_member(str(repo), setting.clones, "HEAD")
    origin = via_origin(here, setting.clones)
    if here.config.level not in _LEVELS or origin is None:
        raise UsageError(
            f"{here.id} is no clone of a team's or tribe's repository",
            "clone the repository in which the pattern and its recordings are",
        )
    library = load(here.git.root, revision="HEAD", parents=True, cache=setting.cache, clones=setting.clones)
    found = [one for one in library.entries if one.mount.distance == 0 and entry in {one.id, one.path}]
    if not found:
        raise NegativeAnswerError(f"there is no entry {entry!r} in {here.id}", "give its id, or its path")
    loaded = found[0]
    there = {one.path: one.oid for one in origin.git.tree(origin.commit, loaded.path)}
    if there.get(loaded.path) != loaded.blob:
        return None
    context = Context(library, setting.now.date(), cache=setting.cache, replayed=frozenset({loaded.id}))
    earned = _earned(loaded, context)
    file = here.git.root / loaded.path
    if file.is_symlink() or not file.is_file() or blob_id(file.read_bytes()) != loaded.blob:
        raise UsageError(f"{file} has changes that are not committed", "commit or undo them first")
    roster = find_roster(origin, setting.clones)
    who = requester_of(here, roster, setting.principal)
    try:
        text = edited(loaded.text, _fields(loaded, earned, setting)).encode()
    except YamlProblem as problem:
        raise unwritable(loaded.path, problem) from None
    title = f"{loaded.title}: {loaded.status} to {earned.status}"
    trailers = [("Compass-Entry", loaded.id)]
    tree = here.git.write_tree(here.commit, {loaded.path: text})
    new = here.git.commit(
        tree, [here.commit], message(title, [earned.reason], trailers), signature_of(roster, who, setting.now)
    )
    here.git.update_ref("HEAD", new, here.commit)
    here.git.attempt("update-index", "--add", "--cacheinfo", f"100644,{blob_id(text)},{loaded.path}")
    write_atomically(file, text)
    return f"{loaded.id} has earned the status {earned.status}: {earned.reason}"


def _earned(loaded: LoadedEntry, context: Context) -> Due:
    earned = due(loaded, context)
    if earned is None:
        raise NegativeAnswerError(
            f"the evidence does not carry {loaded.id} beyond {loaded.status}",
            "a draft must match the recordings that its tests name, and a verified pattern be confirmed by three incidents on two services, with no false match",
        )
    if earned.lacking:
        raise NegativeAnswerError(
            f"{loaded.id} is confirmed ({earned.reason}), and it still lacks {', '.join(earned.lacking)}",
            "add what is missing, commit it, then run the command again",
        )
    return earned


def _fields(loaded: LoadedEntry, earned: Due, setting: Setting) -> dict[str, object]:
    fields: dict[str, object] = {"status": earned.status.value, "last_verified": setting.now.date()}
    if earned.incidents:
        tribes = loaded.entry.confirmed.tribes if loaded.entry.confirmed else 0
        fields["confirmed"] = {"incidents": earned.incidents, "tribes": tribes}
    return fields
