"""Bring a lab up, look at it, and take it down, whatever state it is in."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lab.backing import postgres
from lab.faults import quota
from lab.parts import environment
from lab.state import Lab, LabError, end_all

UP_SECONDS: Final = 60.0
DOWN_SECONDS: Final = 25.0


def up(folder: Path, load: Mapping[str, float] | None = None) -> Lab:
    """A running lab in this folder; `load` changes how many customers come and when.

    Raises LabError where one is there already, or its parts do not come up; then nothing of it is left.
    """
    lab = Lab(folder.resolve())
    if lab.folder.exists() and any(lab.folder.iterdir()):
        raise LabError(
            f"{lab.folder} is not empty ({describe(lab)}): take that lab down first, or name another folder"
        )
    lab.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    lab.write(load or {}, "config", "load.json")
    with lab.path("out", "keeper.log").open("ab") as stream:
        # The keeper is nobody's child, so that it outlives who started it.
        subprocess.run(
            ["setsid", "--fork", sys.executable, "-m", "lab.keeper", str(lab.folder)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment(lab),
            cwd="/",
            check=True,
        )
    try:
        _wait(lab)
    except BaseException:
        down(lab.folder)
        raise
    return lab


def _wait(lab: Lab) -> None:
    """Until it is up; LabError with the reason if it does not come up."""
    deadline = time.monotonic() + UP_SECONDS
    while lab.info.get("status") != "up":
        if time.monotonic() > deadline or not lab.processes():
            log = lab.path("out", "keeper.log")
            said = lab.info.get("error") or log.read_text("utf-8", "replace")[-1000:]
            raise LabError(f"the lab did not come up: {said or 'it takes too long'}")
        time.sleep(0.1)


def describe(lab: Lab) -> str:
    """The state of a lab in a sentence."""
    info = lab.info
    if not lab.folder.exists():
        return "no lab is here"
    if not info:
        return "something else is here, or a lab that never started"
    status = info["status"]
    alive = len(lab.processes())
    if lab.keeper is None and status in {"starting", "up", "stopping"}:
        return (
            f"the lab's keeper was killed while it was {status}, {alive} of its processes live: take it down"
        )
    if info.get("error"):
        return f"the lab failed: {info['error']}"
    return f"the lab is {status}, {alive} processes"


def down(folder: Path) -> None:
    """Leave nothing of a lab: no process, no segment in the kernel, no control group, no folder."""
    lab = Lab(folder.resolve())
    if not lab.folder.exists():
        return
    if not lab.info and not (lab.folder / "out" / "keeper.log").exists():
        raise LabError(f"{lab.folder} is no lab, and is left alone")
    keeper = lab.keeper
    if keeper is not None:
        end_all([keeper], DOWN_SECONDS)
    end_all(lab.processes())
    postgres.leftover(lab)
    quota.remove(lab)
    shutil.rmtree(lab.folder)
