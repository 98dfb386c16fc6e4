"""Generated entries in the language of operations: real sentences of this repository, mixed, renamed and given subjects.

The same seed and number give the same entry. Each one has a subject of its own (a service, an alert, metrics, words that
few others use), since that is what tells the pages of a real memory apart.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from published import base

ROOT: Final = Path(__file__).resolve().parent.parent
WORD: Final = re.compile(r"[A-Za-z]{4,}")
_KINDS: Final = ("runbook", "pattern", "postmortem")
_PREFIX: Final = {"runbook": "run", "pattern": "pat", "postmortem": "pm"}
_FOLDER: Final = {"runbook": "runbooks", "pattern": "patterns", "postmortem": "postmortems/2026"}
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TECHNOLOGY: Final = (
    "kubernetes",
    "postgresql",
    "kafka",
    "redis",
    "nginx",
    "linux",
    "terraform",
    "java",
    "go",
)
_SYLLABLES: Final = (
    "ba be bo ca ce co da de do fa fe fi ga go ha he ka ke ki la le lo ma me mi na ne no pa pe po ra re ri sa se si "
    "ta te ti va ve vi wa we za zo bar den fal gor hin jun kel lum mor nis pel ran sol tor ven wik zan"
)
_PARTS: Final = tuple(_SYLLABLES.split())


@dataclass(frozen=True)
class Made:
    """One generated entry: its front matter and its text."""

    id: str
    path: str
    data: dict[str, Any]
    body: str

    @property
    def page(self) -> str:
        """Where its page lies in the site."""
        folder = self.path.partition("/")[0]
        return f"{folder}/{self.id}.html"

    @property
    def shown(self) -> str:
        """The prose that its page shows."""
        return f"{self.data['title']}\n{self.data['summary']}\n{self.body}"


@cache
def _language() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sentences of the repository's own prose, and their words from the most to the least frequent."""
    files = sorted((*(ROOT / "knowledge").rglob("*.md"), *(ROOT / "site" / "docs").rglob("*.md")))
    texts = [path.read_text("utf-8") for path in files]
    sentences = [
        " ".join(one.split())
        for text in texts
        for one in re.split(r"(?<=[.!?])\s+", text)
        if 40 < len(one) < 220 and re.fullmatch(r"[A-Z][\w\s,;:()'%./-]+[.!?]", one)
    ]
    counted: dict[str, int] = {}
    for text in texts:
        for word in WORD.findall(text.lower()):
            counted[word] = counted.get(word, 0) + 1
    return tuple(sentences), tuple(sorted(counted, key=lambda word: (-counted[word], word)))


def _coined(draw: random.Random, parts: int) -> str:
    return "".join(draw.choice(_PARTS) for _ in range(parts))


def _often(draw: random.Random, words: tuple[str, ...]) -> str:
    """A word by Zipf's law."""
    return words[min(int(len(words) ** draw.random()), len(words) - 1)]


def made(number: int, seed: int = 1) -> Made:
    """The entry with that number."""
    draw = random.Random(f"{seed}/{number}")
    sentences, words = _language()
    team = f"team-{_coined(random.Random(f'{seed}/team/{number % 40}'), 2)}"
    of_service = random.Random(f"{seed}/service/{draw.randrange(400)}")
    service = f"{_coined(of_service, 3)}-{_coined(of_service, 2)}"
    trouble = [_often(draw, words).capitalize() for _ in range(2)]
    alert = "".join((*(part.capitalize() for part in service.split("-")), *trouble))
    metric = f"{service.replace('-', '_')}_{_often(draw, words)}_{_often(draw, words)}_total"
    dotted = f"{service.replace('-', '.')}.{_often(draw, words)}"
    # What it is about: words from anywhere in the language, and some that are nobody else's.
    subject = [draw.choice(words) for _ in range(25)] + [_coined(draw, 3) for _ in range(6)]
    named = [service, alert, metric, dotted, f"ERR-{draw.randrange(10_000):04}"]

    def sentence() -> str:
        def instead(found: re.Match[str]) -> str:
            return draw.choice(subject) if draw.random() < 0.22 else found[0]

        text = WORD.sub(instead, draw.choice(sentences))
        return f"{text[:-1]} ({draw.choice(named)})." if draw.random() < 0.2 else text

    def paragraph() -> str:
        return " ".join(sentence() for _ in range(draw.randint(2, 5)))

    kind = draw.choice(_KINDS)
    id_digits = "".join(draw.choice(_DIGITS) for _ in range(10))
    identifier = f"{_PREFIX[kind]}-{id_digits}"
    headings = draw.sample(("Meaning", "Impact", "Diagnosis", "Mitigation", "Mechanism", "Rollback"), 3)
    body = "\n\n".join(f"## {heading}\n\n{paragraph()}\n\n{paragraph()}" for heading in headings)
    data = base(
        kind,
        identifier,
        f"{service}: {' '.join(draw.sample(subject, 3))} {trouble[0].lower()}"[:100],
        status=draw.choice(("draft", "verified", "stable", "deprecated")),
        summary=sentence()[:390],
        owner=f"group:default/{team}",
        services=[f"component:default/{service}"],
        severity=draw.choice(("low", "medium", "high", "critical")),
        tags=[f"technology:{draw.choice(_TECHNOLOGY)}"],
        review_by=f"2026-{draw.randint(1, 12):02}-15",
    )
    if kind == "runbook":
        data["alerts"] = [{"name": alert}]
    return Made(identifier, f"{_FOLDER[kind]}/n{number}.md", data, f"{body}\n\n```\n{metric} > 5\n```\n")


def corpus(count: int, seed: int = 1) -> Iterator[Made]:
    """The first entries of a seed."""
    return (made(number, seed) for number in range(count))
