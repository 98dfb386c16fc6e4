"""Citations into knowledge files: pinned to a commit, and read again from Git before anyone sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from compass.errors import OutsideError
from compass.library import Library, LoadedEntry
from compass.model.entry import Pattern
from compass.model.investigation import Citation

_REF: Final = re.compile(
    r"(?P<repo>[^@\s]+)@(?P<commit>[0-9a-f]{40,64}):(?P<path>[^\n#]+)#L(?P<first>\d+)-L(?P<last>\d+)"
)
_LONGEST: Final = 6


def cite(loaded: LoadedEntry, first: int, last: int | None = None) -> Citation | None:
    """The lines `first` to `last` of an entry; None for an entry that stands in no commit or lines that do not exist."""
    end = min(last or first, first + _LONGEST - 1)
    lines = loaded.text.splitlines()
    if loaded.mount.commit is None or not 0 < first <= end <= len(lines):
        return None
    quote = "\n".join(lines[first - 1 : end]).strip()
    return Citation(ref=loaded.cite(first, end), quote=quote) if quote else None


def cite_field(loaded: LoadedEntry, path: tuple[str | int, ...]) -> Citation | None:
    """The line of the file on which a field stands."""
    return cite(loaded, loaded.line_of(path))


def cite_body(loaded: LoadedEntry, headings: Iterable[str]) -> Citation | None:
    """The first words under the first of these headings that the entry has."""
    lines = loaded.text.splitlines()
    for heading in headings:
        for number, line in enumerate(lines, 1):
            if number >= loaded.body_line and line.strip().lower() == f"## {heading.lower()}":
                start = next((at for at in range(number, len(lines)) if lines[at].strip()), None)
                if start is not None and not lines[start].startswith("#"):
                    return cite(loaded, start + 1)
    return None


def runbooks_of(pattern: Pattern, library: Library) -> list[LoadedEntry]:
    """The runbooks that a pattern names and that are there."""
    return [library.by_id[name] for name in pattern.mitigations if name in library.by_id]


def checked(citations: Iterable[Citation | None], library: Library) -> tuple[Citation, ...]:
    """Those citations whose quote really stands at that place of that commit; each once."""
    found: dict[str, Citation] = {}
    blobs: dict[tuple[str, str], Mapping[str, str]] = {}
    for citation in citations:
        if citation is not None and citation.ref not in found and _stands(citation, library, blobs):
            found[citation.ref] = citation
    return tuple(found.values())


def _stands(citation: Citation, library: Library, trees: dict[tuple[str, str], Mapping[str, str]]) -> bool:
    parts = _REF.fullmatch(citation.ref)
    mount = next((one for one in library.mounts if parts and one.id == parts["repo"]), None)
    if parts is None or mount is None or mount.git is None:
        return False
    place = (mount.id, parts["commit"])
    try:
        if place not in trees:
            listed = mount.git.tree(parts["commit"], mount.prefix.rstrip("/"))
            trees[place] = {entry.path.removeprefix(mount.prefix): entry.oid for entry in listed}
        oid = trees[place].get(parts["path"])
        if oid is None:
            return False
        lines = mount.git.read(oid).decode("utf-8").splitlines()
    except (OutsideError, UnicodeDecodeError):
        return False
    return "\n".join(lines[int(parts["first"]) - 1 : int(parts["last"])]).strip() == citation.quote
