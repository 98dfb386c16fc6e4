"""What the index keeps of an entry: a few weighted fields, the names it answers to, and what a result shows."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Entry, Pattern, Postmortem, Runbook
from compass.model.match import AlertSignal, LogSignal, MetricSignal
from compass.retrieval.words import OPERATIONAL_HEADINGS

LEAD: Final = 500
"""Characters of the text that count as its beginning, where an entry says what it is about."""

_HEADING: Final = re.compile(
    r"^(?:#{1,6}|={1,5})[ \t]+(.{1,200})$|^(.{1,200})\n(?:={3,}|-{3,})$", re.MULTILINE
)
_NOISE: Final = re.compile(r"^\s*(?::_?[\w-]+:|//|\[[^\]\n]*\]\s*$|include::).*\n?", re.MULTILINE)
_ALERTNAME: Final = re.compile(r"\s*alertname\s*=\s*\"([^\"]+)\"\s*")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a result shows of a document, wherever it stands."""

    id: str
    kind: str
    title: str
    status: str
    path: str


@dataclass(frozen=True, slots=True)
class Document:
    """One entry as text: its beginning and the `rest`. `names` are declared exact names (alerts, ids), `called` those it
    happens to have (title, file); `key` changes with path and content.
    """

    shown: Shown
    names: tuple[str, ...]
    called: tuple[str, ...]
    lead: str
    rest: str
    operational: bool
    key: int


def key_of(path: str, blob: str) -> int:
    """64 bits that change when a file is renamed or changed."""
    return int(blob[:16] or "0", 16) ^ (zlib.crc32(path.encode("utf-8", "replace")) << 20)


def from_text(identifier: str, title: str, text: str) -> Document:
    """A draft as `import` makes it from a Markdown file: a title and a body, nothing in the front matter."""
    shown = Shown(identifier, "runbook", title, "draft", f"runbooks/{identifier}.md")
    return _document(shown, (), (), "", text, known=False, key=0)


def from_entry(loaded: LoadedEntry) -> Document:
    """The fields of a valid entry: title, summary, alerts, match block, services, tags, then the body."""
    entry = loaded.entry
    alerts, queries, said = _machine_part(entry)
    files = [name for reference in entry.references for name in file_names(reference.url)]
    about = [entry.summary or "", *alerts, *queries]
    about += [ref.rpartition("/")[2] for ref in entry.services] + [
        tag.replace(":", " ") for tag in entry.tags
    ]
    shown = Shown(
        entry.id,
        entry.kind,
        entry.title,
        entry.status.value,
        loaded.path,
    )
    return _document(
        shown,
        tuple(dict.fromkeys((entry.id, *entry.aliases, *alerts))),
        tuple(dict.fromkeys(files)),
        "\n".join(part for part in about if part),
        "\n".join([loaded.body, *said]),
        known=bool(alerts or queries),
        key=key_of(loaded.path, loaded.blob),
    )


def file_names(url: str) -> list[str]:
    """The last part of a URL or path, with and without its extension; `[]` when there is none."""
    name = re.split(r"[?#]", url.strip(), maxsplit=1)[0].rstrip("/").rpartition("/")[2]
    plain = re.sub(r"\.(?:md|markdown|adoc|rst|txt|html?)$", "", name)
    return [one for one in dict.fromkeys((name, plain)) if len(one) > 3]


def _machine_part(entry: Entry) -> tuple[list[str], list[str], list[str]]:
    """Alert names, queries and matchers, and the sentences that stand in the front matter."""
    alerts: list[str] = []
    queries: list[str] = []
    said: list[str] = []
    if isinstance(entry, Runbook):
        alerts = [alert.name for alert in entry.alerts]
        queries = [matcher for alert in entry.alerts for matcher in alert.matchers]
        said = [text for step in entry.steps for text in (step.text, step.command or "")]
    if isinstance(entry, Pattern):
        for signal in entry.match.signals.values() if entry.match else ():
            if isinstance(signal, AlertSignal):
                alerts += [
                    found[1] for matcher in signal.matchers if (found := _ALERTNAME.fullmatch(matcher))
                ]
            if isinstance(signal, AlertSignal | LogSignal):
                queries += signal.matchers
            if isinstance(signal, LogSignal):
                queries.append(signal.template)
            if isinstance(signal, MetricSignal):
                queries.append(signal.promql)
        said = [one.statement for one in entry.hypotheses]
    if isinstance(entry, Pattern | Postmortem):
        said += [cause.text for cause in entry.contributing_causes]
    return alerts, queries, said


def _document(
    shown: Shown,
    names: tuple[str, ...],
    called: tuple[str, ...],
    about: str,
    text: str,
    *,
    known: bool,
    key: int,
) -> Document:
    clean = re.sub(r"\n{2,}", "\n", _NOISE.sub("", text)).strip()
    headings = {(first or second).strip().lower() for first, second in _HEADING.findall(text)}
    operational = known or "```promql" in text or bool(headings & OPERATIONAL_HEADINGS)
    cut = _cut(clean)
    lead = f"{about}\n{clean[:cut]}" if about else clean[:cut]
    return Document(shown, names, (shown.title, *called), lead, clean[cut:], operational, key)


def _cut(text: str) -> int:
    """Where the beginning ends: after LEAD characters, or at the last gap before that."""
    if len(text) <= LEAD:
        return len(text)
    gap = max(text.rfind(" ", LEAD - 80, LEAD), text.rfind("\n", LEAD - 80, LEAD))
    return gap if gap > 0 else LEAD
