"""The words of all pages to files of bounded size: which pages have a word, and how words are spelt.

A file of terms is gzip over one line of JSON, `[[word, pages, bytes, synonyms?], ...]`, and then each word's pages:
numbers of seven bits, lowest first, each the distance from the page before times sixteen plus how much the word counts there.
A file of spellings is gzip over lines `word<TAB>pages[<TAB>as written]`; a word lies in the file of its first two letters and
in that of its last two, so one mistake leaves one of them right.
"""

from __future__ import annotations

import gzip
import json
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from compass.publish.search.page import Read

Packed = tuple[str, bytes]
_LEVELS: Final = 15
_SATURATION, _LENGTH = 1.2, 0.9
"""BM25's k1 and b."""
_TERMS_BYTES: Final = 8_000
"""Of one file of terms before compression; one word that needs more has a file of its own."""
_SPELLINGS: Final = 400
"""Words in one file of spellings."""


class Postings:
    """Gathers pages in their order and gives each word's pages."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.shown: dict[str, str] = {}
        self._terms = array("I")
        self._pages = array("I")
        self._counts = array("f")
        self._lengths: list[int] = []

    def add(self, page: Read) -> None:
        """The next page."""
        number = len(self._lengths)
        numbers = self.numbers
        for word, count in page.words.items():
            self._terms.append(numbers.setdefault(word, len(numbers)))
            self._counts.append(count)
        for name in dict.fromkeys(page.names):
            self._terms.append(numbers.setdefault(f"={name}", len(numbers)))
            self._counts.append(1e6)
        self._lengths.append(sum(page.words.values()))
        self._pages.extend([number] * (len(self._terms) - len(self._pages)))
        for word, shown in page.shown.items():
            self.shown.setdefault(word, shown)

    def encoded(self) -> Mapping[str, tuple[int, bytes]]:
        """Word -> (how many pages have it, those pages as they lie in a file)."""
        if not self._terms:
            return {}
        terms, pages = np.asarray(self._terms), np.asarray(self._pages)
        lengths = np.asarray(self._lengths, dtype=np.float32)
        norm = _SATURATION * (1 - _LENGTH + _LENGTH * lengths / max(lengths.mean(), 1))
        counts = np.asarray(self._counts)
        impact = np.ceil(_LEVELS * counts / (counts + norm[pages])).astype(np.uint32)
        order = np.lexsort((pages, terms))
        terms, pages, impact = terms[order], pages[order], impact[order]
        first = np.flatnonzero(np.diff(terms, prepend=terms[0] + 1))
        gaps = np.diff(pages, prepend=0)
        gaps[first] = pages[first]
        data, starts = _varints(gaps * 16 + impact)
        ends = [*starts[first[1:]].tolist(), len(data)]
        numbered = list(self.numbers)
        found = {}
        many = np.diff(first, append=len(terms)).tolist()
        for at, (start, end) in enumerate(zip(starts[first].tolist(), ends, strict=True)):
            found[numbered[at]] = (many[at], data[start:end])
        return found


def _varints(values: Any) -> tuple[bytes, Any]:
    """Numbers in groups of seven bits, lowest first, and where each starts."""
    sizes = 1 + (values >= 1 << 7) + (values >= 1 << 14) + (values >= 1 << 21) + (values >= 1 << 28)
    starts = np.cumsum(sizes) - sizes
    data = np.zeros(int(sizes.sum()), dtype=np.uint8)
    for group in range(5):
        having = sizes > group
        more = (sizes[having] > group + 1).astype(np.uint8) << 7
        data[starts[having] + group] = ((values[having] >> (7 * group)) & 127).astype(np.uint8) | more
    return data.tobytes(), starts


def packed(data: bytes) -> bytes:
    """Compressed, and the same bytes at any time."""
    return gzip.compress(data, 9, mtime=0)


def in_order(words: Iterator[str] | Sequence[str] | Mapping[str, Any]) -> list[str]:
    """As a browser compares texts."""
    return sorted(words, key=lambda word: word.encode("utf-16-be", "surrogatepass"))


def term_files(
    encoded: Mapping[str, tuple[int, bytes]], synonyms: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[Packed]]:
    """(the first word of each file, the files)."""
    firsts: list[str] = []
    files: list[Packed] = []
    rows: list[list[Any]] = []
    data: list[bytes] = []
    size = 0

    def close() -> None:
        head = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        firsts.append(rows[0][0])
        files.append((f"terms-{len(files)}.gz", packed(head.encode() + b"\n" + b"".join(data))))

    for word in in_order({**dict.fromkeys(encoded), **dict.fromkeys(synonyms)}):
        many, postings = encoded.get(word, (0, b""))
        if rows and size + len(postings) > _TERMS_BYTES:
            close()
            rows, data, size = [], [], 0
        also = synonyms.get(word)
        rows.append([word, many, len(postings), *([list(also)] if also else [])])
        data.append(postings)
        size += len(postings) + len(word) + 8
    if rows:
        close()
    return firsts, files


def spelling_files(words: Mapping[str, tuple[int, str]]) -> list[Packed]:
    """`words` maps each word that somebody may mistype to (how many pages have it, how it is written)."""
    many = 1
    while many * _SPELLINGS < 2 * len(words):
        many *= 2
    shards: dict[int, set[str]] = defaultdict(set)
    for word in words:
        for key in (f"<{word[:2]}", f"{word[-2:]}>"):
            shards[hashed(key) % many].add(word)
    files = []
    for number in range(many):
        lines = []
        for word in in_order(sorted(shards[number])):
            pages, shown = words[word]
            lines.append(f"{word}\t{pages}\t{shown}" if shown not in {"", word} else f"{word}\t{pages}")
        files.append((f"spell-{number}.gz", packed("\n".join(lines).encode())))
    return files


def hashed(key: str) -> int:
    """FNV-1a over UTF-16 units, 32 bits (Fowler, Noll, Vo): short enough to be in the script as well."""
    found = 0x811C9DC5
    data = key.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(data), 2):
        found = ((found ^ (data[at] << 8 | data[at + 1])) * 0x01000193) & 0xFFFFFFFF
    return found
