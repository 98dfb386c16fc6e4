"""Damaged copies of real entries: what a bad merge, a bad editor or a bad day makes of a file; seeded."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from conftest import ROOT

Corpus = list[tuple[str, bytes]]
_TOKENS = [
    *("null", "~", "[]", "{}", "- ", ": ", ":", "&a ", "*a", "<<: ", "!!str ", "!x ", "|", ">-", "'", '"', "---\n"),
    *("...\n", "\t", "\u2028", "\u0085", "\u202e", "\ufeff", "\0", "\x1b[2J", "\r\n", "\r", "%YAML 1.1\n", "# ", "? "),
    *("1e999", ".nan", "-.inf", "0x", "0o9", "1_000", "2026-02-30", "0001-01-01T00:00:00+14:00", "20260101", "-1"),
    *("9999-12-31T23:59:59-14:00", "2026-06-30T23:59:60Z", "true", "False", "x: {1: a, '1': b}", "x: {~: a}"),
    *("[[pat-../../x]]", "[^e1]", "```\n", "<script>", "group:default/", "\\ud800", '"\\ud800"', "\U0001f525", "é"),
    *("schema: 2", "kind: rule", "status: stable", "match: {}", "steps: [{}]", "x: [[[[]]]]", "evidence: 3"),
]  # fmt: skip


def corpus() -> Corpus:
    """Every entry, catalog and list of people and teams of the example organization: path and bytes."""
    found = []
    for config in sorted((ROOT / "knowledge").rglob("compass.yaml")):
        for path in sorted([*config.parent.rglob("*.md"), *config.parent.rglob("*.yaml")]):
            name = path.relative_to(config.parent).as_posix()
            if name.split("/")[0] in {
                "patterns",
                "runbooks",
                "postmortems",
                "catalog",
                "people.yaml",
                "teams.yaml",
            }:
                found.append((name, path.read_bytes()))
    assert len(found) > 10
    return found


def mutated(files: Corpus, random: Random) -> tuple[str, bytes]:
    """A file of the corpus after one to four accidents."""
    path, data = random.choice(files)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        data = random.choice(_ACCIDENTS)(data, files, random)
    return path, data


def _bit(data: bytes, files: Corpus, random: Random) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _byte(data: bytes, files: Corpus, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + bytes([random.randrange(256)]) + data[at:]


def _lines(change: Callable[[list[bytes], Random], None]) -> Callable[[bytes, Corpus, Random], bytes]:
    def accident(data: bytes, files: Corpus, random: Random) -> bytes:
        lines = data.split(b"\n")
        change(lines, random)
        return b"\n".join(lines)

    return accident


def _place(lines: list[bytes], random: Random) -> int:
    """A line, most of the time one of the front matter, which is where a loader can stumble."""
    return random.randrange(min(len(lines), 60) if random.random() < 0.8 else len(lines))


def _double(lines: list[bytes], random: Random) -> None:
    at = _place(lines, random)
    lines.insert(at, lines[at])


def _drop(lines: list[bytes], random: Random) -> None:
    if len(lines) > 1:
        del lines[_place(lines, random)]


def _swap(lines: list[bytes], random: Random) -> None:
    one, other = _place(lines, random), _place(lines, random)
    lines[one], lines[other] = lines[other], lines[one]


def _indent(lines: list[bytes], random: Random) -> None:
    at = _place(lines, random)
    lines[at] = lines[at].lstrip() if random.random() < 0.5 else b" " * random.randrange(1, 9) + lines[at]


def _long(lines: list[bytes], random: Random) -> None:
    at = _place(lines, random)
    lines[at] += random.choice((b"x", b"9", b"a: ", b"[", b" ", b"- ", b"\xc3\xa9", b"`")) * random.randrange(
        20_000
    )


def _deep(lines: list[bytes], random: Random) -> None:
    depth = random.randrange(1, 300)
    lines.insert(
        _place(lines, random),
        random.choice((
            b"x: " + b"[" * depth + b"]" * depth,
            b"x: " + b"{a: " * depth + b"}" * depth,
            b"\n".join(b" " * level + b"a:" for level in range(depth)),
            b"- " * depth + b"a",
        )),
    )  # fmt: skip


def _token(data: bytes, files: Corpus, random: Random) -> bytes:
    """A word, a value or nothing becomes something that YAML or Markdown reads in its own way."""
    token = random.choice(_TOKENS).encode()
    start = random.randrange(min(len(data), 3000) + 1)
    if random.random() < 0.5:
        after = data.find(b": ", start)
        end = data.find(b"\n", after)
        if 0 <= after < end:
            return data[: after + 2] + token + data[end:]
    return data[:start] + token + data[start + random.choice((0, 0, 1, 3, 9)) :]


def _splice(data: bytes, files: Corpus, random: Random) -> bytes:
    other = random.choice(files)[1]
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def _damage(data: bytes, files: Corpus, random: Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return random.choice((
        lambda: text.encode("utf-16"),
        lambda: text.encode("latin-1", "replace"),
        lambda: b"\xef\xbb\xbf" + data,
        lambda: data.replace(b"\n", b"\r\n"),
        lambda: data.replace(b"\n", b"\r", random.randrange(1, 9)),
        lambda: data[: random.randrange(len(data) + 1)],
        lambda: b"\0" * random.randrange(1, 4) + data,
        lambda: data + b"\x80",
    ))()  # fmt: skip


_ACCIDENTS = (
    _bit, _bit, _byte, _token, _token, _token, _token, _splice, _damage,
    *(_lines(change) for change in (_double, _double, _drop, _drop, _swap, _indent, _indent, _long, _deep)),
)  # fmt: skip
