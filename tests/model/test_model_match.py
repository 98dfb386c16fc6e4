from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from compass.model.match import Condition, Match, Truth, parse_duration

TRUTHS: list[Truth] = [True, False, None]


@pytest.mark.parametrize(
    ("condition", "known", "expected"),
    [
        ("a", {"a": True}, True),
        ("a", {}, None),
        ("not a", {"a": None}, None),
        ("not a", {"a": False}, True),
        ("a and b", {"a": False, "b": None}, False),
        ("a and b", {"a": True, "b": None}, None),
        ("a or b", {"a": True, "b": None}, True),
        ("a or b", {"a": False, "b": None}, None),
        ("a or b and c", {"a": True, "b": False, "c": False}, True),
        ("(a or b) and c", {"a": True, "b": False, "c": False}, False),
        ("not (a and b) or c", {"a": True, "b": True, "c": None}, None),
    ],
)
def test_conditions_have_three_values(condition: str, known: dict[str, Truth], expected: Truth) -> None:
    assert Condition.parse(condition).evaluate(known) is expected


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "and",
        "a b",
        "a and",
        "(a",
        "a)",
        "not",
        "a & b",
        "a or or b",
        "__import__('os')",
        "a" * 1001,
        "(" * 60 + "a" + ")" * 60,
    ],
)
def test_what_is_no_condition_is_refused(condition: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Condition.parse(condition)


_EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        inner.map("not {}".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
    ),
    max_leaves=8,
)


@given(_EXPRESSIONS, st.lists(st.sampled_from(TRUTHS), min_size=3, max_size=3))
def test_unknown_means_that_no_certain_answer_could_be_overturned(
    expression: str, values: list[Truth]
) -> None:
    known = dict(zip("abc", values, strict=True))
    condition = Condition.parse(expression)
    answer = condition.evaluate(known)
    if answer is not None:
        for filled in (True, False):
            certain = {name: filled if value is None else value for name, value in known.items()}
            assert condition.evaluate(certain) is answer


def signals() -> dict[str, object]:
    return {
        "slow": {"type": "alert", "matchers": ['alertname="X"']},
        "log": {"type": "log", "template": "a <*> b"},
    }


def test_a_match_is_read_with_its_defaults() -> None:
    match = Match.model_validate({"window": "1h30m", "signals": signals(), "condition": "slow and not log"})
    assert match.parsed.names == ("slow", "log")
    assert parse_duration(match.window) == timedelta(minutes=90)
    assert match.signals["log"].type == "log"


@pytest.mark.parametrize(
    "change",
    [
        {"condition": "slow and fast"},
        {"order": ["fast"]},
        {"weights": {"fast": 0.5}},
        {"weights": {"slow": 2}},
        {"window": "soon"},
        {"window": ""},
        {"signals": {}},
        {"signals": {"slow": {"type": "alert", "matchers": ["alertname=X"]}}, "condition": "slow"},
        {"signals": {"slow": {"type": "alert", "matchers": []}}, "condition": "slow"},
        {
            "signals": {"slow": {"type": "metric", "promql": "x", "op": "above", "value": 1}},
            "condition": "slow",
        },
        {"exclude": ["namespace"]},
        {"surprise": 1},
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Match.model_validate({"window": "15m", "signals": signals(), "condition": "slow"} | change)
