"""Log statements that vanished, appeared or changed their rate, counted by request where lines carry a trace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from compass.investigate.families import Family
from compass.investigate.findings import Finding, Signal, quoted
from compass.investigate.observation import Observation, Slice
from compass.investigate.robust import share_changed
from compass.investigate.statements import is_error, mention, span_of, statement
from compass.model.recording import LogLine

_SLICE: Final = 10.0  # seconds; the unit where lines carry no trace
_ERROR_SLICE: Final = 5.0
_HANDED_UP: Final = (
    0.7  # share of a callee's evidence that its caller loses: failures change callers' logs, too
)
_KNOWN: Final = 0.3  # an error text that was known before counts less
_BLAME: Final = 0.5  # share of an error's evidence that goes to the component it names; the writer keeps none
_ANY: Final = "*"


class _Text(NamedTuple):
    """A statement, and the other component that it names where it reports an error."""

    words: str
    about: str = ""


class _Place(NamedTuple):
    """A statement of a service, within the requests of one caller (or of any)."""

    service: str
    caller: str
    text: _Text


class _Evidence(NamedTuple):
    """How strongly a statement speaks against a component, and the statement."""

    score: float
    service: str
    text: _Text


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

    def rate(self, service: str, caller: str, text: _Text) -> tuple[int, int]:
        """(units with the statement, all units)."""
        return len(self.logged.get(_Place(service, caller, text), ())), len(
            self.units.get((service, caller), ())
        )


def statement_findings(observed: Observation) -> list[Finding]:
    """Services whose statements come in other shares of requests than before, callees' failures set aside.

    A change must show over all requests and within the requests of one caller, so that another mix of traffic
    does not count. An error that names another component speaks against that one.
    """
    if not observed.window.logs:
        return []
    about = mention(observed.components)
    old = _tally(observed.window, 0, observed.calm_until, about)
    old.add(_tally(observed.baseline, 0, float("inf"), about))
    new = _tally(observed.window, observed.detected, observed.looked_until, about)
    best = _strongest(old, new)
    results = []
    for component, one in sorted(best.items()):
        lower = observed.below.get(component, ())
        below = max((best[name].score for name in lower if name in best), default=0.0)
        left = one.score - _HANDED_UP * below
        if left > 0:
            results.append(
                _finding(
                    component, Signal.STATEMENT, left, _describe(one, old, new), one.text.words, one.service
                )
            )
    return results


def _describe(one: _Evidence, old: _Tally, new: _Tally) -> str:
    (known, before), (seen, after) = (
        old.rate(one.service, _ANY, one.text),
        new.rate(one.service, _ANY, one.text),
    )
    what = "appears" if seen * max(before, 1) > known * max(after, 1) else "vanishes"
    where = f"in {one.service} " if one.text.about else ""
    return f'"{one.text.words}" {where}{what}: {seen} of {after} requests, {known} of {before} before'


def _strongest(old: _Tally, new: _Tally) -> dict[str, _Evidence]:
    """The strongest statement against each component."""
    best: dict[str, _Evidence] = {}
    pairs = {(place.service, place.text) for tally in (old, new) for place in tally.logged}
    for service, text in sorted(pairs):
        score = _change(service, text, old, new)
        credited = text.about or service
        score *= _BLAME if text.about else 1.0
        if score > 0 and (credited not in best or score > best[credited].score):
            best[credited] = _Evidence(score, service, text)
    return best


def _change(service: str, text: _Text, old: _Tally, new: _Tally) -> float:
    """The weaker of the evidence over all requests and that within the requests of the caller that shows it best."""
    if (service, _ANY) not in old.units or (service, _ANY) not in new.units:
        return 0.0
    overall = share_changed(old.rate(service, _ANY, text), new.rate(service, _ANY, text))
    if overall <= 0:
        return 0.0
    callers = [caller for name, caller in new.units if name == service and caller != _ANY]
    within = [
        share_changed(old.rate(service, caller, text), new.rate(service, caller, text))
        for caller in callers
        if (service, caller) in old.units
    ]
    return min(overall, max(within)) if within else overall


def _tally(part: Slice, start: float, end: float, about: Callable[[LogLine], str]) -> _Tally:
    """Count by request if spans and trace ids allow it, else by stretches of time."""
    tally = _Tally()
    forest = part.forest
    for index, span in enumerate(forest.spans):
        if start * 1e9 <= span.start_ns < end * 1e9 and forest.entry(index):
            caller = forest.caller(index)
            tally.units[span.service, caller].add(span.trace)
            tally.units[span.service, _ANY].add(span.trace)
    by_request = bool(forest.spans) and any(line.trace for line in part.logs[:200])
    count = _by_request(part, tally, about) if by_request else _by_time(tally, about)
    for line in part.logs:
        count(line, start, end)
    return tally


def _by_request(
    part: Slice, tally: _Tally, about: Callable[[LogLine], str]
) -> Callable[[LogLine, float, float], None]:
    forest = part.forest
    place = {(span.trace, span.span): index for index, span in enumerate(forest.spans)}

    def count(line: LogLine, start: float, end: float) -> None:
        index = place.get((line.trace, span_of(line.message)))
        moment = forest.spans[index].start_ns if index is not None else line.time_ns
        if not start * 1e9 <= moment < end * 1e9:
            return
        text = _text(line, about)
        for caller in (_ANY,) if index is None else (_ANY, forest.caller(index)):
            if line.trace in tally.units.get((line.service, caller), ()):
                tally.logged[_Place(line.service, caller, text)].add(line.trace)

    return count


def _by_time(tally: _Tally, about: Callable[[LogLine], str]) -> Callable[[LogLine, float, float], None]:
    def count(line: LogLine, start: float, end: float) -> None:
        if start * 1e9 <= line.time_ns < end * 1e9:
            unit = str(line.time_ns // int(_SLICE * 1e9))
            tally.units[line.service, _ANY].add(unit)
            tally.logged[_Place(line.service, _ANY, _text(line, about))].add(unit)

    return count


def _text(line: LogLine, about: Callable[[LogLine], str]) -> _Text:
    """A statement with its level: the same words as an error and as information are two statements."""
    words = f"{line.level} {statement(line.message)}".strip()
    return _Text(words, about(line) if is_error(line.level) else "")


def new_error_findings(observed: Observation) -> list[Finding]:
    """Error statements that come more often in time than before; lines without a request count here, too.

    A component that is blamed, and blames another one itself, hands most of it on.
    """
    about = mention(observed.components)
    old, old_slices = _errors(observed.window.logs, observed.start, observed.calm_until, about)
    past, past_slices = _errors(observed.baseline.logs, 0, float("inf"), about)
    for place, slices in past.items():
        old[place] |= {-number - 1 for number in slices}
    before = max(1, old_slices + past_slices)
    new, after = _errors(observed.window.logs, observed.detected, observed.looked_until, about)
    known = {text for _, text in old}
    best: dict[str, Finding] = {}
    blamed: dict[str, float] = defaultdict(float)  # by who blames: the worst that is said of another
    for (service, text), slices in sorted(new.items()):
        seen, earlier = len(slices), len(old.get((service, text), ()))
        if not after or seen / after <= earlier / before:
            continue
        score = share_changed((earlier, before), (seen, after)) * (_KNOWN if text in known else 1.0)
        score *= _BLAME if text.about else 1.0
        credited = text.about or service
        if text.about:
            blamed[service] = max(blamed[service], score)
        if score > 0 and (credited not in best or score > best[credited].score):
            where = f"in {service} " if text.about else ""
            line = (
                f'"{text.words}" is logged {where}in {seen} of {after} stretches of {_ERROR_SLICE:.0f} s, '
                f"{earlier} of {before} before"
            )
            best[credited] = _finding(credited, Signal.NEW_ERROR, score, line, text.words, service)
    left = (best[name]._replace(score=best[name].score - _HANDED_UP * blamed[name]) for name in sorted(best))
    return [one for one in left if one.score > 0]


def _errors(
    lines: Iterable[LogLine], start: float, end: float, about: Callable[[LogLine], str]
) -> tuple[dict[tuple[str, _Text], set[int]], int]:
    """In which stretches of time each error statement was logged, and how many stretches there were."""
    found: dict[tuple[str, _Text], set[int]] = defaultdict(set)
    chosen = [line for line in lines if start <= line.time_ns / 1e9 < end]
    if not chosen:
        return found, 0
    for line in chosen:
        if is_error(line.level):
            text = _Text(statement(line.message), about(line))
            found[line.service, text].add(int(line.time_ns / 1e9 // _ERROR_SLICE))
    first = max(start, chosen[0].time_ns / 1e9)
    last = end if end < float("inf") else chosen[-1].time_ns / 1e9
    # Stretches begin at whole multiples, so that one more may be touched than fit in between.
    return found, max(1, round((last - first) / _ERROR_SLICE), *map(len, found.values()))


def _finding(component: str, signal: Signal, score: float, text: str, shown: str, writer: str) -> Finding:
    query = f'{{service_name="{quoted(writer)}"}}'
    other = writer if writer != component else ""
    return Finding(component, signal, score, text, Family.ERRORS, shown, query, "loki", other)
