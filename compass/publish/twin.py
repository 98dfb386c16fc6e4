"""An entry for machines: its fields as data and its text as Markdown, holding nothing that its page does not show."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from compass.library import LoadedEntry
from compass.model.entry import Status
from compass.model.ids import ENTRY_ID, LINK
from compass.publish.commonmark import parser, plain
from compass.publish.edition import Edition, entry_page
from compass.publish.markup import FRAGMENT, MAX_RENDERED, OUTSIDE
from compass.publish.text import clean

_VERBATIM: Final = frozenset(
    {"query", "observed", "command", "promql", "template", "matchers", "exclude", "condition", "url", "title"}
)
"""Fields whose text is no Markdown: it is kept to the letter, as on the page."""
_CODE_SPAN: Final = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_IMAGE: Final = re.compile(r"!\[([^\[\]]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\[\]]*\])")
_INLINE: Final = re.compile(r"\]\(\s*<?((?:[^()<>\s]|\([^()\s]*\))*)>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)")
_DEFINITION: Final = re.compile(r"^( {0,3}\[(?!\^)[^\[\]]+\]:)[ \t]*<?([^\s<>]+)>?.*$", re.MULTILINE)
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])(?!(?:https?://|mailto:))", re.IGNORECASE)
_ACTIVE: Final = re.compile(r"[\[<]")
"""Without one of these there is neither a link nor a picture nor HTML."""
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>])")


def markdown(fields: Mapping[str, Any], body: str) -> str:
    """A whole file; each field is one line, whose value is JSON and therefore YAML 1.2."""
    lines = (f"{key}: {_one_line(value)}" for key, value in fields.items())
    return "\n".join(("---", *lines, "---", "", body.strip("\n"))).rstrip("\n") + "\n"


def label(text: str) -> str:
    """Words on one line that no Markdown processor reads as anything else."""
    return _SPECIAL.sub(r"\\\1", " ".join(clean(text).split()))


class Twins:
    """Writes the entries of one edition for machines."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self._parser = parser()
        self._strict = MarkdownIt("commonmark", {"maxNesting": 30})

    def fields(self, loaded: LoadedEntry) -> dict[str, Any]:
        """The front matter as plain data; of a withdrawn entry what its tombstone says."""
        if loaded.status is Status.WITHDRAWN:
            kept = {"schema_version", "kind", "id", "status", "withdrawn", "superseded_by"}
            data = loaded.entry.model_dump(mode="json", by_alias=True, exclude_none=True, include=kept)
        else:
            given = loaded.entry.model_fields_set - {"x"}
            data = loaded.entry.model_dump(mode="json", by_alias=True, exclude_none=True, include=given)
        return {key: self._field(key, value, loaded) for key, value in data.items()}

    def body(self, loaded: LoadedEntry) -> str:
        """The text with its links leading to other twins; nothing for a withdrawn entry."""
        if loaded.status is Status.WITHDRAWN:
            return ""
        return self._safe(clean(loaded.body), loaded)

    def words(self, text: str) -> str:
        """One field's text without any markup, on one line."""
        tokens = self._parser.parseInline(" ".join(clean(text).split()), {})
        return " ".join(plain(tokens[0].children or []).split()) if tokens else ""

    def _field(self, key: str, value: Any, loaded: LoadedEntry) -> Any:
        if isinstance(value, dict):
            return {name: self._field(name, one, loaded) for name, one in value.items()}
        if isinstance(value, list):
            return [self._field(key, one, loaded) for one in value]
        if not isinstance(value, str) or key in _VERBATIM:
            return value
        return self._safe(clean(value), loaded)

    def _safe(self, text: str, loaded: LoadedEntry) -> str:
        """With links resolved; where anything is left that would fetch or run, the bare words and the code alone."""
        if not _ACTIVE.search(text):
            return text
        if len(text) > MAX_RENDERED:
            return _fenced(text)
        drawn = self._relinked(text, loaded)
        return drawn if self._harmless(drawn) else self._bare(text)

    def _relinked(self, text: str, loaded: LoadedEntry) -> str:
        lines = text.split("\n")
        parts: list[str] = []
        start = 0
        for first, last in _code_lines(self._parser.parse(text)):
            parts += (self._prose("\n".join(lines[start:first]), loaded), "\n".join(lines[first:last]))
            start = last
        parts.append(self._prose("\n".join(lines[start:]), loaded))
        return "\n".join(parts[1:] if lines and parts[0] == "" and len(parts) > 1 else parts)

    def _prose(self, text: str, loaded: LoadedEntry) -> str:
        found: list[str] = []
        start = 0
        for span in _CODE_SPAN.finditer(text):
            found += (self._linked(text[start : span.start()], loaded), span[0])
            start = span.end()
        return "".join((*found, self._linked(text[start:], loaded)))

    def _linked(self, text: str, loaded: LoadedEntry) -> str:
        resolve: Callable[[str], str] = lambda address: self._address(address, loaded)  # noqa: E731  # used three times below
        text = _IMAGE.sub(lambda found: f"\\[image: {found[1] or 'no description'}\\]", text)
        text = _TAG.sub(r"\\<", text)
        text = _INLINE.sub(lambda found: f"]({resolve(found[1])})", text)
        text = _DEFINITION.sub(lambda found: f"{found[1]} {resolve(found[2]) or '<>'}", text)
        return LINK.sub(lambda found: self._reference(found[1], loaded), text)

    def _reference(self, entry_id: str, loaded: LoadedEntry) -> str:
        target = self.edition.pages.get(entry_id)
        if target is None:
            return entry_id if ENTRY_ID.fullmatch(entry_id) else label(f"[[{entry_id}]]")
        withdrawn = target.status is Status.WITHDRAWN
        shown = f"{entry_id} (withdrawn)" if withdrawn else label(target.title)
        return f"[{shown}]({_near(loaded, target)})"

    def _address(self, address: str, loaded: LoadedEntry) -> str:
        """The address of a link that may be followed, or nothing."""
        if OUTSIDE.match(address) or FRAGMENT.fullmatch(address):
            return address
        path = unquote(address.partition("#")[0])
        near = posixpath.normpath(posixpath.join(posixpath.dirname(loaded.path), path))
        found = self.edition.by_path.get((loaded.mount.id, near)) if path else None
        return _near(loaded, self.edition.pages[found]) if found else ""

    def _harmless(self, text: str) -> bool:
        for token in _flat(self._strict.parse(text)):
            address = str(token.attrGet("href") or "")
            ours = address.endswith(".md") and ENTRY_ID.fullmatch(posixpath.basename(address)[:-3])
            if token.type in {"image", "html_block", "html_inline"}:
                return False
            if address and not (ours or OUTSIDE.match(address) or FRAGMENT.fullmatch(address)):
                return False
        return True

    def _bare(self, text: str) -> str:
        parts = []
        for token in self._parser.parse(text):
            if token.type == "inline":
                parts.append(label(plain(token.children or [])))
            elif token.type in {"fence", "code_block"}:
                parts.append(_fenced(token.content))
        return "\n\n".join(parts)


def _one_line(value: Any) -> str:
    # Unicode's own line separators end a line in YAML.
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _near(loaded: LoadedEntry, target: LoadedEntry) -> str:
    return f"../{entry_page(target)}.md" if loaded.id != target.id else f"{target.id}.md"


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"


def _code_lines(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    for token in tokens:
        if token.type in {"fence", "code_block"} and token.map:
            yield token.map[0], token.map[1]


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])
