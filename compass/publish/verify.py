"""Reads a finished site as a browser would, before anybody else does: links that lead nowhere, foreign hosts."""

from __future__ import annotations

import html
import re
from collections.abc import Container, Iterator
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Final
from urllib.parse import unquote

_TAG: Final = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[^\s=<>\"']+(?:=\"[^\"]*\")?)*)\s*/?>")
_ATTRIBUTE: Final = re.compile(r"\s([^\s=<>\"']+)(?:=\"([^\"]*)\")?")
_ODD: Final = re.compile(r"<(?!/[a-zA-Z][a-zA-Z0-9-]*\s*>|!doctype html>).{0,60}", re.IGNORECASE | re.DOTALL)
_COMMENT: Final = re.compile(r"<!--(?:[^-<>]|-[^-<>])*-->")
_POLICY: Final = "content-security-policy"
_ADDRESSED: Final = frozenset(
    {"href", "xlink:href", "src", "srcset", "action", "formaction", "data", "poster", "ping", "background"}
)
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_IN_STYLE: Final = re.compile(r"url\(\s*['\"]?(?!data:)([^)'\"]+)|@import|@font-face", re.IGNORECASE)
_FORBIDDEN: Final = frozenset(
    {"iframe", "frame", "object", "embed", "base", "form", "applet", "portal", "style"}
)


def verify(site: Path, root: str = "/") -> tuple[str, ...]:
    """What is wrong, each as `path: what`; an empty tuple if all is well.

    `root` is the path at which the site will lie, with a slash at its end: links may start with it.
    """
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    return tuple(wrong for name in sorted(files) for wrong in inspect(site / name, name, files, root))


def inspect(path: Path, name: str, files: Container[str], root: str = "/") -> Iterator[str]:
    """What is wrong with one file at `path`, called `name` in a site that consists of `files`."""
    if not name.endswith((".html", ".css")):
        return
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        yield f"{name}: is not UTF-8, so it cannot be inspected"
        return
    if name.endswith(".html"):
        found = dict.fromkeys(_in_page(name, text, files, root))
        yield from (f"{name}: {problem}" for problem in found)
    else:
        yield from (f"{name}: asks for {match[0][:80]}" for match in _IN_STYLE.finditer(text))


def _in_page(name: str, text: str, files: Container[str], root: str) -> Iterator[str]:
    # Whatever is not read here might be read by a browser, so only tags as our pages write them may begin at all.
    if odd := _ODD.search(_TAG.sub("", _COMMENT.sub("", text))):
        yield f"holds markup that cannot be inspected: {odd[0][:60]}"
    for tag, rest in ((tag.lower(), rest) for tag, rest in _TAG.findall(text)):
        attributes = {
            attribute.lower(): html.unescape(value) for attribute, value in _ATTRIBUTE.findall(rest)
        }
        if tag in _FORBIDDEN or (tag == "script" and "src" not in attributes):
            yield f"holds <{tag}>"
        if attributes.get("http-equiv", _POLICY).lower() != _POLICY:
            yield f"<{tag}> stands for the header {attributes['http-equiv'][:80]}"
        for attribute, value in attributes.items():
            if attribute in _ADDRESSED:
                yield from _address(name, tag, attribute, value, files, root)
            elif attribute.startswith("on") or attribute in {"style", "srcdoc"}:
                yield f"<{tag}> has the attribute {attribute}"


def _address(
    name: str, tag: str, attribute: str, value: str, files: Container[str], root: str
) -> Iterator[str]:
    if _SCHEME.match(value):
        if not (
            tag == "a"
            and attribute == "href"
            and value.lower().startswith(("https://", "http://", "mailto:"))
        ):
            yield f"<{tag}> asks for {value[:80]}"
        return
    path = unquote(value.partition("#")[0].partition("?")[0])
    if path in {"", "."}:
        return
    near = path.removeprefix(root) if path.startswith("/") else normpath(join(dirname(name), path))
    near = near or "."
    if near not in files and f"{near}/index.html".removeprefix("./") not in files:
        yield f"<{tag}> leads to {value[:80]}, which is not here"
