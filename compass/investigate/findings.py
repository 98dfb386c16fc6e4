"""What a signal found at a component: a score in nats and the sentence that explains it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from compass.investigate.families import Family


class Signal(StrEnum):
    """The signals that rank components; see `compass.investigate.ranking` for their weights."""

    BALANCE = "balance over the call graph"
    METRIC = "metric"
    ALERT = "alerts"
    GAP = "time between caller and callee"
    OWN_TIME = "own time of spans"
    LAST_CALL = "last call before a span ends"
    FAILED_SPAN = "failed spans"
    STATEMENT = "log statements"
    NEW_ERROR = "new error statements"


class Finding(NamedTuple):
    """One signal at one component.

    `score` is at least 0, about log(1 + how many times the usual swing) or a log Bayes factor; `text` says what
    was seen; `query`, in the language of `source`, shows it again; `other` names the other end of an edge.
    """

    component: str
    signal: Signal
    score: float
    text: str
    family: Family = Family.OTHER
    metric: str = ""
    query: str = ""
    source: str = ""
    other: str = ""


def quoted(text: str) -> str:
    """Text as it stands between the quotes of PromQL, LogQL and TraceQL."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
