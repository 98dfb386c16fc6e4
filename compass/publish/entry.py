"""The page of one entry: what it is, whether to trust it, what to do, and why it is believed."""

from __future__ import annotations

from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Evidence, Pattern, Postmortem, Runbook, Status
from compass.publish import incident, match
from compass.publish.blocks import document
from compass.publish.commonmark import code
from compass.publish.edition import KIND_NAMES, Edition, entry_page, named
from compass.publish.markup import Markup
from compass.publish.search.facets import said
from compass.publish.text import (
    attribute,
    chip,
    count,
    day,
    definition,
    escape,
    front_matter,
    heading,
    items,
    moment,
)

_STATUS: Final = {
    Status.DRAFT: "Nobody has confirmed this yet.",
    Status.VERIFIED: "Confirmed by an incident or a replay.",
    Status.STABLE: "Confirmed by several incidents, without a false match.",
    Status.DEPRECATED: "Kept for the record; use its successor.",
    Status.WITHDRAWN: "Do not use.",
}
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
            f"{self._trust(loaded, page)}\n{self._facts(loaded, page)}\n{self._banners(loaded, page)}\n{summary}",
            *self._of_kind(loaded, page),
            *self._section("Evidence", self._evidence(loaded)),
            *self._section("References", self._references(loaded)),
            *self._section("Linked knowledge", self._links(loaded, page)),
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
                title=f"Withdrawn {kind.lower()} {loaded.id}", section=page.partition("/")[0], twin=loaded.id
            ),
            f'<p class="cm-kicker">{kind} {chip("withdrawn", "status")}</p>',
            heading(f"{loaded.id} was withdrawn", 1),
            f'<div class="cm-banner cm-banner-stop" role="note">{note}</div>',
        )
        return document(parts)

    def inline(self, text: str, loaded: LoadedEntry) -> str:
        """A field's text, drawn for its own page."""
        return self.markup.inline(text, loaded, entry_page(loaded))

    def _kicker(self, loaded: LoadedEntry) -> str:
        entry = loaded.entry
        chips = [
            f'<span data-pagefind-filter="kind" data-pagefind-meta="kind">{KIND_NAMES[loaded.kind][0]}</span>',
            f'<span data-pagefind-filter="status" data-pagefind-meta="status">{chip(entry.status.value, "status")}</span>',
            chip(entry.severity.value, "severity", f"{entry.severity.value} severity")
            if entry.severity
            else "",
            chip("late", "review", "review overdue") if self.edition.overdue(loaded) > 0 else "",
            f'<span class="cm-scope">{escape(loaded.mount.id)}</span>',
        ]
        return " ".join(one for one in chips if one)

    def _trust(self, loaded: LoadedEntry, page: str) -> str:
        """The facts that decide whether to follow it, in one line where there is no room beside the text."""
        entry = loaded.entry
        found = [
            f"Owner {self.markup.team(entry.owner, page)}" if entry.owner else "No owner",
            f"verified {day(entry.last_verified)}" if entry.last_verified else "never verified",
            f"review by {day(entry.review_by)}" if entry.review_by else "",
        ]
        return f'<p class="cm-trust" data-pagefind-ignore>{" · ".join(one for one in found if one)}</p>'

    def _facts(self, loaded: LoadedEntry, page: str) -> str:
        entry, edition = loaded.entry, self.edition
        changed = edition.changed_at(loaded)
        owner = self.markup.team(entry.owner, page) if entry.owner else ""
        services = [self.markup.service(one, page) for one in dict.fromkeys(entry.services)]
        seen = ""
        if entry.confirmed:
            seen = count(entry.confirmed.incidents, "incident")
            seen += f" in {count(entry.confirmed.tribes, 'tribe')}" if entry.confirmed.tribes else ""
        trust = [
            definition("Trust", f"{chip(entry.status.value, 'status')} {_STATUS[entry.status]}"),
            definition("Owner", owner or '<span class="cm-missing">nobody</span>'),
            definition("Last verified", day(entry.last_verified) if entry.last_verified else "never"),
            definition("Review by", day(entry.review_by) if entry.review_by else ""),
            definition("Last changed", day(changed) if changed else "not committed yet"),
            definition("Confirmed by", seen),
            definition("Drafted by", _drafter(loaded)),
            definition("Source", f'<code class="cm-source">{escape(_source(loaded))}</code>'),
        ]
        found_by = [
            definition("Services", *services),
            definition("Tags", " ".join(chip(tag, "tag", tag) for tag in entry.tags)),
            definition("Also known as", *(escape(one) for one in entry.aliases)),
            definition("Id", f'<code class="cm-id">{loaded.id}</code>'),
        ]
        return (
            f'<aside class="cm-facts" aria-label="Facts">\n<dl data-pagefind-ignore>{"".join(trust)}</dl>\n'
            f"<dl>{''.join(found_by)}</dl>\n</aside>"
        )

    def _banners(self, loaded: LoadedEntry, page: str) -> str:
        entry, late = loaded.entry, self.edition.overdue(loaded)
        found = []
        if entry.status is Status.DEPRECATED:
            use = (
                f" Use {self.markup.link(entry.superseded_by, page)} instead." if entry.superseded_by else ""
            )
            found.append(("stop", f"<strong>Deprecated.</strong>{use}"))
        if entry.status is Status.DRAFT:
            found.append(
                ("note", f"<strong>Draft.</strong> {_STATUS[Status.DRAFT]} Read it as a suggestion.")
            )
        if late > 0 and entry.review_by:
            ask = f" Ask {escape(named(entry.owner)[1])} before you rely on it." if entry.owner else ""
            found.append(
                (
                    "late",
                    f"<strong>Stale.</strong> Its review was due on {day(entry.review_by)}, {count(late, 'day')} ago.{ask}",
                )
            )
        return "\n".join(
            f'<div class="cm-banner cm-banner-{style}" role="note" data-pagefind-ignore><p>{text}</p></div>'
            for style, text in found
        )

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

    def _evidence(self, loaded: LoadedEntry) -> str:
        rows = "".join(f'<li id="evidence-{one.id}">{_evidence(one)}</li>' for one in loaded.entry.evidence)
        return f'<ol class="cm-evidence">{rows}</ol>' if rows else ""

    def _references(self, loaded: LoadedEntry) -> str:
        return items(
            [
                f"{_address(one.url)} {chip(one.type.value.lower(), 'reference')}"
                for one in loaded.entry.references
            ],
            "cm-references",
        )

    def _links(self, loaded: LoadedEntry, page: str) -> str:
        found: dict[str, list[str]] = {}
        for word, other in self.edition.links.get(loaded.id, ()):
            target = self.edition.pages[other]
            kind = KIND_NAMES[target.kind][0]
            found.setdefault(word, []).append(
                f'{self.markup.link(other, page)} <span class="cm-muted">{kind}</span> {chip(target.status.value, "status")}'
            )
        drawn = "".join(definition(word, *found[word]) for word in _ORDER if word in found)
        return f'<dl class="cm-links" data-pagefind-ignore>{drawn}</dl>' if drawn else ""


