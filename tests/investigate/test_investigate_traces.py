"""Spans joined to trees, also where they say impossible things of themselves."""

from __future__ import annotations

from random import Random

import pytest

from compass.investigate.calls import last_call_findings
from compass.investigate.observation import Observation, Slice
from compass.investigate.traces import Forest
from compass.model.recording import Span


def span(name: str, parent: str, start: int = 0, service: str = "shop") -> Span:
    return Span("t", name, parent, service, "GET", start, start + 10)


def walked(spans: list[Span]) -> list[tuple[str, str]]:
    """Every span with its parent, after everything that walks the trees has ended."""
    forest = Forest.grow(spans)
    for index in range(len(forest.spans)):
        forest.caller(index)
        forest.called_time(index)
    last_call_findings(Observation(0.0, 0.0, 60.0, Slice(spans=tuple(spans))))
    return [
        (one.span, forest.spans[above].span if above >= 0 else "")
        for one, above in zip(forest.spans, forest.parents, strict=True)
    ]


@pytest.mark.parametrize(
    ("spans", "joined"),
    [
        ([span("a", "a")], [("a", "")]),
        ([span("a", "b"), span("b", "a", 1)], [("a", ""), ("b", "a")]),
        (
            [span("a", "c"), span("b", "a", 1), span("c", "b", 2), span("d", "c", 3)],
            [("a", ""), ("b", "a"), ("c", "b"), ("d", "c")],
        ),
        ([span("x", "a"), span("a", "b", 1), span("b", "a", 2)], [("x", "a"), ("a", ""), ("b", "a")]),
        ([span("a", ""), span("b", "a", 1), span("c", "lost", 2)], [("a", ""), ("b", "a"), ("c", "")]),
    ],
)
def test_no_span_is_its_own_ancestor(spans: list[Span], joined: list[tuple[str, str]]) -> None:
    assert walked(spans) == joined
    Random(1).shuffle(spans)
    assert walked(spans) == joined
