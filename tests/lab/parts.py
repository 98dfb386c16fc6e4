"""The processes of a lab: how each is started, when it is ready, and how it is asked to end."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.backing import postgres, prometheus
from lab.backing.certificates import LEGS
from lab.backing.network import LINKS
from lab.shop.settings import SERVICES
from lab.state import MARK, Lab, LabError

TESTS: Final = Path(__file__).resolve().parent.parent
PORTS: Final = (
    "postgres",
    "redis",
    "prometheus",
    "collector",
    "exporter",
    "grafana",
    *(f"network-{link}" for link in LINKS),
    *SERVICES,
    *LEGS,
)


@dataclass(frozen=True)
class Part:
    """One process; `probe` is the path that answers 200 once it is ready, empty where an open port is enough."""

    name: str
    command: tuple[str, ...]
    port: int | None = None
    probe: str = ""
    ends_with: int = signal.SIGTERM
    as_owner: tuple[str, ...] = ()
    folder: str = "/"

    def argv(self) -> list[str]:
        """The command; it is killed with the keeper, PostgreSQL in the way that leaves nothing in the kernel."""
        dies_with = "INT" if self.ends_with == signal.SIGINT else "KILL"
        return [*(self.as_owner or ("setpriv",)), "--pdeathsig", dies_with, *self.command]

    def ready(self) -> bool:
        """Whether it answers now."""
        if self.port is None:
            return True
        if not self.probe:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                return False
            return True
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", self.probe)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def backing(lab: Lab) -> list[Part]:
    """What the shop stands on; started first."""
    return [
        Part(
            "postgres",
            tuple(postgres.command(lab)),
            lab.port("postgres"),
            ends_with=signal.SIGINT,
            as_owner=tuple(postgres.as_owner()),
        ),
        Part("redis", _redis(lab), lab.port("redis"), folder=str(lab.path("redis", "x").parent)),
        _python(lab, "collector", "lab.backing.collector", probe="/healthz"),
        Part("prometheus", tuple(prometheus.command(lab)), lab.port("prometheus"), "/-/ready"),
    ]


def shop(lab: Lab) -> list[Part]:
    """The services, the network between them, and what measures the rest."""
    return [
        _python(lab, "exporter", "lab.backing.exporter", probe="/metrics"),
        _python(lab, "grafana", "lab.backing.grafana"),
        _python(lab, "network", "lab.backing.network", port=f"network-{next(iter(LINKS))}"),
        *(_python(lab, name, "lab.shop.service", (name,), probe="/healthz") for name in SERVICES),
    ]


def customers(lab: Lab) -> list[Part]:
    """The load; started when the shop is open."""
    return [_python(lab, "load", "lab.backing.load", port="")]


def extra(lab: Lab, name: str, command: Sequence[str]) -> Part:
    """A process that a fault needs."""
    return Part(name, tuple(command))


def _redis(lab: Lab) -> tuple[str, ...]:
    program = shutil.which("redis-server")
    if not program:
        raise LabError("Redis is not installed: apt-get install redis-server")
    options = ("--bind", "127.0.0.1", "--port", str(lab.port("redis")), "--save", "", "--appendonly", "no")
    return (program, *options, "--daemonize", "no")


def _python(
    lab: Lab,
    name: str,
    module: str,
    arguments: tuple[str, ...] = (),
    *,
    port: str | None = None,
    probe: str = "",
) -> Part:
    number = None if port == "" else lab.port(port or name)
    return Part(name, (sys.executable, "-m", module, *arguments, str(lab.folder)), number, probe)


def environment(lab: Lab) -> dict[str, str]:
    """What every process of the lab inherits: little, and the mark by which it is known."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(lab.folder),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": str(TESTS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "1",
        "PROMETHEUS_DISABLE_CREATED_SERIES": "True",
        MARK: str(lab.folder),
    }
