"""By symptom: each alert with what it leads to, then what people see, by the patterns that explain it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Pattern, Runbook, Status
from compass.model.match import AlertSignal
from compass.publish.commonmark import parser, plain
from compass.publish.edition import KIND_NAMES, Edition, entry_page, href
from compass.publish.markup import Markup
from compass.publish.rows import COUNTED, Rows, empty_state, listed, paged
from compass.publish.text import clean, count, escape, front_matter, heading

MOST: Final = 8
"""Entries of one kind that an alert names; the search finds the others."""
_ALERT: Final = re.compile(r'alertname(=~?)"([^"]*)"')
_NAME: Final = re.compile(r"[\w:.-]+")
_SECTION: Final = re.compile(r"^#{1,3}[ \t]+Symptoms[ \t]*\n+((?:(?!#)[^\n]+\n?)+)", re.MULTILINE)
_REFERENCE: Final = re.compile(r"\[\^[A-Za-z0-9_-]{1,20}\]")
_LONGEST: Final = 240
_ALERTS, _OTHER = "Alerts", "Other symptoms"


class Symptoms:
    """Draws the index of symptoms of one edition."""

    def __init__(self, edition: Edition, markup: Markup) -> None:
        self.edition = edition
        self.markup = markup
        self.rows = Rows(edition, markup)
        self._parser = parser()

    def draw(self) -> Iterator[tuple[str, str]]:
        """(path in the staged folder, Markdown) of each page."""
        alerts = self.by_alert()
        items: list[tuple[str, str | LoadedEntry]] = [(_ALERTS, name) for name in alerts]
        seen = [(title, one) for title, ones in self._seen().items() for one in ones]
        items += seen

        def head(_: int, suffix: str) -> list[str]:
            told = f"{count(len(alerts), 'alert')}, {count(len(seen), 'symptom')}{suffix}."
            return [
                front_matter(title=f"Symptoms{suffix}", section="symptoms", layout="wide"),
                heading("Symptoms", 1),
                f'<p class="cm-lead">What you see first: an alert, or how users feel it. <span class="cm-muted">{told}</span></p>',
            ]

        def rows(ones: Sequence[str | LoadedEntry], page: str) -> str:
            return listed(
                "".join(
                    self._alert(one, alerts[one], page) if isinstance(one, str) else self._pattern(one, page)
                    for one in ones
                )
            )

        lead = "Alerts come from runbooks, patterns and the catalog; symptoms from patterns. Start with:"
        empty = empty_state("No symptom is known here yet.", lead, "compass new pattern")
        yield from paged("symptoms/index", items, rows, head, empty)

    def by_alert(self) -> Mapping[str, tuple[LoadedEntry, ...]]:
        """Alert name -> the runbooks that name it, then the patterns that wait for it; by name.

        Alerting rules of the main repository's catalog are there as well, even where nothing is known of them.
        """
        found: dict[str, dict[str, LoadedEntry]] = defaultdict(dict)
        for one in self.edition.library.alerts:
            found[one.name]  # an alert without a runbook is worth showing
        for kind in ("runbook", "pattern"):
            for loaded in self.edition.listed:
                if loaded.kind == kind:
                    for name in alert_names(loaded):
                        found[name][loaded.id] = loaded
        return {
            name: tuple(found[name].values())
            for name in sorted(found, key=lambda name: (name.casefold(), name))
        }

    def _seen(self) -> Mapping[str, list[LoadedEntry]]:
        """Symptom, from the tags of that category -> patterns; those without one last."""
        found: dict[str, list[LoadedEntry]] = defaultdict(list)
        for loaded in self.edition.listed:
            if isinstance(loaded.entry, Pattern):
                names = [tag.partition(":")[2] for tag in loaded.entry.tags if tag.startswith("symptom:")]
                for name in dict.fromkeys(names or [_OTHER]):
                    found[name[:1].upper() + name[1:].replace("-", " ")].append(loaded)
        return {name: found[name] for name in sorted(found, key=lambda name: (name == _OTHER, name))}

    def _alert(self, name: str, entries: Sequence[LoadedEntry], page: str) -> str:
        lines = []
        for kind in ("runbook", "pattern"):
            chosen = [one for one in entries if one.kind == kind]
            links = [
                f'<a href="{href(page, entry_page(one))}">{escape(one.title)}</a>' for one in chosen[:MOST]
            ]
            rest = len(chosen) - MOST
            more = [f"{count(rest, 'more', 'more')}: search for the alert"] if rest > 0 else []
            if links:
                lines.append(
                    f"{KIND_NAMES[kind][0 if len(chosen) == 1 else 1]}: {', '.join((*links, *more))}"
                )
            elif kind == "runbook":
                lines.append('<span class="cm-missing">No runbook yet</span>')
        return (
            f'<li><p class="cm-row-title"><span class="cm-alert">{escape(name)}</span></p>'
            f'<p class="cm-row-links">{"<br>".join(lines)}</p></li>\n'
        )

    def _pattern(self, loaded: LoadedEntry, page: str) -> str:
        runbooks = [other for word, other in self.edition.links.get(loaded.id, ()) if word == "Mitigated by"]
        helped = ", ".join(self.markup.link(other, page) for other in runbooks[:MOST])
        told = f"{COUNTED['runbook'][len(runbooks) != 1]}: {helped}" if runbooks else "no runbook yet"
        return (
            f'<li><p class="cm-row-title">{self.rows.title(loaded, page)}</p><p>{escape(self._told(loaded))}</p>'
            f'<p class="cm-row-facts">Pattern · {told}</p></li>\n'
        )

    def _told(self, loaded: LoadedEntry) -> str:
        """What people see, in the words of its section on symptoms, or else of its summary."""
        section = _SECTION.search(clean(loaded.body))
        text = _REFERENCE.sub("", section[1] if section else loaded.entry.summary or "")[: 4 * _LONGEST]
        tokens = self._parser.parseInline(" ".join(text.split()), {})
        children = (tokens[0].children or []) if tokens else []
        for token in children:
            if token.type == "compass_reference":
                token.content = self._title(token.meta["entry"] or "")
        words = " ".join(plain(children).split())
        return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rpartition(' ')[0]} …"

    def _title(self, entry_id: str) -> str:
        """What a link to an entry reads like where there can be no link."""
        target = self.edition.pages.get(entry_id)
        return clean(target.title) if target and target.status is not Status.WITHDRAWN else entry_id


def alert_names(loaded: LoadedEntry) -> tuple[str, ...]:
    """The alerts by name that an entry answers to or waits for."""
    entry = loaded.entry
    if isinstance(entry, Runbook):
        return tuple(" ".join(clean(one.name).split()) for one in entry.alerts)
    if isinstance(entry, Pattern) and entry.match:
        found: dict[str, None] = {}
        for signal in entry.match.signals.values():
            for matcher in signal.matchers if isinstance(signal, AlertSignal) else ():
                if said := _ALERT.fullmatch(matcher.replace(" ", "")):
                    names = said[2].split("|") if said[1] == "=~" else [said[2]]
                    found |= dict.fromkeys(name for name in names if _NAME.fullmatch(name))
        return tuple(found)
    return ()
