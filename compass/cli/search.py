"""`compass search`: ask the memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from compass.cli import render
from compass.cli.context import Context
from compass.errors import NegativeAnswerError, UsageError
from compass.retrieval.answer import Answer
from compass.retrieval.opening import open_searcher

_BANDS: Final = {
    "likely": "The first one is likely what you need.",
    "candidates": "Candidates: read why before you trust one.",
    "nothing found": "Nothing in the memory seems to apply; these come nearest.",
}


@click.command(help=__doc__)
@click.argument("query", nargs=-1)
@click.option(
    "--batch",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help='JSON lines {"id", "text"}; one answer per line.',
)
@render.format_option()
@click.pass_obj
def command(context: Context, query: tuple[str, ...], batch: Path | None, output: str) -> None:
    """Find the entries that apply to an alert, a symptom, an expression or a log line; or say that there are none."""
    if bool(query) == bool(batch):
        raise UsageError("give a query, or --batch FILE", "for example: compass search pods keep restarting")
    searcher = open_searcher(context.library(), context.settings.cache)
    if batch is None:
        _one(searcher.search(" ".join(query)), output)
        return
    failed = 0
    for number, identifier, text in _lines(batch):
        if identifier is None:
            failed += 1
            render.note(f"{batch}:{number}: {text}")
        elif output == "json":
            render.emit_json(searcher.search(text).as_json(identifier), line=True)
        else:
            click.echo(f"\n{render.clean(identifier)}: {render.clean(text[:100])}")
            _table(searcher.search(text))
    if failed:
        raise NegativeAnswerError(f"{failed} lines could not be answered")


def _one(answer: Answer, output: str) -> None:
    if output == "json":
        render.emit_json(answer.as_json())
    elif answer.results:
        _table(answer)
    if not answer.results:
        raise NegativeAnswerError(
            "no entry shares a word with the query",
            "entries are found once they are committed; `compass import` brings in what others wrote",
        )


def _table(answer: Answer) -> None:
    if not answer.results:
        click.echo("No entry shares a word with it.")
        return
    click.echo(f"{_BANDS[answer.band]} (confidence {answer.confidence:.2f}, {answer.milliseconds:.0f} ms)")
    for number, one in enumerate(answer.results, 1):
        title = click.style(render.clean(one.title), bold=True)
        click.echo(f"\n{number:>2}. {title}  [{one.kind}, {one.status}, score {one.score:.1f}]")
        click.echo(f"    {render.clean(one.repo)}:{render.clean(one.path)}  {one.id}")
        click.echo(f"    {render.clean(one.why)[: render.width() - 4]}")


def _lines(path: Path) -> Iterator[tuple[int, str | None, str]]:
    """Line number, id and text of each line; without an id, what is wrong with the line."""
    with click.open_file(str(path), encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                yield number, str(row["id"]), str(row["text"])
            except (ValueError, KeyError, TypeError, RecursionError):
                yield number, None, 'this is not a JSON object with "id" and "text"'
