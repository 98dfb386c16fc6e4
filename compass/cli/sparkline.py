"""Curves of metrics as lines of text: blocks where the terminal can show them, plain characters elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from compass.model.investigation import Curve

BLOCKS: Final = "▁▂▃▄▅▆▇█"
PLAIN: Final = "_.-:=+*#"
_LABEL: Final = 25
_NUMBERS: Final = 16


def ramp() -> str:
    """The characters for low to high that standard output can encode."""
    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return BLOCKS


def spark(values: Sequence[float | None], characters: str) -> str:
    """One character for each value, from the lowest to the highest of them; a blank where there is none."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    steps = len(characters) - 1
    width = high - low
    return "".join(
        " " if value is None else characters[round((value - low) / width * steps) if width > 0 else 0]
        for value in values
    )


def drawn(curves: Sequence[Curve], characters: str) -> Iterator[str]:
    """A line for each curve with its lowest and highest value, and a mark below for the moment of detection."""
    for one in curves:
        known = [value for value in one.values if value is not None]
        numbers = f"{min(known):.4g} to {max(known):.4g}" if known else "no samples"
        yield f"{_label(one)} {spark(one.values, characters)} {numbers:.{_NUMBERS}}".rstrip()
    if curves:
        yield f"{'':{_LABEL}} {'':{curves[0].detected}}^ noticed"


def _label(one: Curve) -> str:
    text = f"{one.service} {one.metric}" if one.service else one.metric
    return f"{text:{_LABEL}}" if len(text) <= _LABEL else f"{text[: _LABEL - 9]}..{text[-7:]}"
