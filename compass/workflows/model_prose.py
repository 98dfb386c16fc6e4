"""A language model's words in a draft: sentences of the record, checked once more, marked, and beside the text that stands without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from compass.investigate.summary import facts, holds
from compass.model.investigation import Experiment, Investigation, Origin, Said, Section
from compass.workflows.drafted_text import escaped

_HEADINGS: Final[Mapping[Section, str]] = {
    "impact": "## Impact",
    "investigation": "## Investigation",
    "lessons": "## Lessons",
}
_SUMMARY: Final = 400


def phrased(
    record: Investigation, seen: Sequence[Experiment], data: dict[str, Any], body: str
) -> tuple[dict[str, Any], str]:
    """Front matter and body of a draft with what the model said: a post-mortem's summary and a paragraph for each
    section it wrote for. Who spoke, and by which prompts, stands in the provenance; without a model nothing changes.
    """
    used = record.language_model
    if used is None:
        return data, body
    said = list(_held(record)) if data["kind"] == "postmortem" else []
    proposed = any(one.origin is Origin.MODEL for one in record.hypotheses)
    if not said and not proposed:
        return data, body
    tasks = {*(["summary"] if said else []), *(["hypotheses"] if proposed else [])}
    prompts = {f"{one.prompt} sha256:{one.prompt_sha256}" for one in used.calls if one.purpose in tasks}
    provenance = {**data["provenance"], "model": used.name, "prompts": sorted(prompts)}
    summary = _summary(said)
    front = {**data, **({"summary": summary} if summary else {}), "provenance": provenance}
    for section, heading in _HEADINGS.items():
        sentences = [one for one in said if one.section == section]
        if sentences and f"{heading}\n" in body:
            paragraph = _paragraph(used.name, sentences, record, seen)
            body = body.replace(f"{heading}\n", f"{heading}\n\n{paragraph}\n", 1)
    return front, body


def _held(record: Investigation) -> Iterator[Said]:
    """The sentences that the record still holds: a person may have mended it since."""
    known = list(facts(record.incident, record.hypotheses, record.contributing_causes, record.missing))
    services = [one.service for one in record.services]
    return (one for one in record.summary if holds(one, known, services))


def _summary(said: Sequence[Said]) -> str:
    """As many whole sentences as a summary has room for."""
    text = ""
    for one in said:
        longer = f"{text} {_ended(one.text)}".strip()
        if one.section == "summary" and len(longer) <= _SUMMARY:
            text = longer
    return text


def _paragraph(name: str, said: Sequence[Said], record: Investigation, seen: Sequence[Experiment]) -> str:
    sentences = " ".join(f"{escaped(_ended(one.text))}{_marks(one, record, seen)}" for one in said)
    return f"In the words of the language model {escaped(name)}, checked against the record: {sentences}"


def _marks(said: Said, record: Investigation, seen: Sequence[Experiment]) -> str:
    """The footnotes of the stored evidence that a sentence rests on, and in words what it rests on besides."""
    numbered = {_asked(one): number for number, one in enumerate(seen, 1)}
    experiments = {
        f"h{one.rank}e{place}": numbered.get(_asked(done))
        for one in record.hypotheses
        for place, done in enumerate(one.experiments, 1)
    }
    notes = dict.fromkeys(f"[^e{found}]" for fact in said.facts if (found := experiments.get(fact)))
    words = dict.fromkeys(_named(fact) for fact in said.facts if not experiments.get(fact))
    return "".join(notes) + (f" ({', '.join(words)})" if words else "")


def _asked(one: Experiment) -> str:
    return f"{one.query}{one.window.start}"


def _named(fact: str) -> str:
    kinds = {"h": "explanation", "c": "cause", "m": "what was not seen", "s": "the symptom"}
    number = fact[1:].partition("e")[0] if fact[0] in "hc" else ""
    return f"{kinds.get(fact[0], fact)} {number}".strip()


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
