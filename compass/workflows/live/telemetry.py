"""`Telemetry` over a route: questions for everything are asked in pieces that a server of a real system can answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from functools import cached_property
from typing import Any

from compass.adapters.telemetry.answer import Answer, Datasource, Kind
from compass.adapters.telemetry.queries import TYPES
from compass.investigate.observe import ALL_LOGS, ALL_METRICS, ALL_TRACES, KINDS
from compass.investigate.series import ALERTS, SERVICE_GRAPH, component
from compass.model.recording import Change, LogLine, Series, Span
from compass.workflows.live.bounded import Bounded, Stretch
from compass.workflows.live.choosing import without_parts
from compass.workflows.live.routing import Asked, Route
from compass.workflows.live.summing import Summing
from compass.workflows.recording import ask_metrics, ask_rows
from compass.workflows.recording.ask_metrics import Group
from compass.workflows.recording.request import Notes, Told


class RoutedTelemetry:
    """See `compass.adapters.telemetry.answer.Telemetry`; whoever opened the servers closes them."""

    at_once = len(KINDS)

    def __init__(self, route: Route) -> None:
        self.route = route

    def datasources(self) -> Answer[tuple[Datasource, ...]]:
        """Those of all servers; the notes name servers that cannot be asked."""
        return Answer(self.route.listed, "list_datasources", "datasources", 0, 0, notes=self.route.notes)

    def observes(self, kind: Kind) -> bool:
        """Whether a server has it; alerts also count where the metrics have their series."""
        return self._alerts if kind == "alerts" else kind in self.route.servers

    @cached_property
    def _alerts(self) -> bool:
        listed = any(source.type in TYPES["alerts"] for source in self.route.listed)
        return listed or ALERTS in self.metric_names().data

    def metric_names(self, start: float | None = None, end: float | None = None) -> Answer[tuple[str, ...]]:
        """See `Telemetry.metric_names`."""
        asked = Asked("metrics", ".*", start or 0, end or 0)
        return self.route.ask(asked, lambda one: one.metric_names(start, end))

    def label_values(
        self, label: str, kind: Kind = "metrics", *, start: float | None = None, end: float | None = None
    ) -> Answer[tuple[str, ...]]:
        """See `Telemetry.label_values`."""
        asked = Asked(kind, label, start or 0, end or 0)
        return self.route.ask(asked, lambda one: one.label_values(label, kind, start=start, end=end))

    def instant(self, expr: str, at: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.instant`."""
        return self.route.ask(Asked("metrics", expr, at, at), lambda one: one.instant(expr, at))

    def range_query(self, expr: str, start: float, end: float, step: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.range_query`."""
        asked = Asked("metrics", expr, start, end)
        return self.route.ask(asked, lambda one: one.range_query(expr, start, end, step))

    def raw(self, selector: str, start: float, end: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.raw`."""
        return self.route.ask(
            Asked("metrics", selector, start, end), lambda one: one.raw(selector, start, end)
        )

    def logs(self, logql: str, start: float, end: float, limit: int = 50_000) -> Answer[tuple[LogLine, ...]]:
        """See `Telemetry.logs`."""
        return self.route.ask(
            Asked("logs", logql, start, end), lambda one: one.logs(logql, start, end, limit)
        )

    def log_counts(self, logql: str, at: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.log_counts`."""
        return self.route.ask(Asked("logs", logql, at, at), lambda one: one.log_counts(logql, at))

    def traces(self, query: str, start: float, end: float, limit: int = 100_000) -> Answer[tuple[Span, ...]]:
        """See `Telemetry.traces`."""
        asked = Asked("traces", query, start, end)
        return self.route.ask(asked, lambda one: one.traces(query, start, end, limit))

    def trace(self, trace_id: str) -> Answer[tuple[Span, ...]]:
        """See `Telemetry.trace`."""
        return self.route.ask(Asked("traces", trace_id, 0, 0), lambda one: one.trace(trace_id))

    def annotations(self, start: float, end: float, tags: Sequence[str] = ()) -> Answer[tuple[Change, ...]]:
        """See `Telemetry.annotations`."""
        asked = Asked("changes", " ".join(tags) or "annotations", start, end)
        return self.route.ask(asked, lambda one: one.annotations(start, end, tags))

    def close(self) -> None:
        """Nothing to end."""


class Size(Enum):
    """How the metrics of a system are read: as they are, without the parts of histograms, or summed by the server."""

    WHOLE = "whole"
    COMPARED = "compared"
    SUMS = "sums"

    @classmethod
    def of(cls, groups: Sequence[Group], compared: Sequence[Group]) -> Size:
        """By how many series there are, and by how many of these a comparison uses."""
        if ask_metrics.fits(groups):
            return cls.WHOLE
        return cls.COMPARED if ask_metrics.fits(compared) else cls.SUMS


class LiveTelemetry(RoutedTelemetry):
    """Asks for all metrics, lines and spans of a stretch of time in pieces, once; what was cut is in the notes.

    Of a system with too many series, each metric is summed for each component; `service` is the one that the incident
    names, `known` are (caller, callee) pairs that are known from elsewhere.
    """

    def __init__(
        self, route: Route, told: Told, service: str | None = None, known: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(route)
        self._pieces = RoutedTelemetry(route)
        self._summing = Summing(Bounded(self._pieces, route.clock), service, known, told)
        self._size: Size | None = None
        self._told = told
        self._known: dict[Asked, Answer[Any]] = {}

    def raw(self, selector: str, start: float, end: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.raw`; of everything, the series that name their component, the alerts and the call graph.

        Of a large system a selector of too many series is an error, so that one experiment does not load all of it.
        """
        if selector != ALL_METRICS:
            whole = self._size is Size.WHOLE
            return super().raw(selector, start, end) if whole else self._bounded(selector, start, end)
        return self._whole("query_prometheus", Asked("metrics", selector, start, end), self._series)

    def logs(self, logql: str, start: float, end: float, limit: int = 50_000) -> Answer[tuple[LogLine, ...]]:
        """See `Telemetry.logs`; of everything, so many lines of each minute, those of WARN and above first."""
        if logql != ALL_LOGS:
            return super().logs(logql, start, end, limit)
        return self._whole("query_loki_logs", Asked("logs", logql, start, end), self._lines)

    def traces(self, query: str, start: float, end: float, limit: int = 100_000) -> Answer[tuple[Span, ...]]:
        """See `Telemetry.traces`; of everything, so many traces of each minute."""
        if query != ALL_TRACES:
            return super().traces(query, start, end, limit)
        return self._whole("search_tempo_traces", Asked("traces", query, start, end), self._spans)

    def _whole(
        self, tool: str, asked: Asked, read: Callable[[Asked, Notes], tuple[Any, ...] | None]
    ) -> Answer[Any]:
        if asked not in self._known:
            notes = Notes()
            rows = read(asked, notes)
            said = tuple(line.removeprefix(f"{asked.kind}: ") for line in notes.bounded())
            self._known[asked] = Answer(
                rows or (),
                tool,
                asked.query,
                asked.start,
                asked.end,
                truncated=bool(said),
                notes=() if rows is None else said,
                error=None if rows is not None else "; ".join(said) or "nothing could be read",
            )
        return self._known[asked]

    def _series(self, asked: Asked, notes: Notes) -> tuple[Series, ...] | None:
        stretch = Stretch(asked.start, asked.end)
        found = self._read(stretch, notes)
        if found is None:
            return None
        more: list[Series] = []
        graph = () if self._size is Size.SUMS else (SERVICE_GRAPH,)
        for selector in (f'{ALERTS}{{alertstate="firing"}}', *graph):
            answer = self._pieces.raw(selector, *stretch)
            more += answer.data
            if answer.error is not None:
                notes.add(f"{answer.error} (asked for {selector})")
        return (*found, *more)

    def _read(self, stretch: Stretch, notes: Notes) -> tuple[Series, ...] | None:
        """Series by series where these are not too many, a baseline as its window."""
        if self._size is Size.SUMS:
            return self._summing.read((), stretch, notes)
        groups = ask_metrics.survey(self._pieces, *stretch, notes)
        if groups is None:
            return None
        compared = without_parts(groups)
        if self._size is None:
            self._size = Size.of(groups, compared)
        if self._size is not Size.WHOLE:
            left = sum(count for group in groups for _, count in group.names)
            left -= sum(count for group in compared for _, count in group.names)
            if left:
                notes.add(
                    f"metrics: {left:,} series that no comparison uses, such as buckets of histograms, were not read"
                )
            groups = compared
        if self._size is Size.SUMS:
            return self._summing.read(groups, stretch, notes)
        queries = ask_metrics.queries_of(ask_metrics.bounded(groups, notes))
        return ask_metrics.read(self._pieces, queries, *stretch, notes, self._told)

    def _bounded(self, selector: str, start: float, end: float) -> Answer[tuple[Series, ...]]:
        """The samples of a selector, unless it has too many series."""
        counted = self._pieces.instant(f"count({selector})", end)
        count = int(counted.data[0].values[-1]) if counted.data else 0
        if count <= ask_metrics.MOST_SERIES:
            return super().raw(selector, start, end)
        error = (
            f"not asked: {count:,} series are more than the {ask_metrics.MOST_SERIES:,} that are read at once"
        )
        return Answer((), "query_prometheus", selector, start, end, error=error)

    def _lines(self, asked: Asked, notes: Notes) -> tuple[LogLine, ...] | None:
        found = ask_rows.lines(self._pieces, asked.query, asked.start, asked.end, notes, self._told)
        return None if found is None else tuple(_named(line) for line in found)

    def _spans(self, asked: Asked, notes: Notes) -> tuple[Span, ...] | None:
        return ask_rows.traces(self._pieces, asked.start, asked.end, notes, self._told)


def _named(line: LogLine) -> LogLine:
    """The line with its service and its level under the names that we use, its other labels beside them."""
    level = next((line.labels[name] for name in ask_rows.LEVELS if line.labels.get(name)), "")
    named = {"service_name": component(line.labels), "level": level}
    return line._replace(labels={**line.labels, **{name: value for name, value in named.items() if value}})
