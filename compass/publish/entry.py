"""The page of one entry: what it is, whether to trust it, what to do, and why it is believed."""

from __future__ import annotations

from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Pattern, Postmortem, Runbook, Status
from compass.publish import footnotes, incident, match
from compass.publish.blocks import document
from compass.publish.edition import KIND_NAMES, Edition, entry_page
from compass.publish.markup import Markup
from compass.publish.search.facets import said
from compass.publish.text import (
    chip,
    day,
    definition,
    escape,
    front_matter,
    heading,
    items,
)
from compass.publish.trust import Trust

_ORDER: Final = (
    "Mitigated by", "Mitigates", "Showed", "Seen in", "Superseded by", "Supersedes", "Remediated by", "Remediates",
    "Caused by", "Causes", "Derived from", "Source of", "Duplicates", "Duplicated by", "Similar to", "Mentions",
    "Mentioned in",
)  # fmt: skip


class EntryPage:
    """Draws entries of one edition."""

    def __init__(self, edition: Edition, markup: Markup) -> None:
        self.edition = edition
        self.markup = markup
        self.trust = Trust(edition, markup)

    def draw(self, loaded: LoadedEntry) -> tuple[str, str]:
        """(path in the staged folder, Markdown)."""
        page = entry_page(loaded)
        text = (
            self._tombstone(loaded, page) if loaded.status is Status.WITHDRAWN else self._full(loaded, page)
        )
        return f"{page}.md", text

    def _full(self, loaded: LoadedEntry, page: str) -> str:
        entry = loaded.entry
        summary = f'<p class="cm-summary">{self.inline(entry.summary, loaded)}</p>' if entry.summary else ""
        parts = [
            front_matter(
                title=entry.title, description=entry.summary or "", section=page.partition("/")[0],
                search=said(self.edition, loaded), twin=loaded.id,
            ),
            f'<p class="cm-kicker">{self._kicker(loaded)}</p>',
            heading(entry.title, 1),
            f"{self.trust.facts(loaded, page)}\n{summary}\n{self.trust.banners(loaded, page)}\n{self.trust.next_step(loaded, page)}",
            self.trust.glance(loaded, page),
            *self._of_kind(loaded, page),
            *self._section("Evidence", footnotes.evidence(self.edition, loaded)),
            *self._section("References", footnotes.references(loaded)),
            *self._section("Linked knowledge", self._links(loaded, page)),
            *self._section("History", self.trust.history(loaded)),
        ]  # fmt: skip
        return document(parts)

    def _tombstone(self, loaded: LoadedEntry, page: str) -> str:
        kind = KIND_NAMES[loaded.kind][0]
        withdrawn = loaded.entry.withdrawn
        since = f" on {day(withdrawn.at)}" if withdrawn else ""
        reason = f"<p>{self.inline(withdrawn.reason, loaded)}</p>" if withdrawn else ""
        successor = loaded.entry.superseded_by
        instead = f"<p>Use {self.markup.link(successor, page)} instead.</p>" if successor else ""
        note = f"<p><strong>Withdrawn{since}. Do not use it.</strong></p>\n{reason}{instead}"
        parts = (
            front_matter(
                title=f"Withdrawn {kind.lower()} {loaded.id}",
                section=page.partition("/")[0],
                layout="wide",
                twin=loaded.id,
            ),
            f'<p class="cm-kicker">{kind} {chip("withdrawn", "status")}</p>',
            heading(f"{loaded.id} was withdrawn", 1),
            f'<div class="cm-banner cm-banner-stop" role="note">{note}</div>',
            f'<p class="cm-more"><a href="index.html">All {KIND_NAMES[loaded.kind][1].lower()}</a></p>',
        )
        return document(parts)

    def inline(self, text: str, loaded: LoadedEntry) -> str:
        """A field's text, drawn for its own page."""
        return self.markup.inline(text, loaded, entry_page(loaded))

    def _kicker(self, loaded: LoadedEntry) -> str:
        entry = loaded.entry
        chips = [
            f'<span data-search-filter="kind" data-search-meta="kind">{KIND_NAMES[loaded.kind][0]}</span>',
            f'<span data-search-filter="status" data-search-meta="status">{chip(entry.status.value, "status")}</span>',
            chip(entry.severity.value, "severity", f"{entry.severity.value} severity")
            if entry.severity
            else "",
            chip("late", "review", "review overdue") if self.edition.overdue(loaded) > 0 else "",
            f'<span class="cm-scope">{escape(loaded.mount.id)}</span>',
        ]
        return " ".join(one for one in chips if one)

    def _of_kind(self, loaded: LoadedEntry, page: str) -> list[str]:
        entry, markup = loaded.entry, self.markup
        body = markup.body(loaded, page)
        section = self._section
        if isinstance(entry, Runbook):
            return [
                *section("Alerts", incident.alerts(entry)),
                *section("Steps", incident.steps(loaded, entry, markup, page)),
                body,
            ]
        if isinstance(entry, Postmortem):
            return [
                incident.timeline(entry),
                body,
                *section(
                    "Contributing causes", incident.causes(loaded, entry.contributing_causes, markup, page)
                ),
                *section(
                    "What went well", items([self.inline(text, loaded) for text in entry.what_went_well])
                ),
                *section(
                    "Where we got lucky",
                    items([self.inline(text, loaded) for text in entry.where_we_got_lucky]),
                ),
                *section(
                    "What surprised us",
                    items([self.inline(text, loaded) for text in entry.what_surprised_us]),
                ),
                *section("Actions", incident.actions(loaded, entry, markup, page)),
                *section("People", incident.people(entry)),
            ]
        if isinstance(entry, Pattern):
            return [
                *section(
                    "How to recognise it",
                    (match.recognition(entry.match) if entry.match else "") + match.tests(entry),
                ),
                *section("What it could be", match.hypotheses(loaded, entry.hypotheses, markup, page)),
                body,
                *section(
                    "Contributing causes", incident.causes(loaded, entry.contributing_causes, markup, page)
                ),
                *section("What looks alike and is not", match.false_positives(loaded, entry, markup, page)),
            ]
        return [body]

    def _section(self, title: str, drawn: str) -> tuple[str, ...]:
        return (heading(title, 2), drawn) if drawn else ()

    def _links(self, loaded: LoadedEntry, page: str) -> str:
        found: dict[str, list[str]] = {}
        for word, other in self.edition.links.get(loaded.id, ()):
            target = self.edition.pages[other]
            kind = KIND_NAMES[target.kind][0]
            found.setdefault(word, []).append(
                f'{self.markup.link(other, page)} <span class="cm-muted">{kind}</span> {chip(target.status.value, "status")}'
            )
        drawn = "".join(definition(word, *found[word]) for word in _ORDER if word in found)
        return f'<dl class="cm-links" data-search-ignore>{drawn}</dl>' if drawn else ""
