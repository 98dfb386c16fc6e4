"""Ask the memory: exact names first, then fused signals, then how sure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from compass.retrieval.answer import Answer, Result
from compass.retrieval.coefficients import Coefficients, committed
from compass.retrieval.confidence import LITTLE, NAMED, confidence
from compass.retrieval.document import Shown
from compass.retrieval.exact import exact
from compass.retrieval.query import Query, analyse
from compass.retrieval.ranking import SIGNALS, WIDE, Array, Scored, close, signals
from compass.retrieval.segments import Place, Segments
from compass.retrieval.thesaurus import Thesaurus, default
from compass.retrieval.tokens import surfaces

CANDIDATES: Final = 100
"""How many of the best are looked at closely."""

CLEAR: Final = 0.6
"""A lead over the next entry beyond this share says no more: in a small memory there may be no next one at all."""

_EXACT: Final = 10.0
"""Added to the shown score of an entry that the query names, which comes first whatever its words."""

_TRUST: Final = {"stable": 0.03, "verified": 0.02, "draft": 0.0, "deprecated": -0.3}
"""Added to the score: between look-alikes the better confirmed one comes first."""

_STALE: Final = 0.02
"""Taken from the score of an entry whose review is overdue."""


@dataclass(frozen=True)
class Ranked:
    """Numbers and scores of the best documents, best first; those named in the query; the evidence for the first."""

    numbers: tuple[int, ...]
    scores: tuple[float, ...]
    named: Mapping[int, str]
    evidence: tuple[float, ...]
    rivals: int
    mass: float


@dataclass(frozen=True, slots=True)
class Explained:
    """A result and what each signal gives to its score; the shares and the trust add up to it."""

    id: str
    title: str
    score: float
    shares: Mapping[str, float]


@dataclass(frozen=True)
class Searcher:
    """An index with what is needed to ask it; `clock` counts seconds, `today` is a day as 2026-01-31 ("": not known)."""

    index: Segments
    thesaurus: Thesaurus = field(default_factory=default)
    coefficients: Coefficients = field(default_factory=committed)
    clock: Callable[[], float] = time.perf_counter
    today: str = ""

    def search(self, text: str, limit: int = 10) -> Answer:
        """The entries that apply to any text: an alert, words, an expression, a log line. Never fails on a text."""
        start = self.clock()
        query = analyse(text, self.index.known, self.thesaurus)
        ranked = self.rank(query, signals(self.index, query))
        sure = self.sure(ranked)
        written = surfaces(query.text)
        results = tuple(
            self._result(query, ranked, number, score, written)
            for number, score in list(zip(ranked.numbers, ranked.scores, strict=True))[:limit]
        )
        spent = (self.clock() - start) * 1000
        return Answer(results, round(sure, 4), self.coefficients.bands.of(sure), round(spent, 3), query)

    def explain(self, text: str, limit: int = 3) -> list[Explained]:
        """What each signal gives to the score of the first results, and what makes the first one likely or not."""
        query = analyse(text, self.index.known, self.thesaurus)
        scored = signals(self.index, query)
        ranked = self.rank(query, scored)
        numbers = ranked.numbers[:limit]
        values = np.hstack([scored.rows(numbers), close(self.index, query, numbers)])
        found = []
        for number, score, row in zip(numbers, ranked.scores, values, strict=False):
            shown, place = self.index.row(number)
            shares = dict(zip(SIGNALS, (row * self.coefficients.ranking).round(3).tolist(), strict=True))
            shares["trust"] = round(self._trust(shown, place), 3)
            if number in ranked.named:
                shares["named"] = _EXACT
            found.append(Explained(shown.id, shown.title, score, shares))
        return found

    def sure(self, ranked: Ranked) -> float:
        """The probability that the first result is right."""
        if not ranked.numbers:
            return 0.0
        if ranked.rivals > 1:
            return NAMED / ranked.rivals
        learnt = confidence(ranked.evidence, self.coefficients.confidence)
        if ranked.rivals:
            return max(learnt, NAMED)
        return min(learnt, LITTLE) if ranked.mass < 1 else learnt

    def rank(self, query: Query, scored: Scored, hidden: frozenset[int] = frozenset()) -> Ranked:
        """The best documents without the hidden ones (which training leaves out, to learn what "nothing" looks like)."""
        named = {
            number: said for number, said in exact(self.index, query.text).items() if number not in hidden
        }
        wide, near = self.coefficients.ranking[: len(WIDE)], self.coefficients.ranking[len(WIDE) :]
        first = scored.wide @ wide
        if hidden:
            first[np.isin(scored.numbers, list(hidden))] = -np.inf
        best = scored.numbers[_best(first, lambda places: self.index.keys[scored.numbers[places]])]
        numbers = list(dict.fromkeys([*best.tolist(), *named]))
        rows = {number: self.index.row(number) for number in numbers}
        sums = scored.rows(numbers) @ wide + close(self.index, query, numbers) @ near
        totals = dict(zip(numbers, sums.tolist(), strict=True))
        # Rounded, because sums of floats depend on the order of the files in their last digits.
        total = {
            number: round(max(totals[number], 0.0) + self._trust(shown, place), 3)
            for number, (shown, place) in rows.items()
        }
        order = sorted(
            rows,
            key=lambda one: (one not in named, -total[one], rows[one][1].distance, rows[one][0].path),
        )
        scores = tuple(round(total[number] + (_EXACT if number in named else 0.0), 3) for number in order)
        titles = {number: shown.title.casefold() for number, (shown, _) in rows.items()}
        evidence = _evidence(order, total, titles, scored) if order else ()
        return Ranked(
            tuple(order),
            scores,
            named,
            evidence,
            len({titles[number] for number in named}),
            0.0 if query.vague else scored.mass,
        )

    def _result(
        self, query: Query, ranked: Ranked, number: int, score: float, written: Mapping[str, str]
    ) -> Result:
        row, place = self.index.row(number)
        said = [f"named: {ranked.named[number]}"] if number in ranked.named else []
        why = "; ".join([*said, *self._words(query, number, written), self._standing(row)])
        return Result(
            row.id,
            row.kind,
            row.title,
            row.status,
            row.path,
            place.repo,
            place.commit,
            score,
            why,
            place.root,
            row.blob,
        )

    def _standing(self, row: Shown) -> str:
        """How far an entry can be trusted, in words."""
        said = f"{row.status} {row.checked}".strip()
        if row.successor:
            return f"{said}, see {row.successor}"
        return f"{said}, stale since {row.due}" if self._stale(row) else said

    def _stale(self, row: Shown) -> bool:
        return bool(row.due and self.today and row.due < self.today)

    def _trust(self, row: Shown, place: Place) -> float:
        stale = _STALE if self._stale(row) else 0.0
        return _TRUST.get(row.status, 0.0) - stale - 0.01 * min(place.distance, 3)

    def _words(self, query: Query, number: int, written: Mapping[str, str]) -> list[str]:
        """Which words of the query the title has, and which the text; a synonym is shown beside the word it stands for."""
        title: list[str] = []
        text: list[str] = []
        for concept in query.concepts:
            for term, _ in concept.terms:
                place = self.index.has(number, term)
                if place:
                    own = written.get(concept.shown, concept.shown)
                    shown = own if term == concept.shown else f"{own} ~ {term}"
                    (title if place == "title" else text).append(shown)
                    break
        parts = (("title", title), ("text", text))
        return [f"{name}: {', '.join(dict.fromkeys(words[:5]))}" for name, words in parts if words]


def _best(totals: Array, keys: Callable[[Array], Array]) -> Array:
    """The places of the best; among equals at the end the keys decide, so that the order of the files does not."""
    count = min(CANDIDATES, len(totals))
    if not count:
        return np.zeros(0, np.int64)
    rounded = np.round(totals, 4)
    edge = -np.partition(-rounded, count - 1)[count - 1]
    above, equal = np.flatnonzero(rounded > edge), np.flatnonzero(rounded == edge)
    if len(above) + len(equal) > count:
        equal = equal[np.argsort(keys(equal), kind="stable")]
    found: Array = np.concatenate([above, equal])[:count]
    return found[np.isfinite(totals[found])]


def _evidence(
    order: list[int], total: Mapping[int, float], titles: Mapping[int, str], scored: Scored
) -> tuple[float, ...]:
    first = order[0]
    own = max(total[first], 1e-6)
    other = max((total[number] for number in order[1:] if titles[number] != titles[first]), default=0.0)
    return (own, min((own - other) / own, CLEAR), math.log1p(own * scored.mass))
