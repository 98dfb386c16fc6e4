"""A running system in, a session out: the same path as for a recording, with servers in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from random import Random

from compass.adapters.garbage import collected_later
from compass.errors import OutsideError
from compass.investigate.resuming import Opening
from compass.investigate.session import Session, open_session
from compass.library import Library
from compass.model.catalog import calls
from compass.model.investigation import Incident
from compass.workflows.investigate import Memory
from compass.workflows.live.request import Plan
from compass.workflows.live.routing import route_to
from compass.workflows.live.telemetry import LiveTelemetry
from compass.workflows.recording.request import Notes, Told
from compass.workflows.recording.sources import opened


@contextmanager
def live_investigation(
    plan: Plan,
    memory: Memory,
    *,
    now: datetime,
    random: Random,
    clock: Callable[[], float],
    told: Told = lambda _: None,
    first: Callable[[Incident, Library], None] = lambda _incident, _library: None,
    opening: Opening = open_session,
) -> Iterator[Session]:
    """A session over telemetry servers, which are closed when the context ends; `first` is called before they are asked.

    Each kind of telemetry is asked for beside the others, so that a server which hangs costs one timeout in all.
    Raises OutsideError when no server can be reached, or none gives anything of the window.
    """
    library = memory.library
    first(plan.incident, library)
    told("connecting")
    notes = Notes()
    with opened(plan.asking, notes) as sources:
        route = route_to(sources.servers, notes.lines, timeout=plan.asking.timeout, clock=clock)
        with collected_later():
            session = opening(
                plan.incident,
                LiveTelemetry(route, told, plan.incident.service, calls(library.entities.values())),
                library,
                now=now,
                random=random,
                clock=clock,
                cache=memory.cache,
                told=told,
            )
        if not session.observed.components:
            raise OutsideError(
                "the telemetry servers gave no metrics, logs or traces of this window",
                hint="; ".join(_first_of_each(session.observed.failures))
                or "is the window right, and do series carry the name of their service?",
            )
        yield session


def _first_of_each(failures: Sequence[str]) -> list[str]:
    """The first failure of each tool, so that none crowds out another."""
    found: dict[str, str] = {}
    for line in failures:
        found.setdefault(line.partition(" ")[0], line[:400])
    return list(found.values())[:4]
