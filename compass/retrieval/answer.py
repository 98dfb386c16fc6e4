"""What a search answers: ranked results that say why, and how sure the first one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compass.retrieval.confidence import Band
from compass.retrieval.query import Query


@dataclass(frozen=True, slots=True)
class Result:
    """One entry that may apply; `commit` is None when the working tree was read; `root` and `blob` say where its text is."""

    id: str
    kind: str
    title: str
    status: str
    path: str
    repo: str
    commit: str | None
    score: float
    why: str
    root: str = ""
    blob: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Results, best first; they are filled even where `abstained` says that none of them seems to apply."""

    results: tuple[Result, ...]
    confidence: float
    band: Band
    milliseconds: float
    query: Query

    @property
    def abstained(self) -> bool:
        """Whether the honest answer is "nothing"."""
        return self.band == "nothing found"

    def as_json(self, identifier: str | None = None) -> dict[str, Any]:
        """The fixed shape of `search --format json`, with the query's id in a batch."""
        shown = ("id", "kind", "title", "path", "repo", "commit", "score", "why")
        head: dict[str, Any] = {"schema": 1} if identifier is None else {"schema": 1, "id": identifier}
        return head | {
            "results": [{name: getattr(one, name) for name in shown} for one in self.results],
            "confidence": self.confidence,
            "abstained": self.abstained,
            "milliseconds": self.milliseconds,
        }