def _evidence(one: Evidence) -> str:
    head = f'<strong class="cm-evidence-id">{one.id}</strong> {chip(one.type, "source")}'
    facts = definition("Asked of", escape(one.datasource or ""))
    if one.window:
        facts += definition("Window", f"{moment(one.window.start)} – {moment(one.window.end)}")
    facts += definition("Captured", moment(one.captured) if one.captured else "")
    facts += definition("SHA-256", f'<code class="cm-digest">{one.sha256}</code>' if one.sha256 else "")
    query = code(one.query) if one.query else ""
    observed = f'<p class="cm-label">Observed</p>{code(one.observed)}' if one.observed else ""
    hidden = '<p class="cm-muted">The excerpt was removed when this was shared.</p>' if one.redacted else ""
    return f'<p>{head}</p>{query}{observed}{hidden}<dl class="cm-inline-facts">{facts}</dl>'


def _address(url: str) -> str:
    if url.lower().startswith(("https://", "http://")):
        return f'<a href="{attribute(url)}" rel="noopener noreferrer nofollow">{escape(url.partition("//")[2])}</a>'
    return f"<span>{escape(url)}</span>"


def _drafter(loaded: LoadedEntry) -> str:
    found = loaded.entry.provenance
    return escape(" · ".join(one for one in (found.drafted_by, found.model) if one)) if found else ""


def _source(loaded: LoadedEntry) -> str:
    commit = loaded.mount.commit
    return f"{loaded.mount.id}@{commit[:10] if commit else 'worktree'}:{loaded.path}"
