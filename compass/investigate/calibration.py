"""Learn and judge confidence: a logistic regression that cannot fall with evidence, held back hard, and its error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from compass.investigate.confidence import Coefficients, Evidence, Learnt, confidence

BINS: Final = 10
_PENALTY: Final = 0.1  # per case, on each weight's square; the intercept is free
_ROUNDS: Final = 20_000
_STEP: Final = 0.2


class Labelled(NamedTuple):
    """One ranked incident: its suite, the evidence for the component ranked first, and whether that was right."""

    suite: str
    evidence: Evidence
    right: bool


class Bin(NamedTuple):
    """Answers of like confidence: how many, how sure on average, and which share of them was right."""

    cases: int
    confidence: float
    right: float


def learn(cases: Sequence[Labelled]) -> Coefficients:
    """Non-negative weights by projected gradient descent; no case, or one outcome only, leaves them near nothing.

    Targets are softened as Platt proposed ("Probabilistic outputs for support vector machines", 1999): (n+ + 1) /
    (n+ + 2) for right and 1 / (n- + 2) for wrong ones, so that a perfect record is not taken for certainty.
    """
    rows = np.array([[1.0, *one.evidence] for one in cases], dtype=float).reshape(
        -1, 1 + len(Evidence._fields)
    )
    right = np.array([one.right for one in cases], dtype=bool)
    good, bad = int(right.sum()), int((~right).sum())
    targets = np.where(right, (good + 1) / (good + 2), 1 / (bad + 2))
    weights = np.zeros(rows.shape[1])
    held = np.array([0.0, *[_PENALTY] * len(Evidence._fields)])
    for _ in range(_ROUNDS if cases else 0):
        wrong = 1 / (1 + np.exp(-rows @ weights)) - targets
        weights -= _STEP * (rows.T @ wrong / len(rows) + held * weights)
        weights[1:] = np.maximum(weights[1:], 0.0)
    names = ("intercept", *Evidence._fields)
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}


def held_out(cases: Sequence[Labelled]) -> dict[str, Coefficients]:
    """For each suite, what the others teach."""
    suites = sorted({one.suite for one in cases})
    return {suite: learn([one for one in cases if one.suite != suite]) for suite in suites}


def bins(answers: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    """(confidence, right) in BINS stretches of equal width; empty ones are left out."""
    places = [min(BINS - 1, int(sure * BINS)) for sure, _ in answers]
    found = []
    for place in range(BINS):
        inside = [answer for answer, at in zip(answers, places, strict=True) if at == place]
        if inside:
            sure = sum(one for one, _ in inside) / len(inside)
            found.append(Bin(len(inside), sure, sum(one for _, one in inside) / len(inside)))
    return tuple(found)


def calibration_error(answers: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error: the mean distance of confidence and success over the bins, by their counts."""
    found = bins(answers)
    return sum(one.cases * abs(one.confidence - one.right) for one in found) / max(1, len(answers))


class Reliability(NamedTuple):
    """How far the confidence of a group of incidents can be trusted; `error` is its calibration error."""

    group: str
    cases: int
    confidence: float
    right: float
    error: float
    bins: tuple[Bin, ...]


def reliability(cases: Sequence[Labelled], learnt: Learnt, whole: str) -> Iterator[Reliability]:
    """Each suite, and all of them as `whole`, scored by coefficients that have not seen the case's suite."""
    answers = [(one.suite, confidence(one.evidence, learnt.without(one.suite)), one.right) for one in cases]
    for group in (*sorted({suite for suite, _, _ in answers}), whole):
        chosen = [(sure, right) for suite, sure, right in answers if group in {suite, whole}]
        if chosen:
            count = len(chosen)
            yield Reliability(
                group,
                count,
                sum(sure for sure, _ in chosen) / count,
                sum(right for _, right in chosen) / count,
                calibration_error(chosen),
                bins(chosen),
            )
