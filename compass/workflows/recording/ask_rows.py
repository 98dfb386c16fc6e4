"""Log lines, traces and changes of a stretch of time, asked slice by slice so that no slice crowds out another."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from compass.adapters.telemetry.answer import Telemetry
from compass.investigate.series import component
from compass.model.recording import Change, LogLine, Span
from compass.replay.lexer import Tokens
from compass.workflows.recording.request import Notes, Patience, Told, counted, listed

SLICE: Final = 60.0
MOST_SLICES: Final = 60
LINES_IN_A_SLICE: Final = 2_000
SPANS_IN_A_SLICE: Final = 20_000
MOST_TRACES: Final = 400
CHANGES_BEFORE: Final = 6 * 3600.0
ANY_STREAM: Final = '{service_name=~".+"}'
DETECTED: Final = "detected_level"
"""The level that Loki finds itself; it is kept beside the line, where a stream selector does not see it."""
LEVELS: Final = ("level", DETECTED, "severity_text", "severity")
KEPT_LABELS: Final = frozenset({"service_name", *LEVELS})
SEVERE: Final = re.compile(r"(?i)warn|err|fatal|crit|alert|emerg|panic")
_SEVERE_TEXT: Final = "(?i)(warn|err|fatal|crit|alert|emerg|panic)"
_WRITTEN: Final = re.compile(
    r"""(?ix) \b(?:level|severity|lvl)["']?\s*[=:]\s*["']?([a-z]+)
    | ^.{0,60}?\b(trace|debug|info|notice|warn|warning|error|fatal|critical|panic)\b"""
)


def slices(start: float, end: float) -> list[tuple[float, float]]:
    """Stretches of a minute, or longer ones where there would be too many."""
    count = max(1, min(MOST_SLICES, math.ceil((end - start) / SLICE)))
    edges = [start + (end - start) * at / count for at in range(count + 1)]
    return list(pairwise(edges))


def logs(
    telemetry: Telemetry, selector: str, start: float, end: float, notes: Notes, told: Told
) -> tuple[LogLine, ...] | None:
    """Lines with their service and level, and nothing else of their labels; None where nothing could be read."""
    found = lines(telemetry, selector or ANY_STREAM, start, end, notes, told)
    if found is None:
        return None
    dropped = sorted({name for line in found for name in line.labels} - KEPT_LABELS)
    if dropped:
        notes.add(f"logs: labels other than service and level: {listed(dropped, 8)}")
    return tuple(plain(line) for line in found)


def lines(
    telemetry: Telemetry, query: str, start: float, end: float, notes: Notes, told: Told
) -> tuple[LogLine, ...] | None:
    """Lines as the server has them, oldest first; None where nothing could be read.

    Of a slice with more lines than are taken, those of WARN and above are asked for again.
    """
    found: dict[tuple[object, ...], LogLine] = {}
    cut = 0
    patience = Patience("logs", notes)
    parts = slices(start, end)
    for number, (first, last) in enumerate(parts, start=1):
        told(f"logs: slice {number} of {len(parts)}")
        stop = last + 0.001 if number == len(parts) else last
        answer = telemetry.logs(query, first, stop, LINES_IN_A_SLICE)
        read = list(answer.data)
        if answer.ok and answer.truncated:
            cut += 1
            severe = telemetry.logs(severe_only(query, read), first, stop, LINES_IN_A_SLICE)
            read += severe.data
            if severe.error is not None or severe.truncated:
                why = severe.error or f"only the first {LINES_IN_A_SLICE:,} of a slice were read"
                notes.add(f"logs: not every line of WARN and above was read: {why}")
        if answer.error is not None:
            if patience.lost(answer.error, _unasked(number, parts)):
                break
            continue
        patience.kept()
        found |= {_identity(line): line for line in read}
    if not patience.answered:
        return None
    if cut:
        notes.add(
            f"logs: in {cut} of {len(parts)} slices only the first {LINES_IN_A_SLICE:,} lines below WARN were read"
        )
    return tuple(sorted(found.values(), key=lambda line: line.time_ns))


def _unasked(number: int, parts: Sequence[object]) -> str:
    return f"{len(parts) - number} of {len(parts)} slices were not asked for"


def severe_only(query: str, lines: Iterable[LogLine]) -> str:
    """The query for lines of WARN and above: by the label that names the level, else by a word in the line."""
    names = {name for line in lines for name in line.labels}
    label = next((name for name in LEVELS if name in names), None)
    if label is None:
        return f'{query} |~ "{_SEVERE_TEXT}"'
    if label == DETECTED:
        return f'{query} | {label}=~"{_SEVERE_TEXT}.*"'
    brace = next(token.position for token in Tokens(query).tokens if token.text == "}")
    return f'{query[:brace]},{label}=~"{_SEVERE_TEXT}.*"{query[brace:]}'


def plain(line: LogLine) -> LogLine:
    """The line with what a recording keeps: its service, its level, its trace and its text."""
    labels = {"service_name": component(line.labels), "level": _level(line)}
    return line._replace(labels={name: value for name, value in labels.items() if value})


def _level(line: LogLine) -> str:
    for name in LEVELS:
        if line.labels.get(name):
            return line.labels[name]
    written = _WRITTEN.search(line.message)
    return (written[1] or written[2]).upper() if written else ""


def _identity(line: LogLine) -> tuple[object, ...]:
    return (line.time_ns, line.message, line.trace, tuple(sorted(line.labels.items())))


def traces(
    telemetry: Telemetry, start: float, end: float, notes: Notes, told: Told
) -> tuple[Span, ...] | None:
    """Spans of traces that begin in the stretch; None where nothing could be read.

    A server that gives only the first few traces of a search is asked for each of them by its id.
    """
    spans: list[Span] = []
    partly: list[str] = []
    patience = Patience("traces", notes)
    parts = slices(start, end)
    for number, (first, last) in enumerate(parts, start=1):
        told(f"traces: slice {number} of {len(parts)}")
        answer = telemetry.traces("{}", first, last, SPANS_IN_A_SLICE)
        if answer.error is not None:
            if patience.lost(answer.error, _unasked(number, parts)):
                break
            continue
        patience.kept()
        if not answer.truncated:
            spans += answer.data
            continue
        errors = telemetry.traces("{ status = error }", first, last, SPANS_IN_A_SLICE)
        partly += [span.trace for span in (*answer.data, *errors.data)]
    if not patience.answered:
        return None
    if partly:
        notes.add("traces: a search gives only its first traces and spans; the sample is what it gave")
        spans += _by_id(telemetry, partly, notes, told)
    return tuple({(span.trace, span.span): span for span in spans}.values())


def _by_id(telemetry: Telemetry, found: list[str], notes: Notes, told: Told) -> Iterator[Span]:
    ids = sorted(set(found), key=share_of)
    if len(ids) > MOST_TRACES:
        notes.add(f"traces: {counted(len(ids) - MOST_TRACES, 'trace')} beyond {MOST_TRACES} were not fetched")
    chosen = ids[:MOST_TRACES]
    patience = Patience("traces", notes, most=3)
    for number, identifier in enumerate(chosen, start=1):
        told(f"traces: {number} of {len(chosen)}")
        answer = telemetry.trace(identifier)
        if answer.error is None:
            patience.kept()
            yield from answer.data
        elif patience.lost(answer.error, f"{counted(len(chosen) - number, 'trace')} were not fetched"):
            return


def share_of(text: str) -> float:
    """Where a trace or a line stands between 0 and 1: below a bound it is kept, whoever asks and in whatever order."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big") / 2**64


def changes(telemetry: Telemetry, start: float, end: float, notes: Notes) -> tuple[Change, ...] | None:
    """Changes of the stretch and of the hours before it: a change may take hours to hurt."""
    answer = telemetry.annotations(start - CHANGES_BEFORE, end)
    if answer.error is not None:
        notes.add(f"changes: {answer.error}")
        return None
    for note in answer.notes:
        notes.add(f"changes: {note}")
    return tuple(_change(one) for one in answer.data)


def _change(found: Change) -> Change:
    """A change has a type, and its service stands beside its labels."""
    labels = {name: value for name, value in found.labels.items() if name != "service_name"}
    return found._replace(type=found.type or "annotation", labels=labels)
