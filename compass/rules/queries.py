"""Rules about the queries that entries carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import Pattern
from compass.model.match import MetricSignal
from compass.rules.base import Context, Example, Rule
from compass.rules.logql_syntax import Fault, logql_fault
from compass.rules.place import Place, position

# A dashboard's variable, a name to fill in, or what the anonymizer put in a name's place; not inside quotes.
_BLANK: Final = re.compile(
    r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`|(\$\{[^{}]*\}|\$\w+|<[A-Za-z][\w-]*>|⟨[^⟨⟩]*⟩)'
)
_STAND_INS: Final = ("p", "5m", "1")
_MOST_BLANKS: Final = 4
"""Every stand-in is tried in every blank; a query with more blanks is a template and is not judged."""


class _Query(NamedTuple):
    language: str
    text: str
    place: Place


class QuerySyntax(Rule):
    """A query that its backend refuses is found out during the incident that it was written for."""

    id = "query-syntax"
    sentence = "A query for Prometheus is PromQL and one for Loki is LogQL; `$name`, `${name}` and `<name>` may stand for any part."
    severity = Severity.WARNING
    gradual = True
    local = True
    good = Example(
        front="evidence: [{id: e1, type: metric, query: 'sum by (pod) (rate(http_requests_total[$__rate_interval]))'}]"
    )
    bad = Example(
        front="evidence: [{id: e1, type: metric, query: 'sum by (pod) (rate(http_requests_total[5m])'}]"
    )

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Parse each query whose language is known from its field or its data source."""
        del context
        for language, text, place in _queries(loaded):
            fault = _fault(language, text)
            if fault:
                message = f"this is not {language}: {fault.message}"
                hint = "run it against the backend, and paste what worked"
                found = self.problem(loaded, message, place, hint)
                yield found.model_copy(update={"column": _column(loaded, text, place, fault.offset)})


def _queries(loaded: LoadedEntry) -> Iterator[_Query]:
    entry = loaded.entry
    for number, evidence in enumerate(entry.evidence):
        language = _language(evidence.type, evidence.datasource)
        if evidence.query and language:
            yield _Query(language, evidence.query, Place(("evidence", number, "query")))
    if not isinstance(entry, Pattern):
        return
    for name, signal in entry.match.signals.items() if entry.match else ():
        if isinstance(signal, MetricSignal):
            yield _Query("PromQL", signal.promql, Place(("match", "signals", name, "promql")))
    for number, hypothesis in enumerate(entry.hypotheses):
        language = _language("", hypothesis.refuted_by.datasource)
        if language:
            place = Place(("hypotheses", number, "refuted_by", "query"))
            yield _Query(language, hypothesis.refuted_by.query, place)


def _language(kind: str, source: str | None) -> str | None:
    """A data source may have any name: what neither it nor the sort of evidence tells is left alone."""
    if source:
        lower = source.lower()
        return "PromQL" if "prometheus" in lower else "LogQL" if "loki" in lower else None
    return {"metric": "PromQL", "log": "LogQL"}.get(kind)


def _fault(language: str, text: str) -> Fault | None:
    parse = _promql_fault if language == "PromQL" else logql_fault
    blanks = [found.span(1) for found in _BLANK.finditer(text) if found[1]]
    if len(blanks) > _MOST_BLANKS:
        return None
    faults = []
    for chosen in product(_STAND_INS, repeat=len(blanks)):
        fault = parse(_filled(text, blanks, chosen))
        if fault is None:
            return None
        faults.append(fault)
    return faults[0]


def _filled(text: str, blanks: list[tuple[int, int]], chosen: tuple[str, ...]) -> str:
    """The text with a stand-in for each blank, as long as the blank, so that offsets hold."""
    for (start, end), word in zip(blanks, chosen, strict=True):
        text = text[:start] + word.ljust(end - start) + text[end:]
    return text


def _promql_fault(query: str) -> Fault | None:
    import promql_parser  # noqa: PLC0415  # only a file that was not seen before needs its five megabytes

    try:
        promql_parser.parse(query)
    except ValueError as error:
        return Fault(str(error), 0)
    return None


def _column(loaded: LoadedEntry, text: str, place: Place, offset: int) -> int:
    """The column of the fault where the query stands on one line as it is; else that of the field."""
    line, column = position(loaded, place)
    lines = loaded.text.split("\n")
    start = lines[line - 1].find(text, column - 1) if line <= len(lines) else -1
    return start + 1 + offset if start >= 0 and offset else column
