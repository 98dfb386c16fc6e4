"""Who a sentence is about: people and roles are marked, so that a rule can tell them from machines."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

PERSON: Final = "\x01"
"""Stands for a person, a role or he and she in a marked sentence."""
WHO: Final = "\x02"
"""Stands for a "who" that goes with a person."""

_ROLES: Final = (
    "engineer|developer|programmer|coder|administrator|sysadmin|admin|dba|technician|analyst|intern|trainee|apprentice|"
    "contractor|consultant|freelancer|reviewer|approver|committer|tester|architect|commander|responder|sre|colleague|"
    "coworker|co-worker|employee|staffer|specialist|supervisor|director|officer|scientist|guy|gal|dude|person|human|"
    "individual|newcomer|newbie|rookie|on-?caller|maintainer|operator|clerk|electrician|author"
)
_MARKED: Final = re.compile(
    rf"""(?<![\w'-])(?:
      (?:{_ROLES})s?
    | (?:team|staff|crew|board|shift|group|squad|support|night|day|junior|senior)[ ]members?
    | (?:(?<=the[ ])|(?<=one[ ])|(?<=another[ ])|(?<=a[ ]))members?
    | members?(?=[ ]of[ ](?:the|our|staff|a)[ ])
    | people(?=[ ]on[ ](?:call|duty|shift))
    | somebody(?:[ ]else)? | someone(?:[ ]else)? | s?he | he/she | she/he
    | (?:new|recent)[ ]hires?
    | (?:product|project|release|incident|engineering|shift|duty|line|account|change|problem|delivery|programme?|it|ops|
        operations|network|support|night|day|general|senior|site|security|service)[ ]managers?
    | (?:support|help-?desk|service-desk|call-cent(?:re|er)|customer[ ](?:service|support))[ ]agents?
    | (?<=[\w›][ ])lead(?![ ](?:to|time)\b)
    | (?:(?<=the[ ])|(?<=a[ ])|(?<=our[ ])|(?<=one[ ])|(?<=some[ ])|(?<=that[ ])|(?<=junior[ ])|(?<=senior[ ]))devs?
    | one[ ]of[ ](?:us|them|ours)
    | on-?call
    | @[\w-]+
    )(?![\w-])""",
    re.VERBOSE,
)
_MACHINE: Final = re.compile(
    r"(?:(?:cluster|etcd|pool|set|quorum|raft|ring|consul|gossip) members?"
    r"|(?:[\w.-]*(?:kubernetes|k8s|etcd|prometheus|database|postgres\w*|redis|kafka|mysql|cloud|custom|comparison|logical|boolean|strimzi|elastic\w*|vault|cert-manager|controller|mongo\w*|rook|argo\w*|flux|helm|gpu|backup|network|storage|telemetry|cluster) operators?)"
    r"|operator (?=(?:\w+ ){0,2}(?:reconcil|requeue))"
    r"|(?:admin|human|operator|developer|engineer|author|user|person)s? (?=api|account|console|page|token|rights?|tool|panel|port|role|password|interface|portal|sdk|network|pod|deployment|controller|image|manager|pattern|lifecycle)"
    r"|on-?call (?=rota|rotation|schedule|calendar|phone|list|policy|process|channel|tool))"
)
_WHO: Final = re.compile(rf"{PERSON}((?: [^\s,;:.{PERSON}]+){{0,5}}),? who(?= )|(?<={PERSON}) that(?= )")
_AGAIN: Final = re.compile(rf"{PERSON}(?: {PERSON})+")
_CAPITAL: Final = re.compile(r"(?<![\w@/.'-])([A-ZÀ-Þ][a-zà-ÿ]{2,20})(?![\w/@]|\.\w|-\w)")
_OPENERS: Final = (
    "the this that these those there then they them their its our his her she you your and but also when while after "
    "before because since although though however despite during with without within from for not nobody nothing "
    "none some several many most all both each every any another other one two three first second third last next "
    "later once until only even just still again instead yes what who whoever why how where which whether had has have "
    "did does was were are can could would should may might must will let see add use make ensure support help product project release incident engineering shift duty line "
    "account change problem delivery operations network night senior junior site security service staff team crew"
)


_EXAMPLES: Final = frozenset({"alice", "bob", "carol", "dave", "eve"})
_OPENING: Final = frozenset(_OPENERS.split())


def marked(sentence: str) -> str:
    """The sentence in lower case, each person in it a `PERSON`, and each word that may be a name in `‹›`."""
    text = _CAPITAL.sub(_maybe, sentence).lower()
    text = _MACHINE.sub(lambda found: found[0].replace(" ", "_"), text)
    text = _MARKED.sub(PERSON, text)
    text = _AGAIN.sub(PERSON, text.replace(f"‹{PERSON}›", PERSON))
    return _WHO.sub(_who, text).replace("whoever", f"{PERSON} {WHO}")


def mentions_people(text: str) -> bool:
    """Whether a person or a role is named at all."""
    lower = text.lower()
    return bool(_MARKED.search(lower)) and PERSON in marked(text)


def _who(found: re.Match[str]) -> str:
    return f" {WHO}" if found[1] is None else f"{PERSON}{found[1]} {WHO}"


def _maybe(found: re.Match[str]) -> str:
    return found[0] if found[1].lower() in _OPENING else f"‹{found[1]}›"


def is_given(word: str, known: Collection[str] = ()) -> bool:
    """Whether a word is a given name for sure: products that are called like people are not."""
    from compass.anonymize.vocabulary import names, vocabulary  # noqa: PLC0415  # half a second, and few texts need it

    if word in known or word in _EXAMPLES:
        return True
    return word in names().given and word not in vocabulary().operations


def is_name(word: str, known: Collection[str] = ()) -> bool:
    """Whether a word that was capitalized is a person's name rather than a product, a system or a plain word."""
    from compass.anonymize.vocabulary import vocabulary  # noqa: PLC0415  # as above

    words = vocabulary()
    return is_given(word, known) or (word not in words.operations and not words.knows(word))
