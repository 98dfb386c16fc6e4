"""Learn the coefficients: few, not negative, held back hard, so that they carry over to queries nobody has seen yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import numpy as np

from compass.errors import ConfigError
from compass.retrieval.coefficients import Coefficients
from compass.retrieval.confidence import EVIDENCE
from compass.retrieval.query import Query, analyse
from compass.retrieval.ranking import SIGNALS, WIDE, Array, Scored, close, signals
from compass.retrieval.search import Ranked, Searcher

START: Final = {"title": 0.7, "lead": 0.5, "body": 1.0}
"""The plain fielded BM25 that picks the candidates to learn from."""

CANDIDATES: Final = 60
RANK_PENALTY: Final = 0.005
CONFIDENCE_STRENGTH: Final = 0.1
MASKED_WEIGHT: Final = 0.1
"""A question whose entries are hidden counts a tenth: it is made up, and there are four for each real one."""

FEW: Final = 40
"""Entries of the small memory that every question is asked in as well."""


@dataclass(frozen=True)
class Question:
    """A query, the documents that answer it (none: nothing applies), and those of the same product."""

    text: str
    right: frozenset[int]
    product: frozenset[int]


@dataclass(frozen=True)
class Asked:
    """A question with its signals, computed once."""

    question: Question
    query: Query
    scored: Scored


def ask(searcher: Searcher, questions: Sequence[Question]) -> list[Asked]:
    """Analyse and score every question."""
    found = []
    for question in questions:
        query = analyse(question.text, searcher.index.known, searcher.thesaurus)
        found.append(Asked(question, query, signals(searcher.index, query)))
    return found


def train(searcher: Searcher, asked: Sequence[Asked]) -> Coefficients:
    """Coefficients learnt from these questions: first the ranking, then how sure that ranking is.

    ConfigError when no question, or every question, has an answer.
    """
    answerable = [one for one in asked if one.question.right]
    if not answerable or len(answerable) == len(asked):
        raise ConfigError(
            "coefficients are learnt from questions with an answer and questions without; one sort is missing"
        )
    ranking = learn_ranking(searcher, answerable)
    fitted = replace(searcher, coefficients=replace(searcher.coefficients, ranking=ranking))
    return replace(fitted.coefficients, confidence=learn_confidence(fitted, asked))


def learn_ranking(searcher: Searcher, asked: Sequence[Asked]) -> Array:
    """Weights of the signals, in the order of SIGNALS: a conditional logit over each question's candidates.

    Minimizes the mean of -log(probability of any right document) plus a ridge, by projected gradient descent with
    momentum; no weight may become negative (McFadden, "Conditional logit analysis", 1974).
    """
    first = np.array([START.get(name, 0.0) for name in WIDE], np.float32)
    shape = (len(asked), CANDIDATES, len(SIGNALS))
    values = np.zeros(shape, np.float64)
    right = np.zeros(shape[:2], bool)
    valid = np.zeros(shape[:2], bool)
    for row, one in enumerate(asked):
        order = np.argsort(-(one.scored.wide @ first), kind="stable")[:CANDIDATES]
        chosen = list(dict.fromkeys([*sorted(one.question.right), *(int(number) for number in order)]))[
            :CANDIDATES
        ]
        values[row, : len(chosen)] = np.hstack(
            [one.scored.wide[chosen], close(searcher.index, one.query, chosen)]
        )
        right[row, : len(chosen)] = [number in one.question.right for number in chosen]
        valid[row, : len(chosen)] = True
    weights = np.ones(len(SIGNALS))
    ahead, speed = weights.copy(), 0.0
    for _ in range(1500):
        step = np.maximum(ahead - 1.0 * _gradient(ahead, values, right, valid), 0.0)
        faster = (1 + np.sqrt(1 + 4 * speed**2)) / 2
        ahead = step + (speed - 1) / faster * (step - weights)
        weights, speed = step, faster
    return np.round(weights, 3).astype(np.float32)


def _gradient(weights: Array, values: Array, right: Array, valid: Array) -> Array:
    scores = np.where(valid, values @ weights, -np.inf)
    chance = np.exp(scores - scores.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    wanted = np.where(right, chance, 0.0)
    wanted /= np.maximum(wanted.sum(axis=1, keepdims=True), 1e-12)
    gradient = np.einsum("qc,qcs->s", chance - wanted, values) / len(values)
    return np.asarray(gradient + 2 * RANK_PENALTY * weights)


def learn_confidence(searcher: Searcher, asked: Sequence[Asked]) -> dict[str, float]:
    """The logistic regression of "the first result is right" on the evidence.

    Each question with an answer is asked again without its own entries and without its whole product, so that "nothing"
    is learnt from as many questions as "something"; and in a memory of a few entries, with its own and without.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # costs a second, and only training needs it

    evidence: list[tuple[float, ...]] = []
    right: list[bool] = []
    weight: list[float] = []
    everything = range(searcher.index.size)
    draw = Random(0)  # noqa: S311  # a repeatable sample, nothing secret
    for one in asked:
        hidings = [(frozenset[int](), 1.0)]
        if one.question.right:
            hidings += [(one.question.right, MASKED_WEIGHT), (one.question.product, MASKED_WEIGHT)]
            few = frozenset(everything) - frozenset(draw.sample(everything, min(FEW, len(everything))))
            hidings += [(few - one.question.right, MASKED_WEIGHT), (few | one.question.right, MASKED_WEIGHT)]
        for hidden, share in hidings:
            ranked: Ranked = searcher.rank(one.query, one.scored, hidden)
            if ranked.numbers:
                evidence.append(ranked.evidence)
                right.append(ranked.numbers[0] in one.question.right)
                weight.append(share)
    values = np.array(evidence)
    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-6
    model = LogisticRegression(C=CONFIDENCE_STRENGTH).fit(
        (values - middle) / spread, right, sample_weight=weight
    )
    slopes = model.coef_[0] / spread
    found = {name: round(float(slope), 4) for name, slope in zip(EVIDENCE, slopes, strict=True)}
    real = np.array(weight) == 1
    intercept = _fair(values[real] @ slopes, float(np.mean(np.array(right)[real])))
    return {"intercept": round(intercept, 4), **found}


def _fair(logits: Array, share: float) -> float:
    """The intercept with which the mean confidence is the share of right answers, by bisection."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if np.mean(1 / (1 + np.exp(-(logits + middle)))) > share else (middle, high)
    return (low + high) / 2
