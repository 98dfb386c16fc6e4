"""Turns the story of an incident into a recording: metrics, logs, traces, alerts, changes; same seed, same bytes."""

from __future__ import annotations

import gzip
import io
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HEADER = "# Written by tests/lab/synthetic.py; change the generator, not this file.\n"

Effect = Callable[[float], float]


def ramp(start: float, end: float) -> Effect:
    """0 before `start`, 1 after `end` (seconds into the window), a straight line between."""
    return lambda t: min(1.0, max(0.0, (t - start) / (end - start)))


def between(start: float, end: float) -> Effect:
    """1 from `start` to `end`, with edges of half a minute; else 0."""
    rise, fall = ramp(start, start + 30), ramp(end, end + 30)
    return lambda t: rise(t) - fall(t)


def never(_t: float) -> float:
    """No effect at all."""
    return 0.0


@dataclass(frozen=True)
class Gauge:
    """A metric of a service: its usual level, its noise, and where the incident takes it."""

    service: str
    metric: str
    base: float
    noise: float = 0.04
    during: float | None = None
    effect: Effect = never
    whole: bool = False
    at_most: Effect | None = None

    def at(self, t: float, rng: random.Random) -> float:
        """The value `t` seconds into the window."""
        share = self.effect(t)
        level = self.base + ((self.base if self.during is None else self.during) - self.base) * share
        # What is counted (connections, threads) is steady once the incident pins it.
        noise = self.noise * (1 - share) if self.whole else self.noise
        value = max(0.0, level * (1 + noise * rng.gauss(0, 1)))
        if self.at_most:
            value = min(value, self.at_most(t))
        return float(round(value)) if self.whole else round(value, 3)


@dataclass(frozen=True)
class Chatter:
    """Lines that a service writes: how many a minute usually, and how many during the incident."""

    service: str
    level: str
    text: str
    per_minute: float
    during: float | None = None
    effect: Effect = never


@dataclass(frozen=True)
class Call:
    """An operation in a trace: its own time in milliseconds, and the calls it makes one after another.

    During the incident it takes `slow_ms` with the chance `effect`, and with `fails` it ends in an error there and
    makes no calls.
    """

    service: str
    name: str
    own_ms: float
    calls: tuple[Call, ...] = ()
    slow_ms: float = 0.0
    effect: Effect = never
    fails: bool = False


@dataclass(frozen=True)
class Story:
    """One recording."""

    folder: str
    seed: int
    start: datetime
    minutes: int
    detected: float
    symptom: dict[str, str]
    gauges: Sequence[Gauge]
    chatter: Sequence[Chatter]
    requests: Sequence[Call]
    every: float
    alerts: Sequence[tuple[float, float | None, str, dict[str, str]]] = ()
    changes: Sequence[tuple[float, str, str, str, dict[str, str]]] = ()
    step: int = 15
    history: datetime | None = None
    history_minutes: int = 60
    extra_lines: Sequence[tuple[float, str, str, str]] = field(default_factory=tuple)


