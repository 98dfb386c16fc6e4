"""The ways in: home, symptoms, kinds, the timeline of incidents, services, technologies, teams, and the review queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import FOLDERS, Postmortem
from compass.publish.edition import KIND_NAMES, Edition, began, href, tag_page
from compass.publish.home import ABOUT, home_page
from compass.publish.incident import span
from compass.publish.markup import Markup
from compass.publish.places import Places
from compass.publish.review import review_pages
from compass.publish.rows import Rows, empty_state, listed, paged, tiles
from compass.publish.symptoms import Symptoms
from compass.publish.text import count, day, escape, front_matter, heading

_ORDER: Final = ("runbook", "pattern", "postmortem")


class Indexes:
    """Draws the indexes of one edition."""

    def __init__(self, edition: Edition, markup: Markup) -> None:
        self.edition = edition
        self.markup = markup
        self.rows = Rows(edition, markup)

    def draw(self) -> Iterator[tuple[str, str]]:
        """(path in the staged folder, Markdown) of each."""
        yield home_page(self.edition, self.markup)
        yield from Symptoms(self.edition, self.markup).draw()
        for kind in ("runbook", "pattern"):
            yield from self._kind(kind)
        yield from self._timeline()
        yield from Places(self.edition, self.markup).draw()
        yield from self._tags()
        yield from review_pages(self.edition, self.rows)

    def _kind(self, kind: str) -> Iterator[tuple[str, str]]:
        chosen = [one for one in self.edition.listed if one.kind == kind]
        title, folder = KIND_NAMES[kind][1], FOLDERS[kind]
        empty = empty_state("Nothing here yet.", "Write the first one:", f"compass new {kind}")
        items = [("", one) for one in chosen]
        yield from paged(
            f"{folder}/index",
            items,
            self.rows.list,
            _head(title, ABOUT[kind], folder, _entries(chosen)),
            empty,
        )

    def _timeline(self) -> Iterator[tuple[str, str]]:
        """Post-mortems by month, the newest incident first."""
        chosen = [one for one in self.edition.listed if one.kind == "postmortem"]
        chosen.sort(key=lambda one: (began(one), one.id), reverse=True)
        items = [(f"{began(one):%B %Y}", one) for one in chosen]
        empty = empty_state(
            "No incident is told here yet.", "After the next one:", "compass draft postmortem INVESTIGATION"
        )
        head = _head("Incidents", f"{ABOUT['postmortem']} The newest first.", "postmortems", _entries(chosen))
        yield from paged("postmortems/index", items, self._incidents, head, empty)

    def _incidents(self, chosen: Sequence[LoadedEntry], page: str) -> str:
        return listed("".join(self.rows.row(one, page, *self._incident(one, page)) for one in chosen))

    def _incident(self, loaded: LoadedEntry, page: str) -> tuple[str, ...]:
        entry = loaded.entry
        times = entry.times if isinstance(entry, Postmortem) else None
        over = (times.mitigated or times.resolved) if times else None
        lasted = f"hurt for {span(over - times.start)}" if times and times.start and over else ""
        shown = [other for word, other in self.edition.links.get(loaded.id, ()) if word == "Showed"]
        patterns = ", ".join(self.markup.link(other, page) for other in shown)
        return f"{day(began(loaded))}", lasted, f"showed {patterns}" if patterns else ""

    def _tags(self) -> Iterator[tuple[str, str]]:
        found = self.edition.by_tag
        items = [(tag.partition(":")[0].capitalize(), tag) for tag in found]
        about = "What entries are about: the technologies, the layers, and what set it off."
        empty = empty_state("No entry carries a tag yet.")
        head = _head("Technology", about, "tags", count(len(found), "tag"))
        yield from paged("tags/index", items, self._tag_tiles, head, empty)
        for tag, entries in found.items():
            category, _, value = tag.partition(":")
            ordered = [(KIND_NAMES[kind][1], one) for kind in _ORDER for one in entries if one.kind == kind]
            feed = f"feeds/tags/{category}/{value}.xml"
            head = _head(value, f"Everything with the tag {escape(tag)}.", "tags", _entries(entries), feed)
            yield from paged(tag_page(tag), ordered, self.rows.list, head, empty)

    def _tag_tiles(self, tags: Sequence[str], page: str) -> str:
        return tiles(
            (href(page, tag_page(tag)), escape(tag.partition(":")[2]), f"{len(self.edition.by_tag[tag]):,}")
            for tag in tags
        )


def _entries(chosen: Sequence[LoadedEntry]) -> str:
    return count(len(chosen), "entry", "entries")


def _head(title: str, about: str, section: str, told: str, feed: str = "") -> Callable[[int, str], list[str]]:
    """What comes before a list; `about` is HTML, `told` says how much is on it."""

    def drawn(_: int, suffix: str) -> list[str]:
        return [
            front_matter(title=title + suffix, section=section, layout="wide", feed=feed),
            heading(title, 1),
            f'<p class="cm-lead">{about} <span class="cm-muted">{told}{suffix}.</span></p>',
        ]

    return drawn
