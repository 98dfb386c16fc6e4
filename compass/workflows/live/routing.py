"""Several telemetry servers asked as one: each kind of the first that has it, and a kind that is too slow no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from compass.adapters.telemetry.answer import Answer, Datasource, Kind, Telemetry
from compass.investigate.observe import KINDS

T = TypeVar("T")
PATIENCE: Final = 2
"""Questions in a row without an answer in time, after which a kind of telemetry is asked for no more."""
_SLOW: Final = 0.9


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

    `timeout` is the seconds that each answer may take, `clock` counts them.
    """

    servers: Mapping[Kind, Telemetry]
    listed: tuple[Datasource, ...]
    notes: tuple[str, ...]
    timeout: float
    clock: Callable[[], float]
    late: dict[Kind, int] = field(default_factory=dict)

    def ask(self, asked: Asked, call: Callable[[Telemetry], Answer[tuple[T, ...]]]) -> Answer[tuple[T, ...]]:
        """The answer of the server that has this kind, or why there is none."""
        server = self.servers.get(asked.kind)
        if server is None:
            return asked.failed(f"no telemetry server has a datasource for {asked.kind}")
        if self.late.get(asked.kind, 0) >= PATIENCE:
            return asked.failed(
                f"not asked: the last {PATIENCE} questions for {asked.kind} had no answer within {self.timeout:g} seconds"
            )
        began = self.clock()
        answer = call(server)
        slow = not answer.ok and self.clock() - began >= _SLOW * self.timeout
        self.late[asked.kind] = self.late.get(asked.kind, 0) + 1 if slow else 0
        return answer


def route_to(
    servers: Sequence[Telemetry], notes: Sequence[str], *, timeout: float, clock: Callable[[], float]
) -> Route:
    """Ask every server once what it has; one that does not say so keeps only what needs no datasource."""
    said = list(notes)
    answering: list[Telemetry] = []
    listed: list[Datasource] = []
    for server in servers:
        answer = server.datasources()
        if answer.ok:
            answering.append(server)
            listed += answer.data
        else:
            said.append(f"a server does not say what it has: {answer.error}")
    found: dict[Kind, Telemetry] = {}
    for kind in KINDS:
        asked = servers if kind == "changes" else answering
        first = next((one for one in asked if one.observes(kind)), None)
        if first is not None:
            found[kind] = first
    return Route(found, tuple(listed), tuple(said), timeout, clock)
