"""Files become entries, entities and people; whatever does not is a problem with its line and column."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property
from typing import Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from compass.adapters.documents import Parts, YamlProblem, locate, parse_documents, parse_yaml, split
from compass.library.alerts import Alert, alerts_in
from compass.library.cache import ParseCache
from compass.library.servers import SERVERS, NamedServer, parse_json, spaced
from compass.library.source import Mount, Source
from compass.model.base import Problem, Severity
from compass.model.catalog import Entity, PrivateNames
from compass.model.entry import KINDS, AnyEntry, Status
from compass.model.scope import People, Teams
from compass.model.servers import McpServers

_Model = TypeVar("_Model", bound=BaseModel)
_PRIVATE: Final = "catalog/private.yaml"


@dataclass(frozen=True)
class LoadedEntry:
    """A valid entry and where it stands; what costs time is read from its text when it is asked for."""

    mount: Mount
    path: str
    blob: str
    text: str
    id: str
    kind: str
    title: str
    status: Status
    front: Mapping[str, Any] | str = field(repr=False, compare=False)
    """The front matter, known to be valid: as data, or as JSON out of the cache."""

    @cached_property
    def entry(self) -> AnyEntry:
        """The entry as a model."""
        data = json.loads(self.front) if isinstance(self.front, str) else self.front
        return KINDS[self.kind].model_validate(data)  # type: ignore[return-value]  # KINDS maps to the members of AnyEntry

    def forget(self) -> None:
        """Let go of what was read from the text; it is read again when it is asked for. Of ten thousand it is 100 MB."""
        for name in ("entry", "_parts"):
            vars(self).pop(name, None)

    @cached_property
    def _parts(self) -> Parts:
        return split(self.text)

    @property
    def body(self) -> str:
        """The Markdown below the front matter."""
        return self._parts.body

    @property
    def body_line(self) -> int:
        """The line (from 1) on which the body starts."""
        return self._parts.body_line

    def place(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """Line and column in the file of a field, such as `("match", "condition")`."""
        line, column = locate(self._parts.front, path)
        return line + 1, column

    def line_of(self, path: tuple[str | int, ...]) -> int:
        """The line in the file of a field."""
        return self.place(path)[0]

    def cite(self, first: int, last: int | None = None) -> str:
        """`repo@commit:path#Lx-Ly`; without a commit the working tree is named as such."""
        return f"{self.mount.id}@{self.mount.commit or 'worktree'}:{self.path}#L{first}-L{last or first}"


@dataclass
class Part:
    """What one source holds."""

    entries: list[LoadedEntry] = field(default_factory=list)
    entities: dict[str, Entity] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    private: PrivateNames = field(default_factory=PrivateNames)
    people: People | None = None
    teams: Teams | None = None
    servers: list[NamedServer] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: int = 0


def read_source(source: Source, cache: ParseCache) -> Part:
    """Interpret the files of one repository."""
    part = Part(problems=list(source.problems))
    entries = {path: file for path, file in source.files.items() if path.endswith(".md")}
    known = cache.find(blob for blob, _ in entries.values())
    for path, (blob, data) in entries.items():
        part.files += 1
        loaded = _entry(source.mount, path, blob, data, known, cache, part.problems)
        if loaded:
            part.entries.append(loaded)
    for path, (_, data) in source.files.items():
        if path == _PRIVATE:
            part.private = _whole(PrivateNames, path, data, part.problems) or PrivateNames()
        elif path == "people.yaml":
            part.people = _whole(People, path, data, part.problems)
        elif path == "teams.yaml":
            part.teams = _whole(Teams, path, data, part.problems)
        elif path == SERVERS:
            part.servers = _servers(source.mount, data, part.problems)
        elif path.startswith("catalog/"):
            _catalog(path, data, part)
    return part


def decode(path: str, data: bytes, problems: list[Problem]) -> str | None:
    """The text of a file; what is not clean UTF-8 with LF is a problem, and read all the same where it can be."""
    if b"\0" in data[:8192]:
        problems.append(
            _problem(
                "encoding",
                path,
                "this is a binary file, not text",
                "remove it, or give it another name",
                1,
                1,
            )
        )
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.append(_problem("encoding", path, "the file is not UTF-8", "save it as UTF-8", line, 1))
        return None
    if text.startswith("\ufeff") or "\r" in text:
        what = "a byte-order mark" if text.startswith("\ufeff") else "carriage returns"
        problems.append(
            _problem("encoding", path, f"the file has {what}", "run `compass fmt`", 1, 1, Severity.WARNING)
        )
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text


def explain(
    model: type[BaseModel],
    error: ValidationError,
    data: Any,
    front: str,
    path: str,
    offset: int,
    entry: str | None = None,
) -> list[Problem]:
    """Every finding of pydantic as a problem with its place; `offset` is the lines before `front`."""
    found = []
    for detail in error.errors(include_url=False):
        loc = _without_tags(detail["loc"], data)
        unknown = detail["type"] == "extra_forbidden"
        line, column = locate(front, loc, key=unknown)
        message, hint = _words(model, detail, loc)
        found.append(
            Problem(
                rule="schema",
                severity=Severity.ERROR,
                message=message,
                path=path,
                line=line + offset,
                column=column,
                hint=hint,
                entry=entry,
            )
        )
    return found


def _entry(
    mount: Mount,
    path: str,
    blob: str,
    raw: bytes,
    known: Mapping[str, str],
    cache: ParseCache,
    problems: list[Problem],
) -> LoadedEntry | None:
    text = decode(path, raw, problems)
    if text is None:
        return None
    if blob in known:
        return _remembered(mount, path, blob, text, known[blob])
    try:
        parts = split(text)
        data = parse_yaml(parts.front)
    except YamlProblem as problem:
        offset = 1 if text.startswith("---\n") and problem.line >= 1 else 0
        problems.append(_problem("yaml", path, problem.message, None, problem.line + offset, problem.column))
        return None
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        line, column = locate(parts.front, ("kind",))
        nearest = get_close_matches(str(kind), KINDS, 1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"kind is one of {', '.join(KINDS)}"
        problems.append(
            _problem("schema", path, f"kind {kind!r} is not a kind of entry", hint, line + 1, column)
        )
        return None
    try:
        entry = KINDS[kind].model_validate(data)
    except ValidationError as error:
        name = data.get("id")
        problems.extend(
            explain(KINDS[kind], error, data, parts.front, path, 1, name if isinstance(name, str) else None)
        )
        return None
    front = _as_json(data)
    if isinstance(front, str):
        cache.remember(blob, f"{json.dumps([entry.id, entry.kind, entry.title, entry.status])}\n{front}")
    loaded = LoadedEntry(mount, path, blob, text, entry.id, entry.kind, entry.title, entry.status, front)
    vars(loaded)["entry"] = entry  # it was just validated: the cached property need not do it again
    return loaded


def _as_json(data: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """A fifth of the memory of the data itself, which stays only where JSON would lose something."""
    try:
        return json.dumps(data, allow_nan=False)
    except (TypeError, ValueError):
        return data


def _remembered(mount: Mount, path: str, blob: str, text: str, row: str) -> LoadedEntry:
    head, _, front = row.partition("\n")
    name, kind, title, status = json.loads(head)
    return LoadedEntry(mount, path, blob, text, name, kind, title, Status(status), front)


def _whole(model: type[_Model], path: str, raw: bytes, problems: list[Problem]) -> _Model | None:
    text = decode(path, raw, problems)
    if text is None:
        return None
    try:
        data = parse_yaml(text)
        return model.model_validate(data if data is not None else {})
    except YamlProblem as problem:
        problems.append(_problem("yaml", path, problem.message, None, problem.line, problem.column))
    except ValidationError as error:
        problems.extend(explain(model, error, data, text, path, 0))
    return None


def _servers(mount: Mount, raw: bytes, problems: list[Problem]) -> list[NamedServer]:
    text = decode(SERVERS, raw, problems)
    if text is None:
        return []
    try:
        data = parse_json(text)
        found = McpServers.model_validate(data)
    except YamlProblem as problem:
        problems.append(_problem("json", SERVERS, problem.message, None, problem.line, problem.column))
        return []
    except ValidationError as error:
        problems.extend(explain(McpServers, error, data, spaced(text), SERVERS, 0))
        return []
    return [
        NamedServer(name, one, mount, locate(spaced(text), ("mcpServers", name), key=True)[0])
        for name, one in found.servers.items()
    ]


def _catalog(path: str, raw: bytes, part: Part) -> None:
    text = decode(path, raw, part.problems)
    if text is None:
        return
    try:
        documents = parse_documents(text)
    except YamlProblem as problem:
        part.problems.append(_problem("yaml", path, problem.message, None, problem.line, problem.column))
        return
    part.alerts += alerts_in(path, text, documents)
    for number, data in enumerate(documents, 1):
        # Other standard formats (OpenSLO, rule files) lie in this folder too; only Backstage's are entities.
        if isinstance(data, dict) and str(data.get("apiVersion", "")).startswith("backstage.io/"):
            try:
                entity = Entity.model_validate(data)
            except ValidationError as error:
                first = error.errors()[0]
                message = f"document {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
                part.problems.append(_problem("catalog", path, message, None, 1, 1))
            else:
                part.entities[entity.ref] = entity


def _without_tags(loc: tuple[str | int, ...], data: Any) -> tuple[str | int, ...]:
    """Drop the names of union members that pydantic puts between the fields."""
    kept: list[str | int] = []
    for place, step in enumerate(loc):
        inside = isinstance(data, dict) and step in data
        inside |= isinstance(data, list) and isinstance(step, int) and step < len(data)
        if inside:
            data = data[step]
        elif place < len(loc) - 1 or not isinstance(data, dict):
            continue
        kept.append(step)
    return tuple(kept)


def _words(
    model: type[BaseModel], detail: ErrorDetails, loc: tuple[str | int, ...]
) -> tuple[str, str | None]:
    name = ".".join(map(str, loc)) or "the front matter"
    if detail["type"] == "extra_forbidden":
        nearest = get_close_matches(str(loc[-1]), sorted(field_names(model)), 1)
        return (
            f"unknown key {name!r}",
            f"did you mean {nearest[0]!r}?" if nearest else "extensions live under `x:`",
        )
    if detail["type"] == "missing":
        return f"the field {name!r} is missing", None
    message = detail["msg"].removeprefix("Value error, ")
    value = detail.get("input")
    if detail["type"] in {"enum", "literal_error"}:
        allowed = [
            part.strip("'")
            for part in str(detail.get("ctx", {}).get("expected", "")).replace(" or ", ", ").split(", ")
        ]
        nearest = get_close_matches(str(value), allowed, 1)
        return (
            f"{name}: {str(value)[:80]!r} is not allowed here",
            f"did you mean {nearest[0]!r}?" if nearest else f"one of {', '.join(allowed)}",
        )
    shown = f" (found {str(value)[:80]!r})" if isinstance(value, str | int | float) else ""
    return f"{name}: {message}{shown}", None


@cache
def field_names(model: type[BaseModel]) -> frozenset[str]:
    """The keys of a model and of every model inside it, as they stand in files."""
    names: set[str] = set()
    queue: list[Any] = [model]
    seen: set[Any] = set()
    while queue:
        kind = queue.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind not in seen:
                seen.add(kind)
                for key, info in kind.model_fields.items():
                    names.add(info.alias or key)
                    queue.append(info.annotation)
        elif get_origin(kind) in {Union, types.UnionType, tuple, dict, list} or get_args(kind):
            queue.extend(get_args(kind))
    return frozenset(names)


def _problem(
    rule: str,
    path: str,
    message: str,
    hint: str | None,
    line: int = 0,
    column: int = 0,
    severity: Severity = Severity.ERROR,
) -> Problem:
    return Problem(
        rule=rule, severity=severity, message=message, path=path, line=line, column=column, hint=hint
    )
