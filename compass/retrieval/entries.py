"""A valid entry of a library as a document of the index."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final

from compass.library import LoadedEntry
from compass.library.alerts import Alert
from compass.model.entry import Entry, Pattern, Postmortem, Runbook
from compass.model.match import AlertSignal, LogSignal, MetricSignal
from compass.retrieval.document import Document, Shown, document, key_of

_SAID: Final = ("summary", "description", "message")
"""Annotations of a rule that say what is wrong."""

_ALERTNAME: Final = re.compile(r"\s*alertname\s*=\s*\"([^\"]+)\"\s*")


def from_entry(loaded: LoadedEntry, rules: Sequence[Alert] = ()) -> Document:
    """The fields of a valid entry: title, summary, alerts, match block, services, tags, then the body.

    `rules` are the alerting rules that the entry is for: their names, expressions and annotations lead to it as well.
    """
    entry = loaded.entry
    alerts, queries, said = _machine_part(entry)
    alerts += [one.name for one in rules]
    queries += [one.expression for one in rules]
    said = [*said, *(one.annotations[name] for one in rules for name in _SAID if name in one.annotations)]
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
        key=entry_key(loaded, rules),
    )


def entry_key(loaded: LoadedEntry, rules: Sequence[Alert] = ()) -> int:
    """64 bits that change with everything that `from_entry` reads."""
    told = (
        repr([(one.name, one.expression, sorted(one.annotations.items())) for one in rules]) if rules else ""
    )
    return key_of(loaded.path, loaded.blob) ^ zlib.crc32(told.encode("utf-8", "replace"))


def rules_by_path(entries: Sequence[LoadedEntry], alerts: Sequence[Alert]) -> dict[str, list[Alert]]:
    """The alerting rules that each runbook is for: it names them, or their runbook URL ends in its name or id."""
    found: dict[str, list[Alert]] = {}
    if not alerts:
        return found
    by_name: dict[str, list[Alert]] = {}
    by_link: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_name.setdefault(alert.name, []).append(alert)
        for link in (alert.annotations.get("runbook_url", ""), alert.annotations.get("runbook", "")):
            for name in file_names(link):
                by_link.setdefault(name, []).append(alert)
    for loaded in entries:
        if loaded.kind != "runbook":
            continue
        stem = loaded.path.rpartition("/")[2].removesuffix(".md")
        entry = loaded.entry
        own = [alert.name for alert in entry.alerts] if isinstance(entry, Runbook) else []
        meant = [*by_link.get(stem, ()), *by_link.get(loaded.id, ())]
        meant += [alert for name in own for alert in by_name.get(name, ())]
        if meant:
            found[loaded.path] = list({id(one): one for one in meant}.values())
        loaded.forget()
    return found


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
