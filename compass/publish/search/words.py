"""A text to the words that the search knows; the script of the site (`words.js`) splits what is typed in the same way.

An identifier gives its parts and itself without its joints: `KubePodCrash`, `kube_pod_crash` and `kube.pod.crash` are
kube, pod, crash and kubepodcrash.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

LONGEST: Final = 48
"""Letters of a word; what is longer is no word that anybody types."""

RUN: Final = re.compile(r"[^\W_]+(?:[_.:-]{1,2}[^\W_]+)*")
_JOINT: Final = re.compile(r"[_.:-]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MARKS: Final = re.compile("[\u0300-\u036f]")
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def plain(text: str) -> str:
    """In the one compatible form and without accents."""
    return text if text.isascii() else _MARKS.sub("", unicodedata.normalize("NFKD", text))


@lru_cache(maxsize=200_000)
def of_run(run: str) -> tuple[str, ...]:
    """The words of one word or identifier: its parts, then the whole if that is something else."""
    parts = [part.lower() for piece in _JOINT.split(run) for part in _HUMP.split(piece)]
    found = [word for part in parts for word in _of_part(part) if len(word) <= LONGEST]
    whole = "".join(parts)
    if len(parts) > 1 and len(whole) <= LONGEST:
        found.append(whole)
    return tuple(found)


def _of_part(part: str) -> list[str]:
    """Languages without spaces are cut into pairs of letters."""
    if len(part) > 2 and _UNSPACED.search(part):
        return [part[at : at + 2] for at in range(len(part) - 1)]
    return [part]


def words(text: str) -> list[str]:
    """Every word of a text, in reading order."""
    return [word for run in RUN.findall(plain(text)) for word in of_run(run)]


def name(text: str) -> str:
    """What is compared when a whole name is typed: letters and digits alone."""
    return "".join(part for run in RUN.findall(plain(text)) for part in _JOINT.split(run)).lower()
