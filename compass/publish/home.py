"""The first page: search, the ways in, and what is new, due and in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import FOLDERS
from compass.publish.blocks import document
from compass.publish.edition import KIND_NAMES, Edition, tag_page
from compass.publish.markup import Markup
from compass.publish.places import tile
from compass.publish.review import queue
from compass.publish.rows import COUNTED, Rows, empty_state, tiles
from compass.publish.text import clean, count, day, escape, front_matter, heading

ABOUT: Final = {
    "pattern": "Recurring ways of failing that a machine can recognise.",
    "runbook": "What to do when an alert fires.",
    "postmortem": "What was learnt from each incident.",
}
_WAYS: Final = (
    ("symptoms/index.html", "Start from a symptom"),
    ("services/index.html", "New to a service"),
    ("postmortems/index.html", "The timeline of incidents"),
    ("review/index.html", "The review queue"),
)
_WEEK: Final = timedelta(days=7)
_SHOWN: Final = 6
_TILES: Final = 24
_LONGEST: Final = 90


def home_page(edition: Edition, markup: Markup) -> tuple[str, str]:
    """(path in the staged folder, Markdown)."""
    rows = Rows(edition, markup)
    name = edition.library.main.id
    kinds = Counter(one.kind for one in edition.listed)
    cards = "".join(
        f'<li><a href="{FOLDERS[kind]}/index.html"><strong>{kinds[kind]:,}</strong> {COUNTED[kind][kinds[kind] != 1]}'
        f"<span>{ABOUT[kind]}</span></a></li>"
        for kind in ("runbook", "pattern", "postmortem")
    )
    ways = "".join(f'<li><a href="{address}">{words}</a></li>' for address, words in _WAYS)
    parts = [
        front_matter(title=f"{name}: what we know", section="home", layout="wide"),
        heading(f"What {name} knows", 1),
        '<p class="cm-lead">Patterns, runbooks and post-mortems, each with its evidence, its owner and the date it was last checked.</p>',
        '<button type="button" class="cm-bigsearch" data-compass-search>Search by alert, symptom or service <kbd>/</kbd></button>',
        f'<nav class="cm-ways" aria-label="Ways in"><ul>{ways}</ul></nav>',
        f'<ul class="cm-kinds">{cards}</ul>',
    ]
    if edition.listed:
        parts += _news(edition, rows)
        parts += _groups(edition)
    else:
        lead = "Start with what the last incident taught:"
        parts.append(empty_state("Nothing is published here yet.", lead, "compass new pattern"))
    return "index.md", document(parts)


def _news(edition: Edition, rows: Rows) -> Iterator[str]:
    waiting = queue(edition)

    def due(loaded: LoadedEntry) -> str:
        late = edition.overdue(loaded)
        if late > 0:
            return f'{KIND_NAMES[loaded.kind][0]} · <span class="cm-late">review {count(late, "day")} late</span>'
        by = loaded.entry.review_by
        waits = (edition.today - loaded.entry.created).days
        when = f"review by {day(by)}" if by and late > -31 else f"draft for {count(waits, 'day')}"
        return f"{KIND_NAMES[loaded.kind][0]} · {when}"

    used = dict(used_since(edition, edition.today - _WEEK))
    week = [edition.pages[one] for one in used]
    panels = (
        _panel(
            "What changed",
            rows.brief(edition.recent[:_SHOWN], "index", lambda one: _changed(edition, one)),
            "",
        ),
        _panel(
            "What is due",
            rows.brief([one for _, one in waiting[:_SHOWN]], "index", due),
            '<p class="cm-empty-line">No review is overdue, and no draft waits.</p>',
            f'<a href="review/index.html">The review queue ({len(waiting):,})</a>' if waiting else "",
        ),
        _panel(
            "Used this week",
            rows.brief(week[:_SHOWN], "index", lambda one: used[one.id]),
            '<p class="cm-empty-line">No investigation or post-mortem of the last seven days names an entry.</p>',
        ),
    )
    yield f'<div class="cm-panels">{"".join(panels)}</div>'


def _panel(title: str, drawn: str, empty: str, more: str = "") -> str:
    foot = f'<p class="cm-more">{more}</p>' if more else ""
    return f'<section class="cm-panel"><h2>{title}</h2>{drawn or empty}{foot}</section>'


def _changed(edition: Edition, loaded: LoadedEntry) -> str:
    changed = edition.changed_at(loaded)
    when = day(changed) if changed else "not committed yet"
    landed = edition.history(loaded)
    verb = {"contribute": "contributed", "promote": "promoted"}.get(landed[0].verb, "") if landed else ""
    return " · ".join(one for one in (KIND_NAMES[loaded.kind][0], f"{verb} {when}".strip()) if one)


def used_since(edition: Edition, since: date) -> list[tuple[str, str]]:
    """(id, why in HTML) of what investigations and post-mortems named on that day or later, the most used first."""
    found: dict[str, list[tuple[date, str]]] = {}
    for loaded in edition.listed:
        reasons = [
            (use.day, f"in an investigation: {escape(_short(use.symptom))}")
            for use in edition.uses(loaded)
            if since <= use.day <= edition.today
        ]
        reasons += [
            (one.entry.created, f"in the post-mortem {escape(_short(one.title))}")
            for one in edition.seen_in.get(loaded.id, ())
            if since <= one.entry.created <= edition.today
        ]
        if reasons:
            found[loaded.id] = sorted(reasons, reverse=True)
    ranked = sorted(found, key=lambda one: (-len(found[one]), -found[one][0][0].toordinal(), one))
    return [
        (one, f"{day(found[one][0][0])}, {found[one][0][1]}" + (f" · {len(found[one])} times" if len(found[one]) > 1 else ""))
        for one in ranked
    ]  # fmt: skip


def _short(text: str) -> str:
    words = " ".join(clean(text).split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rpartition(' ')[0]} …"


def _groups(edition: Edition) -> Iterator[str]:
    """The services, groups and tags of which most is known; the others stand in their own indexes."""
    landscape = edition.landscape
    for title, references, index in (
        ("By service", landscape.services, "services"),
        ("By team", landscape.groups, "teams"),
    ):
        counted = {ref: int(tile(edition, ref, "index")[2].replace(",", "")) for ref in references}
        ranked = sorted((ref for ref in references if counted[ref]), key=lambda ref: (-counted[ref], ref))
        if ranked:
            more = (
                f'<p class="cm-more"><a href="{index}/index.html">All {index} ({len(references):,})</a></p>'
            )
            yield heading(title, 2)
            yield tiles(tile(edition, ref, "index") for ref in ranked[:_TILES]) + more
    technologies = [tag for tag in edition.by_tag if tag.startswith("technology:")] or list(edition.by_tag)
    tags = sorted(technologies, key=lambda tag: (-len(edition.by_tag[tag]), tag))[:_TILES]
    if tags:
        yield heading("By technology", 2)
        drawn = ((tag, tag.partition(":")[2], len(edition.by_tag[tag])) for tag in tags)
        yield tiles((f"{tag_page(tag)}.html", escape(name), f"{many:,}") for tag, name, many in drawn) + (
            f'<p class="cm-more"><a href="tags/index.html">All tags ({len(edition.by_tag):,})</a></p>'
        )
