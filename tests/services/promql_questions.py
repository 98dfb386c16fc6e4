"""Questions in the PromQL that replay evaluates, drawn by chance from what a store holds, and a recording made rough.

The recordings that are shipped hold tidy gauges; the rough one has counters that start anew, gaps, odd moments, zeros,
negative and huge values, and several labels.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from compass.replay.store import Store

WINDOWS = ("1m", "90s", "2m", "5m", "7m30s", "15m")
ROUGH_START = 1_780_000_200
ROUGH_YAML = """schema: 1
id: rough
synthetic: true
window: {from: '2026-05-28T20:30:00Z', to: '2026-05-28T21:30:00Z'}
detected: '2026-05-28T21:00:00Z'
symptom: {text: nothing here is tidy}
"""


class Question(NamedTuple):
    """A query at one moment (`step` 0), or at every step from start to end; all in whole seconds."""

    query: str
    start: int
    end: int
    step: int = 0


class Questions:
    """Draws questions about one store; the same seed draws the same ones."""

    def __init__(self, store: Store, seed: int) -> None:
        self.rng = random.Random(seed)
        self.metrics: dict[str, dict[str, list[str]]] = {}
        for series in store.series:
            name = series.labels["__name__"]
            labels = self.metrics.setdefault(name, {})
            for label, value in series.labels.items():
                if label != "__name__" and value not in labels.setdefault(label, []):
                    labels[label].append(value)
        self.names = sorted(self.metrics)
        self.spans = _spans({moment // 1000 for series in store.series for moment in series.times})

    def draw(self) -> Question:
        """One question; about half fall on the very moments of samples, where the edges of ranges matter."""
        pick = self.rng.random
        query = self.vector(0) if pick() < 0.97 else self.scalar_sum()
        first, last = self.rng.choice(self.spans)
        start = self.rng.randrange(first - 60, last + 330)
        if pick() < 0.5:
            start -= start % 15
        if pick() < 0.08:
            return Question(self.selector() + f"[{self.window()}]" + self.offset(), start, start)
        if pick() < 0.6:
            return Question(query, start, start)
        return Question(query, start, start + self.rng.randrange(90, 900), self.rng.choice((15, 30, 60, 77)))

    # Parts ----------------------------------------------------------------------------------------------------------

    def vector(self, depth: int) -> str:
        """An expression that is a vector."""
        kind = self.rng.random()
        if depth > 2 or kind < 0.2:
            return self.selector() + self.offset()
        if kind < 0.38:
            function = self.rng.choice(("rate", "increase"))
            return f"{function}({self.selector()}[{self.window()}]{self.offset()})"
        if kind < 0.55:
            function = self.rng.choice(("avg", "min", "max", "sum", "count"))
            return f"{function}_over_time({self.selector()}[{self.window()}]{self.offset()})"
        if kind < 0.72:
            return self.aggregate(depth)
        if kind < 0.76:
            return f"-{self.inner(depth)}"
        return self.operation(depth)

    def operation(self, depth: int) -> str:
        """Arithmetic or a comparison, of two vectors or of a vector and a number."""
        sign = self.rng.choice(("+", "-", "*", "/", "%", "^", "==", "!=", ">", ">=", "<", "<="))
        if sign in {"==", "!=", ">", ">=", "<", "<="} and self.rng.random() < 0.4:
            sign += " bool"
        number = self.rng.choice(("0.5", "10", "2", "-3", "1e2", "0x10", "0", "40", "Inf", "(3 - 1.5)"))
        kind = self.rng.random()
        if kind < 0.4:
            return f"{self.inner(depth)} {sign} {number}"
        if kind < 0.5:
            return f"{number} {sign} {self.inner(depth)}"
        if kind < 0.8:
            return self.kindred(sign)
        grouped = self.rng.choice(("", "on (service_name) ", "ignoring (code, severity) "))
        return f"{self.inner(depth)} {sign} {grouped}{self.inner(depth)}"

    def kindred(self, sign: str) -> str:
        """Two metrics of the same labels, so that their series find each other."""
        name = self.rng.choice(self.names)
        others = [other for other in self.names if self.metrics[other].keys() == self.metrics[name].keys()]
        window = self.window()
        shape = self.rng.choice(
            ("{}", "{}", "rate({}[%s])", "max_over_time({}[%s])", "sum by (service_name) ({})")
        )
        shape = shape.replace("%s", window)
        grouped = self.rng.choice(("", "", "on (service_name) ", "ignoring (nothing) "))
        return f"{shape.format(name)} {sign} {grouped}{shape.format(self.rng.choice(others))}"

    def inner(self, depth: int) -> str:
        """Mostly in parentheses, so that precedence is asked about, too."""
        text = self.vector(depth + 1)
        return f"({text})" if self.rng.random() < 0.7 else text

    def aggregate(self, depth: int) -> str:
        """One of the five aggregations, its grouping before or behind."""
        function = self.rng.choice(("sum", "avg", "min", "max", "count"))
        body = f"({self.vector(depth + 1)})"
        labels = self.rng.sample(("service_name", "code", "severity", "alertname", "client", "absent"), 2)
        listed = ", ".join(labels[: self.rng.randint(1, 2)])
        grouping = self.rng.choice(("", f"by ({listed})", f"by ({listed})", f"without ({listed})", "by ()"))
        if self.rng.random() < 0.5:
            return f"{function} {grouping} {body}" if grouping else f"{function}{body}"
        return f"{function}{body} {grouping}".rstrip()

    def selector(self) -> str:
        """A metric by its name, in one of three ways, and up to two matchers."""
        name = self.rng.choice(self.names)
        matchers = [self.matcher(name) for _ in range(self.rng.choice((0, 0, 1, 1, 2)))]
        kind = self.rng.random()
        if kind < 0.85:
            return name + (f"{{{','.join(matchers)}}}" if matchers else "")
        named = f'__name__="{name}"' if kind < 0.95 else f'__name__=~"{name[:4]}.*"'
        return f"{{{','.join([named, *matchers])}}}"

    def matcher(self, name: str) -> str:
        """A condition that mostly fits some series of the metric."""
        labels = self.metrics[name]
        label = self.rng.choice([*sorted(labels), "absent"])
        values: Sequence[str] = labels.get(label, [""])
        value, other = self.rng.choice(values), self.rng.choice(values)
        return label + self.rng.choice(
            (
                f'="{value}"',
                f"='{value}'",
                f'!="{value}"',
                f'=~"{value}|{other}"',
                f'=~"{value[:3]}.*"',
                '=~".+"',
                f'!~"{value[:2]}.*"',
                f"!~`{value}|(x+y)?z`",
                '=""',
            )
        )

    def window(self) -> str:
        """The length of a range."""
        return self.rng.choice(WINDOWS)

    def offset(self) -> str:
        """Mostly none."""
        return self.rng.choice(("",) * 6 + (" offset 5m", " offset 90s", " offset -1m"))

    def scalar_sum(self) -> str:
        """Numbers alone, with and without parentheses."""
        numbers = [self.rng.choice(("1", "2.5", "3", "1e1", "0x1f", "-4", "(2 + 3)")) for _ in range(4)]
        signs = [self.rng.choice(("+", "-", "*", "/", "%", "^", "> bool", "== bool")) for _ in range(3)]
        return " ".join(part for pair in zip(numbers, [*signs, ""], strict=True) for part in pair).rstrip()


def _spans(seconds: set[int]) -> list[tuple[int, int]]:
    """First and last moment of each stretch of time with samples; a history lies days before its recording."""
    moments = sorted(seconds)
    gaps = [pair for pair in pairwise(moments) if pair[1] - pair[0] > 600]
    return list(
        zip(
            [moments[0], *(after for _, after in gaps)],
            [*(before for before, _ in gaps), moments[-1]],
            strict=True,
        )
    )


def rough_recording(folder: Path, seed: int) -> Path:
    """Write the rough recording; every moment is at an even number of milliseconds."""
    rng = random.Random(seed)
    columns: dict[str, dict[float, float]] = {}
    names: dict[str, dict[str, object]] = {}
    for metric in ("jobs_total", "failures_total", "depth", "drift"):
        for service in ("mill", "quarry", "kiln-2"):
            for code in ("200", "500") if metric.endswith("_total") else ("",):
                title = f"{metric} {service} {code}"
                labels = {"service_name": service, **({"code": code} if code else {})}
                names[title] = {"name": metric, "labels": labels}
                columns[title] = _rough(rng, metric)
    times = sorted({moment for column in columns.values() for moment in column})
    folder.mkdir(parents=True)
    (folder / "recording.yaml").write_text(ROUGH_YAML, encoding="utf-8")
    (folder / "series.json").write_text(json.dumps(names), encoding="utf-8")
    with (folder / "metrics.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["time", *columns])
        for moment in times:
            writer.writerow([f"{moment:.3f}", *(column.get(moment, "") for column in columns.values())])
    return folder


def _rough(rng: random.Random, metric: str) -> dict[float, float]:
    samples: dict[float, float] = {}
    step, odd = rng.choice((15, 30, 60)), rng.random() < 0.4
    value = rng.random() * 50 if rng.random() < 0.7 else 0.0
    moment = ROUGH_START + step * rng.randrange(8)
    hole = ROUGH_START + rng.randrange(600, 3000)
    while moment <= ROUGH_START + 3600:
        if rng.random() < 0.93 and not hole < moment < hole + 500:
            at = moment + (2 * rng.randrange(200 * step) / 1000 if odd else 0)
            samples[at] = round(value, 3)
        moment += step
        if metric.endswith("_total"):
            value = value + rng.random() * 5 if rng.random() > 0.03 else rng.choice((0.0, rng.random()))
        elif metric == "depth":
            value = rng.choice((0.0, 0.0, 3.0, -7.25, 1e6, 1e-9, rng.gauss(0, 40)))
        else:
            value += rng.gauss(0, 5)
    return samples
