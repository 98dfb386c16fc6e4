"""How answers are printed: JSON for programs, tables and colours for people; answers to stdout, the rest to stderr."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from compass.model.foreign import clean, untrusted

__all__ = [
    "clean",
    "emit_json",
    "format_option",
    "note",
    "progress",
    "table",
    "untrusted",
    "width",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def format_option(*extra: str) -> Callable[[_F], _F]:
    """The option `--format text|json` (and more) of every reading command."""
    choice = click.Choice(["text", "json", *extra])
    return click.option(
        "--format",
        "output",
        type=choice,
        default="text",
        show_default=True,
        help="For people or for programs.",
    )


def emit_json(value: Any, *, line: bool = False) -> None:
    """One JSON value on stdout; models by their aliases; on one line with `line`."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", by_alias=True)
    text = json.dumps(value, ensure_ascii=False, indent=None if line else 2, default=_plain)
    click.echo(text if text.isascii() else "".join(map(_printable, text)))


def _printable(char: str) -> str:
    """As it is, or escaped as JSON allows: C1 and bidirectional controls steer terminals as well."""
    if char == "\n" or char.isprintable():
        return char
    return json.dumps(char)[1:-1]


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    return str(value)


def note(message: str) -> None:
    """A remark on stderr."""
    click.echo(clean(message), err=True)


def width() -> int:
    """Columns to use: the terminal's, 80 when piped, 120 at most."""
    return min(shutil.get_terminal_size((80, 24)).columns, 120) if sys.stdout.isatty() else 80


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their content; the last one is cut to the terminal."""
    cells = [[clean(str(cell)).replace("\n", " ") for cell in row] for row in rows]
    sizes = (
        [max(len(head[column]), *(len(row[column]) for row in cells), 0) for column in range(len(head))]
        if cells
        else [len(name) for name in head]
    )
    room = width() - sum(size + 2 for size in sizes[:-1])
    for number, row in enumerate([list(head), *cells]):
        line = "  ".join(cell.ljust(size) for cell, size in zip(row[:-1], sizes[:-1], strict=True))
        last = row[-1] if len(row[-1]) <= max(room, 10) else row[-1][: max(room, 10) - 1] + "…"
        text = f"{line}  {last}" if line else last
        click.echo(click.style(text.rstrip(), bold=number == 0))


def progress(total: int, label: str) -> Any:
    """A context manager that draws a bar on stderr (`bar.update(1)`); silent when stderr is no terminal."""
    return click.progressbar(length=total, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())
