"""Order statistics that a few wild samples cannot move."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from compass.investigate.observation import Floats

_NORMAL: Final = 1.4826  # MAD of a normal distribution -> its standard deviation


def mad(values: Floats) -> float:
    """Median absolute deviation, scaled so that it equals sigma for normal data; 0 for fewer than 2 values."""
    if len(values) < 2:
        return 0.0
    return float(np.median(np.abs(values - np.median(values)))) * _NORMAL


def half_range(values: Floats) -> float:
    """Half of the 5-95 % range: the usual swing of a series; 0 for fewer than 2 values."""
    if len(values) < 2:
        return 0.0
    low, high = np.quantile(values, (0.05, 0.95))
    return float(high - low) / 2


def surprise(z: float, free: float = 1.0) -> float:
    """log(1 + z) above `free` scales: large deviations count, but a hundredfold one not a hundred times."""
    return math.log1p(max(0.0, z - free))


def log_bayes_factor(old: tuple[float, float], new: tuple[float, float], strength: float = 6.0) -> float:
    """Evidence (nats) that a rate changed: `old` and `new` are (events, exposure).

    The unchanged rate is a gamma distribution around the old rate worth at most `strength` events, so that old
    rates may drift; the changed rate is a gamma prior as wide as one event. Negative when nothing changed.
    """
    k0, t0 = old
    k1, t1 = new
    if t1 <= 0:
        return 0.0
    rate = (k0 + 0.5) / (t0 + 1.0)
    held = min(strength, k0 + 0.5)
    same = _negative_binomial(k1, t1, held, held / rate)
    pooled = (k0 + k1 + 1.0) / (t0 + t1 + 1.0)
    other = _negative_binomial(k1, t1, 1.0, 1.0 / pooled)
    return other - same


def _negative_binomial(k: float, t: float, shape: float, rate: float) -> float:
    return (
        math.lgamma(k + shape)
        - math.lgamma(shape)
        + shape * math.log(rate / (rate + t))
        + (k * math.log(t / (rate + t)) if k else 0.0)
    )
