"""Commit objects as values: who, when, what was said, and the trailers at the end of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_TRAILER: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")


@dataclass(frozen=True, slots=True)
class Signature:
    """Who did something to a commit, and when (with zone)."""

    name: str
    email: str
    when: datetime

    def __str__(self) -> str:
        """As in a commit object: `Name <mail> seconds +hhmm`."""
        name, email = (re.sub(r"[<>\n\x00]", "", part).strip() for part in (self.name, self.email))
        return f"{name} <{email}> {int(self.when.timestamp())} {self.when.strftime('%z') or '+0000'}"


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit, parsed; `trailers` in order, `signature` the armoured text of `gpgsig` if there is one."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str
    trailers: tuple[tuple[str, str], ...] = ()
    signature: str | None = None

    def trailer(self, key: str) -> str | None:
        """The last value of a trailer."""
        return next((value for name, value in reversed(self.trailers) if name == key), None)


def parse_commit(oid: str, data: bytes) -> CommitInfo:
    """A commit object as values."""
    head, _, message = data.decode("utf-8", "surrogateescape").partition("\n\n")
    fields: dict[str, list[str]] = {}
    key = ""
    for line in head.split("\n"):
        if line.startswith(" ") and key:
            fields[key][-1] += "\n" + line[1:]
        else:
            key, _, value = line.partition(" ")
            fields.setdefault(key, []).append(value)
    signature = fields.get("gpgsig") or fields.get("gpgsig-sha256")
    return CommitInfo(
        oid=oid,
        tree=fields["tree"][0],
        parents=tuple(fields.get("parent", ())),
        author=_signature(fields["author"][0]),
        committer=_signature(fields["committer"][0]),
        message=message,
        trailers=trailers(message),
        signature=signature[0] if signature else None,
    )


def trailers(message: str) -> tuple[tuple[str, str], ...]:
    """The `Key: value` lines of the last paragraph, if every line of it is one."""
    last = message.rstrip("\n").rpartition("\n\n")[2].split("\n")
    found = [_TRAILER.fullmatch(line) for line in last]
    return tuple((row[1], row[2]) for row in found if row) if all(found) else ()


def _signature(text: str) -> Signature:
    found = re.fullmatch(r"(.*?) ?<([^<>]*)> (-?\d+) ([+-])(\d\d)(\d\d)", text, re.DOTALL)
    if not found:
        return Signature(text, "", datetime.fromtimestamp(0, UTC))
    offset = timedelta(hours=int(found[5]), minutes=int(found[6])) * (-1 if found[4] == "-" else 1)
    return Signature(found[1], found[2], datetime.fromtimestamp(int(found[3]), timezone(offset)))
