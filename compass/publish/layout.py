"""Places the nodes of a small directed graph in columns, so that arrows run to the right and cross little.

After Sugiyama, Tagawa and Toda (1981): break cycles, layer by longest path, order by barycentres, all ties by name.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_SWEEPS: Final = 6


class Spot(NamedTuple):
    """A column from the left, and the middle of the node on the other axis, in node heights."""

    column: int
    row: float


@dataclass(frozen=True)
class Layout:
    """Where every node lies, and by which spots each edge runs; `rows` is the height of the whole, in node heights."""

    spots: Mapping[str, Spot]
    routes: Mapping[tuple[str, str], tuple[Spot, ...]]
    columns: int
    rows: float


def place(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> Layout:
    """Lay out `nodes`; edges that lead elsewhere or to themselves are left out."""
    names = sorted(set(nodes))
    known = sorted({(a, b) for a, b in edges if a != b and a in names and b in names})
    forward = _acyclic(names, known)
    column = _columns(names, forward)
    chains = {(a, b): _chain(a, b, column) for a, b in forward}
    layers: dict[int, list[str]] = defaultdict(list)
    for name in names:
        layers[column[name]].append(name)
    for chain in chains.values():
        for at, stop in enumerate(chain[1:-1], 1):
            layers[column[chain[0]] + at].append(stop)
    links = [pair for chain in chains.values() for pair in itertools.pairwise(chain)]
    order = _ordered([layers[at] for at in range(len(layers))], links)
    real = set(names)
    spots, rows = _spots(order, real)
    routes = {}
    for a, b in known:
        chain = chains.get((a, b)) or tuple(reversed(chains[b, a]))
        routes[a, b] = tuple(spots[one] for one in chain)
    return Layout({name: spots[name] for name in names}, routes, len(order), rows)


def _acyclic(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each edge once, those that would close a cycle turned round."""
    after: dict[str, list[str]] = defaultdict(list)
    for a, b in edges:
        after[a].append(b)
    state: dict[str, int] = {}
    turned: dict[tuple[str, str], None] = {}
    targets = {b for _, b in edges}
    for start in sorted(names, key=lambda name: (name in targets, name)):
        if start in state:
            continue
        state[start] = 1
        stack = [(start, iter(after[start]))]
        while stack:
            name, rest = stack[-1]
            follower = next(rest, None)
            if follower is None:
                state[name] = 2
                stack.pop()
            elif state.get(follower) == 1:
                turned.setdefault((follower, name))
            else:
                turned.setdefault((name, follower))
                if follower not in state:
                    state[follower] = 1
                    stack.append((follower, iter(after[follower])))
    return [edge for edge in turned if (edge[1], edge[0]) not in turned or edge[0] < edge[1]]


def _columns(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest path from a node that nothing leads to; then each as far right as its followers allow."""
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    column = dict.fromkeys(names, 0)
    ready = [name for name in names if not before[name]]
    waiting = {name: len(before[name]) for name in names}
    order: list[str] = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for follower in sorted(after[name]):
            column[follower] = max(column[follower], column[name] + 1)
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    for name in reversed(order):
        if after[name] and not before[name]:
            column[name] = min(column[one] for one in after[name]) - 1
    return column


def _chain(a: str, b: str, column: Mapping[str, int]) -> tuple[str, ...]:
    """The stops of an edge: one in each column that it passes, named as no node can be."""
    stops = (f"\0{a}\0{b}\0{at}" for at in range(column[a] + 1, column[b]))
    return (a, *stops, b)


def _ordered(layers: list[list[str]], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    left: dict[str, list[str]] = defaultdict(list)
    right: dict[str, list[str]] = defaultdict(list)
    for a, b in links:
        right[a].append(b)
        left[b].append(a)
    order = [sorted(layer) for layer in layers]
    best, fewest = order, _crossings(order, right)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        order = [list(layer) for layer in order]
        for at in range(1, len(order)) if forward else range(len(order) - 2, -1, -1):
            near = order[at - 1 if forward else at + 1]
            neighbours = left if forward else right
            position = {name: index for index, name in enumerate(near)}
            own = {name: index for index, name in enumerate(order[at])}
            order[at].sort(key=lambda name: (_middle(neighbours[name], position, own[name]), name))
        crossings = _crossings(order, right)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _middle(neighbours: Sequence[str], position: Mapping[str, int], own: int) -> float:
    found = [position[one] for one in neighbours if one in position]
    return sum(found) / len(found) if found else float(own)


def _crossings(order: Sequence[Sequence[str]], right: Mapping[str, Sequence[str]]) -> int:
    total = 0
    for layer, following in itertools.pairwise(order):
        position = {name: index for index, name in enumerate(following)}
        ends = [
            position[one] for name in layer for one in sorted(right.get(name, ()), key=position.__getitem__)
        ]
        total += sum(a > b for index, a in enumerate(ends) for b in ends[index + 1 :])
    return total


def _spots(order: Sequence[Sequence[str]], real: set[str]) -> tuple[dict[str, Spot], float]:
    """Columns centred on each other; a stop of an edge takes less room than a node."""
    heights = [[1.0 if name in real else 0.4 for name in layer] for layer in order]
    rows = max((sum(layer) for layer in heights), default=1.0)
    spots = {}
    for column, (layer, sizes) in enumerate(zip(order, heights, strict=True)):
        top = (rows - sum(sizes)) / 2
        for name, size in zip(layer, sizes, strict=True):
            spots[name] = Spot(column, top + size / 2)
            top += size
    return spots, rows
