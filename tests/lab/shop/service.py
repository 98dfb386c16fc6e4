"""Starts one service: `python -m lab.shop.service NAME FOLDER`."""

from __future__ import annotations

import importlib
import resource
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.shop.signals import Signals
from lab.shop.web import Routes, Server
from lab.state import Lab


@dataclass(frozen=True)
class Context:
    """What a service's own code starts from."""

    lab: Lab
    config: Mapping[str, Any]
    signals: Signals


@dataclass(frozen=True)
class Service:
    """What a service's own code gives: its routes, and what runs beside them."""

    routes: Routes
    background: Callable[[], None] | None = None
    quiet: bool = False


def limit_memory(megabytes: int) -> None:
    """Let the process grow by so much and no more."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmSize:"):
            most = int(line.split()[1]) * 1024 + megabytes * 1_000_000
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(name: str, folder: Path) -> None:
    """Serve until SIGTERM."""
    lab = Lab(folder)
    config = lab.read("config", f"{name}.json")
    signals = Signals(lab, name)
    threading.stack_size(256 * 1024)
    service: Service = importlib.import_module(f"lab.shop.{name}").service(Context(lab, config, signals))
    if service.background:
        threading.Thread(target=service.background, daemon=True).start()
    listeners = [Server(lab.port(name), service.routes, signals, quiet=service.quiet)]
    listeners += [
        Server(lab.port(f"{name}-{leg}"), service.routes, signals, quiet=service.quiet, certificate=path)
        for leg in ("a", "b")
        if (path := lab.path("tls", f"{name}-{leg}.pem")).exists()
    ]
    for listener in listeners:
        listener.start()
    signals.log("INFO", f"started version={config['version']}")
    if config.get("memory_limit_mb"):
        limit_memory(config["memory_limit_mb"])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    signals.log("INFO", "stopped")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
