"""A sketch of a text: small enough to keep for every entry, and alike where the texts are alike.

One-permutation min-wise hashing (Li, Owen, Zhang: "One Permutation Hashing", NIPS 2012) over pairs of neighbouring
words: each pair falls into one of BINS bins, and a bin keeps its least hash. The share of equal bins estimates the
Jaccard similarity of the pairs.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, Final
from zlib import crc32

BINS: Final = 126
ROWS: Final = 3
"""Bins that must agree in a band for two texts to be compared: 42 bands find 99.6 % of the pairs alike by one half."""

_EMPTY: Final = 0xFFFF  # in every bin: a text without two words
_REACH: Final = 4
"""Neighbours among the texts that share a band: where more do, it is a template's, and not every pair is looked at."""

_CHUNK: Final = 20_000
_WORD: Final = re.compile(r"[^\W_]{2,}")
_BYTES: Final = re.compile(rb"[a-z0-9\x80-\xff]{2,}")


def words(text: str) -> list[str]:
    """The words of a text in order, without case; what is joined by `_`, `-` or `.` is several."""
    return _WORD.findall(text.casefold())


def sketch(text: str) -> str:
    """Of a text's words in order: BINS numbers of 16 bits, as 336 characters of base64."""
    found = _BYTES.findall(text.casefold().encode("utf-8", "replace"))
    import numpy as np  # noqa: PLC0415  # a check whose sketches are remembered starts sooner

    single = np.array([*map(crc32, found)], np.uint64)
    pairs = (single[:-1] * np.uint64(0x9E3779B1) + single[1:]) * np.uint64(0x85EBCA77C2B2AE63) >> np.uint64(
        24
    )
    keys = np.sort(
        (pairs % np.uint64(BINS)) << np.uint64(16) | (pairs // np.uint64(BINS)) & np.uint64(0xFFFF)
    )
    bins = (keys >> np.uint64(16)).astype(np.int64)
    first = np.flatnonzero(np.diff(bins, prepend=-1))
    if not len(first):
        return b64encode(b"\xff\xff" * BINS).decode()
    least = (keys[first] & np.uint64(0xFFFF)).astype(np.int64)
    # A bin that stays empty borrows from the next one that is not, and adds how far that is (Shrivastava and Li,
    # "Densifying One Permutation Hashing", ICML 2014): so short texts have sketches as well.
    wanted = np.arange(BINS)
    place = np.searchsorted(bins[first], wanted) % len(first)
    far = (bins[first][place] - wanted) % BINS
    return b64encode(((least[place] + far * 0x2F0B) & 0xFFFF).astype(np.uint16).tobytes()).decode()


def alike(sketches: Iterable[str], least: float, among: Iterable[int] | None = None) -> list[tuple[int, int]]:
    """Places of the pairs of sketches of which at least the share `least` of bins agrees, as far as a band shows them.

    With `among` every pair with one of these places is looked at, and no other.
    """
    import numpy as np  # noqa: PLC0415  # as above

    rows = np.frombuffer(b64decode("".join(sketches)), np.uint16).reshape(-1, BINS)
    filled = np.flatnonzero((rows != _EMPTY).any(axis=1))
    if among is not None:
        near = {
            (min(one, other), max(one, other))
            for one in sorted(set(among) & set(filled.tolist()))
            for other in np.flatnonzero((rows == rows[one]).sum(axis=1) >= least * BINS).tolist()
        }
        return sorted(pair for pair in near if pair[0] != pair[1])
    wide = rows.astype(np.uint64)
    count = len(rows)
    found: list[Any] = []
    for band in range(0, BINS, ROWS):
        part = wide[filled, band : band + ROWS]
        keys = part[:, 0] << np.uint64(32) | part[:, 1] << np.uint64(16) | part[:, 2]
        order = np.argsort(keys, kind="stable")
        ordered, members = keys[order], filled[order]
        for step in range(1, _REACH + 1):
            same = np.flatnonzero(ordered[step:] == ordered[:-step])
            found.append(members[same] * count + members[same + step])
    kept: set[tuple[int, int]] = set()
    pairs = np.concatenate(found) if found else np.empty(0, np.int64)
    for start in range(0, len(pairs), _CHUNK):
        one, other = np.divmod(pairs[start : start + _CHUNK], count)
        enough = (rows[one] == rows[other]).sum(axis=1) >= least * BINS
        kept.update(zip(one[enough].tolist(), other[enough].tolist(), strict=True))
    return sorted(kept)
