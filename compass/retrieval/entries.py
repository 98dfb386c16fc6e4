"""A valid entry of a library as a document of the index."""

from __future__ import annotations

import re
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Entry, Pattern, Postmortem, Runbook
from compass.model.match import AlertSignal, LogSignal, MetricSignal
from compass.retrieval.document import Document, Shown, document, key_of

_ALERTNAME: Final = re.compile(r"\s*alertname\s*=\s*\"([^\"]+)\"\s*")


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
        loaded.blob,
        str(entry.last_verified or entry.created),
        str(entry.review_by or ""),
        entry.superseded_by or "",
    )
    return document(
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
