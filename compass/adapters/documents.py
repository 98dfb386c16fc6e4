"""Markdown files with YAML front matter: fast reading with line numbers, edits that keep what people wrote.

Reading follows YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema) through PyYAML's C loader;
duplicate keys, anchors, aliases, merge keys and tags are errors. Editing goes through ruamel.yaml's round trip.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, Final

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import YAMLError as RoundTripError
from ruamel.yaml.scalarstring import LiteralScalarString

from compass.errors import UsageError

MAX_FRONT: Final = 256 * 1024
_C_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SUSPICIOUS: Final = re.compile(r"[&*!](?<![^\s\[{,:?-].)[^\s=~]")
# Deep nesting overflows the C stack of the composer, so text that could nest deeply is looked at event by event.
_INDENTED: Final = re.compile(r"^[ ?:-]{80}", re.MULTILINE)
_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_INT: Final = re.compile(r"[-+]?[0-9]+")
_MAX_DEPTH: Final = 40
_DATE: Final = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d)")
KEY_ORDER: Final = (
    "schema", "kind", "id", "title", "status", "created", "summary", "owner", "services", "severity", "tags",
    "aliases", "related", "alerts", "match", "hypotheses", "times", "roles", "participants", "contributing_causes",
    "mitigations", "false_positives", "tests", "steps", "what_went_well", "where_we_got_lucky", "what_surprised_us",
    "actions", "patterns", "evidence", "confirmed", "references", "review_by", "last_verified", "provenance",
    "license", "superseded_by", "withdrawn", "x",
)  # fmt: skip
_STRAY: Final = re.compile(r"\n(?:- |\n)|[^\S\n](?:\n|\Z)")
_TOP_KEY: Final = re.compile(r"^([A-Za-z_]\w*):", re.MULTILINE)
_RANK: Final = {key: place for place, key in enumerate(KEY_ORDER)}
Path_ = Sequence[str | int]


class YamlProblem(ValueError):  # noqa: N818  # `problem` is the house's word for what a file has wrong
    """The text cannot be read; `line` and `column` count from 1 within the text given."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class _Loader(_C_LOADER):  # type: ignore[misc]  # PyYAML is untyped where the loader is chosen at run time
    """YAML 1.2 core schema; duplicate keys are errors."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own name and type

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node without one: PyYAML's answer at half its cost, which is most of the cost of a check."""
        if kind is not yaml.ScalarNode:
            return _MAP if kind is yaml.MappingNode else _SEQ
        if implicit[0]:
            for tag, pattern in self.yaml_implicit_resolvers.get(value[:1], ()):
                if pattern.match(value):
                    return tag
        return _STR

    def descend_resolver(self, parent: yaml.Node | None, index: Any) -> None:
        """Resolvers by path are not used."""

    def ascend_resolver(self) -> None:
        """As above."""

    def construct_document(self, node: yaml.Node) -> Any:
        """The data of one document."""
        return self._data(node)

    def _data(self, node: yaml.Node) -> Any:
        tag = node.tag
        if tag == _STR:
            return node.value
        if tag == _MAP:
            return self._mapping(node)
        if tag == _SEQ:
            return [inner.value if inner.tag == _STR else self._data(inner) for inner in node.value]
        return self.yaml_constructors[tag](self, node)

    def _mapping(self, node: yaml.Node) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _at(key_node, "a key must be plain text")
            key = key_node.value if key_node.tag == _STR else self._data(key_node)
            if key == "<<":
                raise _at(key_node, "merge keys are not allowed; write the fields out")
            if key in found:
                raise _at(key_node, f"the key {key!r} stands here twice")
            found[key] = value_node.value if value_node.tag == _STR else self._data(value_node)
        return found


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    if len(text) > 400:
        raise _at(node, "this number is too long")
    return int(text) if _INT.fullmatch(text) else int(text, 0)


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


def _construct_bool(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)).lower() == "true"


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
_Loader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)


@dataclass(frozen=True, slots=True)
class Parts:
    """A file in two: front matter and body, with the line (from 1) on which each begins."""

    front: str
    body: str
    front_line: int
    body_line: int


def split(text: str) -> Parts:
    """Cut a file into front matter and body; YamlProblem when there is no front matter."""
    if not text.startswith("---\n"):
        raise YamlProblem("the file does not start with front matter (a line of three hyphens)")
    end = text.find("\n---\n", 3)
    if end < 0:
        if not text.endswith("\n---"):
            raise YamlProblem("the front matter is not closed by a line of three hyphens")
        end = len(text) - 4
    front = text[4 : end + 1]
    if len(front) > MAX_FRONT:
        raise YamlProblem(f"the front matter is larger than {MAX_FRONT // 1024} kB")
    body = text[end + 5 :]
    return Parts(front, body, 2, 3 + front.count("\n"))


