"""The pages of services and of groups: what there is to know of one, who owns it, and what it hangs together with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from compass.library import LoadedEntry
from compass.publish import picture
from compass.publish.edition import KIND_NAMES, Edition, href, named, service_page, team_page
from compass.publish.markup import Markup
from compass.publish.newcomer import ten_things
from compass.publish.rows import COUNTED, PER_PAGE, Rows, empty_state, listed, paged
from compass.publish.text import count, definition, escape, front_matter, heading

_ORDER: Final = ("runbook", "pattern", "postmortem")
_RULES: Final = (
    "Its likeliest runbooks (used most, then most alerts), its best confirmed patterns, its latest and its gravest "
    "incident, what is overdue the longest, and what changed last; what is confirmed comes before drafts."
)


class Places:
    """Draws the services and the groups of one edition."""

    def __init__(self, edition: Edition, markup: Markup) -> None:
        self.edition = edition
        self.markup = markup
        self.rows = Rows(edition, markup)
        self.landscape = edition.landscape

    def draw(self) -> Iterator[tuple[str, str]]:
        """(path in the staged folder, Markdown) of each page."""
        yield from self._index(
            "services",
            "Services",
            "What runs here, with its runbooks, patterns and incidents.",
            self.landscape.services,
        )
        yield from self._index(
            "teams", "Teams and tribes", "Who owns what, and keeps it up to date.", self.landscape.groups
        )
        for reference in self.landscape.services:
            yield from self._service(reference)
        for reference in self.landscape.groups:
            yield from self._group(reference)

    def _index(
        self, section: str, title: str, about: str, references: Sequence[str]
    ) -> Iterator[tuple[str, str]]:
        kind = "service" if section == "services" else "team"

        def head(_: int, suffix: str) -> list[str]:
            return [
                front_matter(title=title + suffix, section=section, layout="wide"),
                heading(title, 1),
                f'<p class="cm-lead">{about} <span class="cm-muted">{count(len(references), kind)}{suffix}.</span></p>',
            ]

        empty = empty_state(
            f"No {kind} is known here yet.", "They come from entries that name them, and from the", "catalog/"
        )
        yield from paged(f"{section}/index", [("", one) for one in references], self._listed, head, empty)

    def _listed(self, references: Sequence[str], page: str) -> str:
        return listed("".join(self._row(one, page) for one in references))

    def _row(self, reference: str, page: str) -> str:
        group = reference.startswith("group:")
        link = self.markup.team(reference, page) if group else self.markup.service(reference, page)
        owner = self.landscape.owner(reference)
        facts = [
            escape(self._word(reference)),
            f"owner {self.markup.team(owner, page)}" if owner else "",
            count(len(self.landscape.owned.get(reference, ())), "service") if group else "",
            *self._counts(self._entries(reference)),
        ]
        about = escape(self.landscape.about(reference))
        shown = " · ".join(one for one in facts if one)
        return (
            f'<li><p class="cm-row-title">{link}</p>{f"<p>{about}</p>" if about else ""}'
            f'<p class="cm-row-facts">{shown}</p></li>\n'
        )

    def _entries(self, reference: str) -> tuple[LoadedEntry, ...]:
        found = self.edition.by_owner if reference.startswith("group:") else self.edition.by_service
        return found.get(reference, ())

    def _counts(self, entries: Sequence[LoadedEntry]) -> list[str]:
        numbers = {kind: sum(one.kind == kind for one in entries) for kind in _ORDER}
        return [count(numbers[kind], *COUNTED[kind]) for kind in _ORDER if numbers[kind]]

    def _word(self, reference: str) -> str:
        sort = reference.partition(":")[0]
        usual = {
            "component": "Service",
            "resource": "Resource",
            "category": "Kind of service",
            "group": "Team",
        }
        said = self.landscape.sort(reference)
        return said[:1].upper() + said[1:] if said else usual.get(sort, sort)

    def _service(self, reference: str) -> Iterator[tuple[str, str]]:
        page, entries = service_page(reference), self._entries(reference)
        owner = self.landscape.owner(reference)
        parent = self.landscape.parent.get(owner, "")
        facts = definition("Owner", self.markup.team(owner, page) if owner else "")
        facts += definition("In", self.markup.team(parent, page) if parent else "")
        facts += definition("Known here", ", ".join(self._counts(entries)))
        name = named(reference)[1]
        drawn = picture.draw(
            self.edition,
            page,
            f"What {name} needs, and what needs it",
            picture.neighbourhood(self.edition, reference),
            [reference],
        )
        near = [(one, "caller") for one in self.landscape.needed_by.get(reference, ())]
        near += [(one, "dependency") for one in self.landscape.needs.get(reference, ())]
        sections = [
            *self._ten_things(name, entries, page),
            *self._map("What it needs, and what needs it", "Relation", drawn, near, page),
        ]
        lead = "Nobody has written down what to do when it fails. Start with:"
        empty = empty_state(f"Nothing is known here about {escape(name)} yet.", lead, "compass new runbook")
        yield from self._pages(reference, page, "services", facts, sections, entries, empty)

    def _group(self, reference: str) -> Iterator[tuple[str, str]]:
        page, entries = team_page(reference), self._entries(reference)
        below = self.landscape.children.get(reference, ())
        parent = self.landscape.parent.get(reference, "")
        late = sum(self.edition.overdue(one) > 0 for one in entries)
        services = self.landscape.within(reference)
        facts = definition("Part of", self.markup.team(parent, page) if parent else "")
        facts += definition("Teams", *(self.markup.team(one, page) for one in below))
        facts += definition("Owns", ", ".join(self._counts(entries)))
        facts += definition("Reviews overdue", f"{late}" if entries else "")
        name = named(reference)[1]
        drawn = picture.draw(
            self.edition,
            page,
            f"The services of {name}, and what they need",
            picture.among(self.edition, services),
            services,
        )
        near = [(one, self._word(one).lower()) for one in services]
        sections = self._map("Services", "Kind", drawn, near, page)
        if late:
            due = [one for one in self.edition.due if one.entry.owner == reference][:5]
            sections += [heading("Overdue", 2), self.rows.list(due, page)]
        empty = empty_state(f"{escape(name)} owns no entry here yet.")
        yield from self._pages(reference, page, "teams", facts, sections, entries, empty)

    def _pages(
        self, reference: str, page: str, section: str, facts: str, sections: list[str],
        entries: Sequence[LoadedEntry], empty: str,
    ) -> Iterator[tuple[str, str]]:  # fmt: skip
        name, about = named(reference)[1], escape(self.landscape.about(reference))
        word = escape(self._word(reference))

        def head(number: int, suffix: str) -> list[str]:
            return [
                front_matter(
                    title=name + suffix, section=section, layout="wide", search="yes" if number == 1 else "",
                    feed=f"feeds/{page}.xml" if entries else "",
                ),
                f'<p class="cm-kicker"><span data-search-filter="kind" data-search-meta="kind">{word}</span></p>',
                heading(name + suffix, 1),
                f'<p class="cm-lead">{about}</p>' if about else "",
                *([f'<dl class="cm-inline-facts" data-search-ignore>{facts}</dl>', *sections] if number == 1 else []),
            ]  # fmt: skip

        items = [(KIND_NAMES[kind][1], one) for kind in _ORDER for one in entries if one.kind == kind]
        yield from paged(page, items, self.rows.list, head, empty)

    def _ten_things(self, name: str, entries: Sequence[LoadedEntry], page: str) -> list[str]:
        things = ten_things(self.edition, entries)
        if len(things) < 2:
            return []
        drawn = "".join(
            f'<li><p class="cm-row-title">{self.rows.title(one, page)}</p>'
            f'<p class="cm-row-facts">{KIND_NAMES[one.kind][0]}: {why}</p></li>\n'
            for one, why in things
        )
        title = f"New to {name}? Read {'these two' if len(things) == 2 else f'these {len(things)}'}"
        rules = f'<details class="cm-rules"><summary>How they were chosen</summary><p>{_RULES}</p></details>'
        return [heading(title, 2), listed(drawn, "cm-things", "ol") + rules]

    def _map(
        self, title: str, column: str, drawn: str, near: Sequence[tuple[str, str]], page: str
    ) -> list[str]:
        if not near:
            return []
        rows = "".join(
            f"<tr><td>{self.markup.service(one, page)}</td><td>{escape(how)}</td>"
            f"<td>{self._owner(one, page)}</td><td>{self._known(one)}</td></tr>"
            for one, how in near[:PER_PAGE]
        )
        rest = len(near) - PER_PAGE
        more = (
            f'<p class="cm-more">{count(rest, "more is", "more are")} in the catalog.</p>' if rest > 0 else ""
        )
        head = f"<tr><th>Service</th><th>{column}</th><th>Owner</th><th>Known here</th></tr>"
        table = f'<div class="cm-table" data-search-ignore><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'
        return [heading(title, 2), f'<div class="cm-map">{drawn}{table}</div>{more}']

    def _known(self, service: str) -> str:
        parts = [f'<span class="cm-whole">{one}</span>' for one in self._counts(self._entries(service))]
        return ", ".join(parts) or "–"

    def _owner(self, service: str, page: str) -> str:
        owner = self.landscape.owner(service)
        return self.markup.team(owner, page) if owner else "–"


def tile(edition: Edition, reference: str, page: str) -> tuple[str, str, str]:
    """A link to a service or group, with how many entries are known there."""
    group = reference.startswith("group:")
    entries = (edition.by_owner if group else edition.by_service).get(reference, ())
    target = team_page(reference) if group else service_page(reference)
    return href(page, target), escape(named(reference)[1]), f"{len(entries):,}"
