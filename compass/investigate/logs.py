"""Log statements that vanished, appeared or changed their rate, counted by request where lines carry a trace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from compass.investigate.families import Family
from compass.investigate.findings import Finding, Signal
from compass.investigate.observation import Observation, Slice
from compass.investigate.robust import share_changed
from compass.investigate.statements import is_error, span_of, statement
from compass.model.recording import LogLine

_SLICE: Final = 10.0  # seconds; the unit where lines carry no trace
_ERROR_SLICE: Final = 5.0
_HANDED_UP: Final = (
    0.7  # share of a callee's evidence that its caller loses: failures change callers' logs, too
)
_KNOWN: Final = 0.3  # an error text that was known before counts less
_ANY: Final = "*"


class _Place(NamedTuple):
    """A statement of a service, within the requests of one caller (or of any)."""

    service: str
    caller: str
    statement: str


@dataclass
class _Tally:
    """In which units (requests, or stretches of time) a service worked, and in which a statement was logged."""

    units: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    logged: dict[_Place, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, other: _Tally) -> None:
        """Join another time's counts."""
        for key, units in other.units.items():
            self.units[key] |= units
        for place, units in other.logged.items():
            self.logged[place] |= units

    def rate(self, service: str, caller: str, text: str) -> tuple[int, int]:
        """(units with the statement, all units)."""
        return len(self.logged.get(_Place(service, caller, text), ())), len(
            self.units.get((service, caller), ())
        )


def statement_findings(observed: Observation) -> list[Finding]:
    """Services whose statements come in other shares of requests than before, callees' failures set aside.

    A change must show over all requests and within the requests of one caller, so that another mix of traffic
    does not count.
    """
    if not observed.window.logs:
        return []
    old = _tally(observed.window, 0, observed.calm_until)
    if observed.baseline.logs:
        old.add(_tally(observed.baseline, 0, float("inf")))
    new = _tally(observed.window, observed.detected, observed.looked_until)
    best = _strongest(old, new)
    results = []
    for service, (score, text) in sorted(best.items()):
        below = max(
            (best[name][0] for name in observed.callees.get(service, ()) if name in best), default=0.0
        )
        left = score - _HANDED_UP * below
        if left > 0:
            (known, before), (seen, after) = old.rate(service, _ANY, text), new.rate(service, _ANY, text)
            what = "appears" if seen / after > known / before else "vanishes"
            line = f'"{text}" {what}: {seen} of {after} requests, {known} of {before} before'
            results.append(_finding(service, Signal.STATEMENT, left, line, text))
    return results


def _strongest(old: _Tally, new: _Tally) -> dict[str, tuple[float, str]]:
    callers: dict[str, set[str]] = defaultdict(set)
    for service, caller in new.units:
        if (service, caller) in old.units:
            callers[service].add(caller)
    best: dict[str, tuple[float, str]] = {}
    for service, text in sorted({(place.service, place.statement) for place in (*old.logged, *new.logged)}):
        if _ANY not in callers[service]:
            continue
        overall = share_changed(old.rate(service, _ANY, text), new.rate(service, _ANY, text))
        if overall <= best.get(service, (0.0, ""))[0]:
            continue
        within = [
            share_changed(old.rate(service, caller, text), new.rate(service, caller, text))
            for caller in callers[service] - {_ANY}
        ]
        score = min(overall, max(within)) if within else overall
        if score > best.get(service, (0.0, ""))[0]:
            best[service] = (score, text)
    return best


def _tally(part: Slice, start: float, end: float) -> _Tally:
    """Count by request if spans and trace ids allow it, else by stretches of time."""
    tally = _Tally()
    forest = part.forest
    for index, span in enumerate(forest.spans):
        if start * 1e9 <= span.start_ns < end * 1e9 and forest.entry(index):
            caller = forest.caller(index)
            tally.units[span.service, caller].add(span.trace)
            tally.units[span.service, _ANY].add(span.trace)
    by_request = bool(forest.spans) and any(line.trace for line in part.logs[:200])
    count = _by_request(part, tally) if by_request else _by_time(tally)
    for line in part.logs:
        count(line, start, end)
    return tally


def _by_request(part: Slice, tally: _Tally) -> Callable[[LogLine, float, float], None]:
    forest = part.forest
    place = {(span.trace, span.span): index for index, span in enumerate(forest.spans)}

    def count(line: LogLine, start: float, end: float) -> None:
        index = place.get((line.trace, span_of(line.message)))
        moment = forest.spans[index].start_ns if index is not None else line.time_ns
        if not start * 1e9 <= moment < end * 1e9:
            return
        text = name(line)
        for caller in (_ANY,) if index is None else (_ANY, forest.caller(index)):
            if line.trace in tally.units.get((line.service, caller), ()):
                tally.logged[_Place(line.service, caller, text)].add(line.trace)

    return count


def _by_time(tally: _Tally) -> Callable[[LogLine, float, float], None]:
    def count(line: LogLine, start: float, end: float) -> None:
        if start * 1e9 <= line.time_ns < end * 1e9:
            unit = str(line.time_ns // int(_SLICE * 1e9))
            tally.units[line.service, _ANY].add(unit)
            tally.logged[_Place(line.service, _ANY, name(line))].add(unit)

    return count


def name(line: LogLine) -> str:
    """A statement with its level: the same words as an error and as information are two statements."""
    return f"{line.level} {statement(line.message)}".strip()


def new_error_findings(observed: Observation) -> list[Finding]:
    """Error statements that come more often in time than before; lines without a request count here, too."""
    old, old_slices = _errors(observed.window.logs, observed.start, observed.calm_until)
    past, past_slices = _errors(observed.baseline.logs, 0, float("inf"))
    for place, slices in past.items():
        old[place] |= {-number - 1 for number in slices}
    before = max(1, old_slices + past_slices)
    new, after = _errors(observed.window.logs, observed.detected, observed.looked_until)
    known = {text for _, text in old}
    best: dict[str, Finding] = {}
    for (service, text), slices in sorted(new.items()):
        seen, earlier = len(slices), len(old.get((service, text), ()))
        if not after or seen / after <= earlier / before:
            continue
        score = share_changed((earlier, before), (seen, after)) * (_KNOWN if text in known else 1.0)
        if score > 0 and (service not in best or score > best[service].score):
            line = f'"{text}" is logged in {seen} of {after} stretches of {_ERROR_SLICE:.0f} s, {earlier} of {before} before'
            best[service] = _finding(service, Signal.NEW_ERROR, score, line, text)
    return [best[service] for service in sorted(best)]


def _errors(
    lines: Iterable[LogLine], start: float, end: float
) -> tuple[dict[tuple[str, str], set[int]], int]:
    """In which stretches of time each error statement was logged, and how many stretches there were."""
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    chosen = [line for line in lines if start <= line.time_ns / 1e9 < end]
    if not chosen:
        return found, 0
    for line in chosen:
        if is_error(line.level):
            found[line.service, statement(line.message)].add(int(line.time_ns / 1e9 // _ERROR_SLICE))
    first = start or chosen[0].time_ns / 1e9
    last = end if end < float("inf") else chosen[-1].time_ns / 1e9
    return found, max(1, round((last - first) / _ERROR_SLICE))


def _finding(component: str, signal: Signal, score: float, text: str, shown: str) -> Finding:
    query = f'{{service_name="{component}"}}'
    return Finding(component, signal, score, text, Family.ERRORS, shown, query, "loki")
