"""A query as weighted concepts: what kind of text it is decides which of its words are evidence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from compass.retrieval.stem import stem
from compass.retrieval.thesaurus import Thesaurus
from compass.retrieval.tokens import Terms, paired, terms
from compass.retrieval.words import QUERY_LANGUAGE, STOP

LIMIT: Final = 6_000
"""Characters of a query that are read: a whole stack trace fits, a pasted log file is cut."""

MOST: Final = 64
"""Concepts of a query that are looked up: the weightiest."""

JOINED: Final = 0.7
"""What an identifier as a whole counts beside its words."""

PART: Final = 0.5
"""What a word inside a compound counts."""

FAR: Final = 3
"""So many times as many documents must have the parts of a compound as have the whole."""

Shape = Literal["prose", "expression", "log"]

_EXPRESSION: Final = re.compile(
    r"[a-zA-Z_:][\w:]*\{[^{}]*=|\b(?:rate|irate|increase|delta|sum|avg|min|max|count|absent|topk|histogram_quantile|time"
    r"|changes|deriv|\w+_over_time)\s*(?:by\s*|without\s*)?\(|^\s*[a-z][a-z0-9]*(?:[_:][a-z0-9]+)+\s*(?:[<>=!/*+-]|$)"
)
_LOG: Final = re.compile(
    r"\b(?:level|severity|lvl)=|\"(?:level|msg|message|severity)\"\s*:|^[EWIF]\d{4} \d\d:|\b(?:ERROR|WARN|FATAL|ERR|CRIT)\b"
    r"|\bmsg=|^\[?\d{4}-\d\d-\d\d[T ]|^\w{3} +\d+ \d\d:\d\d:\d\d |Exception\b|Traceback|^\s+at [\w.$]+\("
)
_SELECTOR: Final = re.compile(r"\{([^{}]*)\}")
_MATCHER: Final = re.compile(r"([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)\s*(?:\"([^\"]*)\"|'([^']*)')")
_LABELS: Final = re.compile(
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)", re.IGNORECASE
)
_ATTRIBUTE: Final = re.compile(
    r"\b\"?(?:ts|time|timestamp|level|lvl|severity|caller|pid|tid|thread|trace|trace_id|span|span_id|goroutine|host"
    r"|hostname|logger|version|took|duration|request_id|user|id)\"?\s*[=:]\s*(?:\"[^\"]*\"|[^\s,}]+)",
    re.IGNORECASE,
)
_KEY: Final = re.compile(r"\b\"?(?:msg|err|error|message|reason|component|cause)\"?\s*[=:]\s*", re.IGNORECASE)
_PREFIX: Final = re.compile(
    r"^[EWIF]\d{4} [\d:.]+ +\d+ |^\S+ +\d+ \d\d:\d\d:\d\d \S+ |\b(?:INFO|DEBUG|TRACE)\b"
)
_INSTANCE: Final = re.compile(
    r"(?<![\w/.-])[a-z][a-z0-9]*(?:[-_/.][a-z0-9]+)*(?:[-_](?=[a-z0-9]*\d)[a-z0-9]+)(?:[-_/.:][a-z0-9]+)*(?![\w])"
)
_NAMED: Final = re.compile(
    r"\b((?:in )?(?:namespace|cluster|pod|node|host|instance|job|device|tenant|topic|queue|on node|on host|on cluster))"
    r"[ :=]+[\"'`]?([\w./-]*[-/_.][\w./-]+)[\"'`]?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that the query is about: the word as shown, its weight, and the terms that stand for it.

    `asked`: it is a word of the query, so that it says something when no document has it.
    """

    shown: str
    weight: float
    terms: tuple[tuple[str, float], ...]
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a text asks: its shape, its concepts, weightiest first, its neighbouring words, and the text itself (cut).

    `vague`: there is nothing in it but words that any text has.
    """

    text: str
    shape: Shape
    concepts: tuple[Concept, ...]
    pairs: tuple[str, ...]
    vague: bool = False


def shape_of(text: str) -> Shape:
    """Whether a text is a PromQL or LogQL expression, a log line, or prose; recognized, never declared."""
    if _LOG.search(text):
        return "log"
    return "expression" if _EXPRESSION.search(text) else "prose"


def analyse(text: str, known: Callable[[str], int], thesaurus: Thesaurus) -> Query:
    """Read a query; `known` tells how many documents have a term, so that compounds can be joined and split."""
    text = text[:LIMIT]
    shape = shape_of(text)
    weights: dict[str, float] = {}
    order: list[str] = []
    asked: set[str] = set()
    for part, weight in _parts(text, shape):
        found = terms(part)
        if weight == 1:
            order.extend(found.words)
            asked.update(found.words)
        _add(weights, found, weight, shape)
    informative = {term: weight for term, weight in weights.items() if term not in STOP and len(term) > 1}
    weights = informative or weights
    concepts = [
        Concept(term, weight, ((term, 1.0), *thesaurus.terms(term)), term in asked)
        for term, weight in _with_parts(weights, known).items()
    ]
    concepts += _compounds(order, weights, known)
    concepts += [
        Concept(phrase, 1.0, tuple((term, factor) for term, factor in others if term not in weights))
        for phrase, others in thesaurus.phrases(order)
    ]
    concepts.sort(key=lambda one: -one.weight)
    pairs = dict.fromkeys(one for one in paired(order) if known(one))
    kept = tuple(one for one in concepts[:MOST] if one.terms)
    return Query(text, shape, kept, tuple(pairs), vague=not informative)


def _add(weights: dict[str, float], found: Terms, weight: float, shape: Shape) -> None:
    shares = [*((term, weight) for term in found.words), *((term, weight * JOINED) for term in found.joined)]
    for term, share in shares:
        if shape != "expression" or term not in QUERY_LANGUAGE:
            weights[term] = max(weights.get(term, 0.0), share)


def _with_parts(weights: dict[str, float], known: Callable[[str], int]) -> dict[str, float]:
    """The weights, with those of the words that a compound is made of."""
    found = dict(weights)
    for term, weight in weights.items():
        for part in _parted(term, known):
            if part not in STOP:
                found[part] = max(found.get(part, 0.0), PART * weight)
    return found


def _parted(term: str, known: Callable[[str], int]) -> list[str]:
    """The words that a compound is made of: both far more usual than itself, else a word only looks like a compound."""
    if len(term) < 7 or not term.isalpha():
        return []
    splits = ((min(known(stem(term[:at])), known(term[at:])), at) for at in range(3, len(term) - 2))
    usual, at = max(splits, default=(0, 0))
    if usual <= known(term) * FAR:
        return []
    return [one for part in (stem(term[:at]), term[at:]) for one in (_parted(part, known) or [part])]


def _parts(text: str, shape: Shape) -> list[tuple[str, float]]:
    """Pieces of the text with how much their words count: values that vary from case to case count little."""
    if shape == "expression":
        values = " ".join(
            f"{first} {second}"
            for part in _SELECTOR.findall(text)
            for _, first, second in _MATCHER.findall(part)
        )
        labels = " ".join(name for part in _SELECTOR.findall(text) for name, _, _ in _MATCHER.findall(part))
        labels += " " + " ".join(_LABELS.findall(text))
        return [(_LABELS.sub(" ", _SELECTOR.sub(" ", text)), 1.0), (values, 0.4), (labels, 0.15)]
    if shape == "log":
        text = _KEY.sub(" ", _ATTRIBUTE.sub(" ", _PREFIX.sub(" ", text)))
    varying = _INSTANCE.findall(text)
    text = _INSTANCE.sub(" ", text)
    varying += [value for _, value in _NAMED.findall(text)]
    text = _NAMED.sub(r" \1 ", text)
    return [(text, 1.0), (" ".join(varying), 0.2)]


def _compounds(order: list[str], weights: dict[str, float], known: Callable[[str], int]) -> list[Concept]:
    """Neighbouring words that documents write as one: "crash looping" is also crashlooping."""
    found = []
    for first, second in pairwise(order):
        whole = first + second
        if whole not in weights and len(first) > 1 and len(second) > 1 and len(whole) > 5 and known(whole):
            found.append(Concept(whole, 0.7, ((whole, 1.0),)))
    return found
