"""`compass check`: what is wrong in a knowledge repository."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from compass.cli.context import Context
from compass.cli.render import clean, emit_json, format_option
from compass.model.base import Problem, Severity
from compass.workflows.check import CheckReport, examine

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--changed-since",
    "since",
    metavar="REV",
    help="Only what changed since the last commit in common with REV, and what that broke elsewhere.",
)
@format_option("github", "sarif", "markdown")
@click.pass_obj
def command(context: Context, paths: tuple[Path, ...], since: str | None, output: str) -> None:
    """Find what is wrong in a knowledge repository, or in these files of it; reads the working tree.

    Ends with status 1 if there is any error.
    """
    settings = context.settings
    found = examine(
        context.repo,
        today=datetime.now(UTC).date(),
        cache=settings.cache,
        clones=settings.data / "clones",
        paths=paths,
        since=since,
    )
    report = found.report
    if output == "json":
        emit_json(report)
    elif output == "sarif":
        from compass.workflows.sarif import sarif  # noqa: PLC0415  # few runs need it

        emit_json(sarif(report.problems, report.prefix))
    elif output == "markdown":
        from compass.workflows.review_comment import review_comment  # noqa: PLC0415  # it loads the anonymizer

        click.echo(review_comment(found), nl=False)
    elif output == "github":
        for problem in report.problems:
            click.echo(_annotation(problem, report.prefix))
    else:
        _as_text(report, quiet=context.quiet)
    if report.counts[Severity.ERROR]:
        raise click.exceptions.Exit(1)


def _as_text(report: CheckReport, *, quiet: bool) -> None:
    for problem in report.problems:
        severity = click.style(problem.severity.value, fg=_COLOURS[problem.severity], bold=True)
        place = clean(str(problem.location)).replace("\n", " ")
        click.echo(f"{place}: {severity}: {clean(problem.message)} ({problem.rule})")
        if problem.hint:
            click.echo(f"    {clean(problem.hint)}")
    if not quiet:
        found = ", ".join(_counted(report.counts[one], one.value) for one in Severity if report.counts[one])
        click.echo(
            f"{found or 'no problems'} in {_counted(report.entries, 'entry')} ({report.seconds:.2f} s)"
        )


def _counted(number: int, word: str) -> str:
    if number == 1 or word == Severity.INFO:
        return f"{number} {word}"
    return f"{number:,} {word.removesuffix('y')}ies" if word.endswith("y") else f"{number:,} {word}s"


def _annotation(problem: Problem, prefix: str) -> str:
    """A workflow command: https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    fields = {
        "file": prefix + problem.path,
        "line": str(max(problem.line, 1)),
        "col": str(max(problem.column, 1)),
        "title": problem.rule,
    }
    listed = ",".join(
        f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in fields.items()
    )
    text = problem.message + (f"\n{problem.hint}" if problem.hint else "")
    return f"::{_GITHUB[problem.severity]} {listed}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return clean(text.replace("%", "%25")).replace("\n", "%0A")
