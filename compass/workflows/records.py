"""Records of investigations in repositories: written, found by id, and remembered by later investigations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from compass.adapters.documents import YamlProblem, dump_yaml, locate, parse_yaml, write_atomically
from compass.errors import ConfigError, NegativeAnswerError, UsageError
from compass.investigate.past import Past
from compass.library import Library, Mount, blob_id
from compass.library.source import plain_path
from compass.model.ids import INVESTIGATION_PREFIX
from compass.model.investigation import Citation, Investigation
from compass.workflows.personal import commit_record

MOST_BYTES: Final = 2 * 1024 * 1024
_FOLDER: Final = "investigations"
_NAMED: Final = 3
REMEMBERED: Final = 40
"""So many records, the newest ones that name one of the components, are asked whether their conditions hold again."""


@dataclass(frozen=True)
class Found:
    """A record, the repository it lies in, and its file."""

    root: Path
    path: Path
    record: Investigation


def write_record(root: Path, record: Investigation, *, personal: bool, now: datetime) -> Path:
    """investigations/<yyyy>/<id>.yaml, written aside and renamed; in a `personal` repository committed as well."""
    path = plain_path(root, f"{_FOLDER}/{record.started.year}/{record.id}.yaml")
    write_atomically(
        path, dump_yaml(record.model_dump(mode="json", by_alias=True, exclude_defaults=False)).encode()
    )
    if personal:
        commit_record(root, path, now=now)
    return path


def read_record(path: Path) -> Investigation:
    """The record in a file; ConfigError says why it cannot be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} is larger than {MOST_BYTES:,} bytes", "no record is")
        return Investigation.model_validate(parse_yaml(path.read_text("utf-8")))
    except YamlProblem as problem:
        raise ConfigError(f"{path}:{problem.line}: not a readable record: {problem}", _MEND) from problem
    except ValueError as problem:
        first = str(problem).splitlines()
        raise ConfigError(
            f"{path} is not a readable record: {'; '.join(one.strip() for one in first[1:3]) or first[0]}",
            _MEND,
        ) from problem
    except OSError as problem:
        raise ConfigError(f"{path} cannot be read: {problem.strerror}", _MEND) from problem


_MEND: Final = "restore the file from Git, or start the investigation anew"


def record_files(root: Path) -> list[Path]:
    """The files of all records of a repository, the newest last; links are no records."""
    folder = root / _FOLDER
    if folder.is_symlink():
        return []
    found = [one for one in folder.glob("*/inv-*.yaml") if one.is_file() and not one.is_symlink()]
    return sorted(found, key=lambda one: (one.stat().st_mtime_ns, one.name))


def find(identifier: str, roots: Iterable[Path]) -> Found:
    """The record with this id, or of which this is the beginning, in the first repository that has it.

    UsageError for what cannot be an id, is several, or is none: with the nearest ids.
    """
    places = [(root, path) for root in roots for path in record_files(root)]
    known = list(dict.fromkeys(path.stem for _, path in places))
    if not INVESTIGATION_PREFIX.fullmatch(identifier):
        raise UsageError(f"{identifier!r} is not the id of an investigation", _nearest(identifier, known))
    fitting = [one for one in known if one.startswith(identifier)]
    if identifier in fitting:
        fitting = [identifier]
    if len(fitting) > 1:
        raise UsageError(f"{identifier} is the beginning of {', '.join(sorted(fitting))}", "write more of it")
    if not fitting:
        raise UsageError(
            f"there is no investigation {identifier} here or in the personal repository",
            _nearest(identifier, known),
        )
    root, path = next((root, path) for root, path in places if path.stem == fitting[0])
    return Found(root, path, read_record(path))


def _nearest(identifier: str, known: list[str]) -> str:
    if not known:
        return "there are no records yet; name another repository with -C"
    close = get_close_matches(identifier, known, _NAMED, 0.5)
    return f"did you mean {', '.join(close)}?" if close else f"the newest is {known[-1]}"


def remembered(
    library: Library, roots: Iterable[Path], components: Iterable[str]
) -> Iterator[Past | NegativeAnswerError]:
    """The newest records that name one of the components; one that cannot be read is told, and left out."""
    names = [f"service: {one}\n" for one in components] + [f"service: '{one}'\n" for one in components]
    left = REMEMBERED
    seen: set[str] = set()
    for root in roots:
        mount = _mount(library, root)
        committed = _committed(mount)
        for path in reversed(record_files(root)):
            if left <= 0:
                return
            if path.stem in seen or path.stat().st_size > MOST_BYTES:
                continue
            text = path.read_text("utf-8", errors="replace")
            if not any(name in text for name in names):
                continue
            seen.add(path.stem)
            left -= 1
            try:
                record = read_record(path)
            except ConfigError as problem:
                yield NegativeAnswerError(f"{problem.message}; it is left out")
                continue
            place = path.relative_to(root).as_posix()
            stands = mount is not None and committed.get(place) == blob_id(path.read_bytes())
            yield Past(record, tuple(_citations(mount, place, text, record)) if stands and mount else ())


def _mount(library: Library, root: Path) -> Mount | None:
    return next((one for one in library.mounts if one.commit and one.root == root.resolve()), None)


def _committed(mount: Mount | None) -> dict[str, str]:
    """Path below the repository -> blob, of the records in the commit that is read."""
    if mount is None or mount.git is None or mount.commit is None:
        return {}
    listed = mount.git.tree(mount.commit, f"{mount.prefix}{_FOLDER}")
    return {one.path.removeprefix(mount.prefix): one.oid for one in listed}


def _citations(mount: Mount, place: str, text: str, record: Investigation) -> Iterator[Citation | None]:
    """For each hypothesis the line that states it."""
    lines = text.splitlines()
    for number in range(len(record.hypotheses)):
        line = locate(text, ("hypotheses", number, "statement"))[0]
        quote = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        ref = f"{mount.id}@{mount.commit}:{place}#L{line}-L{line}"
        yield Citation(ref=ref, quote=quote) if quote else None
