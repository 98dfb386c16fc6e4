"""The process that keeps a lab: starts its parts in order, restarts those that end, and takes all of them down.

Run by `up`: `python -m lab.keeper FOLDER`. If it is killed, the kernel kills what it has started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from lab.backing import certificates, postgres, prometheus
from lab.parts import PORTS, Part, backing, customers, environment, extra, shop
from lab.shop.settings import DEFAULTS
from lab.state import Lab, LabError, free_ports, identity

READY_SECONDS: Final = 40.0
END_SECONDS: Final = 4.0
LONGEST_PAUSE: Final = 8.0
FORGIVEN_SECONDS: Final = 20.0


class EndedError(Exception):
    """Somebody asked the keeper to end."""


@dataclass
class Running:
    """A part that was started; `pause` is how long its next restart waits."""

    part: Part
    process: subprocess.Popen[bytes]
    began: float
    pause: float = 0.5
    again: float | None = None


class Keeper:
    """Keeps the parts of one lab; everything it does happens in the thread that started them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.running: dict[str, Running] = {}

    def status(self, status: str, error: str = "") -> None:
        """Tell everybody who reads lab.json."""
        row: dict[str, Any] = {**self.lab.info, "status": status}
        if error:
            row["error"] = error
        self.lab.write(row, "lab.json")

    def note(self, level: str, message: str) -> None:
        """What happens on the machine, as a line of the component `node`."""
        row = {"time_ns": time.time_ns(), "level": level, "service": "node", "message": message}
        self.lab.append(row, "logs", "node.jsonl")

    # Starting and ending ---------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Ports, certificates, configuration, and an empty database."""
        row = {
            "schema": 1,
            "status": "starting",
            "keeper": list(identity(os.getpid())),
            "ports": free_ports(PORTS),
        }
        self.lab.write(row, "lab.json")
        for name, config in DEFAULTS.items():
            self.lab.write(config, "config", f"{name}.json")
        self.lab.path("changes.jsonl").touch()
        self.lab.path("spans.jsonl").touch()
        certificates.prepare(self.lab)
        prometheus.prepare(self.lab)
        postgres.prepare(self.lab)

    def start(self) -> None:
        """Everything, each stage once the one before is ready."""
        self.stage(backing(self.lab))
        postgres.fill(self.lab)
        self.stage(shop(self.lab))
        self.stage(customers(self.lab))

    def stage(self, parts: Sequence[Part]) -> None:
        """Start parts and wait for all of them."""
        for part in parts:
            self.begin(part)
        deadline = time.monotonic() + READY_SECONDS
        for part in parts:
            while not part.ready():
                ended = self.running[part.name].process.poll()
                if ended is not None or time.monotonic() > deadline:
                    how = "does not get ready" if ended is None else f"ended with status {ended}"
                    raise LabError(f"{part.name} {how}: {self.said(part.name)}")
                time.sleep(0.05)

    def said(self, name: str) -> str:
        """The end of what a part wrote to its standard streams."""
        text = self.lab.path("out", f"{name}.log").read_text("utf-8", "replace").strip()
        return text[-600:] or "it says nothing"

    def begin(self, part: Part, pause: float = 0.5) -> None:
        """Start one part."""
        with self.lab.path("out", f"{part.name}.log").open("ab") as stream:
            process = self._spawn(part, stream)
        self.running[part.name] = Running(part, process, time.monotonic(), pause)
        self.listed()

    def _spawn(self, part: Part, stream: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            part.argv(),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment(self.lab),
            cwd=part.folder,
        )

    def listed(self) -> None:
        """Write down which process is what."""
        rows = {}
        for name, one in self.running.items():
            if one.process.poll() is None:
                try:
                    rows[name] = {"identity": list(identity(one.process.pid))}
                except LabError:
                    continue
        self.lab.write(rows, "processes.json")

    def end(self, name: str) -> None:
        """Ask one part to end, then make it."""
        one = self.running.pop(name, None)
        if one is None:
            return
        if one.process.poll() is None:
            one.process.send_signal(one.part.ends_with)
            one.process.send_signal(signal.SIGCONT)
            try:
                one.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()
        self.listed()

    def end_everything(self) -> None:
        """Customers first, what the shop stands on last."""
        for name in reversed(list(self.running)):
            self.end(name)

    # Keeping ---------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """One look at everything: restart what ended, do what was asked."""
        now = time.monotonic()
        for name, one in list(self.running.items()):
            ended = one.process.poll()
            if ended is None:
                continue
            if one.again is None:
                lived = now - one.began
                one.pause = 0.5 if lived > FORGIVEN_SECONDS else min(LONGEST_PAUSE, one.pause * 2)
                one.again = now + one.pause
                self.note("ERROR", f"{name} ended with status {ended}, it starts again in {one.pause:g} s")
            elif now >= one.again:
                self.begin(one.part, one.pause)
        for path in sorted(self.lab.path("requests", "x").parent.glob("*.json")):
            self.answer(path)

    def answer(self, path: Path) -> None:
        """Do what a request asks; its file is gone when that is done."""
        asked = json.loads(path.read_text("utf-8"))
        name = asked["part"]
        if asked["do"] == "restart":
            one = self.running.get(name)
            if one is not None:
                self.note("INFO", f"{name} is restarted")
                self.end(name)
                self.begin(one.part)
        elif asked["do"] == "start":
            self.begin(extra(self.lab, name, asked["command"]))
        else:
            self.end(name)
        path.unlink()


def _end(*_: object) -> None:
    raise EndedError


def main(folder: Path) -> int:
    """Keep the lab until SIGTERM."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keeper = Keeper(Lab(folder))
    error = ""
    try:
        keeper.prepare()
        keeper.start()
        keeper.status("up")
        while True:
            keeper.keep()
            time.sleep(0.1)
    except EndedError:
        pass
    except (LabError, OSError) as problem:
        error = str(problem)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    keeper.status("stopping")
    keeper.end_everything()
    keeper.status("failed" if error else "down", error)
    return 1 if error else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
