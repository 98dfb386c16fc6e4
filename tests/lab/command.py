"""The laboratory's command line: one command brings the lab up, one takes it down, one plays and records a fault."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from lab import control
from lab.faults.catalog import FAULTS
from lab.plan import INTENSITIES, USUAL, Plan, collection, plan
from lab.run import run
from lab.state import Lab, LabError, default_folder


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    top = argparse.ArgumentParser(prog="python tests/lab", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    found = {
        name: commands.add_parser(name, help=text)
        for name, text in (
            ("up", "start a lab on loopback"),
            ("status", "say what state the lab is in"),
            ("down", "leave nothing of the lab"),
            ("faults", "list the kinds of faults"),
            ("telemetry", "serve the running lab over MCP on stdio"),
            ("run", "play one fault and record it"),
            ("all", "play and record every fault in both intensities; what is there already is left out"),
        )
    }
    for name, one in found.items():
        if name != "faults":
            one.add_argument("--folder", type=Path, default=default_folder(), help="where the lab lies")
    found["run"].add_argument("kind", choices=FAULTS)
    found["run"].add_argument("--intensity", choices=INTENSITIES, default="high")
    for name in ("run", "all"):
        found[name].add_argument("--seed", type=int, default=1, help="the same seed gives the same story")
        found[name].add_argument(
            "--seconds", type=float, default=USUAL, help="real time from warm-up to tail"
        )
        found[name].add_argument(
            "--output", type=Path, required=True, help="a folder for truth and recordings"
        )
        found[name].add_argument("--compass", default="", help="the command that records")
    return top


def main(arguments: Sequence[str]) -> int:
    """Run one command: 0 done, 1 it failed and says why, 130 it was interrupted, and the lab was taken down."""
    given = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return COMMANDS[given.command](given)
    except KeyboardInterrupt:
        say("interrupted", to=sys.stderr)
        return 130
    except LabError as problem:
        say(f"error: {problem}", to=sys.stderr)
        return 1


def say(text: str, to: TextIO | None = None) -> None:
    """Print one line at once."""
    print(text, file=to or sys.stdout, flush=True)  # a command's answer


def _up(given: argparse.Namespace) -> int:
    began = time.monotonic()
    lab = control.up(given.folder)
    ports = lab.info["ports"]
    say(f"the lab is up after {time.monotonic() - began:.1f} s in {lab.folder}")
    say(
        f"storefront http://127.0.0.1:{ports['storefront']}  Prometheus http://127.0.0.1:{ports['prometheus']}"
    )
    return 0


def _status(given: argparse.Namespace) -> int:
    lab = Lab(given.folder.resolve())
    say(control.describe(lab))
    return 0 if lab.info.get("status") == "up" and lab.keeper else 1


def _down(given: argparse.Namespace) -> int:
    control.down(given.folder)
    say(f"nothing is left in {given.folder}")
    return 0


def _faults(_given: argparse.Namespace) -> int:
    for fault in FAULTS.values():
        say(f"{fault.kind:<20}{fault.component:<14}{fault.says}")
    return 0


def _telemetry(given: argparse.Namespace) -> int:
    from lab.telemetry import serve_stdio

    serve_stdio(Lab(given.folder.resolve()))
    return 0


def _compass(given: argparse.Namespace) -> list[str]:
    return shlex.split(given.compass) or [str(Path(sys.executable).with_name("compass"))]


def _run(given: argparse.Namespace) -> int:
    chosen = plan(given.kind, given.intensity, given.seed, given.seconds)
    run(chosen, given.output, given.folder, _compass(given), say)
    return 0


def _all(given: argparse.Namespace) -> int:
    failed = 0
    for chosen in collection(given.seed, given.seconds):
        if (given.output / chosen.name).exists():
            say(f"{chosen.name}: is there already")
            continue
        failed += _tried(chosen, given)
    return 1 if failed else 0


def _tried(chosen: Plan, given: argparse.Namespace) -> int:
    began = time.monotonic()
    try:
        run(chosen, given.output, given.folder, _compass(given), say)
    except LabError as problem:
        say(f"{chosen.name}: failed: {problem}", to=sys.stderr)
        return 1
    say(f"{chosen.name}: took {time.monotonic() - began:.0f} s")
    return 0


COMMANDS = {
    "up": _up,
    "status": _status,
    "down": _down,
    "faults": _faults,
    "telemetry": _telemetry,
    "run": _run,
    "all": _all,
}
