"""A recording that may be shared: renamed, its texts anonymized, its numbers scaled, its time moved to a year of no meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Final

from compass.anonymize import Catalog
from compass.errors import NegativeAnswerError, UsageError
from compass.model.recording import RecordedTelemetry, RecordingInfo, Symptom, Window
from compass.workflows.recording.naming import Naming
from compass.workflows.recording.request import Gathered, listed, window_of
from compass.workflows.recording.scaling import Metric, Scaling, metrics_of

START: Final = 1_577_836_800
"""2020-01-01T00:00:00Z, where every copy begins: of the true time nothing is left, not even the hour of the day."""
_WORD: Final = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Copier:
    """Makes copies of one recording; the names are given once, the numbers can be drawn anew."""

    info: RecordingInfo
    gathered: Gathered
    naming: Naming
    metrics: dict[str, Metric]
    together: tuple[frozenset[str], ...]

    @classmethod
    def of(
        cls,
        info: RecordingInfo,
        gathered: Gathered,
        known: tuple[Catalog, Collection[str]],
        together: Sequence[frozenset[str]],
        random: Random,
    ) -> Copier:
        """`known`: the organization's names, and the words its reviewers let pass; `together`: metrics of one query.

        Raises UsageError where the copy's own name would give a service away.
        """
        naming = Naming(gathered, *known, random)
        if not naming.named_safely(info.id):
            raise UsageError(
                f"the name {info.id!r} of the copy names a service", "choose one that says what happened"
            )
        metrics = metrics_of(gathered, info.window.seconds[0], together)
        return cls(info, gathered, naming, metrics, tuple(together))

    @property
    def shift(self) -> int:
        """Nanoseconds by which everything moves back."""
        return round(self.info.window.start.timestamp() * 1000) * 1_000_000 - START * 1_000_000_000

    def copy(self, random: Random) -> tuple[RecordingInfo, Gathered, Scaling]:
        """One copy with numbers of its own."""
        scaling = Scaling.drawn(self.metrics, self.together, self.shift / 1e9, random)
        changed = self.gathered.changed(lambda part: self._part(part, scaling))
        return self._info(scaling), changed, scaling

    def _part(self, part: RecordedTelemetry, scaling: Scaling) -> RecordedTelemetry:
        naming, back, seconds = self.naming, self.shift, self.shift / 1e9
        text = self.text(scaling)
        return replace(
            part,
            series=tuple(
                scaled._replace(
                    labels=naming.labels(one.labels.items()),
                    times=[round(time - seconds, 3) for time in one.times],
                )
                for one in part.series
                for scaled in (scaling.series(one),)
            ),
            logs=tuple(
                one._replace(
                    time_ns=one.time_ns - back,
                    labels={name: naming.value(name, value) for name, value in one.labels.items()},
                    message=text(one.message),
                    trace=naming.identifier(one.trace),
                )
                for one in part.logs
            ),
            spans=tuple(
                one._replace(
                    trace=naming.identifier(one.trace),
                    span=naming.identifier(one.span),
                    parent=naming.identifier(one.parent),
                    service=naming.service(one.service),
                    name=naming.operation(one.name),
                    start_ns=one.start_ns - back,
                    end_ns=one.end_ns - back,
                )
                for one in part.spans
            ),
            alerts=tuple(
                one._replace(
                    name=naming.value("alertname", one.name),
                    labels=naming.labels(one.labels.items()),
                    starts=one.starts - seconds,
                    ends=None if one.ends is None else one.ends - seconds,
                )
                for one in part.alerts
            ),
            changes=tuple(
                one._replace(
                    time=one.time - seconds,
                    type=naming.change(one.type),
                    service=naming.service(one.service),
                    summary=text(one.summary),
                    labels=naming.labels(one.labels.items()),
                )
                for one in part.changes
            ),
            edges=tuple((naming.service(caller), naming.service(callee)) for caller, callee in part.edges),
        )

    def text(self, scaling: Scaling) -> Callable[[str], str]:
        """What becomes of a text."""
        return lambda text: scaling.text(self.naming.text(text))

    def _info(self, scaling: Scaling) -> RecordingInfo:
        seconds, symptom = self.shift / 1e9, self.info.symptom
        return self.info.model_copy(
            update={
                "synthetic": True,
                "source": None,
                "window": moved(self.info.window, seconds),
                "detected": datetime.fromtimestamp(self.info.detected.timestamp() - seconds, UTC),
                "symptom": Symptom(
                    text=self.text(scaling)(symptom.text)[:400],
                    service=self.naming.service(symptom.service) if symptom.service else None,
                    metric=self._metric(symptom.metric),
                ),
                "left_out": tuple(self.naming.text(line) for line in self.info.left_out),
            }
        )

    def _metric(self, written: str | None) -> str | None:
        if not written:
            return None
        component, bar, name = written.rpartition("|")
        return f"{self.naming.service(component)}{bar}{self.naming.metric(name)}"

    def refuse_leaks(self, info: RecordingInfo, copy: Gathered) -> None:
        """NegativeAnswerError where a name of the original still stands in the copy."""
        private = self.naming.private()
        words = {word.strip(".-").lower() for text in _texts(info, copy) for word in _WORD.findall(text)}
        left = sorted(words & private)
        if left:
            raise NegativeAnswerError(
                f"the copy would still say {listed(left)}", "name them in catalog/private.yaml and try again"
            )


def moved(window: Window, seconds: float) -> Window:
    """The window so many seconds earlier."""
    start, end = window.seconds
    return window_of("window", start - seconds, end - seconds)


def _texts(info: RecordingInfo, copy: Gathered) -> Iterator[str]:
    yield from (info.id, info.symptom.text, info.symptom.service or "", *info.left_out)
    for part in copy.parts():
        yield from (text for one in part.series for pair in one.labels.items() for text in pair)
        yield from _rows(part)


def _rows(part: RecordedTelemetry) -> Iterable[str]:
    for line in part.logs:
        yield from (line.service, line.level, line.message, line.trace)
    for span in part.spans:
        yield from (span.trace, span.span, span.parent, span.service, span.name)
    for alert in part.alerts:
        yield from (alert.name, *alert.labels.values())
    for change in part.changes:
        yield from (change.type, change.service, change.summary, *change.labels.values())
    for edge in part.edges:
        yield from edge
