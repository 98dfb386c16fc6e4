"""How good a ranking is and how honest its confidence: the figures of a retrieval run, with their standard errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answered query: its kind, whether anything answers it, the rank of the first right result (0: not in ten)."""

    kind: str
    answerable: bool
    rank: int
    confidence: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its standard error (0 where none is given) and the number of queries behind it."""

    name: str
    value: float
    error: float
    count: int


def figures(outcomes: Sequence[Outcome]) -> list[Figure]:
    """Every figure of a run, in the order in which they are printed."""
    answerable = [one for one in outcomes if one.answerable]
    found = [
        _share(
            f"first {count} right" if count > 1 else "first hit right",
            [0 < one.rank <= count for one in answerable],
        )
        for count in (1, 3, 5)
    ]
    found.append(_mean("MRR@10", [1 / one.rank if one.rank else 0.0 for one in answerable]))
    found += _abstention(outcomes, answerable)
    sure = [one for one in outcomes if one.confidence >= 0.8]
    found.append(_share("right at confidence >= 0.8", [one.rank == 1 for one in sure]))
    found.append(_share("coverage at confidence >= 0.8", [one.confidence >= 0.8 for one in outcomes]))
    found.append(Figure("ECE", expected_calibration_error(outcomes), 0.0, len(outcomes)))
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        spent = sorted(one.milliseconds for one in outcomes)
        found.append(
            Figure(
                f"milliseconds {name}", spent[min(len(spent) - 1, int(share * len(spent)))], 0.0, len(spent)
            )
        )
    for kind in sorted({one.kind for one in answerable}):
        of_kind = [one for one in answerable if one.kind == kind]
        found.append(_share(f"{kind}: first hit", [one.rank == 1 for one in of_kind]))
        found.append(_share(f"{kind}: first 5", [0 < one.rank <= 5 for one in of_kind]))
    return found


def _abstention(outcomes: Sequence[Outcome], answerable: Sequence[Outcome]) -> list[Figure]:
    nothing = [one for one in outcomes if not one.answerable]
    groups: list[tuple[str, Callable[[Outcome], bool]]] = [
        ("AUROC of nothing", lambda _: True),
        ("AUROC of nothing, foreign", lambda one: one.kind.endswith("foreign")),
        ("AUROC of nothing, removed", lambda one: one.kind.endswith("removed")),
    ]
    found = []
    for name, chosen in groups:
        low = [one.confidence for one in nothing if chosen(one)]
        if low and answerable:
            found.append(area(name, low, [one.confidence for one in answerable]))
    return found


def area(name: str, low: Sequence[float], high: Sequence[float]) -> Figure:
    """The chance that a value of `low` is below one of `high`, ties half (the area under the ROC curve).

    Standard error after Hanley and McNeil, Radiology 143 (1982).
    """
    ranked = sorted([(value, 0) for value in low] + [(value, 1) for value in high])
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        total += (at + end + 1) / 2 * sum(flag for _, flag in ranked[at:end])
        at = end
    many, few = len(high), len(low)
    value = (total - many * (many + 1) / 2) / (many * few)
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (many - 1) * (first - value**2) + (few - 1) * (second - value**2)
    return Figure(name, value, math.sqrt(max(spread, 0.0) / (many * few)), few)


def expected_calibration_error(outcomes: Sequence[Outcome]) -> float:
    """Mean distance between confidence and the share that was right, over ten equal bins."""
    gaps = [count * abs(said - right) for said, right, count in reliability(outcomes)]
    return sum(gaps) / max(1, len(outcomes))


def reliability(outcomes: Sequence[Outcome]) -> list[tuple[float, float, int]]:
    """Per tenth of confidence that occurs: its mean, the share that was right, and how many queries."""
    bins: list[list[Outcome]] = [[] for _ in range(10)]
    for one in outcomes:
        bins[min(9, int(one.confidence * 10))].append(one)
    return [
        (
            round(fmean(one.confidence for one in part), 4),
            round(fmean(one.rank == 1 for one in part), 4),
            len(part),
        )
        for part in bins
        if part
    ]


def paired(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> tuple[int, int, float]:
    """Queries that only we, and only they, answer right at once, and the exact two-sided sign test's p (McNemar)."""
    pairs = [(a.rank == 1, b.rank == 1) for a, b in zip(ours, theirs, strict=True) if a.answerable]
    won, lost = sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
    total = won + lost
    tail = sum(math.comb(total, k) for k in range(min(won, lost) + 1))
    return won, lost, min(1.0, 2 * tail / 2**total) if total else 1.0


def _share(name: str, hits: Sequence[bool]) -> Figure:
    value = fmean(hits) if hits else math.nan
    return Figure(name, value, math.sqrt(value * (1 - value) / len(hits)) if hits else math.nan, len(hits))


def _mean(name: str, values: Sequence[float]) -> Figure:
    if len(values) < 2:
        return Figure(name, fmean(values) if values else math.nan, math.nan, len(values))
    middle = fmean(values)
    spread = math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))
    return Figure(name, middle, spread / math.sqrt(len(values)), len(values))
