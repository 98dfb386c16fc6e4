"""Every component with telemetry, ranked by what its signals say; fixed round weights, no model, no learning.

The signals and their weights follow a study on recorded incidents of three systems; weights fitted per system
were no better than these round ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from compass.investigate.alerts import alert_findings
from compass.investigate.balance import TRAVELS, balance_findings, wait_findings
from compass.investigate.calls import failed_span_findings, last_call_findings
from compass.investigate.deviation import Deviation, deviations, metric_findings
from compass.investigate.families import Family
from compass.investigate.findings import Finding, Signal
from compass.investigate.logs import new_error_findings, statement_findings
from compass.investigate.observation import Observation
from compass.investigate.timing import gap_findings, own_time_findings

WEIGHTS: Final[Mapping[Signal, float]] = {
    Signal.BALANCE: 1.0,
    Signal.METRIC: 1.0,
    Signal.ALERT: 1.5,
    Signal.GAP: 1.25,
    Signal.OWN_TIME: 0.5,
    Signal.LAST_CALL: 0.4,
    Signal.FAILED_SPAN: 0.5,
    Signal.STATEMENT: 1.0,
    Signal.NEW_ERROR: 1.0,
}
# What a family says about a component itself: its resources say most, its traffic nothing.
FAMILIES: Final[Mapping[Family, float]] = {
    Family.CPU: 1.5,
    Family.MEMORY: 1.0,
    Family.DISK: 1.0,
    Family.SATURATION: 1.0,
    Family.RESTARTS: 1.0,
    Family.LATENCY: 0.5,
    Family.AVAILABILITY: 0.5,
    Family.ERRORS: 0.5,
    Family.OTHER: 0.2,
    Family.NETWORK: 0.1,
    Family.CLIENT_LATENCY: 0.0,
    Family.TRAFFIC: 0.0,
}


_TRACED: Final = 0.5
# Without a call graph, what travels says less of where it began; a share of all of it still says more than its height.
_UNLINKED: Final = 0.35
_TRAVELLING: Final = 0.1


class Ranked(NamedTuple):
    """A component, its score, and the findings that make it up, strongest first, with what each adds."""

    component: str
    score: float
    findings: tuple[Finding, ...]
    parts: tuple[float, ...] = ()


class Ranking(NamedTuple):
    """All components, best first, and every series that was compared."""

    components: tuple[Ranked, ...]
    deviations: tuple[Deviation, ...]


def rank(observed: Observation) -> Ranking:
    """Rank every component with telemetry; ties are broken by name."""
    moved = deviations(observed)
    found = [
        *balance_findings(observed, moved),
        *metric_findings(moved),
        *alert_findings(observed),
        *wait_findings(observed, moved),
        *gap_findings(observed),
        *own_time_findings(observed),
        *last_call_findings(observed),
        *failed_span_findings(observed),
        *statement_findings(observed),
        *new_error_findings(observed),
    ]
    return Ranking(combine(observed, found), tuple(moved))


def combine(observed: Observation, found: Iterable[Finding]) -> tuple[Ranked, ...]:
    """Add up what was found at each component."""
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        grouped[finding.component].append(finding)
    traced = len({span.service for span in observed.window.spans}) > 1
    linked = bool(observed.edges)
    ranked = []
    for component in observed.components:
        weighed = sorted(
            ((weigh(one, traced=traced, linked=linked), one) for one in grouped[component]),
            key=lambda pair: (-pair[0], pair[1].text),
        )
        parts = tuple(part for part, _ in weighed)
        ranked.append(Ranked(component, sum(parts), tuple(one for _, one in weighed), parts))
    return tuple(sorted(ranked, key=lambda one: (-one.score, one.component)))


def weigh(finding: Finding, *, traced: bool, linked: bool) -> float:
    """What a finding adds to its component's score.

    Symptoms that travel count by their balance, less where no call graph is known; spans tell better than metrics
    where time goes.
    """
    weight = WEIGHTS[finding.signal]
    if finding.signal is Signal.METRIC:
        weight *= FAMILIES[finding.family]
        if finding.family in TRAVELS:
            weight *= 0.0 if linked else _TRAVELLING
    if finding.signal is Signal.BALANCE:
        weight *= (_TRACED if traced else 1.0) * (1.0 if linked else _UNLINKED)
    return weight * finding.score
