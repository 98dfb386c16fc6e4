"""Queries in entries: all that Prometheus and Loki take, nothing that they refuse, and no alarm about the rest."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from compass.library import load
from compass.model.base import Problem, Severity
from compass.rules.base import Context, Example
from compass.rules.logql_syntax import logql_fault
from compass.rules.queries import QuerySyntax
from compass.rules.runner import apply
from compass.rules.samples import files

GOOD_LOGQL = (
    '{service_name="payments"}',
    '{service_name=~`pay.*`, level!="debug",} |= `timeout` != "health" |~ "a|b" !~ \'x\''.replace(
        "'x'", '"x"'
    ),
    '{a="b"} |> "<_> took <_>" !> "<_>ok"',
    '{a="b"} |= "one" or "two" or ip("192.0.2.0/24")',
    '{a="b"} | json | status >= 500 and (duration > 1m30s or size < 20MB)',
    '{a="b"} | json first="request.id", level | logfmt --strict --keep-empty',
    '{a="b"} | logfmt | addr = ip("192.0.2.1") , level=~"err.*" method="GET"',
    '{a="b"} | regexp `(?P<x>.+)` | pattern "<ip> - <_>" | unpack | decolorize',
    '{a="b"} | line_format "{{.x}} {{.y}}" | label_format a=b, c="{{.d}}"',
    '{a="b"} | drop level, app="x" | keep pod | distinct id',
    'count_over_time({a="b"}[5m])',
    'sum by (pod) (rate({a="b"} |= "x" | json [1m] offset 1h)) > bool 0.5',
    'sum(rate({a="b"}[1m])) without (pod)',
    'quantile_over_time(0.99, {a="b"} | json | unwrap duration(took) | __error__="" [1h]) by (pod)',
    'topk(5, sum by (a) (count_over_time({a="b"}[$__range])))',
    'sum(rate({a="b"}[1m])) / on (a) group_left (b) sum(rate({c="d"}[1m])) or vector(0)',
    'label_replace(rate({a="b"}[1m]), "x", "$1", "a", "(.*)")',
    '({a="b"} |= "x")',
    'count_over_time({a="b"}[5m]) # why\n > 1e3',
    '-sum(count_over_time({a="$service"} |= `<x>` [1d12h])) ^ 2',
)
BAD_LOGQL = (
    ('{service_name="payments"', "'}' was expected", 24),
    ("{service_name=payments}", "a value in double quotes", 14),
    ('{a="b"} |= timeout', "a text in double quotes", 11),
    ('{a="b"} |= "timeout', "not closed", 11),
    ('{a="b"} | jsn', "a comparison", 13),
    ('{a="b"} | json | status >= 5xx', "not a number", 27),
    ('{a="b"} | unwrap took', "only inside", 10),
    ('count_over_time({a="b"})', "a range such as [5m]", 23),
    ('count_over_time({a="b"}[5])', "not a duration", 24),
    ('sum({a="b"})', "needs numbers", 4),
    ('{a="b"} + 1', "gives lines", 8),
    ('increase({a="b"}[5m])', "no function of LogQL", 0),
    ("http_requests_total", "no function of LogQL", 0),
    ('{a="b"} | line_format x', "a quoted text", 22),
    ('{a="b"} ; ', "cannot stand here", 8),
    ("(" * 5000, "nests too deeply", 100),
    ("", "the query ends", 0),
)
GOOD_PROMQL = (
    "max_over_time(rate(x[5m])[1h:1m] @ end() offset -5m)",
    'histogram_quantile(0.9, sum by (le) (rate(b_bucket{a=~"x|y"}[5m])))',
    "a * on (x) group_left (y) b unless c > bool 1",
    "topk($n, rate($metric[$__rate_interval]))",
    "sum by (<label>) (x offset ${shift})",
    '⟨metric-1⟩{a="$1"}',
    "$a + $b + $c + $d + $e (",
)
BAD_PROMQL = ("sum(rate(x[5m])", "rate(x)", "x{a=b}", "sum by pod (x)", "foo(x)", "rate($metric[5m]")


def found(folder: Path, front: str) -> list[Problem]:
    for path, text in files(Example(front=front)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    library = load(folder, revision=None)
    assert library.problems == ()
    return list(apply([QuerySyntax()], Context(library, date(2026, 6, 1))).problems)


def evidence(kind: str, query: str, source: str = "") -> str:
    named = f", datasource: {source}" if source else ""
    return f"evidence: [{{id: e1, type: {kind}{named}, query: {query!r}}}]"


@pytest.mark.parametrize("query", GOOD_LOGQL)
def test_what_loki_takes_is_taken(query: str, tmp_path: Path) -> None:
    if "$__range" not in query:
        assert logql_fault(query) is None
    quoted = query.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert found(tmp_path, f'evidence: [{{id: e1, type: log, query: "{quoted}"}}]') == []


@pytest.mark.parametrize(("query", "message", "offset"), BAD_LOGQL)
def test_what_loki_refuses_is_refused_at_its_place(query: str, message: str, offset: int) -> None:
    fault = logql_fault(query)
    assert fault
    assert message in fault.message
    assert fault.offset == offset


@pytest.mark.parametrize("query", GOOD_PROMQL)
def test_what_prometheus_takes_is_taken_and_blanks_may_stand_for_any_part(query: str, tmp_path: Path) -> None:
    assert found(tmp_path, evidence("metric", query)) == []


@pytest.mark.parametrize("query", BAD_PROMQL)
def test_what_prometheus_refuses_is_a_warning_with_a_place(query: str, tmp_path: Path) -> None:
    (problem,) = found(tmp_path, evidence("metric", query))
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith("this is not PromQL: ")
    assert problem.line > 1


def test_the_column_is_that_of_the_character_that_is_wrong(tmp_path: Path) -> None:
    query = '{a="b"} |= timeout'
    (problem,) = found(tmp_path, evidence("log", query))
    text = (tmp_path / "patterns" / "example.md").read_text(encoding="utf-8").split("\n")[problem.line - 1]
    assert text[problem.column - 1 :].startswith("timeout")


def test_queries_of_other_sources_are_left_alone(tmp_path: Path) -> None:
    assert found(tmp_path, evidence("query", "SELECT 1 FROM")) == []
    assert found(tmp_path, evidence("metric", "SELECT 1 FROM", "billing-db")) == []
    assert found(tmp_path, evidence("query", "SELECT 1 FROM", "prometheus-eu"))[0].rule == "query-syntax"


def test_signals_and_refutations_are_read_too(tmp_path: Path) -> None:
    front = """\
match:
  window: 15m
  signals: {waiting: {type: metric, promql: 'sum(x', op: gt, value: 1}}
  condition: waiting
hypotheses:
  - {id: h1, statement: A., predicts: B., refuted_by: {query: 'sum(y', when: C.}}
  - {id: h2, statement: A., predicts: B., refuted_by: {query: '{a=b}', datasource: loki, when: C.}}
  - {id: h3, statement: A., predicts: B., refuted_by: {query: '{a=b', datasource: tempo, when: C.}}
"""
    assert [one.message.split(":")[0] for one in found(tmp_path, front)] == [
        "this is not PromQL",
        "this is not PromQL",
        "this is not LogQL",
    ]
