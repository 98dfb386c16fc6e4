"""Rows, tiles and long lists: what every way in is drawn with; no list shows more than `PER_PAGE` rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from compass.library import LoadedEntry
from compass.publish.blocks import document
from compass.publish.edition import KIND_NAMES, Edition, entry_page, href
from compass.publish.markup import Markup
from compass.publish.text import chip, count, day, escape, heading

PER_PAGE: Final = 180
COUNTED: Final = {
    "pattern": ("pattern", "patterns"),
    "runbook": ("runbook", "runbooks"),
    "postmortem": ("post-mortem", "post-mortems"),
}
_Item = TypeVar("_Item")


class Rows:
    """Draws entries as rows of a list."""

    def __init__(self, edition: Edition, markup: Markup) -> None:
        self.edition = edition
        self.markup = markup

    def list(self, chosen: Iterable[LoadedEntry], page: str) -> str:
        """Full rows: title, summary, facts."""
        return listed("".join(self.row(one, page) for one in chosen))

    def brief(self, chosen: Iterable[LoadedEntry], page: str, why: Callable[[LoadedEntry], str]) -> str:
        """Short rows: title and one fact, which is HTML."""
        drawn = "".join(
            f'<li><p class="cm-row-title">{self.title(one, page)}</p><p class="cm-row-facts">{why(one)}</p></li>\n'
            for one in chosen
        )
        return listed(drawn, "cm-rows cm-rows-brief")

    def title(self, loaded: LoadedEntry, page: str) -> str:
        """The linked title with its status."""
        chips = chip(loaded.entry.status.value, "status")
        return f'<a href="{href(page, entry_page(loaded))}">{escape(loaded.title)}</a> {chips}'

    def row(self, loaded: LoadedEntry, page: str, *facts: str) -> str:
        """One full row; `facts` (HTML) stand before the usual ones."""
        entry = loaded.entry
        chips = f" {chip(entry.severity.value, 'severity')}" if entry.severity else ""
        summary = f"<p>{self.markup.inline(entry.summary, loaded, page)}</p>" if entry.summary else ""
        shown = " · ".join(one for one in (*facts, *self._facts(loaded, page)) if one)
        return (
            f'<li><p class="cm-row-title">{self.title(loaded, page)}{chips}</p>'
            f'{summary}<p class="cm-row-facts">{shown}</p></li>\n'
        )

    def _facts(self, loaded: LoadedEntry, page: str) -> tuple[str, ...]:
        entry, edition = loaded.entry, self.edition
        changed, late, uses = edition.changed_at(loaded), edition.overdue(loaded), edition.uses(loaded)
        services = ", ".join(self.markup.service(one, page) for one in dict.fromkeys(entry.services))
        owner = f"owner {self.markup.team(entry.owner, page)}" if entry.owner else ""
        return (
            KIND_NAMES[loaded.kind][0],
            owner or '<span class="cm-missing">no owner</span>',
            f"for {services}" if services else "",
            f"used {count(len(uses), 'time')}" if uses else "",
            f"changed {day(changed)}" if changed else "not committed yet",
            f'<span class="cm-late">review {count(late, "day")} late</span>' if late > 0 else "",
            f"from {escape(loaded.mount.id)}" if loaded.mount.distance else "",
        )


def listed(rows: str, style: str = "cm-rows", tag: str = "ul") -> str:
    """Rows as a list that the search leaves alone, or nothing."""
    return f'<{tag} class="{style}" data-search-ignore>\n{rows}</{tag}>' if rows else ""


def tiles(links: Iterable[tuple[str, str, str]]) -> str:
    """Small links side by side: (address, words, how many)."""
    drawn = "".join(
        f'<li><a href="{address}"><span>{words}</span> <span>{number}</span></a></li>'
        for address, words, number in links
    )
    return f'<ul class="cm-tiles" data-search-ignore>{drawn}</ul>' if drawn else ""


def paged(
    page: str,
    items: Sequence[tuple[str, _Item]],
    draw: Callable[[Sequence[_Item], str], str],
    head: Callable[[int, str], list[str]],
    empty: str,
) -> Iterator[tuple[str, str]]:
    """(path, Markdown) of the pages of one list, at most so many items each, in the order given.

    Each item comes with the heading it stands under (or none); `draw` draws items of one heading on a page, and
    `head(number, suffix)` what comes before the list.
    """
    parts = [items[start : start + PER_PAGE] for start in range(0, len(items), PER_PAGE)] or [()]
    for number, chosen in enumerate(parts, 1):
        name = numbered(page, number)
        suffix = f", page {number} of {len(parts)}" if len(parts) > 1 else ""
        found: dict[str, list[_Item]] = {}
        for title, item in chosen:
            found.setdefault(title, []).append(item)
        drawn = [part for title, ones in found.items() for part in _under(title, draw(ones, name))]
        yield (
            f"{name}.md",
            document([*head(number, suffix), *(drawn or [empty]), _pager(page, number, len(parts))]),
        )


def numbered(page: str, number: int) -> str:
    """The name of a list's page: `runbooks/index`, `runbooks/page-2`; of one that is no index `services/x~2`."""
    if number == 1:
        return page
    return f"{page.removesuffix('index')}page-{number}" if page.endswith("/index") else f"{page}~{number}"


def _under(title: str, drawn: str) -> list[str]:
    return [heading(title, 2), drawn] if title else [drawn]


def _pager(page: str, number: int, last: int) -> str:
    if last == 1:
        return ""
    links = [
        f'<a rel="{rel}" href="{numbered(page, at).rpartition("/")[2]}.html">{word}</a>'
        for rel, word, at in (("prev", "Previous", number - 1), ("next", "Next", number + 1))
        if 1 <= at <= last
    ]
    return f'<nav class="cm-pager" aria-label="Pages">{" ".join(links)}<span>{number} of {last}</span></nav>'


def empty_state(text: str, lead: str = "", command: str = "") -> str:
    """What stands where there is nothing: plain words, and the command that changes it."""
    tail = f"<p>{lead} <code>{escape(command)}</code></p>" if command else f"<p>{lead}</p>" if lead else ""
    return f'<div class="cm-empty"><p><strong>{text}</strong></p>{tail}</div>'
