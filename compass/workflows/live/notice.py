"""An alert as it was received becomes what was noticed: a symptom, a service, a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from compass.errors import UsageError
from compass.investigate.series import component
from compass.model.alert import Notification, ReceivedAlert

MOST_BYTES: Final = 1_000_000
LONGEST: Final = 400
_SAYING: Final = ("summary", "description", "message")


@dataclass(frozen=True)
class Notice:
    """What an alert says: its name, a symptom in words, perhaps a service, when it began (unix seconds)."""

    name: str
    symptom: str
    service: str | None
    since: float
    alerts: tuple[tuple[str, Mapping[str, str]], ...]
    """Name and labels of each alert that fires, the earliest first."""


def received(data: bytes, source: str) -> Notification:
    """A webhook's body; UsageError says in one line what is wrong with it."""
    if len(data) > MOST_BYTES:
        raise UsageError(f"{source} is larger than {MOST_BYTES:,} bytes", "send fewer alerts at once")
    try:
        return Notification.model_validate_json(data)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        place = ".".join(_line(str(part), 60) for part in first["loc"])
        raise UsageError(
            f"{source} is no notification of Alertmanager or Grafana: {place}{': ' if place else ''}{first['msg']}"[
                :LONGEST
            ],
            "it is JSON with `status` and `alerts`, as both send it to a webhook",
        ) from problem


def read_notice(path: Path, stdin: BinaryIO) -> Notice:
    """The notice in a file, or in standard input for `-`; UsageError if it holds none."""
    source = "standard input" if str(path) == "-" else str(path)
    try:
        if str(path) == "-":
            data = stdin.read(MOST_BYTES + 1)
        else:
            with path.open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
    except OSError as problem:
        raise UsageError(f"--alert {source} cannot be read: {problem.strerror}") from problem
    return notice_of(received(data, source))


def notice_of(notification: Notification) -> Notice:
    """What the earliest alert says that fires, or, where none does any more, the earliest of all."""
    alerts = notification.firing or tuple(sorted(notification.alerts, key=lambda one: one.starts))
    first = alerts[0]
    said = next((text for key in _SAYING if (text := _line(first.annotations.get(key, ""), LONGEST))), "")
    name = _line(first.name, 120)
    symptom = f"{name}: {said}" if name and said else said or name or "an alert without a name"
    return Notice(
        name,
        symptom[:LONGEST],
        next((found for one in alerts if (found := _line(_service(one), 120))), None),
        first.starts.timestamp(),
        tuple((one.name, one.labels) for one in alerts),
    )


def _service(alert: ReceivedAlert) -> str:
    return component(alert.labels)


def _line(text: str, most: int) -> str:
    """Text from outside on one line, without what steers a terminal, and of bounded length."""
    return " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * most]).split())[:most]
