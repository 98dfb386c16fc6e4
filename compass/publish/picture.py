"""A dependency picture as inline SVG: no script, no style of its own, links on its nodes, words beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from compass.publish.edition import Edition, href, named, service_page
from compass.publish.layout import Spot, place
from compass.publish.text import attribute, count, escape

MOST: Final = 30
"""Nodes of one picture; the table beside it names the others."""
_WIDE, _GAP, _HIGH, _STEP = 100, 28, 36, 46
_LINE: Final = 13
"""Characters that fit on one of the two lines of a node."""
_BREAK: Final = re.compile(r"(?<=[-._])")


def neighbourhood(edition: Edition, reference: str) -> tuple[list[str], list[tuple[str, str]], int]:
    """A service with what it needs and what needs it: nodes, edges, and how many there was no room for."""
    needs = edition.landscape.needs.get(reference, ())
    users = edition.landscape.needed_by.get(reference, ())
    half = (MOST - 1) // 2
    room = (max(half, MOST - 1 - len(users)), max(half, MOST - 1 - len(needs)))
    shown, using = needs[: room[0]], users[: room[1]]
    edges = [(reference, one) for one in shown] + [(one, reference) for one in using]
    left = len(set(needs) | set(users)) - len(set(shown) | set(using))
    return [reference, *shown, *using], edges, left


def among(edition: Edition, chosen: Sequence[str]) -> tuple[list[str], list[tuple[str, str]], int]:
    """Services of one group and whatever they need or serve, the best connected first: nodes, edges, and the rest."""
    landscape = edition.landscape
    own = set(chosen)
    near = {other for one in chosen for other in landscape.needs.get(one, ())} - own

    def ties(ref: str) -> int:
        return len(landscape.needs.get(ref, ())) + len(landscape.needed_by.get(ref, ()))

    ranked = sorted(own, key=lambda ref: (-ties(ref), ref)) + sorted(near, key=lambda ref: (-ties(ref), ref))
    nodes = ranked[:MOST]
    kept = set(nodes)
    edges = [(one, other) for one in nodes for other in landscape.needs.get(one, ()) if other in kept]
    return nodes, edges, len(ranked) - len(nodes)


def draw(
    edition: Edition,
    page: str,
    title: str,
    graph: tuple[list[str], list[tuple[str, str]], int],
    focus: Iterable[str],
) -> str:
    """The figure, or nothing where there is nothing to join."""
    nodes, edges, left = graph
    if not edges:
        return ""
    layout = place(nodes, edges)
    wide = layout.columns * (_WIDE + _GAP) - _GAP + 2
    high = round(layout.rows * _STEP)
    lines = "".join(_edge(layout.routes[edge]) for edge in sorted(layout.routes))
    own = frozenset(focus)
    boxes = "".join(_node(edition, page, ref, layout.spots[ref], ref in own) for ref in sorted(layout.spots))
    told = "; ".join(
        f"{named(one)[1]} needs {', '.join(named(b)[1] for a, b in edges if a == one)}"
        for one in dict.fromkeys(a for a, _ in edges)
    )
    more = f" {count(left, 'more is', 'more are')} in the table." if left else ""
    return (
        f'<figure class="cm-picture" data-search-ignore><div class="cm-picture-scroll">'
        f'<svg viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="group" aria-labelledby="map-title map-desc">'
        f'<title id="map-title">{escape(title)}</title><desc id="map-desc">{escape(told)}.</desc>'
        '<defs><marker id="map-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 .5 7 4 0 7.5Z"/></marker></defs><g class="cm-edges" marker-end="url(#map-arrow)">{lines}</g>{boxes}</svg></div>'
        f"<figcaption>Each arrow points at what is needed.{more}</figcaption></figure>"
    )


def _edge(route: tuple[Spot, ...]) -> str:
    """A curve from one node's side to the other's, level at every stop."""
    turned = route[0].column > route[-1].column
    points = []
    for index, spot in enumerate(route):
        left = 1 + spot.column * (_WIDE + _GAP)
        y = round(spot.row * _STEP)
        if index == 0:
            points.append((left if turned else left + _WIDE, y))
        elif index == len(route) - 1:
            points.append((left + _WIDE + 2 if turned else left - 2, y))
        else:
            points += [(left + _WIDE, y), (left, y)] if turned else [(left, y), (left + _WIDE, y)]
    (x, y), *rest = points
    path = f"M{x} {y}"
    for at, (to, down) in enumerate(rest):
        if at % 2:  # along a stop
            path += f"H{to}"
        else:
            bend = (x + to) // 2
            path += f"C{bend} {y} {bend} {down} {to} {down}"
        x, y = to, down
    return f'<path d="{path}"/>'


def _node(edition: Edition, page: str, reference: str, spot: Spot, own: bool) -> str:  # noqa: FBT001  # beside three others
    sort, name = named(reference)
    x, y = 1 + spot.column * (_WIDE + _GAP), round(spot.row * _STEP)
    lines = wrap(name)
    first = y + 4 if len(lines) == 1 else y - 3
    words = "".join(
        f'<tspan x="{x + _WIDE // 2}" y="{first + 14 * at}">{escape(line)}</tspan>'
        for at, line in enumerate(lines)
    )
    full = f"<title>{escape(name)}</title>" if "…" in lines[-1] else ""
    style = "cm-node" + (" cm-node-own" if own else "") + (" cm-node-store" if sort == "resource" else "")
    box = f'<rect x="{x}" y="{y - _HIGH // 2}" width="{_WIDE}" height="{_HIGH}" rx="{_HIGH // 2 if sort == "resource" else 7}"/>'
    drawn = f"{full}{box}<text>{words}</text>"
    if reference in edition.landscape.pages:
        target = href(page, service_page(reference))
        return f'<a class="{style}" href="{attribute(target)}">{drawn}</a>'
    return f'<g class="{style}">{drawn}</g>'


def wrap(name: str) -> list[str]:
    """A name on one or two lines, broken after a hyphen where there is one; what does not fit ends in an ellipsis."""
    if len(name) <= _LINE:
        return [name]
    first = ""
    for part in _BREAK.split(name):
        if len(first) + len(part) > _LINE:
            break
        first += part
    first = first or name[:_LINE]
    rest = name[len(first) :]
    if not rest:
        return [first]
    return [first, rest if len(rest) <= _LINE else f"{rest[: _LINE - 1]}…"]
