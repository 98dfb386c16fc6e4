"""Replay's PromQL against a real Prometheus: the same series, the same questions, the answers value by value.

Replay has the semantics of Prometheus 3. Where Debian's is a version 2, some differences are known. A range counts the
sample at its very beginning: for functions of samples alone the range is asked for a millisecond shorter, for rates,
whose value depends on its length, the moment moves by a millisecond. And some things are computed in another way,
which `OLDER` holds: where an answer differs, replay must give it with one of these in place, or nothing explains it.
"""

from __future__ import annotations

import logging
import math
import operator
import os
import re
import signal
import socket
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import ROOT
from promql_questions import Question, Questions, rough_recording
from real_prometheus import Prometheus, prometheus

from compass.adapters.documents import parse_yaml, split
from compass.adapters.telemetry.queries import rfc3339
from compass.model.entry import Pattern
from compass.model.match import MetricSignal
from compass.replay import promql
from compass.replay.direct import DirectTools
from compass.replay.lexer import milliseconds
from compass.replay.load import load
from compass.replay.promql import Stored
from compass.replay.promql_syntax import Call, Selector
from compass.replay.store import Store

pytestmark = pytest.mark.services

log = logging.getLogger(__name__)
SEED = 20260401
QUESTIONS = 3000
RECORDINGS = {
    path.parent.name: path.parent
    for path in sorted((ROOT / "knowledge").rglob("recordings/*/recording.yaml"))
}
# The laboratory's recordings are shorter than most of the ranges that the questions draw.
LONG = {name: folder for name, folder in RECORDINGS.items() if not name.startswith("lab-")}
NAMES = (*LONG, "rough")
FORMS = (
    *("rate(", "increase(", "avg_over_time(", "min_over_time(", "max_over_time(", "sum_over_time("),
    *("count_over_time(", "sum", "avg", "min", "max", "count", " by (", "without (", " offset "),
    *('="', '!="', '=~"', '!~"', "on (", "ignoring (", " bool ", "-("),
    *(" + ", " - ", " * ", " / ", " % ", " ^ ", " == ", " != ", " > ", " >= ", " < ", " <= "),
)
TELLING = ("equal", "equal, asked for a shorter range", "equal, asked a millisecond later")
Answered = dict[frozenset[tuple[str, str]], list[tuple[float, str]]]


class World(NamedTuple):
    """The same series twice: behind a real Prometheus, and behind replay's tools."""

    prometheus: Prometheus
    replay: DirectTools
    store: Store
    window: tuple[int, int]


@contextmanager
def world(name: str, folder: Path) -> Iterator[World]:
    """The recording of this name, or the rough one; `folder` is where files may be made."""
    recording = load(RECORDINGS[name] if name in RECORDINGS else rough_recording(folder / name, SEED))
    assert not recording.notes
    store = Store(recording)
    first, last = map(int, recording.info.window.seconds)
    with prometheus(folder / "prometheus") as server:
        server.write(store.series)
        yield World(server, DirectTools(recording), store, (first, last))


# Asking both --------------------------------------------------------------------------------------------------------


def of_replay(tools: DirectTools, question: Question, later: float) -> Answered | str:
    """Replay's answer, or why it gives none."""
    arguments: dict[str, object] = {
        "datasourceUid": "replay-prometheus",
        "expr": question.query,
        "endTime": rfc3339(question.end + later),
        "queryType": "instant",
    }
    if question.step:
        window = {"startTime": rfc3339(question.start + later), "stepSeconds": question.step}
        arguments |= {"queryType": "range", **window}
    reply = tools.call("query_prometheus", arguments)
    return reply.error if reply.error is not None else answered(reply.data["data"])


def of_prometheus(server: Prometheus, question: Question, later: float) -> Answered | str:
    """The answer of the real one, or its error."""
    if question.step:
        window = {"start": question.start + later, "end": question.end + later, "step": question.step}
        reply = server.ask("query_range", query=question.query, **window)
    else:
        reply = server.ask("query", query=question.query, time=question.end + later)
    return answered(reply["data"]["result"]) if reply["status"] == "success" else str(reply["error"])


def answered(rows: Sequence[Any]) -> Answered:
    """A vector, a matrix or a scalar as Prometheus writes them; values stay text."""
    if rows and not isinstance(rows[0], Mapping):
        return {frozenset(): [(float(rows[0]), rows[1])]}
    found: Answered = {}
    for row in rows:
        key = frozenset(row["metric"].items())
        assert key not in found, "two series with the same labels"
        found[key] = [(float(moment), text) for moment, text in row.get("values") or [row["value"]]]
    return found


