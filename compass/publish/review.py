"""The review queue: what is overdue, what soon will be, what nobody owns, and the drafts that wait for somebody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Status
from compass.publish.edition import Edition
from compass.publish.rows import Rows, empty_state, listed, paged
from compass.publish.text import count, day, front_matter, heading

SOON: Final = 30
"""Days before its date on which an entry joins the queue."""
OVERDUE, UPCOMING, UNOWNED, WAITING = (
    "Overdue",
    f"Due within {SOON} days",
    "Without an owner",
    "Drafts waiting",
)


def queue(edition: Edition) -> list[tuple[str, LoadedEntry]]:
    """(why, entry), each entry once: the longest overdue, the next due, the unowned, the oldest drafts."""
    found = [(OVERDUE, one) for one in edition.due]
    taken = {one.id for one in edition.due}
    soon = [one for one in edition.listed if one.entry.review_by and -SOON <= edition.overdue(one) <= 0]
    rest = (
        (UPCOMING, sorted(soon, key=lambda one: (-edition.overdue(one), one.id))),
        (UNOWNED, [one for one in edition.listed if not one.entry.owner]),
        (WAITING, sorted(_drafts(edition), key=lambda one: (one.entry.created, one.id))),
    )
    for why, ones in rest:
        found += [(why, one) for one in ones if one.id not in taken]
        taken |= {one.id for one in ones}
    return found


def _drafts(edition: Edition) -> list[LoadedEntry]:
    return [one for one in edition.listed if one.status is Status.DRAFT]


def review_pages(edition: Edition, rows: Rows) -> Iterator[tuple[str, str]]:
    """(path in the staged folder, Markdown) of each page of the queue."""
    items = queue(edition)
    counted = {why: sum(one == why for one, _ in items) for why in (OVERDUE, UPCOMING, UNOWNED, WAITING)}
    facts = (
        (OVERDUE, "review is overdue", "reviews are overdue"),
        (UPCOMING, f"is due within {SOON} days", f"are due within {SOON} days"),
        (UNOWNED, "entry has no owner", "entries have no owner"),
        (WAITING, "draft waits", "drafts wait"),
    )
    told = ", ".join(count(counted[why], one, many) for why, one, many in facts if counted[why])

    def head(_: int, suffix: str) -> list[str]:
        calm = "" if counted[OVERDUE] or suffix else '<p class="cm-calm">No review is overdue.</p>'
        how_many = f'<span class="cm-muted">{told}{suffix}.</span>' if told else ""
        return [
            front_matter(title=f"Review queue{suffix}", section="review", layout="wide"),
            heading("Review queue", 1),
            f'<p class="cm-lead">What somebody should look at, the most pressing first. {how_many}</p>',
            calm if items else "",
        ]

    def drawn(ones: Sequence[LoadedEntry], page: str) -> str:
        return listed("".join(rows.row(one, page, _why(edition, one)) for one in ones))

    empty = empty_state("No review is overdue, and no draft waits.")
    yield from paged("review/index", items, drawn, head, empty)


def _why(edition: Edition, loaded: LoadedEntry) -> str:
    due = loaded.entry.review_by
    if due and edition.overdue(loaded) <= 0 and edition.overdue(loaded) >= -SOON:
        return f"review by {day(due)}"
    if loaded.status is Status.DRAFT and not (due and edition.overdue(loaded) > 0):
        return f"drafted {count((edition.today - loaded.entry.created).days, 'day')} ago"
    return ""
