"""Whether to follow an entry: trust at a glance, plain warnings, its history, and how to propose a change of it."""

from __future__ import annotations

from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Pattern, Status
from compass.model.scope import Level
from compass.publish.edition import Edition, began, named, tag_page
from compass.publish.markup import Markup
from compass.publish.records import Landed
from compass.publish.text import attribute, count, day, definition, escape

SHOWN: Final = 6
"""Landings that a page lists."""
_STATUS: Final = {
    Status.DRAFT: "Nobody has confirmed this yet.",
    Status.VERIFIED: "Confirmed by an incident or a replay.",
    Status.STABLE: "Confirmed by several incidents, without a false match.",
    Status.DEPRECATED: "Kept for the record; use its successor.",
    Status.WITHDRAWN: "Do not use.",
}
_VERBS: Final = {"contribute": "Contributed", "promote": "Promoted from below", "": "Changed"}


class Trust:
    """Draws what readers weigh an entry of one edition by."""

    def __init__(self, edition: Edition, markup: Markup) -> None:
        self.edition = edition
        self.markup = markup

    def glance(self, loaded: LoadedEntry, page: str) -> str:
        """The facts that decide whether to follow it, right below the title."""
        entry = loaded.entry
        cells = (
            _cell("Trust", _STATUS[entry.status], self._confirmed(loaded)),
            _cell("Owner", self._owner(loaded, page), ""),
            _cell("Last verified", self._verified(loaded), self._seen(loaded, page)),
            _cell("Used", *self._used(loaded)),
            _cell("Review", *self._review(loaded)),
        )
        return f'<dl class="cm-glance" data-search-ignore>{"".join(cells)}</dl>'

    def _owner(self, loaded: LoadedEntry, page: str) -> str:
        owner = loaded.entry.owner
        return self.markup.team(owner, page) if owner else '<span class="cm-missing">nobody</span>'

    def _confirmed(self, loaded: LoadedEntry) -> str:
        confirmed = loaded.entry.confirmed
        if not confirmed:
            return ""
        tribes = f" in {count(confirmed.tribes, 'tribe')}" if confirmed.tribes else ""
        return f"{count(confirmed.incidents, 'incident')}{tribes}"

    def _verified(self, loaded: LoadedEntry) -> str:
        verified = loaded.entry.last_verified
        return day(verified) if verified else '<span class="cm-missing">never</span>'

    def _seen(self, loaded: LoadedEntry, page: str) -> str:
        """The incident that stands behind it: the latest that showed it, or else the recordings it is replayed on."""
        incidents = self.edition.seen_in.get(loaded.id, ())
        if incidents:
            rest = f", and {count(len(incidents) - 1, 'other')}" if len(incidents) > 1 else ""
            return f"seen in {self.markup.link(incidents[0].id, page)}, {day(began(incidents[0]))}{rest}"
        tests = loaded.entry.tests if isinstance(loaded.entry, Pattern) else None
        return (
            f"replayed on {count(len(tests.must_match), 'recording')}" if tests and tests.must_match else ""
        )

    def _used(self, loaded: LoadedEntry) -> tuple[str, str]:
        uses = self.edition.uses(loaded)
        if not uses:
            return '<span class="cm-muted">not yet</span>', ""
        return f"in {count(len(uses), 'investigation')}", f"last {day(uses[0].day)}"

    def _review(self, loaded: LoadedEntry) -> tuple[str, str]:
        due, late = loaded.entry.review_by, self.edition.overdue(loaded)
        if not due:
            return '<span class="cm-muted">no date set</span>', ""
        if late > 0:
            return f'<span class="cm-late">{count(late, "day")} late</span>', f"was due by {day(due)}"
        return f"by {day(due)}", f"in {count(-late, 'day')}"

    def facts(self, loaded: LoadedEntry, page: str) -> str:
        """What it is about and where it stands, beside the text."""
        entry, edition = loaded.entry, self.edition
        changed = edition.changed_at(loaded)
        services = [self.markup.service(one, page) for one in dict.fromkeys(entry.services)]
        tags = (_tag(tag, page) for tag in dict.fromkeys(entry.tags))
        found_by = [
            definition("Services", *services),
            definition("Tags", " ".join(tags)),
            definition("Also known as", *(escape(one) for one in entry.aliases)),
            definition("Id", f'<code class="cm-id">{loaded.id}</code>'),
        ]
        where = [
            definition("Last changed", day(changed) if changed else "not committed yet"),
            definition("Drafted by", _drafter(loaded)),
            definition("Source", self._source(loaded)),
        ]
        return (
            f'<aside class="cm-facts" aria-label="Facts">\n<dl>{"".join(found_by)}</dl>\n'
            f"<dl data-search-ignore>{''.join(where)}</dl>\n{self._change(loaded)}</aside>"
        )

    def _source(self, loaded: LoadedEntry) -> str:
        commit, web = loaded.mount.commit, self.edition.records.web.get(loaded.mount.id)
        shown = f"{loaded.mount.id}@{commit[:10] if commit else 'worktree'}:{loaded.path}"
        drawn = f'<code class="cm-source">{escape(shown)}</code>'
        if commit and web:
            address = web.line(commit, f"{loaded.mount.prefix}{loaded.path}", 1, 1)
            return f'<a href="{attribute(address)}" rel="noopener noreferrer">{drawn}</a>'
        return drawn

    def _change(self, loaded: LoadedEntry) -> str:
        """The way to the forge's editor; where no forge is known, what to type instead."""
        mount, web = loaded.mount, self.edition.records.web.get(loaded.mount.id)
        path = f"{mount.prefix}{loaded.path}"
        if web:
            address = attribute(web.editor(path))
            return f'<p class="cm-change"><a class="cm-button" href="{address}" rel="noopener noreferrer">Propose a change</a></p>'
        if mount.level in {Level.TEAM, Level.PERSONAL}:
            then = f"commit it, and run <code>compass contribute {loaded.id}</code>"
        else:
            then = "commit it on a branch of its own, and ask the owner to review that"
        return (
            f'<details class="cm-change" data-search-ignore><summary class="cm-button">Propose a change</summary>'
            f"<p>In a clone of <code>{escape(mount.id)}</code> edit <code>{escape(path)}</code>, {then}.</p></details>"
        )

    def next_step(self, loaded: LoadedEntry, page: str) -> str:
        """From a pattern to the runbooks that help: the next thing anybody on call wants to read."""
        links = self.edition.links.get(loaded.id, ())
        found = [self.markup.link(other, page) for word, other in links if word == "Mitigated by"]
        return f'<p class="cm-next"><strong>What to do</strong> {", ".join(found)}</p>' if found else ""

    def banners(self, loaded: LoadedEntry, page: str) -> str:
        """What must not be missed before the first step: deprecated, draft, stale."""
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
            told = f"Its review was due on {day(entry.review_by)}, {count(late, 'day')} ago.{ask}"
            found.append(("late", f"<strong>Stale.</strong> {told}"))
        return "\n".join(
            f'<div class="cm-banner cm-banner-{style}" role="note" data-search-ignore><p>{text}</p></div>'
            for style, text in found
        )

    def history(self, loaded: LoadedEntry) -> str:
        """Its changes on the main line: when, how, approved by which roles, and where to see each."""
        landed = self.edition.history(loaded)
        web = self.edition.records.web.get(loaded.mount.id)
        rows = "".join(
            f"<li>{day(one.when)} <span>{_how(one)}</span> {_commit(one, web.commit(one.commit) if web else '')}</li>"
            for one in landed[:SHOWN]
        )
        if not rows:
            return ""
        more = ""
        if web:
            address = attribute(web.history(f"{loaded.mount.prefix}{loaded.path}"))
            more = (
                f'<p class="cm-more"><a href="{address}" rel="noopener noreferrer">Every change of it</a></p>'
            )
        elif len(landed) > SHOWN:
            more = f'<p class="cm-more">Older ones: <code>git log -- {escape(loaded.path)}</code></p>'
        return f'<ul class="cm-history" data-search-ignore>{rows}</ul>{more}'


def _cell(term: str, value: str, detail: str) -> str:
    small = f'\n<dd class="cm-detail">{detail}</dd>' if detail else ""
    return f"<div><dt>{term}</dt>\n<dd>{value}</dd>{small}</div>\n"


def _tag(tag: str, page: str) -> str:
    target = f"{'../' * page.count('/')}{tag_page(tag)}.html"
    return f'<a class="cm-chip cm-tag-{attribute(tag)}" href="{target}">{escape(tag)}</a>'


def _drafter(loaded: LoadedEntry) -> str:
    found = loaded.entry.provenance
    return escape(" · ".join(one for one in (found.drafted_by, found.model) if one)) if found else ""


def _how(one: Landed) -> str:
    roles = ", ".join(role.replace("_", " ") for role in one.roles)
    return _VERBS.get(one.verb, "Changed") + (f", approved by {roles}" if roles else "")


def _commit(one: Landed, address: str) -> str:
    shown = f"<code>{one.commit[:10]}</code>"
    return f'<a href="{attribute(address)}" rel="noopener noreferrer">{shown}</a>' if address else shown