def same(one: Answered, other: Answered) -> bool:
    """Equal series, moments and values, these but for the last digits of sums; equal numbers are written alike."""
    if one.keys() != other.keys():
        return False
    for key, pairs in one.items():
        if [moment for moment, _ in pairs] != [moment for moment, _ in other[key]]:
            return False
        for (_, text), (_, other_text) in zip(pairs, other[key], strict=True):
            value, other_value = float(text), float(other_text)
            nothing = math.isnan(value) and math.isnan(other_value)
            if not nothing and not math.isclose(value, other_value, rel_tol=1e-9, abs_tol=1e-9):
                return False
            if value == other_value and text != other_text:
                return False
    return True


def verdict(there: World, question: Question) -> str:
    """How the two answers relate; `wrong` is what must never be."""
    asked, later, change = question, 0.0, ""
    if there.prometheus.major < 3 and re.search(r"rate\(|increase\(", question.query):
        later, change = 0.001, ", asked a millisecond later"
    elif there.prometheus.major < 3 and "[" in question.query:
        asked, change = (
            question._replace(query=a_millisecond_less(question.query)),
            ", asked for a shorter range",
        )
    real, ours = of_prometheus(there.prometheus, asked, later), of_replay(there.replay, question, later)
    if isinstance(ours, str):
        assert ours.startswith("cannot evaluate: ")
        return "refused by both" if isinstance(real, str) else "refused by replay"
    if isinstance(real, str):
        return f"wrong: Prometheus says {real}"
    if same(real, ours):
        return f"equal{change}" if real else f"equal and empty{change}"
    for names in (("zero first",), ("plain sums",), ("zero first", "plain sums")):
        with pytest.MonkeyPatch.context() as patch:
            for name in names if there.prometheus.major < 3 else ():
                OLDER[name](patch)
            older = of_replay(there.replay, question, later)
        if not isinstance(older, str) and same(real, older):
            return f"explained by {' and '.join(names)}"
    return f"wrong: {real} and not {ours}"


# What Prometheus 2 does differently ---------------------------------------------------------------------------------


def a_millisecond_less(query: str) -> str:
    """With ranges that count both ends, this is what ranges open on their left are."""
    return re.sub(r"\[([0-9a-z]+)\]", lambda found: f"[{milliseconds(found[1]) - 1}ms]", query)


def zero_first(call: Call, times: list[int], values: list[float], end_ms: int) -> float | None:
    """`rate` before github.com/prometheus/prometheus/pull/13725: a counter's zero bounds the way to the left edge at once."""
    if len(times) < 2:
        return None
    range_ms = call.argument.range_ms or 0
    growth = values[-1] - values[0]
    for before, after in pairwise(values):
        growth += before if after < before else 0.0
    sampled = (times[-1] - times[0]) / 1000
    between = sampled / (len(times) - 1)
    to_start, to_end = (times[0] - (end_ms - range_ms)) / 1000, (end_ms - times[-1]) / 1000
    if growth > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / growth))
    reach = sampled
    for distance in (to_start, to_end):
        reach += distance if distance < between * 1.1 else between / 2
    factor = reach / sampled
    return growth * (factor / (range_ms / 1000) if call.function == "rate" else factor)


def closed_within(series: Stored, selector: Selector, at_ms: int) -> tuple[list[int], list[float]]:
    """The samples in a range that counts both its ends."""
    end = at_ms - selector.offset_ms
    first, last = bisect_left(series.times, end - (selector.range_ms or 0)), bisect_right(series.times, end)
    # None of the series asked about has ever gone stale, so there is no marker to leave out.
    return list(series.times[first:last]), list(series.values[first:last])


def plain_total(values: list[float]) -> float:
    """`sum` before Prometheus 2.54: without Kahan's compensation, and from the first value on, so that -0 stays -0."""
    return reduce(operator.add, values)


def running_mean(values: list[float]) -> float:
    """`avg` before Prometheus 2.54, for finite values."""
    mean = values[0]
    for count, value in enumerate(values[1:], start=2):
        mean += value / count - mean / count
    return mean


def plain_sums(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(promql._AGGREGATES, "sum", plain_total)
    patch.setitem(promql._AGGREGATES, "avg", running_mean)


OLDER: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    "zero first": lambda patch: patch.setattr(promql, "_increase", zero_first),
    "plain sums": plain_sums,
}


