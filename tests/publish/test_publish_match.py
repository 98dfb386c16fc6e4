"""What a machine recognizes, as text on a page."""

from __future__ import annotations

import pytest

from compass.model.match import Match
from compass.publish.match import recognition


@pytest.mark.parametrize(("op", "shown"), [("lt", "&lt; 0.5"), ("gt", "&gt; 0.5"), ("lte", "≤ 0.5")])
def test_a_comparison_is_text_and_no_markup(op: str, shown: str) -> None:
    match = Match.model_validate(
        {
            "window": "15m",
            "signals": {"low": {"type": "metric", "promql": "hits / asked", "op": op, "value": 0.5}},
            "condition": "low",
        }
    )
    assert shown in recognition(match)
