"""What language models cost over time: added up from the records of investigations, and kept nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.model.base import Model
from compass.model.entry import Time
from compass.model.investigation import ModelUse

_MOST_BYTES: Final = 2 * 1024 * 1024
# The rest of a record, its evidence above all, is fifty times as long and is not looked at.
_WANTED: Final = re.compile(r"(?m)^(?:id|started|language_model):.*\n(?:[ \t].*\n)*")


class Spent(NamedTuple):
    """What one model cost: in how many investigations, of which so many without a known price, and for how much."""

    model: str
    investigations: int
    calls: int
    tokens: int
    usd: float
    unpriced: int
    seconds: float


class Spending(NamedTuple):
    """All of it: how many investigations there were from the first to the last, and how many asked a model.

    `unreadable` are the files that were left out.
    """

    investigations: int
    asked: int
    first: datetime | None
    last: datetime | None
    models: tuple[Spent, ...]
    unreadable: tuple[str, ...]


class _Record(Model):
    id: str
    started: Time
    language_model: ModelUse | None = None


def spending(roots: Iterable[Path]) -> Spending:
    """The sums over every record in these repositories' working trees; one that lies in two counts once."""
    records: dict[str, _Record] = {}
    unreadable = []
    for path in (one for root in roots for one in _files(root)):
        try:
            found = _read(path)
        except (OSError, ValueError, YamlProblem, ValidationError):
            unreadable.append(str(path))
        else:
            records.setdefault(found.id, found)
    times = sorted(one.started for one in records.values())
    used = [one.language_model for one in records.values() if one.language_model is not None]
    names = sorted({one.name for one in used})
    return Spending(
        len(records),
        len(used),
        times[0] if times else None,
        times[-1] if times else None,
        tuple(_sum(name, [one for one in used if one.name == name]) for name in names),
        tuple(unreadable),
    )


def _files(root: Path) -> Iterator[Path]:
    folder = root / "investigations"
    if folder.is_dir() and not folder.is_symlink():
        yield from (path for path in sorted(folder.glob("*/*.yaml")) if not path.is_symlink())


def _read(path: Path) -> _Record:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError("no record is as large as this")
    return _Record.model_validate(parse_yaml("".join(_WANTED.findall(path.read_text("utf-8") + "\n"))))


def _sum(name: str, used: Sequence[ModelUse]) -> Spent:
    priced = [one.cost.usd for one in used if one.cost.usd is not None]
    return Spent(
        name,
        len(used),
        sum(len(one.calls) for one in used),
        sum(one.cost.tokens for one in used),
        sum(priced),
        len(used) - len(priced),
        round(sum(one.cost.seconds for one in used), 1),
    )
