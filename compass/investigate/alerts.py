"""Firing alerts as a signal: people wrote them to say what is wrong, and the deepest one explains those above it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import Final

from compass.investigate.balance import TRAVELS
from compass.investigate.families import meaning
from compass.investigate.findings import Finding, Signal, quoted
from compass.investigate.observation import Observation
from compass.investigate.series import component

_LATE: Final = 120.0  # an alert that begins later than this after detection is taken for a consequence
_TRAVELLING: Final = 0.5
_EACH: Final = 2.0


def alert_findings(observed: Observation) -> list[Finding]:
    """For each component, the alerts at it that none of its callees has, too.

    An alert about what travels (latency, errors, availability) tells less of its place than one about a limit, a
    lock or a certificate.
    """
    places: dict[str, set[str]] = defaultdict(set)
    for alert in observed.alerts:
        if alert.starts <= observed.detected + _LATE:
            places[alert.name].add(component(alert.labels))
    worth: dict[str, dict[str, float]] = defaultdict(dict)
    for name, found in places.items():
        travels = meaning(name).family in TRAVELS
        for place in found - {""}:
            if not observed.below.get(place, frozenset()) & found:
                worth[place][name] = _TRAVELLING if travels else 1.0
    return [
        Finding(
            place,
            Signal.ALERT,
            math.log1p(_EACH * sum(worth[place].values())),
            f"alerts fire here and at nothing it calls: {', '.join(sorted(worth[place]))}",
            query=f'ALERTS{{alertname=~"{quoted("|".join(map(re.escape, sorted(worth[place]))))}"}}',
            source="prometheus",
        )
        for place in sorted(worth)
        if place in observed.components
    ]