def parse_yaml(text: str) -> Any:
    """The data of one YAML document; YamlProblem says what is wrong and where."""
    return _one(parse_documents(text))


def parse_documents(text: str) -> list[Any]:
    """The data of every document in a stream; as `parse_yaml`."""
    if "\t" in text or _SUSPICIOUS.search(text) or _may_be_deep(text):
        _refuse_exotic(text)
    try:
        return list(yaml.load_all(text, _Loader))  # _Loader is a safe loader
    except yaml.MarkedYAMLError as error:
        raise _explain(error, text) from None
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode("utf-8", "ignore")  # the C reader counts bytes
        raise YamlProblem("there is a control character here", *_place(text, len(before))) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, YamlProblem):
            raise
        raise YamlProblem("the text is nested too deeply or holds a value that cannot be read") from None


def _may_be_deep(text: str) -> bool:
    return text.count("[") + text.count("{") > _MAX_DEPTH or bool(_INDENTED.search(text))


def locate(text: str, path: Path_, *, key: bool = False) -> tuple[int, int]:
    """Line and column, from 1 within `text`, of the value at `path` (of its key with `key`); the nearest parent if absent."""
    try:
        if _may_be_deep(text):
            _refuse_exotic(text)
        node = yaml.compose(text, _Loader)
    except (yaml.YAMLError, YamlProblem):
        return (1, 1)
    place = node.start_mark if node else None
    for step in path:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = (node.value[step], node.value[step])
        if found is None:
            break
        node = found[1]
        place = (
            found[0].start_mark if key or isinstance(found[1], yaml.CollectionNode) else found[1].start_mark
        )
    return _place(text, place.index) if place else (1, 1)


def canonical(text: str) -> str:
    """The one canonical form, which `fmt` writes; YamlProblem when the file cannot be read."""
    clean = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parts = split(clean)
    data = parse_yaml(parts.front)
    if not isinstance(data, dict):
        raise YamlProblem("front matter is a mapping of fields", parts.front_line)
    if not _front_is_canonical(parts.front, list(data)):
        parts = Parts(_rewritten(parts.front, data), parts.body, parts.front_line, parts.body_line)
    body = parts.body.strip("\n")
    return f"---\n{parts.front}---\n" + (f"\n{body}\n" if body else "")


def is_canonical(text: str) -> bool:
    """Whether `canonical` would leave a readable file as it is; cheap, and wrong only toward no."""
    parts = split(text)
    body = parts.body.strip("\n")
    if parts.body != (f"\n{body}\n" if body else ""):
        return False
    return _front_is_canonical(parts.front, _TOP_KEY.findall(parts.front))


def dump_entry(data: Mapping[str, Any], body: str, comment: str | None = None) -> str:
    """A whole file from plain data and a Markdown body, in canonical form; `comment` follows the opening line."""
    ordered = CommentedMap(
        sorted(((key, value) for key, value in data.items()), key=lambda pair: _rank(pair[0]))
    )
    head = f"# {comment}\n" if comment else ""
    text = f"---\n{head}{_dumped(ordered)}---\n\n{body.strip(chr(10))}\n"
    return canonical(text)


def dump_yaml(data: Mapping[str, Any]) -> str:
    """Plain data as a YAML document in the house's style."""
    return _dumped(CommentedMap(data))


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """The file with top-level fields set (or removed, where None); comments, quotes and order are kept.

    YamlProblem when that cannot be done without changing what else it says.
    """
    parts = split(text)
    loaded = _loaded(parts.front) or CommentedMap()
    for key, value in changes.items():
        if value is None:
            loaded.pop(key, None)
        else:
            loaded[key] = value
    return canonical(f"---\n{_dumped(loaded)}---\n{parts.body}")


