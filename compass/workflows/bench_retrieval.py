"""Measure the search on a folder of questions whose answers are known, beside plain BM25; learn the coefficients on it."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import resource
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from compass.errors import ConfigError, Location
from compass.retrieval.baseline import tf_idf
from compass.retrieval.coefficients import Coefficients, committed, committed_digest
from compass.retrieval.document import from_text
from compass.retrieval.index import Index, build
from compass.retrieval.ranking import SIGNALS
from compass.retrieval.search import Searcher
from compass.retrieval.segments import single
from compass.retrieval.thesaurus import Thesaurus
from compass.retrieval.training import START, Asked, Question, ask, train
from compass.workflows.retrieval_measures import Figure, Outcome, figures, paired, reliability

FILES: Final = ("corpus.jsonl.gz", "queries.jsonl", "qrels.jsonl")
FOLDS: Final = 5


@dataclass(frozen=True)
class Bench:
    """Documents `{id, title, text}`, queries `{id, text, kind}` with the ids that answer each, and a digest of it all."""

    documents: tuple[dict[str, str], ...]
    queries: tuple[dict[str, str], ...]
    answers: dict[str, frozenset[str]]
    origins: dict[str, str]
    digest: str


@dataclass(frozen=True)
class Row:
    """The answer to one query: documents with their scores, confidence and wall-clock milliseconds."""

    query: str
    results: tuple[tuple[str, float], ...]
    confidence: float
    milliseconds: float


@dataclass(frozen=True)
class Run:
    """A system's name, its rows and its figures."""

    name: str
    rows: tuple[Row, ...]
    outcomes: tuple[Outcome, ...]
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Report:
    """What a measurement found; `learnt` says whether coefficients came from other folds of the same folder."""

    runs: tuple[Run, ...]
    against: tuple[tuple[str, int, int, float], ...]
    documents: int
    build_seconds: float
    index_bytes: int
    memory_bytes: int
    out_of_fold: bool

    @property
    def reliability(self) -> list[tuple[float, float, int]]:
        """Per tenth of confidence: its mean, the share that was right, and how many queries."""
        return reliability(self.runs[0].outcomes)


def absent(folder: Path) -> list[str]:
    """Which of the three files the folder lacks."""
    return [name for name in FILES if not (folder / name).is_file()]


def read(folder: Path) -> Bench:
    """Read a folder in the bench format; ConfigError names the line that cannot be read."""
    digest = hashlib.sha256()
    parts = []
    for name in FILES:
        path = folder / name
        data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
        digest.update(data)
        parts.append(_rows(path, data))
    documents, queries, relevance = parts
    return Bench(
        tuple(
            {"id": str(one["id"]), "title": str(one["title"]), "text": str(one["text"])} for one in documents
        ),
        tuple(
            {"id": str(one["id"]), "text": str(one["text"]), "kind": str(one.get("kind", ""))}
            for one in queries
        ),
        {str(one["id"]): frozenset(map(str, one["docs"])) for one in relevance},
        {str(one["id"]): str(one.get("origin", one["id"])) for one in relevance},
        digest.hexdigest(),
    )


def with_questions(bench: Bench, path: Path) -> Bench:
    """The same documents with questions of one's own: JSON lines `{id, kind, text, titles}`, no titles for no answer.

    ConfigError names the line whose title no document has.
    """
    data = path.read_bytes()
    titled: dict[str, set[str]] = defaultdict(set)
    for one in bench.documents:
        titled[one["title"]].add(one["id"])
    queries, answers = [], {}
    for place, row in enumerate(_rows(path, data), 1):
        unknown = [title for title in row.get("titles", ()) if title not in titled]
        if unknown:
            raise ConfigError(
                f"no document has the title {unknown[0]!r}", location=Location(str(path), place)
            )
        queries.append({"id": str(row["id"]), "text": str(row["text"]), "kind": str(row.get("kind", ""))})
        answers[str(row["id"])] = frozenset().union(*(titled[title] for title in row.get("titles", ())))
    digest = hashlib.sha256(bench.digest.encode() + data).hexdigest()
    return Bench(bench.documents, tuple(queries), answers, {}, digest)


