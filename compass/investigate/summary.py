"""A summary and prose for drafts in a model's words: each sentence names facts of the record, and is checked against those alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import Field

from compass.investigate.conclude import LIKELY
from compass.investigate.prompting import quoted_text
from compass.investigate.striking import Allowed, struck
from compass.model.base import Model
from compass.model.investigation import Cause, Hypothesis, Incident, Said, Section, Verdict

_SECTIONS: Final[Mapping[Section, int]] = {"summary": 6, "impact": 2, "investigation": 4, "lessons": 2}
_ASKED: Final = 8
_WORDY: Final = 240
_LONGEST: Final = 400
_FACTS: Final = 4  # whoever names more facts for one sentence names none
_SHARED: Final = 0.5  # of the longer words of a sentence, so many come from its facts
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_DENIES: Final = re.compile(
    r"(?i)\b(?:not|no|never|none|neither|nor|nothing|cannot|without|hardly)\b|n['’]t\b"
)
_VERDICTS: Final[Mapping[Verdict, re.Pattern[str]]] = {
    Verdict.SUPPORTED: re.compile(r"(?i)\b(?:support\w*|confirm\w*|prove[ds]?|proven|caused?|certain\w*)\b"),
    Verdict.REFUTED: re.compile(r"(?i)\b(?:refut\w*|disprove[dn]?|ruled out|rejected|innocent)\b"),
    Verdict.INCONCLUSIVE: re.compile(r"(?i)\b(?:inconclusive|undecided|stay(?:s|ed) open|unclear)\b"),
}


class Fact(NamedTuple):
    """One fact of a record: `verdict` where it is a hypothesis or one of its experiments.

    `needs`: without these words a sentence would make more of the fact than it is, a refuted hypothesis the truth.
    """

    id: str
    text: str
    verdict: Verdict | None = None
    needs: re.Pattern[str] | None = None


class Sentence(Model):
    """One sentence as the model writes it."""

    section: Section = "summary"
    text: str = Field(max_length=4000)
    facts: tuple[str, ...]


class Summary(Model):
    """A model's answer."""

    sentences: tuple[Sentence, ...]


def facts(
    incident: Incident, hypotheses: Sequence[Hypothesis], causes: Sequence[Cause], missing: Sequence[str]
) -> Iterator[Fact]:
    """What a summary may rest on, the most telling first: `s` symptom, `h` hypothesis, `e` experiment, `c` cause,
    `m` missing.
    """
    yield Fact("s", f"noticed at {incident.detected:%H:%M:%S}: {incident.symptom}")
    for one in hypotheses:
        likely = f"{one.confidence:.2f}"
        text = f"{one.statement}: {one.verdict}, confidence {likely}"
        yield Fact(f"h{one.rank}", text, one.verdict, _needs(one.verdict, likely))
    for one in hypotheses:
        for number, done in enumerate(one.experiments, 1):
            text = f"{done.question} {done.verdict}: {done.error or done.reason}"
            yield Fact(f"h{one.rank}e{number}", text, done.verdict)
    for number, cause in enumerate(causes, 1):
        yield Fact(f"c{number}", f"contributing cause: {cause.text}")
    for number, lack in enumerate(missing, 1):
        yield Fact(f"m{number}", f"not seen: {lack}")


def _needs(verdict: Verdict, likely: str) -> re.Pattern[str] | None:
    if verdict is not Verdict.SUPPORTED:
        return _VERDICTS[verdict]
    return None if float(likely) >= LIKELY else re.compile(re.escape(likely))


def question(known: Sequence[Fact]) -> dict[str, Any]:
    """What the model is told: data only, the list `facts` may be cut."""
    return {"facts": [{"id": one.id, "fact": quoted_text(one.text)} for one in known]}


def schema(known: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of `Summary`, with the facts that may be named."""
    item = {
        "type": "object",
        "properties": {
            "section": {"type": "string", "enum": list(_SECTIONS)},
            "text": {"type": "string", "maxLength": _WORDY},
            "facts": {"type": "array", "items": {"type": "string", "enum": list(known)}, "maxItems": _FACTS},
        },
        "required": ["section", "text", "facts"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"sentences": {"type": "array", "items": item, "maxItems": _ASKED}},
        "required": ["sentences"],
        "additionalProperties": False,
    }


def checked(summary: Summary, known: Sequence[Fact], services: Sequence[str]) -> tuple[Said, ...]:
    """The sentences with everything struck that does not stand in the facts they name, so many for each section.

    Of the summary those that failed stay, to be shown as unsupported; for a draft only what holds is of use.
    """
    by_id = {one.id: one for one in known}
    kept: list[Said] = []
    for one in summary.sentences:
        said = _checked(one, by_id, services)
        if said is None or said in kept or (said.section != "summary" and not said.supported):
            continue
        if sum(said.section == other.section for other in kept) < _SECTIONS[said.section]:
            kept.append(said)
    return tuple(kept)


def holds(said: Said, known: Sequence[Fact], services: Sequence[str]) -> bool:
    """Whether a sentence of a record still passes the check, word for word."""
    sentence = Sentence(section=said.section, text=said.text, facts=said.facts)
    return said.supported and _checked(sentence, {one.id: one for one in known}, services) == said


def _checked(sentence: Sentence, known: Mapping[str, Fact], services: Sequence[str]) -> Said | None:
    named = [known[one] for one in dict.fromkeys(sentence.facts) if one in known]
    texts = [one.text for one in named]
    result = struck(sentence.text[:_LONGEST], Allowed.of(texts, services))
    if not result.text:
        return None
    supported = (
        0 < len(named) <= _FACTS
        and _shared(result.text, texts) >= _SHARED
        and not result.pieces
        and not _says_another_verdict(result.text, named)
        and all(one.needs is None or one.needs.search(result.text) for one in named)
        and not (_DENIES.search(result.text) and not any(_DENIES.search(text) for text in texts))
        and all(any(_names(name, text) for text in texts) for name in services if _names(name, result.text))
    )
    return Said(
        text=result.text,
        section=sentence.section,
        facts=tuple(one.id for one in named),
        supported=supported,
    )


def _says_another_verdict(text: str, named: Sequence[Fact]) -> bool:
    given = {one.verdict for one in named if one.verdict is not None}
    said = {verdict for verdict, words in _VERDICTS.items() if words.search(text)}
    return not said <= given


def _shared(sentence: str, texts: Sequence[str]) -> float:
    """How many of the words of four letters and more stand in the texts; by their beginnings, as endings change."""
    said = {word[:5].casefold() for word in _WORD.findall(sentence)}
    there = {word[:5].casefold() for text in texts for word in _WORD.findall(text)}
    return len(said & there) / len(said) if said else 0.0


def _names(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE) is not None
