"""The options of an investigation of a running system, judged: which incident, and which servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from compass.errors import UsageError
from compass.model.entry import TimeWindow
from compass.model.investigation import Incident
from compass.model.recording import Window
from compass.workflows.live.notice import Notice
from compass.workflows.recording.request import history_of, listed, moment_of, window_of
from compass.workflows.recording.sources import Asking, Server, datasources_of, servers_of

SINCE: Final = "30m"
"""How far back is looked where nothing says it."""
BEFORE: Final = 1800.0
AFTER: Final = 900.0
"""Seconds around an alert's beginning: before it there must be time without the fault, and long after it little is new."""
LATE: Final = 300.0
"""Without any word on it, it was noticed so many seconds before the window's end, or at two thirds of a shorter window."""
_TYPED: Final = (
    ("servers", "--server"), ("commands", "--command"), ("start", "--from"), ("end", "--to"), ("since", "--since"),
    ("detected", "--detected"), ("symptom", "--symptom"), ("service", "--service"), ("history", "--history"),
    ("datasources", "--datasource"),
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """The options as they were typed; servers that are commands get `environment`.

    `known` are servers of a catalog, asked where none was typed; `refused` says which of them are not asked, and why.
    """

    servers: Sequence[str] = ()
    commands: Sequence[Sequence[str]] = ()
    start: str | None = None
    end: str | None = None
    since: str | None = None
    detected: str | None = None
    symptom: str | None = None
    service: str | None = None
    history: str | None = None
    datasources: Sequence[str] = ()
    timeout: float = 60.0
    offline: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    known: Sequence[Server] = ()
    refused: Sequence[str] = ()

    def typed(self) -> list[str]:
        """The options that were given and that only a running system takes."""
        return [flag for name, flag in _TYPED if getattr(self, name)]


@dataclass(frozen=True)
class Plan:
    """What to investigate, whom to ask, and what had to be assumed, one sentence each."""

    incident: Incident
    asking: Asking
    assumed: tuple[str, ...]


def asking_of(options: Options) -> Asking:
    """Which servers are asked, and how; UsageError for what cannot be asked."""
    servers = options.known or servers_of(options.servers, options.commands, offline=options.offline)
    return Asking(
        servers,
        datasources_of(options.datasources),
        options.timeout,
        options.environment,
        options.refused,
    )


def plan(options: Options, notice: Notice | None, now: float) -> Plan:
    """The plan that the options make; what they leave open comes from the alert. UsageError says what is wrong."""
    asking = asking_of(options)
    symptom = " ".join((options.symptom or (notice.symptom if notice else "")).split())
    if not symptom:
        raise UsageError(
            "--symptom is missing",
            'say what was noticed, such as --symptom "checkout is slow", or give --alert',
        )
    assumed: list[str] = []
    began = _began(notice, now, assumed)
    window = _window(options, began, now)
    detected = _detected(options, began, window, now, assumed)
    past = history_of(options.history, now)
    incident = Incident(
        symptom=symptom[:400],
        service=options.service or (notice.service if notice else None),
        detected=datetime.fromtimestamp(detected, UTC),
        window=TimeWindow(start=window.start, end=window.end),
        baseline=past and TimeWindow(start=past.start, end=past.end),
        servers=_shown(asking.servers),
        alert=(notice.name or None) if notice else None,
    )
    return Plan(incident, asking, tuple(assumed))


def _began(notice: Notice | None, now: float, assumed: list[str]) -> float | None:
    if notice is None:
        return None
    if notice.since > now:
        assumed.append("the alert says that it begins in the future: it is taken to begin now")
    return min(notice.since, now)


def _window(options: Options, began: float | None, now: float) -> Window:
    if options.since is not None:
        both = [flag for flag, given in (("--from", options.start), ("--to", options.end)) if given]
        if both:
            raise UsageError(f"--since and {listed(both)} say the same", "leave one out")
        return window_of("--since", moment_of("--since", f"now-{options.since}", now), now)
    if options.start is not None or options.end is not None:
        if options.start is None:
            raise UsageError("--from is missing", "--to says only where the window ends")
        start, end = moment_of("--from", options.start, now), moment_of("--to", options.end or "now", now)
        return window_of("--from and --to", start, end)
    if began is not None:
        return window_of("--alert", began - BEFORE, min(now, began + AFTER))
    return window_of("--since", moment_of("--since", f"now-{SINCE}", now), now)


def _detected(options: Options, began: float | None, window: Window, now: float, assumed: list[str]) -> float:
    start, end = window.seconds
    if options.detected is not None:
        detected, source = moment_of("--detected", options.detected, now), "--detected"
    elif began is not None:
        detected, source = began, "the beginning of the alert"
    else:
        detected = end - min(LATE, (end - start) / 3)
        source = "--detected"
        shown = datetime.fromtimestamp(detected, UTC)
        assumed.append(
            f"it is taken to have been noticed at {shown:%Y-%m-%dT%H:%M:%SZ}; say it with --detected"
        )
    # The window's ends are whole milliseconds, which a moment of now need not be.
    if not start - 0.001 <= detected <= end + 0.001:
        raise UsageError(f"{source} lies outside the window", "widen --from and --to, or mend it")
    return detected


def _shown(servers: Sequence[Server]) -> tuple[str, ...]:
    return tuple(str(one) for one in servers)
