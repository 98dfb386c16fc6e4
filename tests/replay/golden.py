"""The golden tables: what stands in them, as rows of telemetry and as cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from compass.adapters.documents import parse_yaml
from compass.model.recording import LogLine, RecordedTelemetry, Recording, RecordingInfo, Span

HERE = Path(__file__).parent
ALL = '{service_name=~".+"}'
LOGQL: dict[str, Any] = parse_yaml((HERE / "golden_logql.yaml").read_text("utf-8"))
TRACEQL: dict[str, Any] = parse_yaml((HERE / "golden_traceql.yaml").read_text("utf-8"))


def query(text: str) -> str:
    """A query of the table with its abbreviation written out."""
    return text.replace("$ALL", ALL)


def log_lines(start: int) -> dict[str, LogLine]:
    """The lines by their number, the first at `start` (unix seconds)."""
    found = {}
    for number, (second, service, level, message) in LOGQL["lines"].items():
        labels = {"service_name": service, **({"level": level} if level else {})}
        whole, _, fraction = str(second).partition(".")
        time_ns = (start + int(whole)) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
        found[str(number)] = LogLine(time_ns, labels, message)
    return found


def spans(start: int) -> dict[str, Span]:
    """The spans by their number, the first at `start` (unix seconds)."""
    found = {}
    for number, (trace, parent, service, name, begin, end, status) in TRACEQL["spans"].items():
        first = start * 1_000_000_000
        found[str(number)] = Span(
            str(trace) * 16,
            span_id(number),
            span_id(parent) if parent else "",
            service,
            name,
            first + begin * 1000,
            first + end * 1000,
            status,
        )
    return found


def span_id(number: object) -> str:
    return f"1{number:0>15}"


def recording(start: int) -> Recording:
    """A recording of the lines and spans; its window ends 200 seconds after `start`."""
    from compass.replay.save import moment

    info = RecordingInfo.model_validate(
        {
            "schema": 1,
            "id": "golden",
            "window": {"from": moment(start), "to": moment(start + 200)},
            "detected": moment(start + 60),
            "symptom": {"text": "none"},
        }
    )
    rows = RecordedTelemetry(
        logs=tuple(log_lines(start).values()),
        spans=tuple(spans(start).values()),
        present=frozenset({"logs", "traces"}),
    )
    return Recording(info, Path(), rows)


def line_numbers(found: Iterable[LogLine], start: int) -> list[int]:
    """Which lines of the table these are."""
    known = {(one.time_ns, one.message): int(number) for number, one in log_lines(start).items()}
    return sorted(known[one.time_ns, one.message] for one in found)


def span_numbers(found: Iterable[Span], start: int) -> list[int]:
    """Which spans of the table these are."""
    known = {one.span: int(number) for number, one in spans(start).items()}
    return sorted(known[one.span] for one in found)


def labels_of(text: str) -> Mapping[str, str]:
    """`service_name=a level=b` as labels."""
    return dict(pair.split("=", 1) for pair in text.split())
