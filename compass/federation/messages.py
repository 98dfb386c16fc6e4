"""Commit messages that carry provenance: a title, a body and trailers that no text of a user can forge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from compass.adapters.git import CommitInfo

TITLE: Final = 72
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_COAUTHOR: Final = re.compile(r"[^<>]*<([^<>]+)>\s*")


def one_line(text: str, limit: int = 200) -> str:
    """`text` without line breaks and control characters, cut at `limit`."""
    clean = " ".join(_CONTROL.sub(" ", text).split())
    return clean if len(clean) <= limit else f"{clean[: limit - 1].rstrip()}…"


def message(title: str, body: Sequence[str], trailers: Iterable[tuple[str, str]]) -> str:
    """A message whose last paragraph is exactly `trailers`; `title` and each line of `body` are made one line."""
    paragraphs = [one_line(title, TITLE), "\n".join(one_line(line, 1000) for line in body)]
    paragraphs.append("\n".join(f"{key}: {one_line(value, 1000)}" for key, value in trailers))
    return "\n\n".join(part for part in paragraphs if part) + "\n"


def people_of(commit: CommitInfo) -> tuple[str, ...]:
    """The e-mail addresses of everyone who made a commit: author, committer, co-authors."""
    found = [commit.author.email, commit.committer.email]
    for key, value in commit.trailers:
        if key.lower() == "co-authored-by":
            match = _COAUTHOR.fullmatch(value)
            found.append(match[1] if match else value)
    return tuple(dict.fromkeys(one.strip().casefold() for one in found))
