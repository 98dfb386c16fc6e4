"""Several telemetry servers asked as one: each kind of the first that has it, and one that is too slow no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from compass.adapters.telemetry.answer import Answer, Datasource, Kind, Telemetry
from compass.investigate.observe import KINDS
from compass.investigate.together import together

T = TypeVar("T")
_SLOW: Final = 0.9
"""Of the time that an answer may take: an error that took so long says that there was no answer in time."""


class Asked(NamedTuple):
    """One question: which kind of telemetry, in whose words, over which stretch of time."""

    kind: Kind
    query: str
    start: float
    end: float

    def failed(self, error: str) -> Answer[tuple[Any, ...]]:
        """The visible evidence that it was not answered."""
        return Answer((), self.kind, self.query, self.start, self.end, error=error)


@dataclass
class Route:
    """Who has what; `notes` are the servers that cannot be asked, one sentence each.

    `timeout` is the seconds that each answer may take, `clock` counts them. After one question without an answer in
    time a kind of telemetry is `late`, and asked for no more.
    """

    servers: Mapping[Kind, Telemetry]
    listed: tuple[Datasource, ...]
    notes: tuple[str, ...]
    timeout: float
    clock: Callable[[], float]
    late: set[Kind] = field(default_factory=set)

    def ask(self, asked: Asked, call: Callable[[Telemetry], Answer[tuple[T, ...]]]) -> Answer[tuple[T, ...]]:
        """The answer of the server that has this kind, or why there is none."""
        server = self.servers.get(asked.kind)
        if server is None:
            return asked.failed(f"no telemetry server has a datasource for {asked.kind}")
        if asked.kind in self.late:
            return asked.failed(
                f"not asked: a question for {asked.kind} before it had no answer within {self.timeout:g} seconds"
            )
        began = self.clock()
        answer = call(server)
        if not answer.ok and self.clock() - began >= _SLOW * self.timeout:
            self.late.add(asked.kind)
        return answer


def route_to(
    servers: Sequence[Telemetry], notes: Sequence[str], *, timeout: float, clock: Callable[[], float]
) -> Route:
    """Ask every server once, all at a time, what it has.

    One that fails to say so keeps only what needs no datasource, and one that does not answer in time has nothing.
    """
    said = list(notes)
    answering: list[Telemetry] = []
    speaking: list[Telemetry] = []
    listed: list[Datasource] = []
    asked = together([partial(_greeted, one, clock) for one in servers], len(servers))
    for server, (answer, seconds) in zip(servers, asked, strict=True):
        if answer.ok:
            answering.append(server)
            listed += answer.data
        else:
            said.append(f"a server does not say what it has: {answer.error}")
        if answer.ok or seconds < _SLOW * timeout:
            speaking.append(server)
    found: dict[Kind, Telemetry] = {}
    for kind in KINDS:
        candidates = speaking if kind == "changes" else answering
        first = next((one for one in candidates if one.observes(kind)), None)
        if first is not None:
            found[kind] = first
    return Route(found, tuple(listed), tuple(said), timeout, clock)


def _greeted(server: Telemetry, clock: Callable[[], float]) -> tuple[Answer[tuple[Datasource, ...]], float]:
    """What it says that it has, and how many seconds that took."""
    began = clock()
    answer = server.datasources()
    return answer, clock() - began
