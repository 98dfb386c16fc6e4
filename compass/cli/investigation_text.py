"""An investigation for people: 80 columns, no colour needed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from compass.model.investigation import Experiment, Hypothesis, Investigation, Verdict

_MARK = {Verdict.SUPPORTED: "+", Verdict.REFUTED: "-", Verdict.INCONCLUSIVE: "?"}


def report(record: Investigation) -> Iterator[str]:
    """The whole record, paragraph by paragraph."""
    incident = record.incident
    yield f"{record.id}: {incident.symptom}"
    yield f"noticed {incident.detected:%Y-%m-%d %H:%M:%SZ}" + (
        f" at {incident.service}" if incident.service else ""
    )
    yield from section("What happened", (f"{one.time:%H:%M:%S}  {one.what}" for one in record.timeline))
    ranked = [f"{one.score:7.2f}  {one.service}" for one in record.services[:5]]
    yield from section(f"Components, best first ({len(record.services)} seen)", ranked)
    yield ""
    yield "Hypotheses"
    for hypothesis in record.hypotheses:
        yield from shown(hypothesis)
    yield from section(
        "Contributing causes",
        (_cause(one.text, one.level, one.supported) for one in record.contributing_causes),
    )
    yield from section("Not seen", record.missing)
    yield from section("Without a citation", record.unsupported)
    yield from section("Notes", (f"{one.time:%H:%M:%S}  {one.text}" for one in record.notes))
    cost = record.cost
    yield ""
    yield f"Cost: {cost.tokens} tokens, {cost.usd:.2f} USD, {cost.seconds:.1f} s"


def shown(hypothesis: Hypothesis, *, whole: bool = False) -> Iterator[str]:
    """One hypothesis with its experiments and citations."""
    head = f"{hypothesis.rank}. {hypothesis.statement}"
    yield from _wrapped(head, "", "   ")
    yield f"   {hypothesis.verdict.upper()}, confidence {hypothesis.confidence:.2f}" + (
        f", {hypothesis.service}" if hypothesis.service else ""
    )
    yield from _wrapped(f"predicts: {hypothesis.predicts}", "   ", "     ")
    for experiment in hypothesis.experiments:
        yield from tested(experiment, whole=whole)
    for citation in hypothesis.citations:
        # Never wrapped: a reference that is cut in two cannot be copied.
        yield f"   cites {_short(citation.ref)}"
        yield from _wrapped(f'"{" ".join(citation.quote.split())[:160]}"', "     ", "     ")


def tested(experiment: Experiment, *, whole: bool) -> Iterator[str]:
    """One experiment: what was asked, what would have refuted, what came out; with query and answer if `whole`."""
    yield from _wrapped(f"{_MARK[experiment.verdict]} {experiment.question}", "   ", "     ")
    yield from _wrapped(f"{experiment.verdict}: {experiment.error or experiment.reason}", "     ", "     ")
    if whole:
        yield from _wrapped(f"refuted when {experiment.refuted_when}", "     ", "     ")
        yield from _wrapped(f"{experiment.datasource}: {experiment.query}", "     ", "       ")
        window = experiment.window
        yield f"     {window.start:%Y-%m-%dT%H:%M:%SZ} to {window.end:%H:%M:%SZ}, sha256 {experiment.sha256[:16]}…"
        yield from (f"       {line[:72]}" for line in experiment.observed.splitlines()[:20])


def section(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    """A titled list, left out when it is empty."""
    rows = list(lines)
    if rows:
        yield ""
        yield title
        for row in rows:
            yield from _wrapped(row, "  ", "    ")


def _cause(text: str, level: str, supported: bool) -> str:  # noqa: FBT001  # a value of the record, not a switch
    source = "named by the pattern cited above" if supported else "unsupported"
    return f"{text} ({level.replace('_', ' ')}; {source})"


def _short(ref: str) -> str:
    """A citation with twelve digits of its commit, which Git resolves as well; the record keeps all of them."""
    return re.sub(r"@([0-9a-f]{12})[0-9a-f]{28}:", r"@\1:", ref)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, 80, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, drop_whitespace=True
    ) or [first]