def write_atomically(path: Path, data: bytes) -> None:
    """Write aside, then rename: a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        aside.chmod(mode)
        aside.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)


def _one(documents: list[Any]) -> Any:
    if len(documents) > 1:
        raise YamlProblem("one YAML document is expected here, not several")
    return documents[0] if documents else None


def _rank(key: str) -> tuple[int, str]:
    return (_RANK.get(key, len(_RANK)), key)


def _front_is_canonical(front: str, keys: list[Any]) -> bool:
    """Cheap, so that `check` can ask it of every entry: order of fields, no stray space, sequences indented."""
    if _STRAY.search(front) or front.startswith(("\n", "- ")):
        return False
    ranks = [_RANK.get(key, -1) for key in keys]
    if -1 in ranks:
        return keys == sorted(keys, key=lambda key: _rank(str(key)))
    return ranks == sorted(ranks)


def _rewritten(front: str, data: dict[Any, Any]) -> str:
    """The front matter in order and without stray space, as far as it still says the same."""
    loaded = _loaded(front)
    if isinstance(loaded, CommentedMap):
        ordered = CommentedMap(sorted(loaded.items(), key=lambda pair: _rank(str(pair[0]))))
        loaded.copy_attributes(ordered)
        text = _dumped(ordered)
        tidy = "\n".join(line.rstrip() for line in text.split("\n") if line.strip()) + "\n"
        for candidate in (tidy, text):  # empty lines may belong to a block of text
            with suppress(YamlProblem):
                if parse_yaml(candidate) == data:
                    return candidate
    raise YamlProblem("the front matter cannot be rewritten without changing what it says")


def _loaded(front: str) -> Any:
    try:
        return _round_trip().load(front)
    except (RoundTripError, NotImplementedError, TypeError, ValueError, LookupError) as error:
        # Its reader has gaps of its own.
        said = " ".join(str(error).splitlines()[:1])
        raise YamlProblem(f"the front matter cannot be rewritten: {said}") from None


class _Constructor(RoundTripConstructor):
    """A moment that no calendar has stays the text that it is to our reader; ruamel.yaml would fail."""

    def construct_yaml_timestamp(self, node: Any, values: Any = None) -> Any:
        """A time, or the text."""
        try:
            return super().construct_yaml_timestamp(node, values)
        except (ValueError, OverflowError):
            return self.construct_scalar(node)


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.construct_yaml_timestamp)


def _round_trip() -> YAML:
    editor = YAML(typ="rt")
    editor.Constructor = _Constructor
    editor.version = (1, 2)
    editor.preserve_quotes = True
    editor.width = 4096
    editor.indent(mapping=2, sequence=4, offset=2)
    editor.explicit_start = False
    return editor


def _styled(value: Any) -> Any:
    """Text of several lines as a literal block, dates bare: what a person would have typed."""
    if isinstance(value, Mapping):
        made = value if isinstance(value, CommentedMap) else CommentedMap(value)
        for key, inner in made.items():
            made[key] = _styled(inner)
        return made
    if isinstance(value, list | tuple) and not isinstance(value, CommentedSeq):
        return [_styled(inner) for inner in value]
    if type(value) is str:
        if "\n" in value and not re.search(
            r"[ \t]\n|[^\x09\x0a\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]|\A[\s]", value
        ):
            return LiteralScalarString(value)
        return date.fromisoformat(value) if _DATE.fullmatch(value) else value
    return value


def _dumped(data: CommentedMap) -> str:
    data = _styled(data)
    editor = _round_trip()
    stream = StringIO()
    editor.dump(data, stream)
    return re.sub(r"\A%YAML 1\.2\n---\n", "", stream.getvalue())


def _at(node: yaml.Node, message: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=message, problem_mark=node.start_mark)


def _place(text: str, index: int) -> tuple[int, int]:
    """Line and column as editors and Git count them; to the reader, three more characters end a line."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _explain(error: yaml.MarkedYAMLError, text: str) -> YamlProblem:
    mark = error.problem_mark or error.context_mark
    message = " ".join(part for part in (error.context, error.problem) if part)
    return YamlProblem(message or "this is not YAML", *(_place(text, mark.index) if mark else (1, 1)))


def _refuse_exotic(text: str) -> None:
    """Look at the events one by one, without building anything, for what the format forbids."""
    try:
        for what, mark in _exotic(yaml.parse(text, _Loader)):
            raise YamlProblem(what, *_place(text, mark.index))
    except yaml.MarkedYAMLError as error:
        raise _explain(error, text) from None
    except yaml.reader.ReaderError:
        return


def _exotic(events: Iterator[yaml.Event]) -> Iterator[tuple[str, Any]]:
    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            yield "anchors and aliases are not allowed; write the value out", event.start_mark
        elif tag := getattr(event, "tag", None):
            yield f"tags are not allowed ({tag})", event.start_mark
        elif depth > _MAX_DEPTH:
            yield f"values are nested more than {_MAX_DEPTH} deep", event.start_mark
