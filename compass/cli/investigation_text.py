"""An investigation for people: 80 columns, no colour needed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from compass.cli.render import untrusted
from compass.cli.sparkline import BLOCKS, drawn
from compass.investigate.conclude import stands
from compass.model.investigation import Cost, Experiment, Hypothesis, Investigation, Origin, Verdict

MARKS: Final = {Verdict.SUPPORTED: "+", Verdict.REFUTED: "-", Verdict.INCONCLUSIVE: "?"}
_EVENTS: Final = 24
_LATER: Final = {"incident": 0, "metrics": 1, "logs": 1, "alerts": 2, "changes": 3}


def report(record: Investigation, characters: str = BLOCKS) -> Iterator[str]:
    """The whole record, the answer first; `characters` draw the curves."""
    yield from summary(record)
    yield from section("Timeline, in UTC", _timeline(record))
    yield from curves(record, characters)
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
    yield from section("Decisions and notes", (f"{one.time:%H:%M:%S}  {one.story}" for one in record.notes))
    yield from _of_model(record)
    cost = record.cost
    yield ""
    yield f"Cost: {cost.tokens} tokens, {_usd(cost)}, {cost.seconds:.1f} s"


def summary(record: Investigation) -> Iterator[str]:
    """What, where, why, and what to read first: six lines for somebody who has just been woken."""
    incident = record.incident
    yield record.id
    yield from wrapped(incident.symptom, "What   ", _INDENT)
    at = f" at {incident.service}" if incident.service else ""
    yield f"{_INDENT}noticed {incident.detected:%Y-%m-%d %H:%M:%SZ}{at}"
    yield from wrapped(_where(record), "Where  ", _INDENT)
    best = next(iter(record.hypotheses), None)
    if best is None or not stands(best):
        tested = f"nothing stood up: {len(record.hypotheses)} explanations were tested"
        yield from wrapped(tested, "Why    ", _INDENT)
    else:
        yield from wrapped(best.statement, "Why    ", _INDENT)
        yield f"{_INDENT}{_verdict(best)}"
    runbook = next(
        (one for each in record.hypotheses for one in each.citations if ":runbooks/" in one.ref), None
    )
    if runbook is not None:
        # Never wrapped: a reference that is cut in two cannot be copied.
        yield f"Do     {_short(runbook.ref)}"
        yield from wrapped(f'"{" ".join(runbook.quote.split())[:160]}"', _INDENT, _INDENT)


_INDENT: Final = " " * 7


def _where(record: Investigation) -> str:
    if not record.services:
        return "no component with telemetry was seen"
    first, *others = record.services
    beside = f", next {others[0].service} with {others[0].score:.2f}" if others else ""
    return f"{first.service} (score {first.score:.2f}{beside}; {len(record.services)} seen)"


def _timeline(record: Investigation) -> Iterator[str]:
    """Of many events those that tell most: what was noticed and measured, then alerts, then changes."""
    order = sorted(
        range(len(record.timeline)), key=lambda at: (_LATER.get(record.timeline[at].source, 9), -at)
    )
    for at in sorted(order[:_EVENTS]):
        one = record.timeline[at]
        yield f"{one.time:%H:%M:%S}  {one.source:<8}  {one.what}"
    left = len(record.timeline) - _EVENTS
    if left > 0:
        yield f"{left} earlier changes and alerts stand in the record"


def curves(record: Investigation, characters: str) -> Iterator[str]:
    """The metrics that carry the evidence, drawn."""
    if record.curves:
        window = record.curves[0].window
        yield ""
        yield f"Metrics that carry the evidence, {window.start:%H:%M} to {window.end:%H:%M}"
        yield from (f"  {untrusted(line)}" for line in drawn(record.curves, characters))


def _verdict(hypothesis: Hypothesis) -> str:
    said = f"{hypothesis.verdict}, confidence {hypothesis.confidence:.2f}"
    return f"{said}, confirmed by a person" if hypothesis.confirmed_by_person else said


def shown(hypothesis: Hypothesis, *, whole: bool = False) -> Iterator[str]:
    """One hypothesis with its experiments and citations."""
    head = f"{hypothesis.rank}. {hypothesis.statement}"
    yield from wrapped(head, "", "   ")
    verdict = _verdict(hypothesis)
    word = verdict.partition(",")[0]
    yield f"   {word.upper()}{verdict[len(word) :]}" + (
        f", {hypothesis.service}" if hypothesis.service else ""
    )
    yield from wrapped(f"predicts: {hypothesis.predicts}", "   ", "     ")
    if hypothesis.refuted_by_person is not None:
        yield from wrapped(f"- refuted by a person: {hypothesis.refuted_by_person}", "   ", "     ")
    if hypothesis.origin in {Origin.MODEL, Origin.MEMORY}:
        for line in hypothesis.why:
            yield from wrapped(line, "   ", "     ")
    for experiment in hypothesis.experiments:
        yield from tested(experiment, whole=whole)
    for citation in hypothesis.citations:
        # Never wrapped: a reference that is cut in two cannot be copied.
        yield f"   cites {_short(citation.ref)}"
        yield from wrapped(f'"{" ".join(citation.quote.split())[:160]}"', "     ", "     ")


def tested(experiment: Experiment, *, whole: bool) -> Iterator[str]:
    """One experiment: what was asked, what would have refuted, what came out; with query and answer if `whole`."""
    yield from wrapped(f"{MARKS[experiment.verdict]} {experiment.question}", "   ", "     ")
    yield from wrapped(f"{experiment.verdict}: {experiment.error or experiment.reason}", "     ", "     ")
    if whole:
        yield from wrapped(f"refuted when {experiment.refuted_when}", "     ", "     ")
        yield from wrapped(f"{experiment.datasource}: {experiment.query}", "     ", "       ")
        window = experiment.window
        yield f"     {window.start:%Y-%m-%dT%H:%M:%SZ} to {window.end:%H:%M:%SZ}, sha256 {experiment.sha256[:16]}..."
        yield from (f"       {untrusted(line)[:72]}" for line in experiment.observed.splitlines()[:20])


def _of_model(record: Investigation) -> Iterator[str]:
    """What a language model said and cost; its words carry the verdicts of the hypotheses that they name."""
    used = record.language_model
    if used is None:
        return
    verdicts = {f"h{one.rank}": f"{one.verdict} {one.confidence:.2f}" for one in record.hypotheses}
    said = [
        f"{one.text} [{'; '.join(_fact(name, verdicts) for name in one.facts) if one.supported else 'unsupported'}]"
        for one in record.summary
        if one.section == "summary"
    ]
    yield from section(f"Summary in the words of the model {used.name}; it decided nothing", said)
    costs = [
        f"{one.purpose}: {one.cost.tokens} tokens, {_usd(one.cost)}, {one.cost.seconds:.1f} s"
        + (", from the cache" if one.cached else ", estimated" if one.estimated else "")
        + (f"; {one.error}" if one.error else "")
        for one in used.calls
    ]
    costs += [f"left out: {one}" for one in used.dropped]
    estimate = used.estimate
    most = f"at most {estimate.tokens} tokens, {_usd(estimate)}, {estimate.seconds:g} s"
    yield from section(f"Language model: {most} were expected", costs)


def _fact(name: str, verdicts: Mapping[str, str]) -> str:
    told = verdicts.get(name.partition("e")[0])
    return f"{name} {told}" if told else name


def _usd(cost: Cost) -> str:
    return "an unknown price" if cost.usd is None else f"{cost.usd:.2f} USD"


def section(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    """A titled list, left out when it is empty."""
    rows = list(lines)
    if rows:
        yield ""
        yield title
        for row in rows:
            yield from wrapped(row, "  ", "    ")


def _cause(text: str, level: str, supported: bool) -> str:  # noqa: FBT001  # a value of the record, not a switch
    source = "cited above" if supported else "unsupported"
    return f"{text} ({level.replace('_', ' ')}; {source})"


def _short(ref: str) -> str:
    """A citation with twelve digits of its commit, which Git resolves as well; the record keeps all of them."""
    return re.sub(r"@([0-9a-f]{12})[0-9a-f]{28}:", r"@\1:", ref)


def wrapped(text: str, first: str, rest: str) -> list[str]:
    """Text from anywhere in lines of 80 columns, with what the first line and the others begin with."""
    return textwrap.wrap(
        untrusted(text),
        80,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [first]
