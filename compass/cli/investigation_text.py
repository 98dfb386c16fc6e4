"""An investigation for people: 80 columns, no colour needed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from compass.cli.render import untrusted
from compass.model.investigation import Cost, Experiment, Hypothesis, Investigation, Origin, Verdict

_MARK = {Verdict.SUPPORTED: "+", Verdict.REFUTED: "-", Verdict.INCONCLUSIVE: "?"}


def report(record: Investigation) -> Iterator[str]:
    """The whole record, paragraph by paragraph."""
    incident = record.incident
    yield from _wrapped(f"{record.id}: {incident.symptom}", "", "  ")
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
    yield from _of_model(record)
    cost = record.cost
    yield ""
    yield f"Cost: {cost.tokens} tokens, {_usd(cost)}, {cost.seconds:.1f} s"


def shown(hypothesis: Hypothesis, *, whole: bool = False) -> Iterator[str]:
    """One hypothesis with its experiments and citations."""
    head = f"{hypothesis.rank}. {hypothesis.statement}"
    yield from _wrapped(head, "", "   ")
    yield f"   {hypothesis.verdict.upper()}, confidence {hypothesis.confidence:.2f}" + (
        f", {hypothesis.service}" if hypothesis.service else ""
    )
    yield from _wrapped(f"predicts: {hypothesis.predicts}", "   ", "     ")
    if hypothesis.origin is Origin.MODEL:
        for line in hypothesis.why:
            yield from _wrapped(line, "   ", "     ")
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
            yield from _wrapped(row, "  ", "    ")


def _cause(text: str, level: str, supported: bool) -> str:  # noqa: FBT001  # a value of the record, not a switch
    source = "named by the pattern cited above" if supported else "unsupported"
    return f"{text} ({level.replace('_', ' ')}; {source})"


def _short(ref: str) -> str:
    """A citation with twelve digits of its commit, which Git resolves as well; the record keeps all of them."""
    return re.sub(r"@([0-9a-f]{12})[0-9a-f]{28}:", r"@\1:", ref)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        untrusted(text),
        80,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [first]
