"""The body of drafts: the journey of an investigation in Markdown, dead ends included."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

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
    lines += [f"- {escaped(note.text)} ({note.time:%H:%M:%S})" for note in record.notes]
    lines += [*_evidence(seen), "## Lessons", "", *_lessons(record)]
    return "\n".join([*lines, *_footnotes(record, seen)])


def _journey(hypothesis: Hypothesis) -> Iterator[str]:
    yield f"{hypothesis.rank}. {escaped(hypothesis.statement)}."
    yield f"   It predicts that {escaped(hypothesis.predicts)}."
    for one in hypothesis.experiments:
        yield f"   {escaped(one.question)} {one.verdict.capitalize()}: {escaped(one.error or one.reason)}."
    yield f"   {_WORDS[hypothesis.verdict]}, with a confidence of {hypothesis.confidence:.2f}."
    for citation in hypothesis.citations:
        yield f"   Cited: `{citation.ref}`."


def _lessons(record: Investigation) -> Iterator[str]:
    yield "What surprised us, what went well, and where were we lucky?"
    for lack in record.missing:
        yield f"Not seen: {escaped(lack)}."
    words = {one.text for one in record.summary}
    for claim in (one for one in record.unsupported if one not in words):
        yield f"Not supported by any citation: {escaped(claim)}."


def pattern_body(record: Investigation, seen: Sequence[Experiment]) -> str:
    """Symptoms, Mechanism, Diagnosis, Mitigation."""
    best = next((one for one in record.hypotheses if one.verdict is Verdict.SUPPORTED), None)
    lines = [
        "## Symptoms",
        "",
        f"{escaped(record.incident.symptom)}.",
        "",
        "## Mechanism",
        "",
        f"{escaped(best.statement if best else 'Not known')}. Is that how it happens? A person has to say.",
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
    ]
    return "\n".join([*lines, *_footnotes(record, seen)])


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
