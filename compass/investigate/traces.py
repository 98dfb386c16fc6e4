"""Spans joined to trees: who called whom, where time went, what was called last."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from compass.model.recording import Span


class Kind(NamedTuple):
    """Spans are alike when service and operation are."""

    service: str
    name: str


class Edge(NamedTuple):
    """A call between services, told apart by the operation called."""

    caller: str
    callee: str
    name: str


@dataclass(frozen=True)
class Forest:
    """Spans with their children in order of start, and their parents; spans of lost parents are roots."""

    spans: tuple[Span, ...]
    children: tuple[tuple[int, ...], ...]
    parents: tuple[int, ...]

    @classmethod
    def grow(cls, spans: Iterable[Span]) -> Forest:
        """Join spans by (trace, parent); order of the input does not matter."""
        ordered = tuple(
            sorted(set(spans), key=lambda span: (span.start_ns, span.end_ns, span.trace, span.span))
        )
        place = {(span.trace, span.span): index for index, span in enumerate(ordered)}
        parents = [place.get((span.trace, span.parent), -1) if span.parent else -1 for span in ordered]
        _cut_circles(parents)
        below: list[list[int]] = [[] for _ in ordered]
        for index, above in enumerate(parents):
            if above >= 0:
                below[above].append(index)
        return cls(ordered, tuple(tuple(found) for found in below), tuple(parents))

    def between(self, start: float, end: float) -> list[int]:
        """Indices of spans that start in [start, end), in unix seconds."""
        return list(
            range(bisect_left(self.starts, int(start * 1e9)), bisect_left(self.starts, int(end * 1e9)))
        )

    @cached_property
    def starts(self) -> list[int]:
        """When each span starts, in nanoseconds, ascending."""
        return [span.start_ns for span in self.spans]

    def calls(self) -> Iterator[tuple[int, int]]:
        """(parent, child) indices where a call crosses from one service to another."""
        for index, above in enumerate(self.parents):
            if above >= 0 and self.spans[above].service != self.spans[index].service:
                yield above, index

    def entry(self, index: int) -> bool:
        """Whether a span is where a request enters its service."""
        above = self.parents[index]
        return above < 0 or self.spans[above].service != self.spans[index].service

    def caller(self, index: int) -> str:
        """The service that called the one in which the span happened; empty at the front door."""
        while not self.entry(index):
            index = self.parents[index]
        above = self.parents[index]
        return self.spans[above].service if above >= 0 else ""

    def own_time(self, index: int) -> float:
        """Seconds of a span that no child covers."""
        span = self.spans[index]
        covered, reach = 0, span.start_ns
        for child in self.children[index]:
            below = self.spans[child]
            begin, end = max(below.start_ns, reach), min(below.end_ns, span.end_ns)
            if end > begin:
                covered += end - begin
                reach = end
        return (span.end_ns - span.start_ns - covered) / 1e9

    def called_time(self, index: int) -> int:
        """Nanoseconds that a span waits for other services, calls at the same time counted once."""
        own, found, stack = self.spans[index].service, [], list(self.children[index])
        while stack:
            child = stack.pop()
            span, below = self.spans[child], self.children[child]
            remote = len(below) == 1 and self.spans[below[0]].service != own
            if span.service != own or remote:
                found.append((span.start_ns, span.end_ns))
            else:
                stack.extend(below)
        covered, reach = 0, 0
        for start, end in sorted(found):
            covered += max(0, end - max(start, reach))
            reach = max(reach, end)
        return covered

    def called(self, index: int, peers: Mapping[Kind, str]) -> list[str]:
        """Services that a span calls, through spans of its own service too, in order of start.

        A span that stands for a call (`peers` says to whom) counts also where nobody answered it.
        """
        own, found, stack = self.spans[index].service, [], list(reversed(self.children[index]))
        while stack:
            child = stack.pop()
            below = self.spans[child]
            if below.service != own:
                found.append((below.start_ns, below.service))
            elif self.children[child]:
                stack.extend(reversed(self.children[child]))
            elif self.kind(child) in peers:
                found.append((below.start_ns, peers[self.kind(child)]))
        return [service for _, service in sorted(found)]

    def peers(self) -> Iterator[tuple[Kind, str]]:
        """(kind, callee) for each call: of which kind the calling span was, and who answered."""
        for above, below in self.calls():
            yield self.kind(above), self.spans[below].service

    def kind(self, index: int) -> Kind:
        """What a span has in common with its like."""
        return Kind(self.spans[index].service, self.spans[index].name)


def _cut_circles(parents: list[int]) -> None:
    """Let no span be its own ancestor, whatever the spans say of themselves: of a circle the span met first is a root."""
    done = bytearray(len(parents))
    for first in range(len(parents)):
        path, index = [], first
        while index >= 0 and not done[index]:
            done[index] = 1
            path.append(index)
            index = parents[index]
        if index >= 0 and done[index] == 1:
            parents[index] = -1
        for index in path:
            done[index] = 2


def edges_of(forest: Forest) -> set[tuple[str, str]]:
    """The call graph that spans show, as (caller, callee)."""
    return {(forest.spans[above].service, forest.spans[below].service) for above, below in forest.calls()}


def gaps(forest: Forest, chosen: Iterable[int]) -> dict[Edge, list[float]]:
    """Seconds that a call spends between the services, for each edge.

    A calling span with exactly one child, in another service, is a client span: its time minus the child's is
    what the network, queues and the two stacks took. Clocks of the two sides need not agree.
    """
    found: dict[Edge, list[float]] = defaultdict(list)
    for index in chosen:
        below = forest.children[index]
        if len(below) != 1:
            continue
        span, child = forest.spans[index], forest.spans[below[0]]
        if span.service == child.service:
            continue
        spent = ((span.end_ns - span.start_ns) - (child.end_ns - child.start_ns)) / 1e9
        found[Edge(span.service, child.service, child.name)].append(max(spent, 0.0))
    return found


def own_times(forest: Forest, chosen: Iterable[int]) -> dict[Kind, list[float]]:
    """Seconds of its own, for each kind of span; pure client spans are left to `gaps`."""
    found: dict[Kind, list[float]] = defaultdict(list)
    for index in chosen:
        below = forest.children[index]
        span = forest.spans[index]
        if len(below) == 1 and forest.spans[below[0]].service != span.service:
            continue
        found[Kind(span.service, span.name)].append(forest.own_time(index))
    return found
