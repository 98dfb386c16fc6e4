"""A library already cut to one audience to the pages of its site: a pure function."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from compass.library import Library
from compass.publish.edition import Changed, Edition
from compass.publish.entry import EntryPage
from compass.publish.indexes import Indexes
from compass.publish.markup import Markup


def render(library: Library, *, today: date, changed: Changed) -> Iterator[tuple[str, str]]:
    """(path, Markdown) of every page; links, counts and dates come from `library` and `changed` alone.

    `today` decides what is overdue; `changed` maps (mount id, path) to the time of the last change.
    """
    edition = Edition(library, today, changed)
    markup = Markup(edition)
    yield from Indexes(edition, markup).draw()
    entries = EntryPage(edition, markup)
    for loaded in edition.pages.values():
        yield entries.draw(loaded)
