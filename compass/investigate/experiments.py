"""Experiments: one read-only query each, a rule that was fixed before the answer came, and a verdict.

Missing data, and a query that failed, are always inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from compass.adapters.telemetry.answer import Answer, Telemetry
from compass.investigate.observation import Observation
from compass.model.entry import TimeWindow
from compass.model.investigation import Datasource, Experiment, Verdict
from compass.model.recording import LogLine, Series

LONGER: Final = 1.5  # a median or a rate that grew by less did not grow
_LINES: Final = 40


class Judged(NamedTuple):
    """A verdict, why, and the excerpt that shows it."""

    verdict: Verdict
    reason: str
    observed: str


class Question(NamedTuple):
    """What an experiment asks, which answer would refute its hypothesis, and whom it asks."""

    text: str
    refuted_when: str
    source: Datasource


@dataclass(frozen=True)
class Trial:
    """An experiment that has not been run yet."""

    question: str
    refuted_when: str
    run: Callable[[], Experiment]


@dataclass(frozen=True)
class Bench:
    """What every experiment needs: the telemetry to ask and the times that matter."""

    telemetry: Telemetry
    observed: Observation

    @property
    def window(self) -> tuple[float, float]:
        """The stretch of time that is asked about, in unix seconds."""
        return self.observed.start, self.observed.end

    def trial(
        self,
        question: Question,
        ask: Callable[[], Answer[Any]],
        judge: Callable[[Answer[Any]], Judged],
        nothing: Judged | None = None,
    ) -> Trial:
        """An experiment from a query and the rule that judges its answer.

        `nothing` is the verdict on an empty answer where emptiness is known to mean that nothing happened.
        """

        def run() -> Experiment:
            answer = ask()
            if answer.error is not None:
                found = Judged(Verdict.INCONCLUSIVE, "the query failed", "")
            elif not answer.data:
                found = nothing or Judged(Verdict.INCONCLUSIVE, "there is no data", "")
            else:
                found = judge(answer)
            return Experiment(
                question=question.text,
                refuted_when=question.refuted_when,
                datasource=question.source,
                query=answer.query,
                window=TimeWindow(start=moment(answer.start), end=moment(max(answer.end, answer.start))),
                observed=found.observed[:4096],
                sha256=answer.digest,
                verdict=found.verdict,
                reason=found.reason,
                error=answer.error,
            )

        return Trial(question.text, question.refuted_when, run)


def excerpt_of(rows: Sequence[Any]) -> str:
    """A readable piece of any answer."""
    if rows and isinstance(rows[0], Series):
        return excerpt_of_series(rows)
    if rows and isinstance(rows[0], LogLine):
        return excerpt_of_lines(rows)
    return f"{len(rows)} spans"


def excerpt_of_series(series: Sequence[Series], most: int = _LINES) -> str:
    """A few samples of each series, evenly spread."""
    lines: list[str] = []
    for one in series:
        labels = ",".join(
            f'{name}="{value}"' for name, value in sorted(one.labels.items()) if name != "__name__"
        )
        lines.append(f"{one.name}{{{labels}}}")
        step = max(1, len(one.times) // 12)
        for time, value in list(zip(one.times, one.values, strict=True))[::step]:
            lines.append(f"{moment(time):%Y-%m-%dT%H:%M:%SZ} {value:.6g}")
        if len(lines) > most:
            break
    return "\n".join(lines[:most])


def excerpt_of_lines(lines: Sequence[LogLine], most: int = 5) -> str:
    """How many lines there are, and the first few."""
    shown = [
        f"{moment(line.time_ns / 1e9):%H:%M:%S} {line.service} {line.level} {line.message[:200]}"
        for line in lines[:most]
    ]
    return "\n".join([f"{len(lines)} lines, the first {len(shown)}:", *shown])


def moment(seconds: float) -> datetime:
    """Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