def stamp(start: datetime, t: float) -> str:
    """RFC 3339 in UTC, `t` seconds after `start`."""
    return datetime.fromtimestamp(start.timestamp() + t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metrics(
    story: Story, start: datetime, minutes: int, step: int, rng: random.Random, *, quiet: bool
) -> str:
    """metrics.csv: a gentle daily shape over every load, noise, and the incident unless it is quiet."""
    head = ["time", *(f"{gauge.service}|{gauge.metric}" for gauge in story.gauges)]
    rows = [",".join(head)]
    for t in range(0, minutes * 60 + 1, step):
        cells = [str(round(start.timestamp()) + t)]
        for gauge in story.gauges:
            load = 1 + 0.05 * math.sin(t / 1800) if "per_second" in gauge.metric else 1
            value = gauge.at(-1.0 if quiet else float(t), rng) * load
            cells.append(f"{round(value, 3):g}")
        rows.append(",".join(cells))
    return "\n".join(rows) + "\n"


def logs(story: Story, start: datetime, minutes: int, rng: random.Random, *, quiet: bool) -> str:
    """logs.jsonl: lines at random moments at each chatter's rate."""
    rows: list[tuple[int, dict[str, object]]] = []
    begin = round(start.timestamp() * 1e9)
    for chatter in story.chatter:
        t = 0.0
        while t < minutes * 60:
            usual = chatter.per_minute
            share = 0.0 if quiet else chatter.effect(t)
            rate = usual + ((usual if chatter.during is None else chatter.during) - usual) * share
            t += rng.expovariate(max(rate, 0.02) / 60) if rate else 5.0
            if rate and t < minutes * 60:
                text = chatter.text.replace("<ms>", str(round(abs(rng.gauss(38, 11)) + 4)))
                text = text.replace("<slow>", str(round(rng.gauss(1750, 120)))).replace(
                    "<id>", f"{rng.getrandbits(32):08x}"
                )
                time = begin + round(t * 1e9)
                rows.append((time, line(time, chatter.service, chatter.level, text)))
    if not quiet:
        for t, service, level, text in story.extra_lines:
            rows.append((begin + round(t * 1e9), line(begin + round(t * 1e9), service, level, text)))
    rows.sort(key=lambda row: row[0])
    return jsonl([row for _, row in rows])


def line(time: int, service: str, level: str, text: str) -> dict[str, object]:
    """One row of logs.jsonl."""
    return {"time_ns": time, "service": service, "level": level, "trace": "", "message": text}


def traces(
    story: Story, start: datetime, minutes: int, every: float, rng: random.Random, *, quiet: bool
) -> str:
    """traces.jsonl: requests in turn, about one every `every` seconds."""
    rows: list[dict[str, object]] = []
    t, turn = every * rng.random(), 0
    while t < minutes * 60 - 20:
        root = story.requests[turn % len(story.requests)]
        run(root, f"{rng.getrandbits(128):032x}", "", start.timestamp(), -1.0 if quiet else t, t, rng, rows)
        t, turn = t + every * (0.5 + rng.random()), turn + 1
    rows.sort(key=lambda row: (row["start_ns"], row["span"]))
    return jsonl(rows)


def run(  # a recursive walk carries its state
    call: Call,
    trace: str,
    parent: str,
    origin: float,
    phase: float,
    t: float,
    rng: random.Random,
    rows: list[dict[str, object]],
) -> tuple[float, bool]:
    """Append the call's spans; the moment it ended, and whether it failed."""
    span = f"{rng.getrandbits(64):016x}"
    own = call.own_ms * math.exp(0.25 * rng.gauss(0, 1)) / 1000
    hit = call.effect(phase) > rng.random()
    failed = hit and call.fails
    now = t + own * 0.4 + (call.slow_ms * math.exp(0.05 * rng.gauss(0, 1)) / 1000 if hit else 0.0)
    if not failed:
        for child in call.calls:
            now, broke = run(child, trace, span, origin, phase, now + 0.001, rng, rows)
            failed = failed or broke
    end = now + own * 0.6
    row: dict[str, object] = {"trace": trace, "span": span, "parent": parent or None, "service": call.service}
    row |= {"name": call.name, "start_ns": round((origin + t) * 1e9), "end_ns": round((origin + end) * 1e9)}
    rows.append(row | ({"status": "error"} if failed else {}))
    return end, failed


def edges(calls: Sequence[Call]) -> list[str]:
    """`caller,callee` of every call between two components, sorted."""
    found: set[str] = set()
    stack = list(calls)
    while stack:
        call = stack.pop()
        found |= {f"{call.service},{child.service}" for child in call.calls if child.service != call.service}
        stack += call.calls
    return sorted(found)


def jsonl(rows: Sequence[dict[str, object]]) -> str:
    """One JSON object per line."""
    return "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows)


def packed(text: str) -> bytes:
    """Gzip without a time or a name inside."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as stream:
        stream.write(text.encode())
    return out.getvalue()


def files(story: Story) -> dict[str, bytes]:
    """Everything of one recording: relative path -> bytes."""
    rng = random.Random(story.seed)
    start = story.start
    found: dict[str, bytes] = {"recording.yaml": description(story).encode()}
    found["metrics.csv.gz"] = packed(metrics(story, start, story.minutes, story.step, rng, quiet=False))
    found["logs.jsonl.gz"] = packed(logs(story, start, story.minutes, rng, quiet=False))
    found["traces.jsonl.gz"] = packed(traces(story, start, story.minutes, story.every, rng, quiet=False))
    found["graph.csv"] = "\n".join(["caller,callee", *edges(story.requests)]).encode() + b"\n"
    alerts: list[dict[str, object]] = [
        {
            "name": name,
            "labels": labels,
            "starts_at": stamp(start, begin),
            "ends_at": None if end is None else stamp(start, end),
        }
        for begin, end, name, labels in story.alerts
    ]
    changes: list[dict[str, object]] = [
        {"time": stamp(start, t), "type": kind, "service": service, "summary": summary, "labels": labels}
        for t, kind, service, summary, labels in story.changes
    ]
    found["alerts.jsonl"], found["changes.jsonl"] = jsonl(alerts).encode(), jsonl(changes).encode()
    if story.history:
        past, minutes = story.history, story.history_minutes
        found["history/metrics.csv.gz"] = packed(metrics(story, past, minutes, 30, rng, quiet=True))
        found["history/logs.jsonl.gz"] = packed(logs(story, past, minutes, rng, quiet=True))
        found["history/traces.jsonl.gz"] = packed(
            traces(story, past, minutes, story.every * 4, rng, quiet=True)
        )
    return found


def description(story: Story) -> str:
    """recording.yaml."""
    lines = [
        "schema: 1",
        f"id: {Path(story.folder).name}",
        "synthetic: true",
        f"window: {{from: '{stamp(story.start, 0)}', to: '{stamp(story.start, story.minutes * 60)}'}}",
        f"detected: '{stamp(story.start, story.detected)}'",
        "symptom:",
        *(f"  {name}: {value}" for name, value in story.symptom.items()),
    ]
    if story.history:
        lines.append("history: history")
    return HEADER + "\n".join(lines) + "\n"
