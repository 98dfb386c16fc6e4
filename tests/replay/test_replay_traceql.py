from __future__ import annotations

import pytest

from compass.model.recording import Span
from compass.replay.matchers import CannotEvaluateError
from compass.replay.traceql import parse

MS = 1_000_000
SLOW = Span("t1", "a", "", "checkout", "POST /orders", 0, 800 * MS)
FAILED = Span("t1", "b", "a", "payments", "POST /charges", 10 * MS, 510 * MS, "error")
QUICK = Span("t2", "c", "", "checkout", "GET /orders", 0, 2 * MS, "ok")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{}", "abc"),
        ("{ }", "abc"),
        ('{ resource.service.name = "checkout" }', "ac"),
        ('{ .service.name != "checkout" }', "b"),
        ('{ resource.service.name =~ "pay.*" }', "b"),
        ('{ resource.service.name =~ "pay" }', ""),
        ('{ name !~ "POST .*" }', "c"),
        ('{ span:name = "GET /orders" }', "c"),
        ("{ status = error }", "b"),
        ("{ status = unset }", "a"),
        ("{ status != ok }", "ab"),
        ("{ duration > 500ms }", "a"),
        ("{ duration >= 500ms }", "ab"),
        ("{ duration < 0.01s }", "c"),
        ("{ duration = 2000us }", "c"),
        ('{ duration > 1ms && resource.service.name = "checkout" && status = ok }', "c"),
        ('{ span:parentID = "a" }', "b"),
        ("{ status = error } | select(name, span:parentID)", "b"),
    ],
)
def test_a_trace_query_selects_the_spans_that_fit(query: str, expected: str) -> None:
    fits = parse(query).fits
    assert "".join(span.span for span in (SLOW, FAILED, QUICK) if fits(span)) == expected


def test_select_names_the_fields_to_show() -> None:
    assert parse("{} | select(resource.service.name, status)").shown == ("resource.service.name", "status")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "{",
        "{ status = error || status = ok }",
        "{ status = error } || {}",
        "{ status = broken }",
        "{ status > ok }",
        "{ duration > 5 }",
        "{ duration =~ 5ms }",
        "{ duration > infs }",
        "{ duration > nans }",
        "{ duration > 1e999s }",
        '{ span.http.status_code = "500" }',
        '{ name > "a" }',
        "{} | count() > 2",
        "{} >> {}",
        "{} | rate()",
    ],
)
def test_what_is_not_supported_is_refused(query: str) -> None:
    with pytest.raises(CannotEvaluateError, match="cannot evaluate: "):
        parse(query)
