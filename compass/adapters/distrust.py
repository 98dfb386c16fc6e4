"""What the configuration of one repository would have Git run: set aside, and named.

A repository may come from anywhere, its `.git/config` included (an archive, a shared disk, a container). Programs that
the user or the machine configured stay; https://git-scm.com/docs/git-config lists the keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

# Nothing below is asked for where none of these words stands in the file: that is nearly always, and costs no process.
_WORDS: Final = re.compile(
    r"sshcommand|askpass|helper|alternaterefs|filter|driver|uploadpack|receivepack|vcs|include",
    re.IGNORECASE,
)
_FIRST: Final = "\0"
"""Stands for: the first value holds, so an option must say it; and what is fetched unasked must not be local."""
_HARMLESS: Final = (
    (re.compile(r"core\.sshcommand"), "ssh"),
    (re.compile(r"core\.askpass"), ""),
    (re.compile(r"core\.alternaterefscommand"), "true"),
    (re.compile(r"credential\.(?:.*\.)?helper", re.DOTALL), ""),
    (re.compile(r"filter\..*\.(?:clean|smudge|process)", re.DOTALL), ""),
    (re.compile(r"filter\..*\.required", re.DOTALL), "false"),
    (re.compile(r"merge\..*\.driver", re.DOTALL), "false"),
    (re.compile(r"remote\..*\.(?:uploadpack|receivepack)", re.DOTALL), _FIRST),
    (re.compile(r"remote\..*\.vcs", re.DOTALL), ""),
)
_OWN: Final = frozenset({"local", "worktree"})


def programs(files: Iterable[Path], listed: Callable[[], bytes]) -> Mapping[str, tuple[str, ...]]:
    """Keys of the repository's own configuration that name programs, each with the values to use in their place.

    `files` hold the configuration; `listed` asks Git for it: `config --list --show-scope --includes -z`.
    """
    if not any(_suspicious(file) for file in files):
        return {}
    fields = listed().decode("utf-8", "surrogateescape").split("\0")
    rows = [(scope, *row.partition("\n")[::2]) for scope, row in zip(fields[::2], fields[1::2], strict=False)]
    found: dict[str, tuple[str, ...]] = {}
    for scope, key, _ in rows:
        harmless = next((value for pattern, value in _HARMLESS if pattern.fullmatch(key)), None)
        if scope in _OWN and harmless is not None:
            trusted = tuple(value for other, name, value in rows if name == key and other not in _OWN)
            # An empty helper forgets those before it; of every other key the last value holds.
            found[key] = (harmless, *trusted)
    return found


def options(replaced: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The replacements as options of Git; a missing object is then fetched from no folder of this machine."""
    for key, values in replaced.items():
        if values[0] == _FIRST:
            yield from ("-c", "protocol.file.allow=never")
            continue
        for value in values:
            yield from ("-c", f"{key}={value}")


def _suspicious(file: Path) -> bool:
    try:
        return bool(_WORDS.search(file.read_text("utf-8", "replace")))
    except FileNotFoundError:
        return False
    except OSError:
        return True
