"""Finding the one entry that somebody names, by id, path or title."""

from __future__ import annotations

from pathlib import Path

from compass.errors import ConfigError, NegativeAnswerError, UsageError
from compass.library import Library, LoadedEntry, load
from compass.rules.base import nearest
from compass.workflows.check import inside


def find_entry(
    root: Path, name: str, *, cache: Path | None = None, clones: Path | None = None
) -> LoadedEntry:
    """The entry named by its id (at HEAD, else in the working tree) or by its path (in the working tree).

    NegativeAnswerError names the nearest entry, or says why the file cannot be read.
    """
    libraries: list[Library] = []
    for revision in (None,) if name.endswith(".md") else ("HEAD", None):
        try:
            library = load(root, revision=revision, parents=True, cache=cache, clones=clones)
        except ConfigError:
            if revision is None:
                raise
            continue  # nothing is committed yet, or this is no Git repository: the working tree is what there is
        found = _by_path(library, name) if name.endswith(".md") else library.by_id.get(name)
        if found:
            return found
        libraries.append(library)
    raise _unknown(libraries[-1], name)


def _by_path(library: Library, name: str) -> LoadedEntry | None:
    path = inside(library.main.root, Path(name))
    own = (loaded for loaded in library.entries if loaded.mount.distance == 0)
    return next((loaded for loaded in own if loaded.path == path), None)


def _unknown(library: Library, name: str) -> NegativeAnswerError | UsageError:
    wrong = next((one for one in library.problems if one.entry == name or name.endswith(one.path)), None)
    if wrong:
        return NegativeAnswerError(
            f"the entry cannot be read: {wrong.message}", "run `compass check`", wrong.location
        )
    titles = {loaded.title: loaded.id for loaded in library.by_id.values()}
    near = nearest(name, [*library.by_id, *titles])
    if near is None:
        return NegativeAnswerError(
            f"there is no entry {name!r} here or above", "`compass search` finds entries by their words"
        )
    entry = library.by_id[titles.get(near, near)]
    return NegativeAnswerError(
        f"there is no entry {name!r} here or above", f"did you mean {entry.id} ({entry.title})?"
    )
