"""LogQL and TraceQL over small inputs, against answers that were worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from golden import ALL, LOGQL, TRACEQL, labels_of, line_numbers, query, recording, span_numbers

from compass.replay import logql, traceql
from compass.replay.direct import direct
from compass.replay.matchers import CannotEvaluateError
from compass.replay.store import Store
from compass.rules.logql_syntax import logql_fault

START = 1_777_636_800
RECORDING = recording(START)
TELEMETRY = direct(RECORDING)
STORE = Store(RECORDING)


def test_there_are_enough_cases() -> None:
    sections = [LOGQL[name] for name in ("found", "windows", "counts", "ranges", "refused")]
    assert sum(map(len, sections)) >= 100
    assert sum(len(TRACEQL[name]) for name in ("found", "windows", "refused")) >= 50


@pytest.mark.parametrize(("text", "expected"), LOGQL["found"])
def test_a_log_query_gives_these_lines(text: str, expected: list[int]) -> None:
    assert logql_fault(query(text)) is None
    answer = TELEMETRY.logs(query(text), START, START + 100)
    assert answer.error is None
    assert line_numbers(answer.data, START) == expected


@pytest.mark.parametrize(("first", "last", "expected"), LOGQL["windows"])
def test_a_log_query_covers_its_start_and_not_its_end(first: float, last: float, expected: list[int]) -> None:
    answer = TELEMETRY.logs(ALL, START + first, START + last)
    assert line_numbers(answer.data, START) == expected


@pytest.mark.parametrize(("text", "second", "expected"), LOGQL["counts"])
def test_a_count_gives_these_numbers(text: str, second: int, expected: dict[str, int]) -> None:
    assert logql_fault(query(text)) is None
    answer = TELEMETRY.log_counts(query(text), START + second)
    assert answer.error is None
    wanted = {frozenset(labels_of(group).items()): count for group, count in expected.items()}
    assert {frozenset(one.labels.items()): one.values[-1] for one in answer.data} == wanted


@pytest.mark.parametrize(("text", "first", "last", "step", "expected"), LOGQL["ranges"])
def test_counts_over_a_range_of_time(
    text: str, first: int, last: int, step: int, expected: dict[str, dict[Any, int]]
) -> None:
    parsed = logql.parse(query(text))
    assert isinstance(parsed, logql.CountQuery)
    moments = range((START + first) * 1000, (START + last) * 1000 + 1, step * 1000)
    found = {
        frozenset(one.labels.items()): {
            time // 1000 - START: value for time, value in zip(one.times, one.values, strict=True)
        }
        for one in logql.counts(STORE, parsed, moments)
    }
    assert found == {
        frozenset(labels_of(group).items()): {int(second): count for second, count in counts.items()}
        for group, counts in expected.items()
    }


@pytest.mark.parametrize(("text", "reason", "accepted"), LOGQL["refused"])
def test_a_log_query_outside_replay_is_refused_and_never_answered(
    text: str,
    reason: str,
    accepted: bool,  # noqa: FBT001  # a column of the table
) -> None:
    with pytest.raises(CannotEvaluateError, match=reason):
        logql.parse(text)
    if accepted:
        assert logql_fault(text) is None
    answer = TELEMETRY.logs(text, START, START + 100)
    assert answer.data == ()
    assert "cannot evaluate" in str(answer.error)


@pytest.mark.parametrize(("text", "expected"), TRACEQL["found"])
def test_a_trace_query_gives_these_spans(text: str, expected: list[int]) -> None:
    answer = TELEMETRY.traces(text, START, START + 100)
    assert answer.error is None
    assert span_numbers(answer.data, START) == expected


@pytest.mark.parametrize(("first", "last", "expected"), TRACEQL["windows"])
def test_a_trace_belongs_to_the_time_in_which_it_begins(
    first: float, last: float, expected: list[int]
) -> None:
    answer = TELEMETRY.traces("{}", START + first, START + last)
    assert span_numbers(answer.data, START) == expected


@pytest.mark.parametrize(("text", "reason", "_accepted"), TRACEQL["refused"])
def test_a_trace_query_outside_replay_is_refused_and_never_answered(
    text: str,
    reason: str,
    _accepted: bool | None,  # noqa: FBT001  # a column of the table that the live test reads
) -> None:
    with pytest.raises(CannotEvaluateError, match=reason):
        traceql.parse(text)
