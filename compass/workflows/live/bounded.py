"""Questions to a server that is not to be hammered: counted, timed, and at some point no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from compass.adapters.telemetry.answer import Answer, Telemetry
from compass.model.recording import Series
from compass.workflows.recording.request import Notes

MOST_QUERIES: Final = 200
MOST_SECONDS: Final = 30.0
"""For all metrics of one investigation, from its beginning, so that the experiments are still made while somebody waits."""


class Stretch(NamedTuple):
    """From when to when, in unix seconds."""

    start: float
    end: float


@dataclass
class Bounded:
    """PromQL asked of a server; `over` says that it has been enough, by number, or by the `clock` from now on."""

    telemetry: Telemetry
    clock: Callable[[], float]
    queries: int = 0
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def ask(
        self, query: str, stretch: Stretch, step: float, notes: Notes | None = None
    ) -> Answer[tuple[Series, ...]]:
        """The answer; a failure is noted where there are notes for it."""
        self.queries += 1
        answer = self.telemetry.range_query(query, stretch.start, stretch.end, step)
        if answer.error is not None and notes is not None:
            notes.add(f"metrics: {answer.error} (asked for {query[:120]})")
        return answer

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self.clock() - self._began

    @property
    def over(self) -> bool:
        """Whether nothing more may be asked."""
        return self.queries >= MOST_QUERIES or self.seconds > MOST_SECONDS
