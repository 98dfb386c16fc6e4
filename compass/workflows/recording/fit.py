"""The rows that fit into so many bytes: severe lines and the telling series first, the rest thinned and said so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from compass.errors import UsageError
from compass.model.recording import LogLine, RecordedTelemetry, RecordingInfo, Series, Span
from compass.replay import save
from compass.workflows.recording.ask_rows import SEVERE, share_of
from compass.workflows.recording.interest import by_interest
from compass.workflows.recording.request import Gathered, Notes, Request

HISTORY: Final = "history"
DIGITS: Final = 6
NARROWING: Final = 11
WEIGHTS: Final = {"metrics": 0.40, "logs": 0.35, "traces": 0.25}
PAST: Final = 0.5
"""How much room the history gets, beside 1 for the window itself."""
RESERVE: Final = 1_500
Files = dict[str, bytes]


@dataclass(frozen=True)
class Fitted:
    """The files by their path in the folder, and the telemetry that is in them."""

    files: Mapping[str, bytes]
    telemetry: Gathered

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(map(len, self.files.values()))


@dataclass
class _Part:
    """One kind of rows of one folder: `make` gives its files with a share of the rows between 0 and 1."""

    weight: float
    make: Callable[[float], Files]
    files: Files
    share: float = 1.0

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))

    def narrow(self, room: float) -> None:
        """The largest share that fits the room; nothing where not even the least does."""
        low, high = 0.0, 1.0
        best: Files = {}
        for _ in range(NARROWING):
            middle = (low + high) / 2
            made = self.make(middle)
            if sum(map(len, made.values())) <= room:
                low, best = middle, made
            else:
                high = middle
        self.share, self.files = low, best


def fit(gathered: Gathered, info: RecordingInfo, request: Request, notes: Notes) -> Fitted:
    """The files of the recording within the limit; every thinning is noted.

    Raises UsageError where alerts, changes and the description alone need more.
    """
    gathered = replace(gathered, own=_near(gathered.own, request, notes))
    small = _small(gathered.own)
    parts = _parts(gathered, request)
    room = request.limit - sum(map(len, small.values())) - len(save.description(info)) - RESERVE
    if room < RESERVE:
        raise UsageError(
            f"the limit of {request.limit:,} bytes is too small for alerts, changes and the description alone",
            "raise --limit",
        )
    _share(list(parts.values()), room)
    kept = _noted(gathered, parts, request, notes)
    files = {**small, **{name: data for part in parts.values() for name, data in part.files.items()}}
    whole = {
        **files,
        "recording.yaml": save.description(info.model_copy(update={"left_out": notes.bounded()})),
    }
    if sum(map(len, whole.values())) > request.limit:
        raise UsageError(
            f"the limit of {request.limit:,} bytes is too small for what was left out to be said",
            "raise --limit",
        )
    return Fitted(dict(sorted(whole.items())), kept)


def _near(own: RecordedTelemetry, request: Request, notes: Notes) -> RecordedTelemetry:
    """Of too many changes those that are nearest in time to when it was noticed."""
    most = request.limit // 4
    kept = sorted(own.changes, key=lambda change: abs(change.time - request.detected))
    while kept and len(save.changes(kept)) > most:
        del kept[len(kept) * 3 // 4 :]
    if len(kept) < len(own.changes):
        notes.add(
            f"changes: for size, {len(own.changes) - len(kept):,} of {len(own.changes):,}, the furthest in time"
        )
    return replace(own, changes=tuple(sorted(kept, key=lambda change: change.time)))


def _small(own: RecordedTelemetry) -> Files:
    files = {
        "alerts": ("alerts.jsonl", save.alerts(own.alerts)),
        "changes": ("changes.jsonl", save.changes(own.changes)),
        "graph": ("graph.csv", save.graph(own.edges)),
    }
    return dict(pair for kind, pair in files.items() if kind in own.present)


def _parts(gathered: Gathered, request: Request) -> dict[tuple[str, str], _Part]:
    """What can be thinned, by folder and kind; whole to begin with."""
    order = by_interest(gathered.own, request)
    parts: dict[tuple[str, str], _Part] = {}
    for prefix, telemetry in zip(("", f"{HISTORY}/"), gathered.parts(), strict=False):
        for kind, make in _makers(telemetry, order, prefix).items():
            if kind in telemetry.present:
                parts[prefix, kind] = _Part(WEIGHTS[kind] * (PAST if prefix else 1), make, make(1.0))
    return parts


def _makers(
    telemetry: RecordedTelemetry, order: Mapping[frozenset[tuple[str, str]], int], prefix: str
) -> dict[str, Callable[[float], Files]]:
    def metrics(share: float) -> Files:
        chosen = _series(telemetry.series, order, share)
        files = save.metrics(chosen, None if share == 1 else DIGITS)
        return {prefix + name: data for name, data in files.items()}

    return {
        "metrics": metrics,
        "logs": lambda share: {f"{prefix}logs.jsonl.gz": save.logs(_lines(telemetry.logs, share))},
        "traces": lambda share: {f"{prefix}traces.jsonl.gz": save.traces(_spans(telemetry.spans, share))},
    }


def _share(parts: list[_Part], room: float) -> None:
    """Parts that need less than their share leave the rest to the others; those that need more are narrowed."""
    large = list(parts)
    while True:
        total = sum(part.weight for part in large)
        fits = [part for part in large if part.size <= room * part.weight / total]
        if not fits:
            break
        room -= sum(part.size for part in fits)
        large = [part for part in large if part not in fits]
        if not large:
            return
    for part in sorted(large, key=lambda one: one.size):
        total = sum(one.weight for one in large)
        part.narrow(room * part.weight / total)
        room -= part.size
        large.remove(part)


def _noted(
    gathered: Gathered, parts: Mapping[tuple[str, str], _Part], request: Request, notes: Notes
) -> Gathered:
    """Say what was thinned, and give what is left."""
    order = by_interest(gathered.own, request)
    kept: list[RecordedTelemetry] = []
    for prefix, telemetry in zip(("", f"{HISTORY}/"), gathered.parts(), strict=False):
        share = {kind: part.share for (where, kind), part in parts.items() if where == prefix}
        left = replace(
            telemetry,
            series=_series(telemetry.series, order, share.get("metrics", 1.0)),
            logs=tuple(_lines(telemetry.logs, share.get("logs", 1.0))),
            spans=tuple(_spans(telemetry.spans, share.get("traces", 1.0))),
            present=telemetry.present - {kind for kind in share if not parts[prefix, kind].files},
        )
        kept.append(left)
        for sentence in _sentences(telemetry, left, share):
            notes.add(f"{HISTORY}: {sentence}" if prefix else sentence)
    return Gathered(*kept)


def _sentences(
    before: RecordedTelemetry, after: RecordedTelemetry, share: Mapping[str, float]
) -> Iterable[str]:
    if share.get("metrics", 1.0) < 1:
        gone = len(before.series) - len(after.series)
        yield f"metrics: {gone:,} of {len(before.series):,} series for size, the least telling; values have {DIGITS} digits"
    if share.get("logs", 1.0) < 1:
        severe, other = (_count(before.logs, after.logs, severe=which) for which in (True, False))
        yield f"logs: for size, {severe} lines of WARN and above and {other} lines below, sampled by trace"
    if share.get("traces", 1.0) < 1:
        whole = len({span.trace for span in before.spans})
        gone = whole - len({span.trace for span in after.spans})
        yield f"traces: for size, {gone:,} of {whole:,} traces, sampled by trace id"


def _count(before: Iterable[LogLine], after: Iterable[LogLine], *, severe: bool) -> str:
    sizes = [sum(_severe(line) is severe for line in lines) for lines in (before, after)]
    return f"{sizes[0] - sizes[1]:,} of {sizes[0]:,}"


def _series(
    series: tuple[Series, ...], order: Mapping[frozenset[tuple[str, str]], int], share: float
) -> tuple[Series, ...]:
    most = round(len(order) * share)
    return tuple(one for one in series if order.get(frozenset(one.labels.items()), len(order)) < most)


def _lines(lines: Iterable[LogLine], share: float) -> Iterable[LogLine]:
    """Above a half all severe lines and some of the others, below it some of the severe ones only."""
    severe, other = min(1.0, share * 2), max(0.0, share * 2 - 1)
    for line in lines:
        bound = severe if _severe(line) else other
        if bound >= 1 or share_of(line.trace or f"{line.time_ns} {line.service} {line.message}") < bound:
            yield line


def _severe(line: LogLine) -> bool:
    return SEVERE.match(line.level) is not None


def _spans(spans: Iterable[Span], share: float) -> Iterable[Span]:
    return (span for span in spans if share >= 1 or share_of(span.trace) < share)
