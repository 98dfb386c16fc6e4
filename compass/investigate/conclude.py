"""From verdicts to the record: contributing causes on several levels of the system, and what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from compass.investigate.citations import checked, cite_field
from compass.investigate.experiments import Bench
from compass.investigate.observation import Observation
from compass.investigate.ranking import Ranking
from compass.investigate.recognition import recognize
from compass.investigate.story import curves, timeline
from compass.library import Library
from compass.model.entry import Pattern, SystemLevel
from compass.model.investigation import (
    Cause,
    Cost,
    Hypothesis,
    Investigation,
    Origin,
    ServiceScore,
    Verdict,
)
from compass.model.match import Match

LIKELY: Final = 0.5  # a hypothesis below this is no conclusion, even if nothing refutes it


def concluded(
    bench: Bench, ranking: Ranking, library: Library, record: Investigation, seconds: float
) -> Investigation:
    """The record with all that follows from its hypotheses, sealed; `seconds` is how long it took."""
    observed, hypotheses = bench.observed, record.hypotheses
    found = causes(hypotheses, library, observed)
    claims = [
        *(one.statement for one in hypotheses if stands(one) and not one.citations),
        *(one.text for one in found if not one.supported),
        *(one.text for one in record.summary if not one.supported),
    ]
    used = record.language_model
    more = {
        "services": tuple(
            ServiceScore(
                service=one.component,
                score=round(one.score, 4),
                why=tuple(f"{part.signal}: {part.text}" for part in one.findings[:3]),
            )
            for one in ranking.components
        ),
        "contributing_causes": found,
        "timeline": timeline(observed, ranking),
        "curves": curves(observed, ranking, hypotheses),
        "recognized_by": _recognized(bench, ranking, hypotheses),
        "missing": missing(observed),
        "unsupported": tuple(dict.fromkeys(claims)),
        "cost": Cost(
            tokens=used.cost.tokens if used else 0, usd=used.cost.usd if used else 0.0, seconds=seconds
        ),
    }
    return record.model_copy(update=more).sealed()


def stands(hypothesis: Hypothesis) -> bool:
    """Whether a hypothesis may be concluded from: a person confirmed it, or it is supported and likelier than not."""
    supported = hypothesis.verdict is Verdict.SUPPORTED and hypothesis.confidence >= LIKELY
    return supported or hypothesis.confirmed_by_person


def _recognized(bench: Bench, ranking: Ranking, hypotheses: Sequence[Hypothesis]) -> Match | None:
    """A match for the component of the best hypothesis that stands."""
    first = next((one.service for one in hypotheses if stands(one) and one.service), None)
    return recognize(bench, ranking, first) if first else None


def causes(hypotheses: Sequence[Hypothesis], library: Library, observed: Observation) -> tuple[Cause, ...]:
    """What contributed, as far as the experiments support it; a pattern's causes cite the line they stand on."""
    found: dict[str, Cause] = {}
    for hypothesis in hypotheses:
        if stands(hypothesis):
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
