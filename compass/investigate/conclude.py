"""From verdicts to contributing causes on several levels of the system, the timeline, and what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from compass.investigate.citations import checked, cite_field
from compass.investigate.experiments import moment
from compass.investigate.observation import Observation
from compass.library import Library
from compass.model.entry import Pattern, SystemLevel
from compass.model.investigation import Cause, Happening, Hypothesis, Origin, Verdict

LIKELY: Final = 0.5  # a hypothesis below this is no conclusion, even if nothing refutes it


def causes(hypotheses: Sequence[Hypothesis], library: Library, observed: Observation) -> tuple[Cause, ...]:
    """What contributed, as far as the experiments support it; a pattern's causes cite the line they stand on."""
    found: dict[str, Cause] = {}
    for hypothesis in hypotheses:
        if hypothesis.verdict is Verdict.SUPPORTED and hypothesis.confidence >= LIKELY:
            for cause in _of(hypothesis, library):
                found.setdefault(cause.text, cause)
    for text in _blind(observed):
        found.setdefault(text, Cause(text=text, level=SystemLevel.HUMAN_SYSTEM_INTERFACE))
    return tuple(found.values())


def _of(hypothesis: Hypothesis, library: Library) -> Iterator[Cause]:
    evidence = tuple(one.sha256 for one in hypothesis.experiments if one.verdict is Verdict.SUPPORTED)
    loaded = library.by_id.get(hypothesis.pattern or "")
    if loaded is not None and isinstance(loaded.entry, Pattern) and loaded.entry.contributing_causes:
        for at, cause in enumerate(loaded.entry.contributing_causes):
            citations = checked([cite_field(loaded, ("contributing_causes", at))], library)
            yield Cause(text=cause.text, level=cause.level, citations=citations, evidence=evidence)
        return
    level = (
        SystemLevel.TECHNICAL_MANAGEMENT
        if hypothesis.origin in {Origin.CHANGE, Origin.LOAD}
        else SystemLevel.EQUIPMENT_TECHNOLOGY
    )
    yield Cause(text=hypothesis.statement, level=level, citations=hypothesis.citations, evidence=evidence)


def _blind(observed: Observation) -> Iterator[str]:
    kinds = [
        ("metrics", bool(observed.window.tracks)),
        ("logs", bool(observed.window.logs)),
        ("traces", bool(observed.window.spans)),
    ]
    absent = [name for name, there in kinds if not there]
    if absent and len(absent) < len(kinds):
        yield f"No {' and no '.join(absent)} could be read, so that explanations that show only there stay untested"


def missing(observed: Observation) -> tuple[str, ...]:
    """Telemetry that was not there, component by component where that differs, and queries that failed."""
    lines = list(_blind(observed))
    sources = {
        "metrics": {key.component for key in observed.window.tracks},
        "logs": {line.service for line in observed.window.logs},
        "spans": {span.service for span in observed.window.spans},
    }
    for kind, seen in sources.items():
        lacking = sorted(set(observed.components) - seen) if seen else []
        if lacking and len(lacking) <= len(observed.components) // 2:
            shown = ", ".join(lacking[:8]) + (" …" if len(lacking) > 8 else "")
            lines.append(f"no {kind} of {shown}")
    lines += [f"nothing of {name} since detection" for name in observed.silent]
    return (*lines, *observed.failures)


def timeline(observed: Observation) -> tuple[Happening, ...]:
    """Changes, alerts and the detection, in order of time."""
    lines = [
        *(
            (
                change.time,
                f"{change.type} of {change.service or '?'}: {change.summary or 'no description'}",
                "changes",
            )
            for change in observed.changes
        ),
        *(
            (alert.starts, f"alert {alert.name} of {alert.labels.get('service_name', '?')} fires", "alerts")
            for alert in observed.alerts
        ),
        (observed.detected, f"noticed: {observed.symptom_text}", "incident"),
    ]
    return tuple(
        Happening(time=moment(time), what=what[:400], source=source) for time, what, source in sorted(lines)
    )
