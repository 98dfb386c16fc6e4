from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.model.recording import LogLine, RecordedTelemetry, Recording, RecordingInfo
from compass.replay import logql
from compass.replay.matchers import CannotEvaluateError, regex
from compass.replay.store import Store
from compass.replay.template import line_filter, pattern

INFO = RecordingInfo.model_validate(
    {
        "schema": 1,
        "id": "small",
        "window": {"from": "1970-01-01T00:00:00Z", "to": "1970-01-01T00:10:00Z"},
        "detected": "1970-01-01T00:05:00Z",
        "symptom": {"text": "something"},
    }
)
PAYMENTS = {"service_name": "payments", "level": "ERROR"}
CHECKOUT = {"service_name": "checkout", "level": "INFO"}


def line(second: float, labels: dict[str, str], message: str) -> LogLine:
    return LogLine(round(second * 1e9), labels, message)


LINES = (
    line(10, PAYMENTS, "timeout acquiring connection after 5000 ms"),
    line(20, CHECKOUT, "order 7 accepted"),
    line(30, PAYMENTS, "timeout acquiring connection after 12 ms"),
    line(40, PAYMENTS, "TIMEOUT of another sort"),
    line(50, CHECKOUT, "order 8 accepted (a.b)"),
    line(60, PAYMENTS, "timeout acquiring connection after 5001 ms"),
)
STORE = Store(Recording(INFO, Path(), RecordedTelemetry(logs=LINES, present=frozenset({"logs"}))))


def found(query: str, start: float = 0, end: float = 100) -> list[int]:
    parsed = logql.parse(query)
    assert isinstance(parsed, logql.LogQuery)
    return [row.time_ns // 10**9 for row in logql.lines(STORE, parsed, round(start * 1e9), round(end * 1e9))]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('{service_name="payments"}', [10, 30, 40, 60]),
        ('{service_name!="payments", level=~".+"}', [20, 50]),
        ('{service_name=~"pay.*|check.*"}', [10, 20, 30, 40, 50, 60]),
        ('{service_name=~".+"} |= "timeout"', [10, 30, 60]),
        ('{service_name=~".+"} |= "timeout" != "12 ms"', [10, 60]),
        ('{service_name=~".+"} |~ "(?i)timeout"', [10, 30, 40, 60]),
        ('{service_name=~".+"} |~ "after 50[0-9]+ ms$"', [10, 60]),
        ('{service_name=~".+"} !~ "order|another"', [10, 30, 60]),
        ("{service_name=`checkout`} |= `(a.b)`", [50]),
        ('{service_name="checkout", level="ERROR"}', []),
    ],
)
def test_a_log_query_gives_the_lines_that_fit(query: str, expected: list[int]) -> None:
    assert found(query) == expected


def test_a_log_query_covers_its_start_and_not_its_end() -> None:
    assert found('{service_name=~".+"}', 10, 60) == [10, 20, 30, 40, 50]


@pytest.mark.parametrize(
    ("query", "at", "expected"),
    [
        ('count_over_time({service_name="payments"} |= "timeout" [1m])', 60, {("ERROR", "payments"): 3}),
        ('count_over_time({service_name="payments"} |= "timeout" [30s])', 60, {("ERROR", "payments"): 1}),
        (
            'sum by (service_name) (count_over_time({service_name=~".+"}[1m]))',
            60,
            {("payments",): 4, ("checkout",): 2},
        ),
        ('sum(count_over_time({service_name=~".+"}[1m])) by (level)', 60, {("ERROR",): 4, ("INFO",): 2}),
        ('sum(count_over_time({service_name=~".+"}[20s]))', 30, {(): 2}),
        ('sum(count_over_time({service_name=~".+"} |= "never" [1h]))', 60, {}),
    ],
)
def test_counting_gives_the_lines_in_the_range_before(
    query: str, at: int, expected: dict[tuple[str, ...], int]
) -> None:
    parsed = logql.parse(query)
    assert isinstance(parsed, logql.CountQuery)
    points = logql.counts(STORE, parsed, range(at * 1000, at * 1000 + 1))
    assert {tuple(text for _, text in sorted(p.labels.items())): p.values[-1] for p in points} == expected


@pytest.mark.parametrize(
    "query",
    [
        "{}",
        '{service_name=~".*"}',
        '{service_name="a"} | json',
        '{service_name="a"} |= "x" or "y"',
        'rate({service_name="a"}[5m])',
        'sum without (a) (count_over_time({service_name="a"}[5m]))',
        'avg(count_over_time({service_name="a"}[5m]))',
        'sum(sum(count_over_time({service_name="a"}[5m])))',
        'count_over_time({service_name="a"})',
        '{service_name="a"} |~ "("',
        '{service_name="a"} |~ "(?<=x)y"',
        '{service_name="a"} trailing',
        "",
    ],
)
def test_what_is_not_supported_is_refused(query: str) -> None:
    with pytest.raises(CannotEvaluateError, match="cannot evaluate: "):
        found(query)


def test_a_count_that_would_take_too_long_is_refused() -> None:
    lines = tuple(line(second / 10, PAYMENTS, "x") for second in range(5000))
    store = Store(Recording(INFO, Path(), RecordedTelemetry(logs=lines)))
    query = logql.parse('count_over_time({service_name="payments"}[10m])')
    assert isinstance(query, logql.CountQuery)
    assert logql.counts(store, query, range(600_000, 600_100, 100))[0].values == [4999.0]
    with pytest.raises(CannotEvaluateError, match="too many lines"):
        logql.counts(store, query, range(500_000, 601_000, 10))


def test_now_is_the_end_of_the_recording() -> None:
    assert datetime.fromtimestamp(STORE.now_ms / 1000, UTC) == INFO.window.end


parts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=12)


@given(st.lists(parts, min_size=1, max_size=5), parts, parts, parts)
def test_a_template_finds_every_line_made_of_it(
    constants: list[str], filling: str, before: str, after: str
) -> None:
    template = "<*>".join(constants)
    fits = regex(pattern(template), anchored=False)
    assert fits(before + filling.join(constants) + after)


@pytest.mark.parametrize(
    ("template", "text", "fits"),
    [
        ("timeout after <*> ms", "timeout after 5000 ms", True),
        ("timeout after <*> ms", "timeout after", False),
        ("a.b (<*>) [x]", "a.b (1) [x]", True),
        ("a.b (<*>) [x]", "aXb (1) [x]", False),
        ("one <*> two", "one\ntwo two", False),
        ("(a+)+<*>$", "(a+)+ costs $", True),
    ],
)
def test_only_the_wildcard_of_a_template_is_special(template: str, text: str, fits: bool) -> None:  # noqa: FBT001  # a table of cases
    assert regex(pattern(template), anchored=False)(text) is fits


def test_a_template_without_a_wildcard_is_a_plain_search() -> None:
    assert line_filter('say "hi" \\ twice') == '|= "say \\"hi\\" \\\\ twice"'
    parsed = logql.parse(f'{{service_name=~".+"}} {line_filter("order <*> accepted")}')
    assert isinstance(parsed, logql.LogQuery)
    assert len(logql.lines(STORE, parsed, 0, 10**12)) == 2
