"""What can be done to a running lab: deployments and other recorded changes, and the means by which faults work."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import redis
from lab.shop.store import address
from lab.state import Identity, Lab, LabError

ANSWER_SECONDS: Final = 20.0


class Hands:
    """Acts on one lab; each change that an organization would record is recorded."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._asked = 0

    # The keeper ------------------------------------------------------------------------------------------------

    def ask(self, do: str, part: str, command: Sequence[str] = ()) -> None:
        """Let the keeper `restart`, `start` or `stop` a part; LabError if it does not."""
        self._asked += 1
        name = f"{time.time_ns()}-{self._asked}.json"
        self.lab.write({"do": do, "part": part, "command": list(command)}, "requests", name)
        path = self.lab.folder / "requests" / name
        deadline = time.monotonic() + ANSWER_SECONDS
        while path.exists():
            if time.monotonic() > deadline or self.lab.keeper is None:
                raise LabError(
                    f"the keeper did not {do} {part} within {ANSWER_SECONDS:g} s; see out/keeper.log"
                )
            time.sleep(0.02)

    def process(self, part: str) -> Identity:
        """The process of a part; LabError if it does not run now."""
        row = self.lab.read("processes.json").get(part)
        if not row or not Identity(*row["identity"]).alive:
            raise LabError(f"{part} does not run now")
        return Identity(*row["identity"])

    # Changes ---------------------------------------------------------------------------------------------------

    def changed(self, kind: str, service: str, summary: str, **labels: str) -> None:
        """Record that something was changed."""
        row = {
            "time": round(time.time(), 3),
            "type": kind,
            "service": service,
            "summary": summary,
            "labels": labels,
        }
        self.lab.append(row, "changes.jsonl")

    def deploy(self, service: str, summary: str, **config: Any) -> None:
        """Roll out a new version with other settings."""
        before = self.lab.read("config", f"{service}.json")
        major, minor, patch = str(before["version"]).split(".")
        version = f"{major}.{minor}.{int(patch) + 1}"
        self.lab.write({**before, **config, "version": version}, "config", f"{service}.json")
        self.changed("deployment", service, f"{service} {version}: {summary}", version=version)
        self.ask("restart", service)

    def roll_back(self, service: str, config: Mapping[str, Any]) -> None:
        """Put a service back to the settings that it had."""
        self.lab.write(config, "config", f"{service}.json")
        version = str(config["version"])
        self.changed("deployment", service, f"{service} {version}: rolled back", version=version)
        self.ask("restart", service)

    def config(self, service: str) -> dict[str, Any]:
        """A service's settings now."""
        return self.lab.read("config", f"{service}.json")

    def put(self, value: Mapping[str, Any], *parts: str) -> None:
        """Replace a file that a part of the lab reads anew."""
        self.lab.write({**self.lab.read(*parts), **value}, *parts)

    # Means -----------------------------------------------------------------------------------------------------

    @contextmanager
    def database(self, name: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """A session of its own, seen by the database under this name."""
        try:
            connection = psycopg.connect(address(self.lab.port("postgres"), name), autocommit=True)
        except psycopg.Error as problem:
            raise LabError(f"the database does not answer: {problem}; see out/postgres.log") from problem
        try:
            yield connection
        except psycopg.Error as problem:
            raise LabError(f"the database refused what a fault asked of it: {problem}") from problem
        finally:
            connection.close()

    @contextmanager
    def cache(self) -> Iterator[redis.Redis]:
        """A client of the cache."""
        client = redis.Redis(port=self.lab.port("redis"), socket_timeout=5)
        try:
            yield client
        except redis.RedisError as problem:
            raise LabError(f"the cache refused what a fault asked of it: {problem}") from problem
        finally:
            client.close()

    def pin(self, part: str, cpus: set[int]) -> None:
        """Let every thread of a part run on these CPUs only."""
        for entry in Path(f"/proc/{self.process(part).pid}/task").iterdir():
            try:
                os.sched_setaffinity(int(entry.name), cpus)
            except ProcessLookupError:
                continue
