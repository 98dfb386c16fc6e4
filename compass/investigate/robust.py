"""Order statistics that a few wild samples cannot move."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from compass.investigate.observation import Floats

MANY: Final = 20
_NORMAL: Final = 1.4826  # MAD of a normal distribution -> its standard deviation


def mad(values: Floats) -> float:
    """Median absolute deviation, scaled so that it equals sigma for normal data; 0 for fewer than 2 values."""
    if len(values) < 2:
        return 0.0
    return float(np.median(np.abs(values - np.median(values)))) * _NORMAL


def usual_range(values: Floats) -> float:
    """How far apart the usual values lie: the 5-95 % range, the whole range of fewer than MANY; 0 for fewer than 2."""
    if len(values) < MANY:
        return float(np.ptp(values)) if len(values) > 1 else 0.0
    low, high = np.quantile(values, (0.05, 0.95))
    return float(high - low)


def half_range(values: Floats) -> float:
    """Half of the 5-95 % range: the usual swing of a series; 0 for fewer than 2 values."""
    if len(values) < 2:
        return 0.0
    low, high = np.quantile(values, (0.05, 0.95))
    return float(high - low) / 2


def surprise(z: float, free: float = 0.0) -> float:
    """log(1 + z) above `free` scales: large deviations count, but a hundredfold one not a hundred times."""
    return math.log1p(max(0.0, z - free))


def share_changed(old: tuple[float, float], new: tuple[float, float], strength: float = 6.0) -> float:
    """Log Bayes factor (nats) that a share changed; `old` and `new` are (events, trials).

    Unchanged: the new events follow a beta distribution around the old share that is worth `strength` trials at
    most, so that shares may drift; changed: any share is as likely. Negative when nothing changed.
    """
    events, trials = new
    share = (old[0] + 0.5) / (old[1] + 1.0)
    worth = min(strength, old[1] + 1.0)
    return _beta_binomial(events, trials, 1.0, 1.0) - _beta_binomial(
        events, trials, share * worth, (1.0 - share) * worth
    )


def _beta_binomial(events: float, trials: float, a: float, b: float) -> float:
    """Log probability up to the binomial coefficient, which cancels in a ratio."""
    top = math.lgamma(events + a) + math.lgamma(trials - events + b) - math.lgamma(trials + a + b)
    return top - (math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))
