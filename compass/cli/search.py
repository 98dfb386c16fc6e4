"""`compass search`: ask the memory."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from compass.adapters.git import GitRepository
from compass.cli import render
from compass.cli.context import Context
from compass.errors import NegativeAnswerError, OutsideError, UsageError
from compass.retrieval.answer import Answer
from compass.retrieval.search import Explained, Searcher
from compass.retrieval.snippet import snippet
from compass.retrieval.views import reopen

LARGEST: Final = 1_000_000
"""Bytes of an entry that a line is looked for in."""

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
@click.option(
    "--explain", is_flag=True, help="Show what each signal gives to the score of the first results."
)
@render.format_option()
@click.pass_obj
def command(
    context: Context, query: tuple[str, ...], batch: Path | None, output: str, *, explain: bool
) -> None:
    """Find the entries that apply to an alert, a symptom, an expression or a log line; or say that there are none."""
    if bool(query) == bool(batch):
        raise UsageError("give a query, or --batch FILE", "for example: compass search pods keep restarting")
    if explain and batch:
        raise UsageError("--explain has no place beside --batch", "explain one query at a time")
    searcher = _searcher(context)
    if batch is None:
        text = _spoken(" ".join(query))
        _one(searcher.search(text), searcher.explain(text) if explain else [], output)
        return
    failed = 0
    for number, identifier, text in _lines(batch):
        if identifier is None:
            failed += 1
            render.note(f"{batch}:{number}: {text}")
        elif output == "json":
            render.emit_json(searcher.search(text).as_json(identifier), line=True)
        else:
            click.echo(f"\n{_line(identifier)}: {_line(text[:100])}")
            _table(searcher.search(text))
    if failed:
        raise NegativeAnswerError(f"{failed} lines could not be answered")


def _searcher(context: Context) -> Searcher:
    """The searcher of last time when nothing has moved since; else one of the library, which takes longer to read."""
    cache = context.settings.cache
    today = datetime.now(UTC).date().isoformat()
    found = reopen(cache, context.repo, today) if cache else None
    if found is None:
        from compass.retrieval.opening import open_searcher  # noqa: PLC0415  # reads models, which costs a fifth of a second

        found = open_searcher(context.library(), cache, today)
    return found


def _one(answer: Answer, explained: Sequence[Explained], output: str) -> None:
    if output == "json":
        shown = (
            {"explain": [{"id": one.id, "shares": dict(one.shares)} for one in explained]}
            if explained
            else {}
        )
        render.emit_json(answer.as_json() | shown)
    elif answer.results:
        _table(answer)
        for one in explained:
            click.echo(f"\n{_line(one.title)}: score {one.score:.2f}")
            rows = sorted(one.shares.items(), key=lambda share: -abs(share[1]))
            render.table(["signal", "share"], [(name, f"{share:+.2f}") for name, share in rows])
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
    texts = _texts(answer)
    for number, one in enumerate(answer.results, 1):
        title = click.style(_line(one.title), bold=True)
        click.echo(f"\n{number:>2}. {title}  [{one.kind}, {one.status}, score {one.score:.1f}]")
        click.echo(f"    {_line(one.repo)}:{_line(one.path)}  {one.id}")
        click.echo(f"    {_line(one.why)[: render.width() - 4]}")
        if line := snippet(texts.get(one.blob, ""), answer.query):
            click.echo(click.style(f"    {_line(line)[: render.width() - 4]}", dim=True))


def _texts(answer: Answer) -> dict[str, str]:
    """The text of the results by blob; none where the working tree was read, or a repository is gone."""
    found: dict[str, str] = {}
    for root in {one.root for one in answer.results if one.root and one.commit}:
        with contextlib.suppress(OutsideError):
            blobs = GitRepository.open(Path(root)).read_many(
                [one.blob for one in answer.results if one.root == root and one.blob], LARGEST
            )
            found |= {oid: data.decode("utf-8", "replace") for oid, data in blobs.items()}
    return found


def _spoken(text: str) -> str:
    """Text that can be printed: half characters, as broken programs write them, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _line(text: str) -> str:
    """Text of an entry on one line, so that it cannot pass for a result of its own."""
    return " ".join(render.clean(text).split("\n"))


def _lines(path: Path) -> Iterator[tuple[int, str | None, str]]:
    """Line number, id and text of each line; without an id, what is wrong with the line."""
    with click.open_file(str(path), encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                yield number, _spoken(str(row["id"])), _spoken(str(row["text"]))
            except (ValueError, KeyError, TypeError, RecursionError):
                yield number, None, 'this is not a JSON object with "id" and "text"'
