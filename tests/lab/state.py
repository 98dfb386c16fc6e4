"""The lab's folder: what it holds, which processes belong to it, and whether they are alive."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

MARK = "COMPASS_LAB"
"""The environment variable by which every process of a lab is known: its value is the lab's folder."""

PORTS = range(20_000, 32_000)


class LabError(Exception):
    """The lab cannot do what was asked; the message says what, where, and what next."""


class Identity(NamedTuple):
    """A process that cannot be taken for another: its number and the moment it was started, in clock ticks."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; one that ended and was not waited for does not."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return False
        return fields[0] != "Z" and int(fields[19]) == self.started

    def signal(self, number: int) -> None:
        """Send a signal to it, and to nobody who has its number now."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def identity(pid: int) -> Identity:
    """Who has this number now; LabError if nobody does."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError as gone:
        raise LabError(f"there is no process {pid}") from gone
    return Identity(pid, int(fields[19]))


@dataclass(frozen=True)
class Lab:
    """A lab's folder; every file in it is replaced whole, so that a reader never sees half of one."""

    folder: Path

    def path(self, *parts: str) -> Path:
        """A path inside, its parent made."""
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def read(self, *parts: str) -> dict[str, Any]:
        """A JSON object; empty where the file is missing."""
        try:
            found: dict[str, Any] = json.loads(self.folder.joinpath(*parts).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def write(self, value: Mapping[str, Any], *parts: str) -> None:
        """Replace a JSON object."""
        path = self.path(*parts)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(value, indent=1, sort_keys=True), "utf-8")
        fresh.replace(path)

    def append(self, row: Mapping[str, Any], *parts: str) -> None:
        """Add one line of JSON."""
        line = json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n"
        with self.path(*parts).open("a", encoding="utf-8") as stream:
            stream.write(line)

    @property
    def info(self) -> dict[str, Any]:
        """lab.json: `status`, `keeper`, `ports`, and `error` of a lab that failed."""
        return self.read("lab.json")

    def port(self, name: str) -> int:
        """The port of a part; LabError if the lab has none of that name."""
        try:
            return int(self.info["ports"][name])
        except KeyError as missing:
            raise LabError(f"no lab is up in {self.folder}: start one with `up`") from missing

    @property
    def keeper(self) -> Identity | None:
        """The process that keeps the others, if it lives."""
        row = self.info.get("keeper")
        found = Identity(*row) if row else None
        return found if found and found.alive else None

    def processes(self) -> list[Identity]:
        """Every living process that carries this lab's mark."""
        mark = f"{MARK}={self.folder}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(identity(int(entry.name)))
            except (OSError, LabError):
                # It ended meanwhile, or belongs to somebody else.
                continue
        return [one for one in found if one.alive]


def default_folder() -> Path:
    """Where the lab of this user lies unless a folder is named."""
    return Path(tempfile.gettempdir()) / f"compass-lab-{os.getuid()}"


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A free loopback port for each name, none of those that the kernel gives to outgoing connections meanwhile."""
    candidates = iter(random.sample(PORTS, len(PORTS)))
    ports = {}
    for name in names:
        for port in candidates:
            with socket.socket() as listener:
                try:
                    listener.bind(("127.0.0.1", port))
                except OSError:
                    continue
            ports[name] = port
            break
        else:
            raise LabError(f"no port from {PORTS.start} to {PORTS.stop} is free on 127.0.0.1")
    return ports


def end_all(found: Iterable[Identity], seconds: float = 5.0) -> None:
    """Ask processes to end, wait, and make those end that did not."""
    waiting = list(found)
    for one in waiting:
        one.signal(signal.SIGTERM)
        one.signal(signal.SIGCONT)
    deadline = time.monotonic() + seconds
    while any(one.alive for one in waiting) and time.monotonic() < deadline:
        time.sleep(0.05)
    for one in waiting:
        one.signal(signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while any(one.alive for one in waiting) and time.monotonic() < deadline:
        time.sleep(0.05)
