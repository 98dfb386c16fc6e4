"""One edition of a library to the pages of its site: a pure function."""

from __future__ import annotations

from collections.abc import Iterator

from compass.publish.edition import Edition
from compass.publish.entry import EntryPage
from compass.publish.feeds import Feeds
from compass.publish.indexes import Indexes
from compass.publish.markup import Markup
from compass.publish.twin import Twins


def render(edition: Edition) -> Iterator[tuple[str, str]]:
    """(path, Markdown) of every page; links, counts and dates come from `edition` alone."""
    yield from render_lists(edition)
    entries = EntryPage(edition, Markup(edition))
    for loaded in edition.pages.values():
        yield entries.draw(loaded)


def render_lists(edition: Edition) -> Iterator[tuple[str, str]]:
    """(path, Markdown) of every page but those of entries."""
    yield from Indexes(edition, Markup(edition)).draw()
    yield Feeds(edition, Twins(edition)).page()
