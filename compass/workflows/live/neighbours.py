"""Who calls whom in a large system, asked as pairs and not as series, and who is near the incident."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from compass.adapters.telemetry.answer import Answer
from compass.investigate.series import CALLEES, CALLERS, SERVICE_GRAPH, calls
from compass.model.recording import Series
from compass.workflows.recording.ask_metrics import Group

Pair = tuple[str, str]
Ask = Callable[[str], Answer[tuple[Series, ...]]]
"""Asks PromQL a few times over the window."""
_MOST: Final = 50_000


def pairs(ask: Ask, groups: Sequence[Group]) -> set[Pair]:
    """(caller, callee) of the service graph, of a mesh, and of clients that name whom they ask."""
    found = calls(_named(ask(f"count by (client, server) ({SERVICE_GRAPH})").data, SERVICE_GRAPH))
    for callee in CALLEES:
        if not ask(f'count ({{{callee}=~".+",__name__!="{SERVICE_GRAPH}"}})').data:
            continue
        for group in groups:
            kept = ", ".join(dict.fromkeys([group.label, *CALLERS, callee]))
            inner = f'{callee}=~".+",__name__!="{SERVICE_GRAPH}",{group.inner}'
            found |= calls(ask(f"count by ({kept}) ({{{inner}}})").data)
    return set(sorted(found)[:_MOST])


def as_series(found: Iterable[Pair], at: float) -> list[Series]:
    """The pairs as the service graph has them."""
    return [
        Series({"__name__": SERVICE_GRAPH, "client": caller, "server": callee}, (at,), (1.0,))
        for caller, callee in sorted(found)
    ]


def nearest(service: str | None, known: Iterable[Pair]) -> list[str]:
    """The service, then what it depends on, then who depends on it, then what these depend on; each by its distance."""
    below: dict[str, set[str]] = {}
    above: dict[str, set[str]] = {}
    either: dict[str, set[str]] = {}
    for caller, callee in known:
        below.setdefault(caller, set()).add(callee)
        above.setdefault(callee, set()).add(caller)
        either.setdefault(caller, set()).add(callee)
        either.setdefault(callee, set()).add(caller)
    if not service or service not in either:
        return []
    ordered = (name for ways in (below, above, either) for name in _outward(service, ways))
    return list(dict.fromkeys(ordered))


def _outward(service: str, ways: Mapping[str, Iterable[str]]) -> list[str]:
    """Everything that can be reached, nearest first."""
    reached = [service]
    seen = {service}
    for name in reached:
        ahead = sorted(set(ways.get(name, ())) - seen)
        seen.update(ahead)
        reached += ahead
    return reached


def _named(series: Iterable[Series], name: str) -> list[Series]:
    return [Series({**one.labels, "__name__": name}, one.times, one.values) for one in series]
