"""`compass bench rca`: the figures of the ranking on a folder of recorded incidents."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from compass.adapters.documents import write_atomically
from compass.cli import render
from compass.investigate.calibration import Reliability
from compass.workflows.bench_rca import ALL, OURS, Report, absent, measure, ranking_lines, read_cases, train


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--alone", is_flag=True, help="Withhold each recording's history.")
@click.option(
    "--rankings",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write our rankings as JSON lines.",
)
@click.option(
    "--train",
    "train_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Learn the confidence with and without history, write its coefficients.",
)
@render.format_option()
def command(
    folder: Path, *, alone: bool, rankings: Path | None, train_file: Path | None, output: str
) -> None:
    """Rank the components of every recording in FOLDER that truth.jsonl names, beside two textbook rankings."""
    if missing := absent(folder):
        render.note(f"skipped: {missing}")
        return
    if train_file:
        with render.progress(2 * len(read_cases(folder)), "ranking") as bar:
            learnt = train(
                folder, f"compass bench rca FOLDER --train {train_file.name}", done=lambda: bar.update(1)
            )
        write_atomically(train_file, (json.dumps(learnt, indent=2) + "\n").encode())
        render.note(f"wrote {train_file}")
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
        "confidence": [
            {**one._asdict(), "bins": [inside._asdict() for inside in one.bins]} for one in report.reliability
        ],
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
    click.echo()
    sure = [
        (
            one.group,
            "ECE",
            one.cases,
            f"{one.error:.3f}",
            f"{one.confidence:.3f}",
            f"{one.right:.3f}",
            _bins(one),
        )
        for one in report.reliability
    ]
    names = (
        "recordings",
        "confidence",
        "cases",
        "ECE",
        "mean",
        "right",
        "bins: how sure, how often right (n)",
    )
    render.table(names, sure)
    median, most = report.seconds
    click.echo(f"\nCPU seconds per recording: median {median:.2f}, most {most:.2f}")


def _bins(found: Reliability) -> str:
    return "  ".join(f"{one.confidence:.2f} {one.right:.2f} ({one.cases})" for one in found.bins)
