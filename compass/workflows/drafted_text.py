"""The body of drafts: the journey of an investigation in Markdown, dead ends included."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from compass.investigate.conclude import stands
from compass.model.foreign import untrusted
from compass.model.investigation import Experiment, Hypothesis, Investigation, Verdict

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_WORDS: Final = {
    Verdict.SUPPORTED: "It was supported",
    Verdict.REFUTED: "It was refuted",
    Verdict.INCONCLUSIVE: "It stayed open",
}


def postmortem_body(record: Investigation, seen: Sequence[Experiment]) -> str:
    """Impact, Timeline, Investigation, Lessons: what is known is written, what is not is asked."""
    lines = [
        "## Impact",
        "",
        f"{escaped(record.incident.symptom)}.",
        "Who was hurt, how badly and for how long? The telemetry does not say.",
        "",
        "## Timeline",
        "",
        "All times are in UTC.",
        "",
        "| time | what happened | source |",
        "|---|---|---|",
        *(
            f"| {one.time:%Y-%m-%d %H:%M:%S} | {escaped(one.what)} | {one.source} |"
            for one in record.timeline
        ),
        "",
        "## Investigation",
        "",
        f"{len(record.hypotheses)} explanations competed, in the investigation {record.id}.",
        "",
    ]
    for hypothesis in record.hypotheses:
        lines += [*_journey(hypothesis), ""]
    lines += [*_decisions(record), *_evidence(seen), *_causes(record, seen)]
    lines += ["## Lessons", "", *_lessons(record)]
    return "\n".join([*lines, *_footnotes(record, seen)])


def _journey(hypothesis: Hypothesis) -> Iterator[str]:
    yield f"{hypothesis.rank}. {escaped(hypothesis.statement)}."
    yield f"   It predicts that {escaped(hypothesis.predicts)}."
    for one in hypothesis.experiments:
        yield f"   {escaped(one.question)} {one.verdict.capitalize()}: {escaped(one.error or one.reason)}."
    end = f"{_WORDS[hypothesis.verdict]}, with a confidence of {hypothesis.confidence:.2f}."
    if hypothesis.refuted_by_person is not None:
        end = f"A person refuted it: {escaped(hypothesis.refuted_by_person)}."
    elif hypothesis.confirmed_by_person:
        end += " A person confirmed it."
    elif hypothesis.verdict is Verdict.REFUTED:
        end += " It was a dead end."
    yield f"   {end}"
    for citation in hypothesis.citations:
        yield f"   Cited: `{citation.ref}`."


def _decisions(record: Investigation) -> Iterator[str]:
    """What people decided and said, in order of time."""
    if record.notes:
        yield from ("What people decided and noted:", "")
        yield from (f"- {note.time:%H:%M:%S}: {escaped(note.story)}" for note in record.notes)


def _causes(record: Investigation, seen: Sequence[Experiment]) -> Iterator[str]:
    """Each contributing cause with its level and what stands behind it, or that nothing does."""
    if not record.contributing_causes:
        return
    yield from ("## Contributing causes", "")
    places = {one.sha256: number for number, one in enumerate(seen, 1)}
    for cause in record.contributing_causes:
        marks = "".join(
            f"[^e{number}]" for number in sorted({places[one] for one in cause.evidence if one in places})
        )
        level = cause.level.replace("_", " ")
        yield f"- {escaped(cause.text.rstrip('.'))} ({level}).{marks}"
        for citation in cause.citations:
            yield f"  Cited: `{citation.ref}`."
        if not cause.citations:
            seen_only = "Seen in the telemetry alone: no entry that could be cited says it."
            yield f"  {seen_only if marks else 'Not supported by any citation.'}"
    yield ""


def _lessons(record: Investigation) -> Iterator[str]:
    yield "What surprised us, what went well, and where were we lucky?"
    for lack in record.missing:
        yield f"Not seen: {escaped(lack)}."
    words = {one.text for one in record.summary}
    for claim in (one for one in record.unsupported if one not in words):
        yield f"Not supported by any citation: {escaped(claim)}."


def pattern_body(record: Investigation, seen: Sequence[Experiment]) -> str:
    """Symptoms, Mechanism, Diagnosis, Mitigation."""
    best = next((one for one in record.hypotheses if stands(one)), None)
    source = [f"Cited: `{one.ref}`." for one in best.citations] if best else []
    lines = [
        "## Symptoms",
        "",
        f"{escaped(record.incident.symptom)}.",
        "",
        "## Mechanism",
        "",
        f"{escaped(best.statement if best else 'Not known')}. Is that how it happens? A person has to say.",
        *(source or ["Not supported by any citation."]),
        "",
        "## Diagnosis",
        "",
        *(
            f"- {escaped(one.statement)}: it predicts that {escaped(one.predicts)}."
            for one in record.hypotheses
        ),
        "",
        *_evidence(seen),
        "## Mitigation",
        "",
        "What helped? Link the runbook here.",
        *(f"Cited: `{ref}`." for ref in _runbooks(record)),
    ]
    return "\n".join([*lines, *_footnotes(record, seen)])


def _runbooks(record: Investigation) -> list[str]:
    """What the hypotheses cite of runbooks."""
    refs = [one.ref for each in record.hypotheses for one in each.citations if ":runbooks/" in one.ref]
    return list(dict.fromkeys(refs))


def _evidence(seen: Sequence[Experiment]) -> Iterator[str]:
    """A sentence for each piece of stored evidence, with its mark."""
    if seen:
        yield from ("", "What was seen:", "")
    for number, one in enumerate(seen, 1):
        yield f"- {escaped(one.question)} {escaped(one.reason)}.[^e{number}]"
    yield ""


def _footnotes(record: Investigation, seen: Sequence[Experiment]) -> Iterator[str]:
    yield ""
    for number, one in enumerate(seen, 1):
        yield f"[^e{number}]: {one.datasource}, asked by {record.id}; query, window and digest are in the front matter."


def escaped(text: str) -> str:
    """Text from telemetry as plain Markdown: it can neither link, nor embed, nor start a heading, nor hide."""
    return _SPECIAL.sub(r"\\\1", " ".join(untrusted(text).split()))
