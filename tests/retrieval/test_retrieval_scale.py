"""The search at 60,000 documents. By hand: COMPASS_BENCH_RETRIEVAL=FOLDER pytest -m scale -s tests/retrieval/test_retrieval_scale.py"""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from compass.retrieval import store
from compass.retrieval.document import Document, from_text
from compass.retrieval.index import Index, build
from compass.retrieval.opening import missing
from compass.retrieval.query import analyse
from compass.retrieval.ranking import signals
from compass.retrieval.search import Searcher
from compass.retrieval.segments import single

pytestmark = pytest.mark.scale


def say(text: str) -> None:
    """A figure for whoever runs this by hand."""
    sys.stderr.write(text + "\n")


FOLDER = Path(os.environ.get("COMPASS_BENCH_RETRIEVAL", "/nowhere"))
STATE = "large-1"


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def documents(*paths: Path) -> Iterator[Document]:
    for path in paths:
        for row in rows(path):
            yield from_text(row["id"], row["title"], row["text"])


def questions() -> list[tuple[str, set[str]]]:
    lines = (FOLDER / "dev" / "qrels.jsonl").read_text("utf-8").splitlines()
    right = {row["id"]: set(row["docs"]) for row in map(json.loads, lines)}
    asked = map(json.loads, (FOLDER / "dev" / "queries.jsonl").read_text("utf-8").splitlines())
    return [(row["text"], right[row["id"]]) for row in asked]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Index, Path]:
    paths = (FOLDER / "dev" / "corpus.jsonl.gz", FOLDER / "distractors.jsonl.gz")
    start = time.process_time()
    count = sum(1 for _ in documents(*paths))
    reading = time.process_time() - start
    start = time.process_time()
    made = build(documents(*paths))
    spent = time.process_time() - start - reading
    folder = tmp_path_factory.mktemp("large")
    assert store.save(folder, STATE, made)
    size = store.path_of(folder, STATE).stat().st_size / 1e6
    say(f"\n{count} documents: {spent:.1f} CPU s, {size:.1f} MB")
    assert spent <= 45
    assert size <= 60
    found = store.load(folder, STATE)
    assert found is not None
    return found, folder


def hits(searcher: Searcher) -> list[int]:
    """The rank of the first right answer of each question that has one, 0 for none in ten."""
    found = []
    for text, right in questions():
        if right:
            results = [one.id for one in searcher.search(text).results]
            found.append(next((rank for rank, name in enumerate(results, 1) if name in right), 0))
    return found


def test_many_other_documents_cost_little_of_the_quality(large: tuple[Index, Path]) -> None:
    alone = hits(Searcher(single(build(documents(FOLDER / "dev" / "corpus.jsonl.gz")))))
    among = hits(Searcher(single(large[0])))
    for most in (1, 5):
        before, after = (sum(0 < rank <= most for rank in ranks) / len(ranks) for ranks in (alone, among))
        say(f"first {most}: {before:.3f} alone, {after:.3f} among 60,000")
        assert before - after <= 0.05


def test_an_answer_is_quick(large: tuple[Index, Path]) -> None:
    searcher = Searcher(single(large[0]), clock=time.process_time)
    engine, fused = [], []
    for text, _ in questions():
        query = analyse(text, searcher.index.known, searcher.thesaurus)
        start = time.process_time()
        signals(searcher.index, query)
        engine.append((time.process_time() - start) * 1000)
        fused.append(searcher.search(text).milliseconds)
    for name, values in (("engine", engine), ("fused", fused)):
        say(f"{name}: p50 {np.percentile(values, 50):.1f} ms CPU, p95 {np.percentile(values, 95):.1f}")
    assert np.percentile(fused, 95) <= 20


def test_a_changed_file_is_added_at_once(large: tuple[Index, Path]) -> None:
    index, folder = large
    changed = from_text("run-changed", "A changed file", "frobnication " * 100)
    spent = []
    for number in range(20):
        wanted = index.keys.copy()
        wanted[number] = 12345
        start = time.process_time()
        missing(index, wanted)
        np.flatnonzero(~np.isin(wanted, index.keys))
        store.save(folder, f"large-{number + 2}", build([changed]), base=STATE)
        spent.append((time.process_time() - start) * 1000)
    say(f"one changed file: {np.median(spent):.1f} ms CPU")
    assert np.median(spent) <= 50


SEARCH = """
import sys
from pathlib import Path
from compass.retrieval import store
from compass.retrieval.search import Searcher
from compass.retrieval.segments import single
searcher = Searcher(single(store.load(Path(sys.argv[1]), sys.argv[2])))
for text in ("pods keep restarting", "disk full", "rate(http_requests_total[5m]) > 1", "error timeout " * 20):
    searcher.search(text)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def test_a_searching_process_stays_small(large: tuple[Index, Path]) -> None:
    command = [sys.executable, "-c", SEARCH, str(large[1]), STATE]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    megabytes = int(done.stdout) * 1024 / 1e6
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    say(f"searching: {megabytes:.0f} MB; this process, which built it and keeps it: {own:.0f} MB")
    assert megabytes <= 300
