"""What a model may cost, checked before each call against the most that the call can cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Final, NamedTuple

from compass.model.investigation import Cost

MILLION: Final = 1_000_000


class Price(NamedTuple):
    """US dollars per million tokens read and written."""

    input: float
    output: float

    def usd(self, read: int, written: int) -> float:
        """What so many tokens cost."""
        return (read * self.input + written * self.output) / MILLION


class Budget(NamedTuple):
    """The most that one investigation may spend on its model; None for no bound."""

    tokens: int | None = None
    usd: float | None = None
    seconds: float | None = None


class Reserved(NamedTuple):
    """What one call may cost at most, set aside before it is made."""

    tokens: int
    usd: float
    seconds: float


@dataclass
class Ledger:
    """What was spent so far, and what calls under way may still spend: they may run beside each other.

    `price` None means that it is not known, which is never taken for nothing.
    """

    budget: Budget
    price: Price | None
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    _reserved: list[Reserved] = field(default_factory=list, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def reserve(self, read: int, written: int, seconds: float) -> Reserved | str:
        """Set aside what a call may cost that reads and writes at most so many tokens and waits so many `seconds`,
        or what the budget leaves of these; in words why it must not be made, if it must not.
        """
        most = self.price.usd(read, written) if self.price is not None else 0.0
        with self._lock:
            tokens = self.tokens + sum(one.tokens for one in self._reserved)
            usd = self.usd + sum(one.usd for one in self._reserved)
            budget, left = self.budget, seconds
            if budget.tokens is not None and tokens + read + written > budget.tokens:
                return f"the budget of {budget.tokens} tokens does not cover a call of up to {read + written} after {tokens}"
            if budget.usd is not None and self.price is None:
                return "the price of the model is not known, so that a budget in money cannot be kept"
            if budget.usd is not None and usd + most > budget.usd:
                return f"the budget of {budget.usd:g} USD does not cover a call of up to {most:.4g} USD after {usd:.4g}"
            if budget.seconds is not None:
                left = budget.seconds - self.seconds - sum(one.seconds for one in self._reserved)
                if left <= 0:
                    return f"the budget of {budget.seconds:g} seconds is used up"
            reserved = Reserved(read + written, most, min(seconds, left))
            self._reserved.append(reserved)
            return reserved

    def charge(self, reserved: Reserved, read: int, written: int, seconds: float) -> Cost:
        """Enter what a call did cost in place of what was reserved for it."""
        usd = self.price.usd(read, written) if self.price is not None else 0.0 if not read + written else None
        with self._lock:
            self._reserved.remove(reserved)
            self.tokens += read + written
            self.usd += usd or 0.0
            self.seconds += seconds
        return Cost(tokens=read + written, usd=usd, seconds=round(seconds, 3))

    def estimate(self, read: int, written: int, calls: int, patience: float) -> Cost:
        """The most that `calls` calls can cost, and never more than the budget."""
        tokens = [calls * (read + written)]
        if self.budget.tokens is not None:
            tokens.append(self.budget.tokens)
        seconds = [calls * patience]
        if self.budget.seconds is not None:
            seconds.append(self.budget.seconds)
        usd = None
        if self.price is not None:
            most = calls * self.price.usd(read, written)
            usd = most if self.budget.usd is None else min(most, self.budget.usd)
        return Cost(tokens=min(tokens), usd=usd, seconds=min(seconds))
