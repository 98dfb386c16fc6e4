"""What a model may cost, checked before each call against the most that the call can cost."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass
class Ledger:
    """What was spent so far; `price` None means that it is not known, which is never taken for nothing."""

    budget: Budget
    price: Price | None
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0

    def refusal(self, read: int, written: int) -> str | None:
        """Why a call that reads and writes at most so many tokens must not be made; None if it may be."""
        budget = self.budget
        if budget.tokens is not None and self.tokens + read + written > budget.tokens:
            return (
                f"the budget of {budget.tokens} tokens does not cover a call of up to {read + written}"
                f" after {self.tokens}"
            )
        if budget.usd is not None:
            if self.price is None:
                return "the price of the model is not known, so that a budget in money cannot be kept"
            most = self.price.usd(read, written)
            if self.usd + most > budget.usd:
                return (
                    f"the budget of {budget.usd:g} USD does not cover a call of up to {most:.4g} USD"
                    f" after {self.usd:.4g}"
                )
        if budget.seconds is not None and self.seconds >= budget.seconds:
            return f"the budget of {budget.seconds:g} seconds is used up"
        return None

    def patience(self, seconds: float) -> float:
        """How long the next call may take: `seconds`, or what the budget leaves."""
        return seconds if self.budget.seconds is None else min(seconds, self.budget.seconds - self.seconds)

    def charge(self, read: int, written: int, seconds: float) -> Cost:
        """Enter what a call did cost."""
        usd = self.price.usd(read, written) if self.price is not None else 0.0 if not read + written else None
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
