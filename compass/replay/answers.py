"""What each replay tool answers: a recording and the tool's arguments in, the Grafana MCP server's JSON out.

Every function raises CannotEvaluateError for arguments and queries outside what is supported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from compass.replay import logql, promql, traceql, wire
from compass.replay.matchers import CannotEvaluateError, Matcher, predicate, regex
from compass.replay.store import Store
from compass.replay.times import nanoseconds

Arguments = Mapping[str, Any]
MAX_LINES: Final = 5000
HOUR_NS: Final = 3_600_000_000_000

# Datasources -------------------------------------------------------------------------------------------------------

DATASOURCES: Final = {"prometheus": {"metrics", "alerts", "graph"}, "loki": {"logs"}, "tempo": {"traces"}}


def datasources(store: Store) -> list[tuple[str, str, str]]:
    """What the recording has, as (uid, type, name); a kind of telemetry that was not recorded has no datasource."""
    kinds = {**DATASOURCES, "alertmanager": {"alerts"}}
    return [
        (f"replay-{kind}", kind, f"recorded {kind}") for kind, files in kinds.items() if files & store.present
    ]


def list_datasources(store: Store, arguments: Arguments) -> str:
    """The datasources, by type and name if asked."""
    wanted, named = arguments.get("type", ""), arguments.get("name", "").lower()
    rows = [
        {"id": index, "uid": uid, "name": name, "type": kind, "isDefault": index == 1}
        for index, (uid, kind, name) in enumerate(datasources(store), start=1)
        if wanted.lower() in kind and named in name.lower()
    ]
    start = max(0, arguments.get("offset", 0))
    end = start + max(1, min(arguments.get("limit", 50), 100))
    return wire.encoded({"datasources": rows[start:end], "total": len(rows), "hasMore": end < len(rows)})


# Prometheus --------------------------------------------------------------------------------------------------------


def query_prometheus(store: Store, arguments: Arguments) -> str:
    """An instant or a range query."""
    end = _ms(store, arguments["endTime"])
    kind = arguments.get("queryType") or "range"
    if kind == "instant":
        return wire.prometheus(promql.instant(store, arguments["expr"], end))
    if kind != "range":
        raise CannotEvaluateError(f"queryType is range or instant, not {kind[:40]!r}")
    if not arguments.get("startTime") or not arguments.get("stepSeconds"):
        raise CannotEvaluateError("a range query needs startTime and stepSeconds")
    start, step = _ms(store, arguments["startTime"]), arguments["stepSeconds"] * 1000
    return wire.prometheus(promql.over_range(store, arguments["expr"], start, end, step))


def _series_between(store: Store, arguments: Arguments) -> list[promql.Stored]:
    """Series with a sample in the time asked for (any time if none is), that fit any of the selectors."""
    start, end = arguments.get("startRfc3339"), arguments.get("endRfc3339")
    first = _ms(store, start) if start else None
    last = _ms(store, end) if end else None
    tests = [predicate(_selector(row)) for row in arguments.get("matches") or ()]
    return [
        series
        for series in store.series
        if series.times
        and (first is None or series.times[-1] >= first)
        and (last is None or series.times[0] <= last)
        and (not tests or any(test(series.labels) for test in tests))
    ]


def _selector(row: Any) -> tuple[Matcher, ...]:
    try:
        filters = [(one["name"], one.get("type") or "=", one["value"]) for one in row["filters"]]
    except (TypeError, KeyError, AttributeError) as problem:
        raise CannotEvaluateError("a selector is {filters: [{name, type, value}]}") from problem
    for name, op, value in filters:
        if op not in {"=", "!=", "=~", "!~"} or not isinstance(name, str) or not isinstance(value, str):
            raise CannotEvaluateError("a filter's type is one of = != =~ !~, its name and value are text")
    return tuple(Matcher(*one) for one in filters)


def metric_names(store: Store, arguments: Arguments) -> str:
    """One page of metric names."""
    fits = regex(arguments.get("regex") or "", anchored=False)
    names = sorted({series.labels.get("__name__", "") for series in _series_between(store, arguments)})
    found = [name for name in names if name and fits(name)]
    limit, page = arguments.get("limit") or 10, arguments.get("page") or 1
    if limit < 1 or page < 1 or limit * page > 10_000:
        raise CannotEvaluateError("limit and page begin at 1, and page times limit is 10000 at most")
    return wire.encoded(found[limit * (page - 1) : limit * page])


def label_names(store: Store, arguments: Arguments) -> str:
    """Label names of series."""
    names = sorted({name for series in _series_between(store, arguments) for name in series.labels})
    return wire.encoded(names[: arguments.get("limit") or 100])


def label_values(store: Store, arguments: Arguments) -> str:
    """The values of one label of series."""
    label = arguments["labelName"]
    values = sorted({series.labels.get(label, "") for series in _series_between(store, arguments)} - {""})
    return wire.encoded(values[: arguments.get("limit") or 100])


# Loki --------------------------------------------------------------------------------------------------------------


def query_loki(store: Store, arguments: Arguments) -> str:
    """Log lines, or a metric query over them."""
    query = logql.parse(arguments["logql"])
    instant = arguments.get("queryType") == "instant"
    start, end = _window(store, arguments, "startRfc3339", "endRfc3339")
    if isinstance(query, logql.CountQuery):
        step = max(1, arguments.get("stepSeconds") or 60) * 1000
        moments = range(end // 1_000_000, end // 1_000_000 + 1) if instant else _moments(start, end, step)
        return wire.log_samples(logql.counts(store, query, moments), instant=instant)
    if instant:
        raise CannotEvaluateError("log queries are not supported as an instant query")
    limit = max(1, min(arguments.get("limit") or 10, MAX_LINES))
    direction, form = arguments.get("direction") or "backward", arguments.get("format") or "full"
    if direction not in {"forward", "backward"} or form not in {"full", "compact"}:
        raise CannotEvaluateError("direction is forward or backward, format is full or compact")
    window = {
        "startTime": str(arguments.get("startRfc3339", "")),
        "endTime": str(arguments.get("endRfc3339", "")),
    }
    found = logql.lines(store, query, start, end)
    return wire.log_lines(found, limit, window, compact=form == "compact", newest=direction == "backward")


def _moments(start_ns: int, end_ns: int, step_ms: int) -> range:
    moments = range(start_ns // 1_000_000, end_ns // 1_000_000 + 1, step_ms)
    if len(moments) > promql.MAX_POINTS:
        raise CannotEvaluateError(f"more than {promql.MAX_POINTS} points; use a larger step")
    return moments


def loki_stats(store: Store, arguments: Arguments) -> str:
    """How much a stream selector holds."""
    query = logql.parse(arguments["logql"])
    if not isinstance(query, logql.LogQuery) or query.filters:
        raise CannotEvaluateError("query_loki_stats takes a stream selector only")
    found = logql.lines(store, query, *_window(store, arguments, "startRfc3339", "endRfc3339"))
    streams = {id(line.labels) for line in found}
    size = sum(len(line.message.encode("utf-8", "replace")) for line in found)
    return wire.encoded(
        {"streams": len(streams), "chunks": len(streams), "entries": len(found), "bytes": size}
    )


def _stream_labels(store: Store, arguments: Arguments) -> list[Mapping[str, str]]:
    fits = store.streams(_lines_of(arguments.get("matcher") or "").matchers)
    window = store.lines_between(*_window(store, arguments, "startRfc3339", "endRfc3339"))
    return [labels for labels in {id(line.labels): line.labels for line in window}.values() if fits(labels)]


def _lines_of(text: str) -> logql.LogQuery:
    query = logql.parse(text) if text else logql.LogQuery(())
    if not isinstance(query, logql.LogQuery) or query.filters:
        raise CannotEvaluateError("the matcher is a stream selector only")
    return query


def loki_names(store: Store, arguments: Arguments) -> str:
    """Label names of streams."""
    return wire.encoded(sorted({name for labels in _stream_labels(store, arguments) for name in labels}))


def loki_values(store: Store, arguments: Arguments) -> str:
    """The values of one label of streams."""
    label = arguments["labelName"]
    return wire.encoded(sorted({labels.get(label, "") for labels in _stream_labels(store, arguments)} - {""}))


# Tempo, annotations ------------------------------------------------------------------------------------------------


def search_traces(store: Store, arguments: Arguments) -> str:
    """One page of traces with their first matching spans."""
    query = traceql.parse(arguments["query"])
    start, end = _window(store, arguments, "start", "end")
    limit, page, spans = arguments.get("limit") or 20, arguments.get("page") or 1, arguments.get("spss") or 3
    if min(limit, page, spans) < 1:
        raise CannotEvaluateError("limit, page and spss begin at 1")
    found = []
    for trace in store.traces_between(start, end):
        fits = [span for span in trace.spans if query.fits(span)]
        if fits:
            found.append((trace, fits[:spans], len(fits)))
    return wire.traces(found[limit * (page - 1) : limit * page], query.shown)


def get_trace(store: Store, arguments: Arguments) -> str:
    """One trace, whole."""
    for trace in store.traces:
        if trace.trace == arguments["trace_id"]:
            return wire.trace(trace)
    raise CannotEvaluateError(f"there is no trace {arguments['trace_id'][:60]!r} in this recording")


def changes(store: Store, arguments: Arguments) -> str:
    """Changes, the latest ones if there are too many."""
    first, last = arguments.get("from"), arguments.get("to")
    wanted: Sequence[str] = [str(tag) for tag in arguments.get("tags") or ()]
    enough: Callable[[Any], bool] = any if arguments.get("matchAny") else all
    found = [
        (index, change)
        for index, change in enumerate(store.changes, start=1)
        if (first is None or change.time * 1000 >= first)
        and (last is None or change.time * 1000 <= last)
        and (not wanted or enough(tag in wire.tags(change) for tag in wanted))
    ]
    return wire.changes(found[-max(1, arguments.get("limit") or 100) :])


def _ms(store: Store, text: str) -> int:
    return nanoseconds(text, store.now_ms) // 1_000_000


def _window(store: Store, arguments: Arguments, start: str, end: str) -> tuple[int, int]:
    """In nanoseconds; the last hour before now where nothing is asked for."""
    last = nanoseconds(arguments.get(end) or "now", store.now_ms)
    first = nanoseconds(arguments[start], store.now_ms) if arguments.get(start) else last - HOUR_NS
    return first, last