def measure(
    bench: Bench, *, earlier: Path | None = None, clock: Callable[[], float] = time.process_time
) -> Report:
    """Index the documents as `import` would have them, ask every query, and set the figures beside three baselines.

    `earlier` is a file that `run_lines` gave, of another release say: one more to be compared with.

    Where this is the folder that the committed coefficients were learnt on, each query is answered with coefficients
    learnt on the other folds; queries of one origin stay in one fold.
    """
    start = clock()
    index = _index(bench)
    searcher = Searcher(single(index), clock=clock)
    built = clock() - start
    learnt_here = committed_digest() == bench.digest
    answered = _out_of_fold(bench, searcher) if learnt_here else _ask_all(bench, lambda _: searcher)
    ours = _run("compass", bench, answered)
    plain = Coefficients(
        np.array([START.get(name, 0.0) for name in SIGNALS], np.float32),
        committed().confidence,
        committed().bands,
    )
    fielded = replace(searcher, coefficients=plain, thesaurus=Thesaurus())
    rivals = [
        _run("fielded BM25", bench, _by_score(_ask_all(bench, lambda _: fielded))),
        _run("plain BM25", bench, _plain_bm25(bench, clock)),
        _run("TF-IDF", bench, _tf_idf(bench, clock)),
    ]
    if earlier:
        rivals.append(_run("earlier", bench, _earlier(bench, earlier)))
    size = sum(array.nbytes for array in index.arrays().values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    against = tuple((one.name, *paired(ours.outcomes, one.outcomes)) for one in rivals)
    return Report((ours, *rivals), against, len(bench.documents), built, size, memory, learnt_here)


def learn(bench: Bench, command: str) -> dict[str, Any]:
    """Learn coefficients on the whole folder; the scores kept beside them are those of held-out folds."""
    searcher = Searcher(single(_index(bench)))
    run = _run("compass", bench, _out_of_fold(bench, searcher))
    learnt = train(searcher, _asked(bench, searcher, bench.queries))
    scores = {one.name: round(one.value, 4) for one in run.figures if not one.name.startswith("milliseconds")}
    return {
        "made_by": {
            "command": command,
            "data": bench.digest,
            "folds": FOLDS,
            "scores_out_of_fold": scores,
            "reliability_out_of_fold": reliability(run.outcomes),
        },
        "ranking": {
            name: round(float(value), 4) for name, value in zip(SIGNALS, learnt.ranking, strict=True)
        },
        "confidence": dict(learnt.confidence),
        "bands": {"likely": learnt.bands.likely, "nothing": learnt.bands.nothing},
    }


def run_lines(run: Run) -> Iterable[str]:
    """A run as the JSON lines that external scorers read."""
    for row in run.rows:
        yield json.dumps(
            {
                "id": row.query,
                "results": row.results,
                "confidence": row.confidence,
                "latency_ms": row.milliseconds,
            }
        )


def _index(bench: Bench) -> Index:
    return build(from_text(one["id"], one["title"], one["text"]) for one in bench.documents)


def _ask_all(bench: Bench, searcher_for: Callable[[str], Searcher]) -> list[Row]:
    return [_answer(searcher_for(one["id"]), one) for one in bench.queries]


def _answer(searcher: Searcher, query: dict[str, str]) -> Row:
    answer = searcher.search(query["text"])
    results = tuple((one.id, one.score) for one in answer.results)
    return Row(query["id"], results, answer.confidence, answer.milliseconds)


def _by_score(rows: Sequence[Row]) -> list[Row]:
    """A system without a confidence of its own is as sure as its best score is high."""
    best = max((row.results[0][1] for row in rows if row.results), default=1.0)
    return [replace(row, confidence=row.results[0][1] / best if row.results else 0.0) for row in rows]


def _fold(bench: Bench, query: str) -> int:
    return zlib.crc32(bench.origins.get(query, query).encode()) % FOLDS


def _asked(bench: Bench, searcher: Searcher, queries: Iterable[dict[str, str]]) -> list[Asked]:
    number = {one["id"]: place for place, one in enumerate(bench.documents)}
    products: dict[str, set[int]] = defaultdict(set)
    for identifier, place in number.items():
        products[identifier.rpartition("/")[0]].add(place)
    questions = []
    for query in queries:
        right = frozenset(number[one] for one in bench.answers.get(query["id"], frozenset()) if one in number)
        near = [products[one.rpartition("/")[0]] for one in bench.answers.get(query["id"], frozenset())]
        questions.append(Question(query["text"], right, right.union(*near)))
    return ask(searcher, questions)


def _out_of_fold(bench: Bench, searcher: Searcher) -> list[Row]:
    asked = dict(
        zip((one["id"] for one in bench.queries), _asked(bench, searcher, bench.queries), strict=True)
    )
    fitted = []
    for fold in range(FOLDS):
        rest = [one for identifier, one in asked.items() if _fold(bench, identifier) != fold]
        fitted.append(replace(searcher, coefficients=train(searcher, rest)))
    return _ask_all(bench, lambda identifier: fitted[_fold(bench, identifier)])


def _run(name: str, bench: Bench, rows: Sequence[Row]) -> Run:
    outcomes = []
    for query, row in zip(bench.queries, rows, strict=True):
        right = bench.answers.get(query["id"], frozenset())
        rank = next((place for place, (found, _) in enumerate(row.results[:10], 1) if found in right), 0)
        outcomes.append(Outcome(query["kind"], bool(right), rank, row.confidence, row.milliseconds))
    return Run(name, tuple(rows), tuple(outcomes), tuple(figures(outcomes)))


def _plain_bm25(bench: Bench, clock: Callable[[], float]) -> list[Row]:
    """BM25 over lower-case words of title and text (k1 1.2, b 0.75): what a search box without knowledge does."""
    counts = [Counter(re.findall(r"\w+", f"{one['title']} {one['text']}".lower())) for one in bench.documents]
    lengths = [sum(count.values()) for count in counts]
    mean = max(1.0, sum(lengths) / max(1, len(lengths)))
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, count in enumerate(counts):
        for word, times in count.items():
            postings[word].append(
                (number, times * 2.2 / (times + 1.2 * (0.25 + 0.75 * lengths[number] / mean)))
            )
    rows = []
    for query in bench.queries:
        start = clock()
        scores: dict[int, float] = defaultdict(float)
        for word in set(re.findall(r"\w+", query["text"].lower())):
            found = postings.get(word, [])
            weight = math.log(1 + (len(counts) - len(found) + 0.5) / (len(found) + 0.5))
            for number, value in found:
                scores[number] += weight * value
        best = sorted(scores.items(), key=lambda one: (-one[1], one[0]))[:10]
        results = tuple((bench.documents[number]["id"], round(score, 4)) for number, score in best)
        rows.append(Row(query["id"], results, 0.0, (clock() - start) * 1000))
    return _by_score(rows)


def _tf_idf(bench: Bench, clock: Callable[[], float]) -> list[Row]:
    """Cosine of TF-IDF over words and pairs of words (scikit-learn's defaults), title and text as one."""
    closeness = tf_idf(f"{one['title']} {one['text']}" for one in bench.documents)
    rows = []
    for query in bench.queries:
        start = clock()
        scores = closeness(query["text"])
        best = np.argsort(-scores, kind="stable")[:10]
        results = tuple(
            (bench.documents[int(number)]["id"], round(float(scores[number]), 4)) for number in best
        )
        rows.append(
            Row(query["id"], results, float(scores[best[0]]) if len(best) else 0.0, (clock() - start) * 1000)
        )
    return rows


def _earlier(bench: Bench, path: Path) -> list[Row]:
    """The rows of a run that was written before; ConfigError when it answers other queries."""
    found = {str(row["id"]): row for row in _rows(path, path.read_bytes())}
    missing = [query["id"] for query in bench.queries if query["id"] not in found]
    if missing:
        raise ConfigError(f"{path} has no answer to query {missing[0]!r}", "it is a run of other questions")
    rows = []
    for query in bench.queries:
        row = found[query["id"]]
        results = tuple((str(name), float(score)) for name, score in row.get("results", ()))
        rows.append(
            Row(query["id"], results, float(row.get("confidence", 0)), float(row.get("latency_ms") or 0))
        )
    return rows


def _rows(path: Path, data: bytes) -> list[dict[str, Any]]:
    found = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ConfigError(f"not JSON: {error}", location=Location(str(path), number)) from error
            if not isinstance(row, dict) or "id" not in row:
                raise ConfigError("not an object with an id", location=Location(str(path), number))
            found.append(row)
    return found
