"""Golden answers, each worked out by hand from a few samples."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.replay.matchers import CannotEvaluateError, Matcher, predicate
from compass.replay.promql import Result, Stored, instant, over_range
from compass.replay.promql_syntax import parse

NAN = math.nan


def stored(name: str, samples: dict[int, float], **labels: str) -> Stored:
    return Stored({"__name__": name, **labels}, [second * 1000 for second in samples], list(samples.values()))


class Memory:
    def __init__(self, *series: Stored) -> None:
        self.series = series

    def select(self, matchers: tuple[Matcher, ...]) -> Sequence[Stored]:
        fits = predicate(matchers)
        return [series for series in self.series if fits(series.labels)]


STEADY = {second: float(second) for second in range(0, 601, 15)}
SHOP = Memory(
    stored("requests_total", STEADY, service_name="checkout", code="200"),
    stored("requests_total", {s: 2 * v for s, v in STEADY.items()}, service_name="payments", code="200"),
    stored("requests_total", {s: v / 2 for s, v in STEADY.items()}, service_name="payments", code="500"),
    stored("pool_in_use", {0: 6, 300: 38, 600: 40}, service_name="payments"),
    stored("pool_in_use", {600: 3}, service_name="ledger"),
    stored("pool_size", {0: 40, 300: 40, 600: 40}, service_name="payments"),
    stored("pool_size", {600: 12}, service_name="ledger"),
    stored("pool_size", {600: 5}, service_name="accounts"),
    stored("resets_total", {0: 0, 15: 10, 30: 20, 45: 5, 60: 15}),
    stored("young_total", {30: 1, 45: 4, 60: 7}),
    stored("ending_total", {15: 100, 30: 115}),
    stored("single_total", {60: 5}),
    stored("gone", {300: 7, 315: NAN}),
    stored("spiky", {540: 1, 555: 9, 570: 2, 585: 4}),
    stored("negative", {600: -3}),
    stored("nothing", {600: 0}),
)


def flat(result: Result) -> dict[str, float]:
    """`label=value,…` (sorted, the name as it stands) -> the last value."""
    return {
        ",".join(f"{name}={text}" for name, text in sorted(point.labels.items())): point.values[-1]
        for point in result.series
    }


ONE = [
    # Selectors, lookback, staleness.
    ('pool_in_use{service_name="payments"}', 600, {"__name__=pool_in_use,service_name=payments": 40}),
    ('pool_in_use{service_name="payments"}', 599, {"__name__=pool_in_use,service_name=payments": 38}),
    ('pool_in_use{service_name="ledger"}', 599, {}),
    ('pool_in_use{service_name="ledger"}', 899, {"__name__=pool_in_use,service_name=ledger": 3}),
    ('pool_in_use{service_name="ledger"}', 900, {}),
    ("gone", 314, {"__name__=gone": 7}),
    ("gone", 315, {}),
    ("gone offset 15s", 320, {"__name__=gone": 7}),
    ("gone offset -10s", 295, {"__name__=gone": 7}),
    ('{__name__="negative"}', 600, {"__name__=negative": -3}),
    # Matchers: missing labels are empty, regular expressions match the whole text.
    ('requests_total{code!="200"}', 600, {"__name__=requests_total,code=500,service_name=payments": 300}),
    ('requests_total{code=~"5.."}', 600, {"__name__=requests_total,code=500,service_name=payments": 300}),
    ('requests_total{service_name=~"pay"}', 600, {}),
    (
        'requests_total{service_name=~"pay.*",code!~"2.."}',
        600,
        {"__name__=requests_total,code=500,service_name=payments": 300},
    ),
    ('pool_size{region="",service_name="ledger"}', 600, {"__name__=pool_size,service_name=ledger": 12}),
    ('pool_size{service_name=~"ledger|accounts"} > 10', 600, {"__name__=pool_size,service_name=ledger": 12}),
    # rate and increase: 20 samples in (300, 600], 15 s to the left edge, none to the right: exact.
    ('rate(requests_total{service_name="checkout"}[5m])', 600, {"code=200,service_name=checkout": 1.0}),
    ('increase(requests_total{service_name="checkout"}[5m])', 600, {"code=200,service_name=checkout": 300.0}),
    # 10, 20, reset, 5, 15: growth 25 over 45 s, reaching 15 s to the left: 25 * 60 / 45.
    ("increase(resets_total[1m])", 60, {"": 25 * 60 / 45}),
    ("rate(resets_total[1m])", 60, {"": 25 / 45}),
    # 1, 4, 7 from 30 s on: half an interval would be 7.5 s, but zero lies 5 s back: 6 * 35 / 30.
    ("increase(young_total[1m])", 60, {"": 7.0}),
    # The counter ended 30 s ago: half an interval to the right, 15 s to the left: 15 * (15 + 15 + 7.5) / 15.
    ("increase(ending_total[1m])", 60, {"": 37.5}),
    ("rate(single_total[1m])", 60, {}),
    (
        'increase(requests_total{service_name="checkout"}[5m] offset 5m)',
        600,
        {"code=200,service_name=checkout": 300.0},
    ),
    # Aggregations.
    ("sum(pool_in_use)", 600, {"": 43}),
    (
        "sum by (service_name) (rate(requests_total[5m]))",
        600,
        {"service_name=checkout": 1.0, "service_name=payments": 2.5},
    ),
    ("sum(rate(requests_total[5m])) by (code)", 600, {"code=200": 3.0, "code=500": 0.5}),
    (
        "sum without (code) (rate(requests_total[5m]))",
        600,
        {"service_name=checkout": 1.0, "service_name=payments": 2.5},
    ),
    ("avg(pool_size)", 600, {"": 19}),
    (
        "max by (service_name) (requests_total)",
        600,
        {"service_name=checkout": 600, "service_name=payments": 1200},
    ),
    ("min(pool_size)", 600, {"": 5}),
    ("count(pool_size)", 600, {"": 3}),
    ("count by (absent_label) (pool_size)", 600, {"": 3}),
    ("sum(unheard_of)", 600, {}),
    # Over time, in (540, 600]: 9, 2, 4.
    ("max_over_time(spiky[1m])", 600, {"": 9}),
    ("min_over_time(spiky[1m])", 600, {"": 2}),
    ("avg_over_time(spiky[1m])", 600, {"": 5}),
    ("sum_over_time(spiky[1m])", 600, {"": 15}),
    ("count_over_time(spiky[1m])", 600, {"": 3}),
    # Arithmetic: one to one, without partner no answer, the name goes.
    ("pool_in_use / pool_size", 600, {"service_name=payments": 1.0, "service_name=ledger": 0.25}),
    ("pool_in_use / pool_size > 0.9", 600, {"service_name=payments": 1.0}),
    ("pool_in_use * 100 / pool_size", 600, {"service_name=payments": 100.0, "service_name=ledger": 25.0}),
    ('100 - pool_size{service_name="ledger"}', 600, {"service_name=ledger": 88}),
    ("-negative", 600, {"": 3}),
    ("negative % 2", 600, {"": -1}),
    ("negative / nothing", 600, {"": -math.inf}),
    ('pool_size{service_name="ledger"} ^ 2', 600, {"service_name=ledger": 144}),
    # Comparison filters and keeps the name; with bool it gives 0 or 1 and does not.
    (
        "pool_size >= 12",
        600,
        {"__name__=pool_size,service_name=ledger": 12, "__name__=pool_size,service_name=payments": 40},
    ),
    (
        "pool_size > bool 12",
        600,
        {"service_name=ledger": 0, "service_name=payments": 1, "service_name=accounts": 0},
    ),
    ("12 < pool_size", 600, {"__name__=pool_size,service_name=payments": 40}),
    ("pool_in_use == pool_size", 600, {"__name__=pool_in_use,service_name=payments": 40}),
    ("pool_in_use != bool pool_size", 600, {"service_name=payments": 0, "service_name=ledger": 1}),
    # With nothing on one side there is nothing to match, be the other side ambiguous or not.
    ("unheard_of / on (code) requests_total", 600, {}),
    # Matching on some labels only.
    (
        'requests_total{code="500"} / on (service_name) pool_size',
        600,
        {"service_name=payments": 7.5},
    ),
    (
        'requests_total{code="500"} / ignoring (code) pool_size',
        600,
        {"service_name=payments": 7.5},
    ),
    # Scalars and precedence.
    ("2 + 3 * 4 ^ 2", 0, {"": 50}),
    ("-2 ^ 2", 0, {"": -4}),
    ("2 ^ 3 ^ 2", 0, {"": 512}),
    ("(2 + 3) * 4", 0, {"": 20}),
    ("10 - 4 - 3", 0, {"": 3}),
    ("7 % 4 + 0x10", 0, {"": 19}),
    ("1 > bool 2", 0, {"": 0}),
    ("1 / 0", 0, {"": math.inf}),
    ("1e3 # a comment", 0, {"": 1000}),
]


@pytest.mark.parametrize(("query", "at", "expected"), ONE, ids=[f"{query} @{at}" for query, at, _ in ONE])
def test_an_instant_query_gives_what_prometheus_gives(
    query: str, at: int, expected: dict[str, float]
) -> None:
    assert flat(instant(SHOP, query, at * 1000)) == pytest.approx(expected)


def test_a_range_selector_by_itself_gives_raw_samples_open_on_its_left() -> None:
    result = instant(SHOP, "resets_total[30s]", 60_000)
    assert result.kind == "matrix"
    assert [(point.times, point.values) for point in result.series] == [([45_000, 60_000], [5.0, 15.0])]


def test_raw_samples_leave_out_the_marker_of_staleness() -> None:
    result = instant(SHOP, "gone[10m]", 600_000)
    assert [point.values for point in result.series] == [[7.0]]


def test_nothing_divided_by_nothing_is_not_a_number() -> None:
    assert math.isnan(flat(instant(SHOP, "nothing / nothing", 600_000))[""])


def test_a_range_query_covers_both_ends_and_leaves_gaps_where_data_is_missing() -> None:
    result = over_range(SHOP, 'pool_in_use{service_name="ledger"}', 500_000, 700_000, 100_000)
    assert [(point.times, point.values) for point in result.series] == [([600_000, 700_000], [3.0, 3.0])]


def test_a_range_query_of_a_comparison_has_points_only_where_it_holds() -> None:
    result = over_range(SHOP, "pool_in_use / pool_size >= 0.95", 0, 600_000, 150_000)
    assert [(point.labels, point.times) for point in result.series] == [
        ({"service_name": "payments"}, [300_000, 450_000, 600_000])
    ]


def test_a_range_query_of_a_scalar_is_one_series_without_labels() -> None:
    result = over_range(SHOP, "1 + 1", 0, 60_000, 30_000)
    assert [(point.labels, point.values) for point in result.series] == [({}, [2.0, 2.0, 2.0])]


REFUSED = {
    "histogram_quantile(0.95, x)": "function",
    "topk(3, pool_size)": "function",
    "absent(pool_size)": "function",
    'label_replace(x, "a", "b", "c", "d")': "function",
    "quantile_over_time(0.9, x[5m])": "function",
    "rate(pool_size)": "range selector",
    "rate(sum(pool_size)[5m])": "subqueries",
    "max_over_time(pool_size[5m:1m])": "subqueries",
    "pool_size @ 600": "modifier @",
    "pool_size * on (a) group_left pool_in_use": "group_left",
    "pool_size and pool_in_use": "and",
    "pool_size or pool_in_use": "or",
    "pool_size unless pool_in_use": "unless",
    "pool_size[5m] + 1": "range selector",
    "sum(pool_size[5m])": "range selector",
    "sum(5)": "vector",
    "1 < 2": "bool",
    "1 + bool 2": "bool",
    "{}": "matcher",
    '{a=~".*"}': "matcher",
    'pool_size{a=~"(?=x)"}': "regular expression",
    'pool_size{a=~"("}': "regular expression",
    'pool_size{a=~"x){2}(y"}': "regular expression",
    "pool_size{a=5}": "quoted string",
    "pool_size{": "label",
    "pool_size[5x]": "",
    "pool_size[1.5m]": "duration",
    "pool_size[0s]": "range",
    "pool_size)": "end",
    "": "expression",
    "'text'": "expression",
    "pool_size $ 3": "not understood",
    "(" * 100 + "1" + ")" * 100: "nested",
    "-" * 5000 + "1": "nested",
    "1" + " + 1" * 9000: "characters",
    "requests_total / on (service_name) pool_size": "left",
    "pool_size / ignoring (service_name) pool_in_use": "right",
    "1" + " + 1" * 300: "operators",
    '-{__name__=~"pool_in_use|pool_size"}': "same labels",
}


@pytest.mark.parametrize("query", list(REFUSED))
def test_what_is_not_supported_is_refused_and_never_answered_with_nothing(query: str) -> None:
    with pytest.raises(CannotEvaluateError, match=f"cannot evaluate: .*{REFUSED[query]}"):
        instant(SHOP, query, 600_000)


def test_a_range_query_of_too_many_points_is_refused() -> None:
    with pytest.raises(CannotEvaluateError, match="larger step"):
        over_range(SHOP, "pool_size", 0, 12_000_000, 1000)
    with pytest.raises(CannotEvaluateError, match="step"):
        over_range(SHOP, "pool_size", 0, 1000, 0)
    with pytest.raises(CannotEvaluateError, match="range selector"):
        over_range(SHOP, "pool_size[5m]", 0, 1000, 1)


@given(st.text(max_size=60) | st.text(alphabet='ab{}()[]=~!"5m+-*/ sumrateby,', max_size=60))
def test_no_text_makes_the_parser_fail_otherwise_than_by_saying_so(text: str) -> None:
    with contextlib.suppress(CannotEvaluateError):
        parse(text)


@given(st.lists(st.floats(min_value=0, max_value=1e9), min_size=2, max_size=40))
def test_a_counter_never_shrinks_whatever_its_resets(values: list[float]) -> None:
    memory = Memory(stored("c", dict(zip(range(0, 15 * len(values), 15), values, strict=True))))
    result = flat(instant(memory, "increase(c[1h])", 15_000 * len(values)))
    assert result[""] >= 0


def test_regular_expressions_take_linear_time() -> None:
    memory = Memory(stored("m", {0: 1}, text="a" * 5000 + "b"))
    assert flat(instant(memory, 'm{text=~"(a+)+"}', 0)) == {}
