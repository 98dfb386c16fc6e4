"""`compass bench rca`: the figures of the ranking on a folder of recorded incidents."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from compass.adapters.documents import write_atomically
from compass.cli import render
from compass.workflows.bench_rca import ALL, OURS, Report, absent, measure, ranking_lines, read_cases


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--alone", is_flag=True, help="Withhold each recording's history.")
@click.option(
    "--rankings",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write our rankings as JSON lines.",
)
@render.format_option()
def command(folder: Path, *, alone: bool, rankings: Path | None, output: str) -> None:
    """Rank the components of every recording in FOLDER that truth.jsonl names, beside two textbook rankings."""
    if missing := absent(folder):
        render.note(f"skipped: {missing}")
        return
    with render.progress(len(read_cases(folder)), "ranking") as bar:
        report = measure(folder, alone=alone, done=lambda: bar.update(1))
    if rankings:
        write_atomically(rankings, "".join(f"{line}\n" for line in ranking_lines(report)).encode())
    if output == "json":
        render.emit_json(_plain(report))
    else:
        _print(report)


def _plain(report: Report) -> dict[str, object]:
    median, most = report.seconds
    names = ("group", "against", "won", "lost", "p")
    return {
        "schema": 1,
        "rows": [asdict(row) for row in report.rows],
        "paired": [dict(zip(names, one, strict=True)) for one in report.paired],
        "seconds": {"median": median, "max": most},
    }


def _print(report: Report) -> None:
    rows = [
        (
            row.group,
            row.method,
            row.cases,
            f"{row.first:.3f} ({row.low:.2f}-{row.high:.2f})",
            f"{row.third:.3f}",
            f"{row.average:.3f}",
            f"{row.chance:.3f}",
        )
        for row in report.rows
        if row.method == OURS or " " not in row.group or row.group == ALL
    ]
    render.table(("recordings", "method", "cases", "AC@1 (95 %)", "AC@3", "Avg@5", "chance"), rows)
    click.echo()
    paired = [(group, against, won, lost, f"{p:.2g}") for group, against, won, lost, p in report.paired]
    render.table(("recordings", f"{OURS} against", "won", "lost", "p (sign test)"), paired)
    median, most = report.seconds
    click.echo(f"\nCPU seconds per recording: median {median:.2f}, most {most:.2f}")
