"""`compass bench retrieval`: the figures of the search on a folder of questions."""

from __future__ import annotations

import json
from pathlib import Path

import click

from compass.adapters.documents import write_atomically
from compass.cli import render
from compass.workflows.bench_retrieval import Report, absent, learn, measure, read, run_lines, with_questions


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--run",
    "run_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the answers as JSON lines.",
)
@click.option(
    "--questions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ask these instead: JSON lines {id, kind, text, titles}.",
)
@click.option(
    "--train",
    "train_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Learn coefficients, write them.",
)
@click.option(
    "--against",
    "earlier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with a run that another release wrote.",
)
@render.format_option()
def command(
    folder: Path,
    run_file: Path | None,
    questions: Path | None,
    train_file: Path | None,
    earlier: Path | None,
    output: str,
) -> None:
    """Measure the search on FOLDER: corpus.jsonl.gz, queries.jsonl and qrels.jsonl."""
    if missing := absent(folder):
        render.note(f"skipped: {folder} has no {', '.join(missing)}")
        return
    bench = with_questions(read(folder), questions) if questions else read(folder)
    if train_file:
        learnt = learn(bench, f"compass bench retrieval FOLDER --train {train_file.name}")
        write_atomically(train_file, (json.dumps(learnt, indent=2) + "\n").encode())
        render.note(f"wrote {train_file}")
        return
    report = measure(bench, earlier=earlier)
    if run_file:
        write_atomically(run_file, "".join(f"{line}\n" for line in run_lines(report.runs[0])).encode())
    if output == "json":
        render.emit_json(_plain(report))
    else:
        _print(report)


def _plain(report: Report) -> dict[str, object]:
    return {
        "schema": 1,
        "documents": report.documents,
        "build_seconds": report.build_seconds,
        "index_bytes": report.index_bytes,
        "memory_bytes": report.memory_bytes,
        "out_of_fold": report.out_of_fold,
        "systems": {
            run.name: {
                one.name: {"value": one.value, "error": one.error, "count": one.count} for one in run.figures
            }
            for run in report.runs
        },
        "reliability": report.reliability,
        "paired": [dict(zip(("against", "won", "lost", "p"), one, strict=True)) for one in report.against],
    }


def _print(report: Report) -> None:
    learnt = "learnt on other folds" if report.out_of_fold else "as committed"
    click.echo(
        f"{report.documents} documents indexed in {report.build_seconds:.1f} CPU s, {report.index_bytes / 1e6:.1f} MB;"
        f" memory {report.memory_bytes / 1e6:.0f} MB; coefficients {learnt}"
    )
    names = [one.name for one in report.runs[0].figures]
    by_run = [{one.name: one for one in run.figures} for run in report.runs]
    rows = []
    for name in names:
        cells = [
            f"{found[name].value:.3f} ±{found[name].error:.3f}" if name in found else "" for found in by_run
        ]
        rows.append((name, by_run[0][name].count, *cells))
    render.table(["figure", "n", *(run.name for run in report.runs)], rows)
    click.echo("said and right: " + ", ".join(f"{a:.2f} {b:.2f} (n {n})" for a, b, n in report.reliability))
    for name, won, lost, chance in report.against:
        click.echo(
            f"first hit against {name}: {won} only ours, {lost} only theirs, p = {chance:.2g} (sign test)"
        )