# The tests ----------------------------------------------------------------------------------------------------------


def drawn(store: Store) -> list[Question]:
    """This store's share of the questions."""
    questions = Questions(store, SEED)
    return [questions.draw() for _ in range(QUESTIONS // len(NAMES))]


def test_replay_answers_what_prometheus_answers(tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    wrong = []
    for name in NAMES:
        with world(name, tmp_path / name) as there:
            found = [(question, verdict(there, question)) for question in drawn(there.store)]
        tally = Counter(said.partition(":")[0] for _, said in found)
        log.info("%s: %s", name, dict(tally.most_common()))
        assert sum(count for said, count in tally.items() if said in TELLING) >= len(found) / 2
        wrong += [
            f"{name}: {question}\n  {said[:600]}" for question, said in found if said.startswith("wrong")
        ]
        total += tally
    log.info("all: %s", dict(total.most_common()))
    assert not wrong, f"{len(wrong)} of {total.total()}:\n" + "\n".join(wrong[:5])
    equal = sum(count for said, count in total.items() if said.startswith("equal"))
    assert equal >= 0.99 * (total.total() - total["refused by both"]), total


def test_the_questions_cover_the_grammar(tmp_path: Path) -> None:
    folders = [*LONG.values(), rough_recording(tmp_path / "rough", SEED)]
    questions = [question for folder in folders for question in drawn(Store(load(folder)))]
    assert len(questions) >= 500
    rare = {form: count for form in FORMS if (count := sum(form in one.query for one in questions)) < 10}
    assert not rare
    assert sum(one.step > 0 for one in questions) > 200
    assert sum(not one.step and one.query.endswith("]") for one in questions) > 10


def test_at_the_edge_of_a_range_prometheus_2_counts_one_sample_more_and_3_does_not(tmp_path: Path) -> None:
    differ = 0
    with world("pool-exhaustion-after-rollout", tmp_path) as there:
        start = there.window[0]
        for function in ("rate", "increase", "sum_over_time", "count_over_time"):
            for window in ("1m", "2m", "5m"):
                question = Question(f"{function}(cpu_percent[{window}])", start + 300, start + 1500, 60)
                real = of_prometheus(there.prometheus, question, 0.0)
                ours = of_replay(there.replay, question, 0.0)
                assert not isinstance(real, str)
                assert not isinstance(ours, str)
                if there.prometheus.major < 3:
                    differ += not same(real, ours)
                    with pytest.MonkeyPatch.context() as patch:
                        patch.setattr(promql, "_within", closed_within)
                        ours = of_replay(there.replay, question, 0.0)
                    assert not isinstance(ours, str)
                assert same(real, ours), question
    assert differ == (12 if there.prometheus.major < 3 else 0)


def metric_queries() -> Iterator[str]:
    for path in sorted((ROOT / "knowledge").rglob("patterns/*.md")):
        pattern = Pattern.model_validate(parse_yaml(split(path.read_text("utf-8")).front))
        if pattern.match:
            signals = pattern.match.signals.values()
            yield from (one.promql for one in signals if isinstance(one, MetricSignal))


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_queries_of_patterns_and_of_the_investigator_are_answered_alike(
    name: str, tmp_path: Path
) -> None:
    queries = {*metric_queries(), "ALERTS{alertstate='firing'}", "traces_service_graph_request_total"}
    assert len(queries) > 3
    with world(name, tmp_path) as there:
        first, last = there.window
        everything = Question(f'{{__name__=~".+"}}[{last - first + 1}s]', last, last)
        assert verdict(there, everything) in TELLING
        for query in sorted(queries):
            said = verdict(there, Question(query, first, last, 15))
            assert said.startswith(("equal", "explained by ")), f"{query}: {said[:600]}"


# Nothing is left behind ---------------------------------------------------------------------------------------------


def test_a_stopped_server_is_gone(tmp_path: Path) -> None:
    with prometheus(tmp_path / "prometheus") as server:
        assert server.ask("query", query="1 + 1", time=5)["data"]["result"] == [5, "2"]
    assert server.process.returncode is not None
    assert not listens(server.port)


def test_a_server_dies_with_the_program_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from real_prometheus import start;"
        "print(start(Path(sys.argv[1])).port, flush=True); time.sleep(60)"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), str(ROOT)])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "prometheus")],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout
        port = int(parent.stdout.readline())
        assert listens(port)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while listens(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listens(port)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
