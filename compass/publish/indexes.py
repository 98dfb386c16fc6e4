"""The ways in: home, one index per kind, per service and per team, and what is due for review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import FOLDERS
from compass.publish.blocks import document
from compass.publish.edition import KIND_NAMES, Edition, entry_page, href, named, service_page, team_page
from compass.publish.markup import Markup
from compass.publish.text import chip, count, day, definition, escape, front_matter, heading

Groups = Mapping[str, tuple[LoadedEntry, ...]]
PER_PAGE: Final = 200
_ABOUT: Final = {
    "pattern": "Recurring ways of failing that a machine can recognise.",
    "runbook": "What to do when an alert fires.",
    "postmortem": "What was learnt from each incident.",
}
_COUNTED: Final = {
    "pattern": ("pattern", "patterns"),
    "runbook": ("runbook", "runbooks"),
    "postmortem": ("post-mortem", "post-mortems"),
}


class Indexes:
    """Draws the indexes of one edition."""

    def __init__(self, edition: Edition, markup: Markup) -> None:
        self.edition = edition
        self.markup = markup

    def draw(self) -> Iterator[tuple[str, str]]:
        """(path in the staged folder, Markdown) of each."""
        yield "index.md", self._home()
        for kind, folder in FOLDERS.items():
            chosen = [one for one in self.edition.listed if one.kind == kind]
            yield from self._listing(folder, KIND_NAMES[kind][1], _ABOUT[kind], chosen, folder)
        yield from self._services()
        yield from self._teams()
        yield from self._listing(
            "review",
            "Due for review",
            "Entries whose review date has passed, longest first.",
            self.edition.due,
            "review",
        )

    def _home(self) -> str:
        edition = self.edition
        name = edition.library.main.id
        kinds = Counter(one.kind for one in edition.listed)
        cards = "".join(
            f'<li><a href="{folder}/index.html"><strong>{kinds[kind]:,}</strong> {_COUNTED[kind][kinds[kind] != 1]}'
            f"<span>{_ABOUT[kind]}</span></a></li>"
            for kind, folder in FOLDERS.items()
        )
        parts = [
            front_matter(title=f"{name}: what we know", section="home", layout="wide"),
            heading(f"What {name} knows", 1),
            '<p class="cm-lead">Patterns, runbooks and post-mortems, each with its evidence, its owner and the date it was last checked.</p>',
            '<button type="button" class="cm-bigsearch" data-compass-search>Search by alert, symptom or service <kbd>/</kbd></button>',
            f'<ul class="cm-kinds">{cards}</ul>',
        ]
        if not edition.listed:
            parts.append(
                _empty(
                    "Nothing is published here yet.",
                    "compass new pattern",
                    "Start with what the last incident taught:",
                )
            )
            return document(parts)
        parts += [heading("Recently changed", 2), self._rows(edition.recent[:8], "index")]
        due = edition.due
        more = (
            f'<p class="cm-more"><a href="review/index.html">All {len(due):,} due for review</a></p>'
            if len(due) > 5
            else ""
        )
        calm = '<p class="cm-empty-line">No review is overdue.</p>'
        parts += [heading("Due for review", 2), self._rows(due[:5], "index") + more if due else calm]
        parts += [heading("By service", 2), self._tiles(edition.by_service, "index", service_page)]
        parts += [heading("By team", 2), self._tiles(edition.by_owner, "index", team_page)]
        return document(parts)

    def _listing(
        self, folder: str, title: str, about: str, chosen: Sequence[LoadedEntry], section: str
    ) -> Iterator[tuple[str, str]]:
        """Pages of at most 200 rows: a page's size does not grow with the library."""
        pages = [chosen[start : start + PER_PAGE] for start in range(0, len(chosen), PER_PAGE)] or [()]
        for number, rows in enumerate(pages, 1):
            page = f"{folder}/index" if number == 1 else f"{folder}/page-{number}"
            suffix = f", page {number} of {len(pages)}" if len(pages) > 1 else ""
            drawn = (
                self._rows(rows, page)
                if rows
                else _empty("Nothing here yet." if folder != "review" else "No review is overdue.")
            )
            parts = [
                front_matter(title=title + suffix, section=section, layout="wide"),
                heading(title, 1),
                f'<p class="cm-lead">{about} <span class="cm-muted">{count(len(chosen), "entry", "entries")}{suffix}.</span></p>',
                drawn,
                _pager(number, len(pages)),
            ]
            yield f"{page}.md", document(parts)

    def _services(self) -> Iterator[tuple[str, str]]:
        found = self.edition.by_service
        yield (
            "services/index.md",
            self._overview(
                "Services",
                "Each with its patterns, runbooks and incidents.",
                "services",
                self._tiles(found, "services/index", service_page),
            ),
        )
        for reference, entries in found.items():
            page = service_page(reference)
            entity = self.edition.library.entities.get(reference)
            about = escape(entity.metadata.description or "") if entity else ""
            owner = str(entity.spec.get("owner", "")) if entity else ""
            facts = definition("Owner", self.markup.team(owner, page) if owner else "")
            if entity:
                facts += definition(
                    "Depends on", *(self.markup.service(one, page) for one in entity.depends_on)
                )
            used = [
                ref for ref, other in self.edition.library.entities.items() if reference in other.depends_on
            ]
            facts += definition("Used by", *(self.markup.service(one, page) for one in sorted(used)))
            yield f"{page}.md", self._group(reference, page, "services", entries, about, facts)

    def _teams(self) -> Iterator[tuple[str, str]]:
        found = self.edition.by_owner
        yield (
            "teams/index.md",
            self._overview(
                "Teams", "Who keeps what up to date.", "teams", self._tiles(found, "teams/index", team_page)
            ),
        )
        for reference, entries in found.items():
            page = team_page(reference)
            entity = self.edition.library.entities.get(reference)
            about = escape(entity.metadata.description or "") if entity else ""
            late = sum(self.edition.overdue(one) > 0 for one in entries)
            facts = definition("Owns", count(len(entries), "entry", "entries"))
            facts += definition("Reviews overdue", f"{late}")
            yield f"{page}.md", self._group(reference, page, "teams", entries, about, facts)

    def _overview(self, title: str, about: str, section: str, drawn: str) -> str:
        parts = [
            front_matter(title=title, section=section, layout="wide"),
            heading(title, 1),
            f'<p class="cm-lead">{about}</p>',
            drawn or _empty("Nothing here yet."),
        ]
        return document(parts)

    def _group(
        self, reference: str, page: str, section: str, entries: Sequence[LoadedEntry], about: str, facts: str
    ) -> str:
        sort, name = named(reference)
        word = {"component": "Service", "category": "Kind of service", "group": "Team"}.get(sort, sort)
        parts = [
            front_matter(title=name, section=section, layout="wide", search="yes", feed=f"feeds/{page}.xml"),
            f'<p class="cm-kicker"><span data-pagefind-filter="kind" data-pagefind-meta="kind">{escape(word)}</span></p>',
            heading(name, 1),
            f'<p class="cm-lead">{about}</p>' if about else "",
            f'<dl class="cm-inline-facts" data-pagefind-ignore>{facts}</dl>' if facts else "",
        ]
        for kind in ("runbook", "pattern", "postmortem"):
            chosen = [one for one in entries if one.kind == kind]
            if chosen:
                parts += [heading(KIND_NAMES[kind][1], 2), self._rows(chosen[:PER_PAGE], page)]
        return document(parts)

    def _tiles(self, groups: Groups, page: str, target: Callable[[str], str]) -> str:
        tiles = "".join(
            f'<li><a href="{href(page, target(reference))}">{escape(named(reference)[1])} <span>{len(entries):,}</span></a></li>'
            for reference, entries in groups.items()
        )
        return f'<ul class="cm-tiles">{tiles}</ul>' if tiles else ""

    def _rows(self, chosen: Sequence[LoadedEntry], page: str) -> str:
        return (
            f'<ul class="cm-rows" data-pagefind-ignore>\n{"".join(self._row(one, page) for one in chosen)}</ul>'
            if chosen
            else ""
        )

    def _row(self, loaded: LoadedEntry, page: str) -> str:
        entry, edition = loaded.entry, self.edition
        late = edition.overdue(loaded)
        changed = edition.changed_at(loaded)
        services = ", ".join(self.markup.service(one, page) for one in dict.fromkeys(entry.services))
        facts = [
            KIND_NAMES[loaded.kind][0],
            f"owner {self.markup.team(entry.owner, page)}"
            if entry.owner
            else '<span class="cm-missing">no owner</span>',
            f"for {services}" if services else "",
            f"changed {day(changed)}" if changed else "not committed yet",
            f'<span class="cm-late">review {count(late, "day")} late</span>' if late > 0 else "",
            f"from {escape(loaded.mount.id)}" if loaded.mount.distance else "",
        ]
        chips = chip(entry.status.value, "status")
        chips += f" {chip(entry.severity.value, 'severity')}" if entry.severity else ""
        summary = f"<p>{self.markup.inline(entry.summary, loaded, page)}</p>" if entry.summary else ""
        shown = " · ".join(one for one in facts if one)
        return (
            f'<li><p class="cm-row-title"><a href="{href(page, entry_page(loaded))}">{escape(entry.title)}</a> {chips}</p>'
            f'{summary}<p class="cm-row-facts">{shown}</p></li>\n'
        )


def _pager(number: int, last: int) -> str:
    if last == 1:
        return ""
    names = {1: "index"}
    before = (
        f'<a rel="prev" href="{names.get(number - 1, f"page-{number - 1}")}.html">Previous</a>'
        if number > 1
        else ""
    )
    after = f'<a rel="next" href="page-{number + 1}.html">Next</a>' if number < last else ""
    return f'<nav class="cm-pager" aria-label="Pages">{before} {after}</nav>'


def _empty(text: str, command: str = "", lead: str = "") -> str:
    tail = f"<p>{lead} <code>{command}</code></p>" if command else ""
    return f'<div class="cm-empty"><p><strong>{text}</strong></p>{tail}</div>'
