"""One foreign Markdown file: its title, its text, and what its own front matter says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.model.entry import KINDS
from compass.model.ids import ENTRY_ID
from compass.rules.hidden import HIDDEN
from compass.rules.text import heading_text, headings, prose

MAX_TITLE: Final = 100
_MAX_SUMMARY: Final = 400
_MAX_FRONT: Final = 16 * 1024
_FRONT: Final = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?)^\1[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_FIELD: Final = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*[:=]", re.MULTILINE)
_TITLE: Final = re.compile(r"^title[ \t]*[:=][ \t]*([^\n]+)$", re.MULTILINE)
_SETEXT: Final = re.compile(r"^ {0,3}([^\s>#`~|<=-][^\n]*)\n=+[ \t]*$", re.MULTILINE)
_LINK: Final = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\n]*\)")
_TAG: Final = re.compile(r"<[/!]?[A-Za-z][^<>\n]*>")
_ANCHOR: Final = re.compile(r"\{[#:][^{}\n]*\}$")
_GENERIC: Final = frozenset({
    "about", "actions", "alert", "background", "causes", "contents", "context", "description", "diagnosis", "impact",
    "introduction", "meaning", "mitigation", "overview", "prerequisites", "problem", "purpose", "resolution", "steps",
    "summary", "symptoms", "table of contents",
})  # fmt: skip
_FOLDER_FILES: Final = frozenset({"readme", "index", "_index"})


@dataclass(frozen=True, slots=True)
class Document:
    """Title (100 characters at most), body without front matter, the front matter as it stood, its summary.

    `line` is the line of the file on which the body begins; less by the heading and empty line put before it.
    """

    title: str
    body: str
    front: str
    summary: str | None
    line: int = 1


def read_markdown(name: str, text: str) -> Document | str:
    """The document, or why it is none; `name` is its path in the folder, `text` has LF line ends."""
    front, body, fields = _front(text)
    if str(fields.get("kind")) in KINDS and ENTRY_ID.fullmatch(str(fields.get("id"))):
        return "an entry of COMPASS already; copy the file itself"
    line = text.count("\n") - body.lstrip("\n").count("\n") + 1
    body = body.strip("\n")
    if not body.strip() and not fields.get("title"):
        return "empty"
    level, heading, first = _heading(body)
    given = _plain(fields["title"]) if isinstance(fields.get("title"), str) else ""
    if level != 1:
        heading = "" if given or heading.casefold() in _GENERIC else heading
    title = heading or given or _from_name(name)
    cut = shorten(title)
    if title not in {cut, first}:
        body = f"# {title}\n\n{body}"
        line -= 2
    return Document(cut, body, front, _summary(fields), line)


def shorten(title: str, limit: int = MAX_TITLE) -> str:
    """At most `limit` characters, cut at a word where there is one."""
    if len(title) <= limit:
        return title
    head = title[: limit + 1].rsplit(None, 1)[0] if " " in title[: limit + 1] else title[:limit]
    return head.rstrip(" ,;:-–—")[:limit] or title[:limit]


def _front(text: str) -> tuple[str, str, dict[str, Any]]:
    """Front matter as it stands, body, and its fields as far as they can be read."""
    found = _FRONT.match(text)
    if not found or len(found[2]) > _MAX_FRONT or not _FIELD.search(found[2]):
        return "", text, {}
    fields: Any = None
    if found[1] == "---":
        try:
            fields = parse_yaml(found[2])
        except YamlProblem:
            fields = None
    if not isinstance(fields, dict):
        title = _TITLE.search(found[2])
        fields = {"title": title[1].strip().strip("\"'")} if title else {}
    return found[2], text[found.end() :], fields


def _heading(body: str) -> tuple[int, str, str]:
    """The first heading of the first level, else the first of any: its level and words; and the first of all."""
    found = [(level, at) for level, _, at in headings(body)]
    setext = _SETEXT.search(prose(body))
    if setext:
        found.append((1, setext.start()))
    if not found:
        return 0, "", ""
    level, at = min(found, key=lambda pair: (pair[0] != 1, pair[1]))
    return level, _words_at(body, at), _words_at(body, min(place for _, place in found))


def _words_at(body: str, at: int) -> str:
    end = body.find("\n", at)
    return _plain(heading_text(body[at : end if end >= 0 else len(body)].strip().lstrip("#")))


def _plain(text: str) -> str:
    """A heading as words: without markup, hidden characters and line breaks."""
    for pattern, by in ((_ANCHOR, ""), (_LINK, r"\1"), (_TAG, "")):
        text = pattern.sub(by, text.strip())
    text = HIDDEN.sub("", text.replace("`", "").replace("**", "").replace("\\_", "_"))
    return " ".join(text.split())


def _from_name(name: str) -> str:
    path = PurePosixPath(name)
    stem = path.parent.name if path.stem.lower() in _FOLDER_FILES and path.parent.name else path.stem
    words = _plain(stem if re.search(r"[a-z][A-Z]", stem) else re.sub(r"[-_]+", " ", stem))
    return words[:1].upper() + words[1:] or "Untitled"


def _summary(fields: dict[str, Any]) -> str | None:
    for key in ("summary", "description"):
        value = fields.get(key)
        if isinstance(value, str) and 0 < len(_plain(value)) <= _MAX_SUMMARY:
            return _plain(value)
    return None
