"""`compass show`: read one entry in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from compass.cli.context import Context
from compass.cli.render import clean, emit_json, format_option, width
from compass.library import LoadedEntry
from compass.workflows.reading import find_entry

_ABOUT = (
    "created",
    "owner",
    "services",
    "severity",
    "tags",
    "last_verified",
    "review_by",
    "superseded_by",
    "withdrawn",
)
_SKIPPED = frozenset({"schema", "kind", "id", "title", "status", "summary", "steps", "x", *_ABOUT})


@click.command()
@click.argument("name", metavar="ID|PATH")
@format_option()
@click.pass_context
def command(ctx: click.Context, name: str, output: str) -> None:
    """Read one entry: by id as it is committed, by path as it lies in the folder."""
    context: Context = ctx.obj
    settings = context.settings
    found = find_entry(context.repo, name, cache=settings.cache, clones=settings.data / "clones")
    if output == "json":
        emit_json(_as_json(found))
        return
    console = Console(
        file=sys.stdout, width=width(), no_color=ctx.color is False, highlight=False, emoji=False
    )
    for part in _page(found):
        # A command that the terminal wraps cannot be copied, so lines that must stay whole do.
        console.print(part, soft_wrap=isinstance(part, Text) and part.no_wrap is True)


def _as_json(found: LoadedEntry) -> dict[str, Any]:
    return {
        "schema": 1,
        "id": found.id,
        "kind": found.kind,
        "title": found.title,
        "status": found.status.value,
        "path": found.path,
        "repo": found.mount.id,
        "commit": found.mount.commit,
        "entry": found.entry.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "body": found.body,
    }


def _page(found: LoadedEntry) -> list[RenderableType]:
    fields = found.entry.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    commit = (found.mount.commit or "working tree")[:12]
    parts: list[RenderableType] = [
        Text(clean(found.title), style="bold"),
        Text(clean(f"{found.kind} · {found.status} · {found.id}"), style="cyan"),
        Text(clean(f"{found.mount.id}@{commit}"), style="dim"),
        Text(clean(found.path), style="dim"),
        Text(),
    ]
    if found.entry.summary:
        parts += [Text(clean(found.entry.summary)), Text()]
    parts += [_rows({key: fields[key] for key in _ABOUT if key in fields}), Text()]
    for step in fields.get("steps", ()):
        parts += _step(step)
    parts += [Markdown(clean(found.body), hyperlinks=False, code_theme="bw"), Text()]
    for key, value in fields.items():
        if key not in _SKIPPED:
            parts += [
                Text(key.replace("_", " ").capitalize(), style="bold"),
                Padding(_value(value), (0, 0, 1, 2)),
            ]
    return parts


def _step(step: dict[str, Any]) -> Iterator[RenderableType]:
    """One step of a runbook: what, whether it is safe, the command whole on its line, what to expect."""
    risk = step["risk"].replace("_", " ")
    style = {"read_only": "green", "reversible": "yellow", "destructive": "bold red"}[step["risk"]]
    yield Text.assemble((f"{step['id']} ", "bold"), (f"[{risk}] ", style), clean(step["text"]))
    for line in clean(step.get("command", "")).splitlines():
        yield Text(f"    {line}", style="bold", no_wrap=True)
    for line in clean(step.get("expected", "")).splitlines():
        yield Text(f"    {line}", style="dim", no_wrap=True)
    yield Text()


def _rows(fields: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in fields.items():
        table.add_row(key.replace("_", " "), Text("\n".join(_lines(value))))
    return table


def _value(value: Any) -> RenderableType:
    return Text("\n".join(_lines(value)), overflow="fold")


def _lines(value: Any, depth: int = 0) -> Iterator[str]:
    """Data as indented lines, clean of control characters."""
    pad = "  " * depth
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                yield f"{pad}{clean(str(key))}:"
                yield from _lines(inner, depth + 1)
            else:
                yield f"{pad}{clean(str(key))}: {clean(str(inner))}"
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                first, *rest = _lines(inner, depth + 1)
                yield f"{pad}- {first.strip()}"
                yield from rest
            else:
                yield f"{pad}{'- ' if depth else ''}{clean(str(inner))}"
    else:
        yield f"{pad}{clean(str(value))}"
