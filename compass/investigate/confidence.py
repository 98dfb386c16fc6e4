"""How sure: the probability that the component ranked first is the contributing one, from few robust quantities."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from compass.investigate.observation import Observation
from compass.investigate.ranking import Ranked

Coefficients = Mapping[str, float]
# Whoever has never seen a system is never surer than this, nor less sure: other systems fail in other ways.
LEAST: Final = 0.05
MOST: Final = 0.95
_NOBODY: Final = 2.0  # nats that "none of those that are ranked" weighs beside the rest


class Evidence(NamedTuple):
    """What the confidence rests on; it never falls when one of these rises.

    `margin`: how far the first score is ahead of the second, as a difference of log(1 + nats); `strength`:
    log(1 + nats) of the first; `agreeing`: how many of metrics, logs and traces each name the first one by
    themselves, the first of them not counted; `baseline`: 1 with a fault-free time to compare with, else 0;
    `seen`: the share of metrics, logs and traces that could be read at all.
    """

    margin: float
    strength: float
    agreeing: float
    baseline: float
    seen: float


@dataclass(frozen=True)
class Learnt:
    """`coefficients` for any system; `held_out`: those learnt without one suite, by which alone it may be scored."""

    coefficients: Coefficients
    held_out: Mapping[str, Coefficients]

    def without(self, suite: str) -> Coefficients:
        """The coefficients that have not seen this suite."""
        return self.held_out.get(suite, self.coefficients)


@cache
def committed() -> Learnt:
    """What `confidence.json` beside this file says; how it was made stands there, too."""
    text = resources.files("compass.investigate").joinpath("confidence.json").read_text("utf-8")
    data = json.loads(text)
    return Learnt(data["coefficients"], data["held_out"])


def evidence(observed: Observation, ranked: Sequence[Ranked]) -> Evidence:
    """What speaks for the component ranked first; all but nothing where nothing is ranked."""
    scores = [*(max(0.0, one.score) for one in ranked[:2]), 0.0, 0.0]
    kinds = (observed.window.tracks, observed.window.logs, observed.window.spans)
    return Evidence(
        math.log1p(scores[0]) - math.log1p(scores[1]),
        math.log1p(scores[0]),
        max(0.0, len(agreeing(ranked)) - 1.0),
        float(bool(observed.baseline.tracks or observed.baseline.spans or observed.baseline.logs)),
        sum(map(bool, kinds)) / len(kinds),
    )


def agreeing(ranked: Sequence[Ranked]) -> tuple[str, ...]:
    """The sources (prometheus, loki, tempo) that would name the first component on their own, sorted."""
    shares: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for one in ranked:
        for part, finding in zip(one.parts, one.findings, strict=True):
            if finding.source:
                shares[finding.source][one.component] += part
    first = ranked[0].component if ranked else ""
    return tuple(
        source for source, found in sorted(shares.items()) if 0 < max(found.values()) <= found.get(first, 0.0)
    )


def confidence(found: Evidence, coefficients: Coefficients) -> float:
    """A logistic regression's probability, kept between LEAST and MOST."""
    logit = coefficients["intercept"] + sum(
        coefficients[name] * value for name, value in found._asdict().items()
    )
    return min(MOST, max(LEAST, 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))))


def probabilities(
    observed: Observation, ranked: Sequence[Ranked], coefficients: Coefficients | None = None
) -> dict[str, float]:
    """For each component with a score, how likely it is the contributing one.

    The first gets the calibrated confidence; what is left is shared by score among the others and "none of them",
    none of whom is likelier than the first.
    """
    scored = [one for one in ranked if one.score > 0]
    if not scored:
        return {}
    first = confidence(evidence(observed, ranked), coefficients or committed().coefficients)
    total = sum(one.score for one in scored[1:]) + _NOBODY
    rest = {one.component: min(first, (1 - first) * one.score / total) for one in scored[1:]}
    return {scored[0].component: first, **rest}
