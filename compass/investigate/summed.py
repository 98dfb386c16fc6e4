"""Metrics that the server sums for each component: the PromQL that asks for one component, or for all of them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from compass.investigate.findings import quoted

_SUM: Final = re.compile(r"sum by \((?:__name__, )?(\w+)\) \(")


class Sum(NamedTuple):
    """How a metric is summed: over series that name their component by `label` and fit the matchers `others`.

    A counter is summed as its rate over so many `seconds`, since a sum of counters jumps whenever a process starts
    anew; a gauge has none. `status` is the label by which only the answers with a 5xx status are counted.
    """

    name: str
    label: str
    others: str = ""
    seconds: int = 0
    status: str = ""

    def of(self, matcher: str) -> str:
        """PromQL: one series for each component whose label fits a matcher such as `job=~"a|b"`."""
        only = f'{self.status}=~"5.*"' if self.status else ""
        inner = ",".join(part for part in (matcher, self.others, only) if part)
        if self.seconds:
            return f"sum by ({self.label}) (rate({self.name}{{{inner}}}[{self.seconds}s]))"
        return f"sum by (__name__, {self.label}) ({self.name}{{{inner}}})"

    def of_component(self, component: str) -> str:
        """PromQL: the sum of one component, which is one series."""
        return self.of(f'{self.label}="{quoted(component)}"')


def is_sum(query: str) -> bool:
    """Whether a query asks for sums, so that what it gives are rates already where it says so."""
    return _SUM.match(query) is not None


def of_every_component(query: str) -> str:
    """The query of one component's sum as a query of the sums of all components."""
    found = _SUM.match(query)
    if found is None:
        raise ValueError(f"{query[:80]!r} asks for no sum")
    label = found[1]
    return re.sub(rf'(?<=[{{,]){label}="(?:[^"\\]|\\.)+"', f'{label}=~".+"', query)
