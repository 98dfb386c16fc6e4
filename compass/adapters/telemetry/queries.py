"""Telemetry through the tools of the Grafana MCP server, whoever calls them: paging, times, errors made visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from compass.adapters.garbage import collected_later
from compass.adapters.telemetry import decode
from compass.adapters.telemetry.answer import Answer, Datasource, Kind
from compass.model.recording import Change, LogLine, Series, Span

T = TypeVar("T")

TYPES: dict[Kind, tuple[str, ...]] = {
    "metrics": ("prometheus", "mimir", "victoriametrics-metrics-datasource"),
    "logs": ("loki", "victoriametrics-logs-datasource"),
    "traces": ("tempo",),
    "alerts": ("alertmanager",),
}
LOG_PAGE = 5000
TRACE_PAGE = 2000
SPANS_PER_TRACE = 100_000
MAX_PAGES = 1000
MAX_LISTED = 10_000
SELECT = " | select(resource.service.name, name, status, span:parentID)"


class _Request(NamedTuple):
    """One call to make: `kind` names the datasource to ask, None for tools that belong to none."""

    tool: str
    kind: Kind | None
    query: str
    start: float
    end: float
    arguments: Mapping[str, object]

    def answer(self, data: T, sent: Mapping[str, object], error: str | None = None) -> Answer[T]:
        return Answer(data, self.tool, self.query, self.start, self.end, sent, error=error)


class Reply(NamedTuple):
    """What a tool said: decoded JSON, or why there is none."""

    data: Any
    error: str | None


class Caller(Protocol):
    """Calls read-only tools; `tools` maps their names to their argument names, empty where these are not known."""

    @property
    def tools(self) -> Mapping[str, frozenset[str]]:
        """The tools that may be called."""
        ...

    def call(self, tool: str, arguments: Mapping[str, object]) -> Reply:
        """Call one; every failure becomes a Reply with `error`."""
        ...

    def close(self) -> None:
        """End whatever was started."""
        ...


class ToolTelemetry:
    """`Telemetry` over a caller of tools; see `compass.adapters.telemetry.answer.Telemetry` for what each method gives.

    Use it as a context manager, or call `close`. It may be called from several threads if its caller may.
    """

    at_once = 1

    def __init__(self, caller: Caller, datasources: Mapping[Kind, str] | None = None) -> None:
        """`datasources`: the uid to use for a kind; without it the first datasource of a fitting type is used."""
        self._session = caller
        self._chosen = dict(datasources or {})
        self._listed: Answer[tuple[Datasource, ...]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session; queries after this are answered with an error."""
        self._session.close()

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools of the server that may be used, sorted."""
        return tuple(sorted(self._session.tools))

    # What there is ---------------------------------------------------------------------------------------------

    def datasources(self) -> Answer[tuple[Datasource, ...]]:
        """See `Telemetry.datasources`; asked once per session."""
        if self._listed is None or not self._listed.ok:
            request = _Request("list_datasources", None, "datasources", 0, 0, {"limit": 100})
            self._listed = self._ask(request, decode.datasources, ())
        return self._listed

    def observes(self, kind: Kind) -> bool:
        """See `Telemetry.observes`: by datasource; changes by their tool; alerts also by their series."""
        if kind == "changes":
            return "get_annotations" in self._session.tools
        if any(source.type in TYPES[kind] for source in self.datasources().data):
            return True
        return kind == "alerts" and "ALERTS" in self.metric_names().data

    def metric_names(self, start: float | None = None, end: float | None = None) -> Answer[tuple[str, ...]]:
        """See `Telemetry.metric_names`."""
        window = _window(start, end)
        return self._list(
            "list_prometheus_metric_names", "metrics", {"limit": MAX_LISTED, "page": 1, **window}, ".*"
        )

    def label_values(
        self, label: str, kind: Kind = "metrics", *, start: float | None = None, end: float | None = None
    ) -> Answer[tuple[str, ...]]:
        """See `Telemetry.label_values`."""
        arguments: dict[str, object] = {"labelName": label, **_window(start, end)}
        if kind == "logs":
            return self._list("list_loki_label_values", kind, arguments, label)
        return self._list("list_prometheus_label_values", kind, {**arguments, "limit": MAX_LISTED}, label)

    # Metrics ---------------------------------------------------------------------------------------------------

    def instant(self, expr: str, at: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.instant`."""
        arguments = {"expr": expr, "endTime": rfc3339(at), "queryType": "instant"}
        return self._ask(_Request("query_prometheus", "metrics", expr, at, at, arguments), decode.series, ())

    def range_query(self, expr: str, start: float, end: float, step: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.range_query`."""
        arguments = {
            "expr": expr,
            "startTime": rfc3339(start),
            "endTime": rfc3339(end),
            "queryType": "range",
            "stepSeconds": max(1, round(step)),
        }
        return self._ask(
            _Request("query_prometheus", "metrics", expr, start, end, arguments), decode.series, ()
        )

    def raw(self, selector: str, start: float, end: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.raw`; a range selector is open on its left, so it reaches one millisecond further."""
        # Each end is rounded by itself: the difference of two floats may be a little more than whole milliseconds.
        expr = f"{selector}[{round(end * 1000) - round(start * 1000) + 1}ms]"
        arguments = {"expr": expr, "endTime": rfc3339(end), "queryType": "instant"}
        return self._ask(
            _Request("query_prometheus", "metrics", expr, start, end, arguments), decode.series, ()
        )

    # Logs ------------------------------------------------------------------------------------------------------

    def logs(self, logql: str, start: float, end: float, limit: int = 50_000) -> Answer[tuple[LogLine, ...]]:
        """See `Telemetry.logs`; pages by time, because the tool itself gives a bounded number of lines."""
        lines: list[LogLine] = []
        seen: set[tuple[object, ...]] = set()
        begin, stop, truncated, notes = _ns(start), _ns(end), False, []
        error: str | None = None
        for _ in range(MAX_PAGES):
            # Those of the moment at which the page before ended come once more.
            answer = self._log_page(logql, begin, stop, min(LOG_PAGE, limit - len(lines) + len(seen)))
            if not answer.ok:
                error = answer.error
                break
            page, truncated = answer.data
            fresh = [line for line in page if line.time_ns != begin or _identity(line) not in seen]
            lines += fresh
            if not truncated or len(lines) >= limit:
                break
            if not fresh:
                notes.append(
                    f"more lines share one moment ({begin}) than the server gives at once; the rest is missing"
                )
                break
            begin = page[-1].time_ns
            # The next page starts inside this moment again: a range of logs includes its start.
            seen = {_identity(line) for line in page if line.time_ns == begin}
        else:
            notes.append(f"stopped after {MAX_PAGES} pages")
        if len(lines) > limit:
            lines, truncated = lines[:limit], True
        if truncated and not notes:
            notes.append(f"only the first {len(lines)} lines were read")
        arguments = {"logql": logql, "startRfc3339": rfc3339_ns(_ns(start)), "endRfc3339": rfc3339_ns(stop)}
        data = () if error else tuple(lines)
        return Answer(data, "query_loki_logs", logql, start, end, arguments, truncated, tuple(notes), error)

    def log_counts(self, logql: str, at: float) -> Answer[tuple[Series, ...]]:
        """See `Telemetry.log_counts`."""
        arguments = {"logql": logql, "endRfc3339": rfc3339_ns(_ns(at)), "queryType": "instant"}
        return self._ask(
            _Request("query_loki_logs", "logs", logql, at, at, arguments), decode.log_samples, ()
        )

    # Traces ----------------------------------------------------------------------------------------------------

    def traces(self, query: str, start: float, end: float, limit: int = 100_000) -> Answer[tuple[Span, ...]]:
        """See `Telemetry.traces`.

        Our replay server gives pages. Tempo gives twenty traces of three spans and no second page, which the answer
        then says of itself.
        """
        expr = query if "|" in query else query + SELECT
        offered = self._session.tools.get("search_tempo_traces", frozenset())
        paged = {"limit", "page", "spss"} <= offered
        spans: list[Span] = []
        matched = found = 0
        notes: list[str] = []
        arguments: dict[str, object] = {"query": expr, "start": rfc3339(start), "end": rfc3339(end)}
        for page in range(1, MAX_PAGES + 1):
            if paged:
                arguments = {**arguments, "limit": TRACE_PAGE, "page": page, "spss": SPANS_PER_TRACE}
            answer = self._ask(
                _Request("search_tempo_traces", "traces", expr, start, end, arguments),
                decode.found,
                decode.NONE,
            )
            if not answer.ok:
                return Answer((), answer.tool, expr, start, end, answer.arguments, error=answer.error)
            spans += answer.data.spans
            matched += answer.data.matched
            found = answer.data.traces
            if not paged or found < TRACE_PAGE or len(spans) >= limit:
                break
        truncated = (
            matched > len(spans) or len(spans) > limit or (found >= TRACE_PAGE if paged else found >= 20)
        )
        if truncated:
            notes.append(f"{min(len(spans), limit)} spans were read; there are more")
        arguments.pop("page", None)
        data = tuple(spans[:limit])
        return Answer(data, "search_tempo_traces", expr, start, end, arguments, truncated, tuple(notes))

    def trace(self, trace_id: str) -> Answer[tuple[Span, ...]]:
        """See `Telemetry.trace`."""
        arguments = {"trace_id": trace_id}
        return self._ask(_Request("get_tempo_trace", "traces", trace_id, 0, 0, arguments), decode.trace, ())

    # Changes ---------------------------------------------------------------------------------------------------

    def annotations(self, start: float, end: float, tags: Sequence[str] = ()) -> Answer[tuple[Change, ...]]:
        """See `Telemetry.annotations`."""
        arguments: dict[str, object] = {
            "from": _ns(start) // 1_000_000,
            "to": _ns(end) // 1_000_000,
            "limit": MAX_LISTED,
        }
        if tags:
            arguments["tags"] = list(tags)
        query = " ".join(tags) or "annotations"
        answer: Answer[tuple[Change, ...]] = self._ask(
            _Request("get_annotations", None, query, start, end, arguments), decode.changes, ()
        )
        if len(answer.data) < MAX_LISTED:
            return answer
        return replace(answer, truncated=True, notes=(f"only {MAX_LISTED} changes were read",))

    # ------------------------------------------------------------------------------------------------------------

    def _log_page(
        self, logql: str, begin: int, stop: int, most: int
    ) -> Answer[tuple[tuple[LogLine, ...], bool]]:
        arguments: dict[str, object] = {
            "logql": logql,
            "startRfc3339": rfc3339_ns(begin),
            "endRfc3339": rfc3339_ns(stop),
            "limit": most,
            "direction": "forward",
            "format": "compact",
        }
        request = _Request("query_loki_logs", "logs", logql, begin / 1e9, stop / 1e9, arguments)
        return self._ask(request, decode.log_lines, decode.NO_LINES)

    def _list(
        self, tool: str, kind: Kind, arguments: Mapping[str, object], query: str
    ) -> Answer[tuple[str, ...]]:
        answer: Answer[tuple[str, ...]] = self._ask(
            _Request(tool, kind, query, 0, 0, arguments), decode.strings, ()
        )
        if len(answer.data) < MAX_LISTED:
            return answer
        return replace(answer, truncated=True, notes=(f"only the first {MAX_LISTED} names were read",))

    def _ask(self, request: _Request, read: decode.Reader[T], nothing: T) -> Answer[T]:
        """Call the tool, or say why it could not be called; that there is no datasource is an error, too."""
        arguments = dict(request.arguments)
        if request.kind is not None:
            uid = self._uid(request.kind)
            if uid is None:
                error = (
                    self.datasources().error or f"the telemetry server has no datasource for {request.kind}"
                )
                return request.answer(nothing, arguments, error)
            arguments = {"datasourceUid": uid, **arguments}
        known = self._session.tools.get(request.tool, frozenset())
        sent = {name: value for name, value in arguments.items() if not known or name in known}
        reply = self._session.call(request.tool, sent)
        if reply.error is not None:
            return request.answer(nothing, sent, reply.error)
        try:
            with collected_later():
                return request.answer(read(reply.data), sent)
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as failure:
            reason = f"{type(failure).__name__}: {failure}"
            return request.answer(
                nothing, sent, f"{request.tool} answered in a shape that is not known: {reason}"
            )

    def _uid(self, kind: Kind) -> str | None:
        if kind not in self._chosen:
            for source in self.datasources().data:
                if source.type in TYPES[kind]:
                    self._chosen[kind] = source.uid
                    break
        return self._chosen.get(kind)


def rfc3339(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC, to the millisecond, without a fraction where there is none."""
    return rfc3339_ns(round(seconds * 1000) * 1_000_000)


def rfc3339_ns(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as RFC 3339 in UTC with up to nine digits."""
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=whole)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _ns(seconds: float) -> int:
    """To whole microseconds, all that a float of unix seconds can hold."""
    return round(seconds * 1_000_000) * 1000


def _window(start: float | None, end: float | None) -> dict[str, object]:
    bounds = {"startRfc3339": start, "endRfc3339": end}
    return {name: rfc3339(value) for name, value in bounds.items() if value is not None}


def _identity(line: LogLine) -> tuple[object, ...]:
    return (line.time_ns, line.message, line.trace, tuple(sorted(line.labels.items())))
