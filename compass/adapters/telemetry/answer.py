"""What a telemetry query gives back, and the interface that every source of telemetry offers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

from compass.model.recording import Change, LogLine, Series, Span

Kind = Literal["metrics", "logs", "traces", "changes", "alerts"]
DataT_co = TypeVar("DataT_co", covariant=True)


class Datasource(NamedTuple):
    """One backend behind the server; `type` as Grafana names it: prometheus, loki, tempo, alertmanager."""

    uid: str
    type: str
    name: str


@dataclass(frozen=True)
class Answer(Generic[DataT_co]):
    """The answer to one query, or the visible evidence that there was none.

    `data` is empty when `error` is set: look at `error` (or `ok`) before reading emptiness as absence.
    `start` and `end` are unix seconds, equal for an instant query.
    `truncated` says that more exists than `data` holds; `notes` say what was left out or lost.
    """

    data: DataT_co
    tool: str
    query: str
    start: float
    end: float
    arguments: Mapping[str, object] = field(default_factory=dict)
    truncated: bool = False
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def ok(self) -> bool:
        """True if the query was answered, be it with nothing."""
        return self.error is None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the answer in canonical JSON: keys sorted, series by their labels, the error if it failed."""
        body = {"error": self.error} if self.error is not None else {"data": _canonical(self.data)}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(data: object) -> object:
    """Rows as JSON can hold them; series are sorted, because backends promise no order between them."""
    if isinstance(data, Series):
        return [dict(data.labels), list(data.times), [repr(value) for value in data.values]]
    if isinstance(data, Mapping):
        return {str(key): _canonical(value) for key, value in data.items()}
    if isinstance(data, (str, int, float, bool)) or data is None:
        return data
    if isinstance(data, Sequence):
        rows = [_canonical(row) for row in data]
        if data and isinstance(data[0], Series):
            rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
        return rows
    return str(data)


class Telemetry(Protocol):
    """Read-only access to metrics, logs, traces and changes; times are unix seconds and always explicit.

    No method raises for a failed query: the `Answer` carries the error.
    `close` ends the session; a closed source answers every query with an error.
    It bears `at_once` threads; one where more would not make it quicker.
    """

    at_once: int

    def datasources(self) -> Answer[tuple[Datasource, ...]]:
        """The backends behind the server."""
        ...

    def observes(self, kind: Kind) -> bool:
        """Whether this kind of telemetry is collected at all, so that an empty answer means "nothing happened"."""
        ...

    def metric_names(self, start: float | None = None, end: float | None = None) -> Answer[tuple[str, ...]]:
        """All metric names, sorted."""
        ...

    def label_values(
        self, label: str, kind: Kind = "metrics", *, start: float | None = None, end: float | None = None
    ) -> Answer[tuple[str, ...]]:
        """The values of one label of metrics or logs, sorted."""
        ...

    def instant(self, expr: str, at: float) -> Answer[tuple[Series, ...]]:
        """PromQL at one moment: one point per series; a scalar is a series without labels."""
        ...

    def range_query(self, expr: str, start: float, end: float, step: float) -> Answer[tuple[Series, ...]]:
        """PromQL at `start`, `start + step`, … up to `end`; step in whole seconds."""
        ...

    def raw(self, selector: str, start: float, end: float) -> Answer[tuple[Series, ...]]:
        """The stored samples of `selector` (such as `{__name__=~".+"}`) from `start` to `end`, both included."""
        ...

    def logs(self, logql: str, start: float, end: float, limit: int = 50_000) -> Answer[tuple[LogLine, ...]]:
        """Log lines from `start` (included) to `end` (excluded), oldest first, `limit` at most."""
        ...

    def log_counts(self, logql: str, at: float) -> Answer[tuple[Series, ...]]:
        """A LogQL metric query such as `sum by (service_name) (count_over_time({…} [15m]))` at one moment."""
        ...

    def traces(self, query: str, start: float, end: float, limit: int = 100_000) -> Answer[tuple[Span, ...]]:
        """Summaries of the spans that a TraceQL query selects in traces that begin between `start` and `end`."""
        ...

    def trace(self, trace_id: str) -> Answer[tuple[Span, ...]]:
        """Every span of one trace, by start."""
        ...

    def annotations(self, start: float, end: float, tags: Sequence[str] = ()) -> Answer[tuple[Change, ...]]:
        """Changes between `start` and `end`, oldest first, that carry all of `tags` (a change's type is a tag)."""
        ...

    def close(self) -> None:
        """End the session and whatever process it started."""
        ...
