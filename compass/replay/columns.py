"""metrics.csv in, series out: one for each column, named as DESIGN says or as series.json says."""

from __future__ import annotations

import math
import re
from pathlib import Path

from compass.model.recording import Series
from compass.replay.files import Limits, Notes, json_object, seconds, table

OUTSIDE_A_NAME = re.compile(r"[^a-zA-Z0-9_:]")


def metrics(path: Path, labels: Path | None, limits: Limits, notes: Notes) -> tuple[Series, ...]:
    """Series of metrics.csv, one per column; empty cells and NaN are gaps."""
    lines = table(path, limits, notes)
    if not lines:
        return ()
    head, *body = lines
    if not head or head[0] != "time":
        notes.add(path, "has no column 'time' in first place and was left out")
        return ()
    if len(head) > limits.columns:
        notes.add(path, f"has more than {limits.columns} columns; the rest was left out")
        head = head[: limits.columns]
    stamped: dict[float, list[str]] = {}
    bad, example = 0, ""
    for row in body:
        reason = f"{len(row)} cells under {len(head)} columns"
        try:
            if len(row) >= len(head):
                stamped[seconds(row[0])] = row
                continue
        except ValueError as problem:
            reason = str(problem)
        bad, example = bad + 1, example or reason
    notes.bad_rows(path, bad, example)
    times = sorted(stamped)
    columns = list(zip(*(stamped[time] for time in times), strict=False)) if times else [()] * len(head)
    names = _names(labels, limits, notes)
    found: list[Series] = []
    unread = 0
    for title, cells in zip(head[1:], columns[1:], strict=False):
        series, wrong = _column(names.get(title) or column_labels(title), times, cells)
        found.append(series)
        unread += wrong
    if unread:
        notes.add(path, f"{unread} cells are no numbers and were left out")
    return _unique(path, found, head[1:], notes)


def _column(labels: dict[str, str], times: list[float], cells: tuple[str, ...]) -> tuple[Series, int]:
    """One series, and how many of its cells could not be read."""
    if "" not in cells:
        try:
            values = list(map(float, cells))
        except ValueError:
            pass
        else:
            if not any(map(math.isnan, values)):
                return Series(labels, times, values), 0
    kept_times: list[float] = []
    kept_values: list[float] = []
    wrong = 0
    for time, cell in zip(times, cells, strict=False):
        if cell:
            try:
                value = float(cell)
            except ValueError:
                wrong += 1
                continue
            if not math.isnan(value):
                kept_times.append(time)
                kept_values.append(value)
    return Series(labels, kept_times, kept_values), wrong


def _unique(path: Path, found: list[Series], titles: list[str], notes: Notes) -> tuple[Series, ...]:
    """Two columns may become one name (`cpu(%)`, `cpu[%]`): the later ones get a label with their column's title."""
    taken: set[frozenset[tuple[str, str]]] = set()
    unique: list[Series] = []
    for series, title in zip(found, titles, strict=False):
        labels = dict(series.labels)
        if frozenset(labels.items()) in taken:
            labels["column"] = title
            notes.add(path, f"column {title!r} has the name and labels of another; it got a label 'column'")
        identity = frozenset(labels.items())
        if identity not in taken:
            taken.add(identity)
            unique.append(series._replace(labels=labels))
    return tuple(unique)


def column_labels(title: str) -> dict[str, str]:
    """`component|metric` as Prometheus would name it."""
    component, _, metric = title.partition("|")
    name = OUTSIDE_A_NAME.sub("_", metric or component)
    if name[:1].isdigit():
        name = f"_{name}"
    return {"__name__": name, "service_name": component} if metric else {"__name__": name}


def _names(path: Path | None, limits: Limits, notes: Notes) -> dict[str, dict[str, str]]:
    """series.json: column -> {name, labels}."""
    if path is None:
        return {}
    named: dict[str, dict[str, str]] = {}
    for title, entry in json_object(path, limits, notes).items():
        try:
            labels = {str(key): str(value) for key, value in (entry.get("labels") or {}).items()}
            named[title] = {"__name__": str(entry["name"]), **labels}
        except (TypeError, KeyError, AttributeError):
            notes.add(path, f"the entry of column {title!r} has no name and labels, and was left out")
    return named
