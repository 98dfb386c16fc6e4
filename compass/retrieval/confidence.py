"""How sure: the probability that the first result is the entry that applies, from a few signals of the ranking."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Band = Literal["likely", "candidates", "nothing found"]

EVIDENCE: Final = ("score", "margin", "weight")
"""Of the first result: its score; its distance to the next different title, as a share of its score; and the logarithm
of how much was found in all. More evidence fitted the questions at hand better and fresh ones worse."""

NAMED: Final = 0.97
"""How sure an exact name makes us; shared among the different entries that answer to names in the query."""

LITTLE: Final = 0.5
"""How sure less than one unique word can make us: "help" is found in one entry of a small memory, and means none."""


@dataclass(frozen=True, slots=True)
class Bands:
    """From `likely` on an answer is likely right; below `nothing` there is no answer."""

    likely: float
    nothing: float

    def of(self, confidence: float) -> Band:
        """The band shown to people."""
        if confidence >= self.likely:
            return "likely"
        return "candidates" if confidence >= self.nothing else "nothing found"


def confidence(evidence: Sequence[float], coefficients: Mapping[str, float]) -> float:
    """A logistic regression's probability; `evidence` in the order of EVIDENCE."""
    pairs = zip(EVIDENCE, evidence, strict=True)
    logit = coefficients["intercept"] + sum(coefficients[name] * value for name, value in pairs)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
