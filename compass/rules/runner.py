"""Every rule over a library; what follows from a file alone is remembered by its blob id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from compass.model.base import Problem, Severity
from compass.rules.base import Context, Rule

MOST: Final = 50
"""Findings of one rule in one entry; a file that has more is not read more closely."""


@dataclass(frozen=True)
class Findings:
    """What the rules found, and what of it may be remembered."""

    problems: tuple[Problem, ...]
    fresh: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


def apply(
    rules: Sequence[Rule], context: Context, known: Mapping[str, Sequence[Problem]] | None = None
) -> Findings:
    """Run every rule over the own entries; `known` holds, by blob id, what local rules said of that text before."""
    local = [rule for rule in rules if rule.local]
    remembered = known or {}
    problems: list[Problem] = []
    fresh: dict[str, tuple[Problem, ...]] = {}
    for loaded in context.own:
        before = remembered.get(loaded.blob)
        if before is None:
            found = tuple(one for rule in local for one in islice(rule.check(loaded, context), MOST))
            fresh[loaded.blob] = found
            problems += found
            context.facts(loaded)
            loaded.forget()
        else:
            problems += (
                one if one.path == loaded.path else one.model_copy(update={"path": loaded.path})
                for one in before
            )
    problems += _over_all([rule for rule in rules if not rule.local], rules, context)
    silent = {one.path: names for one in context.own if (names := context.facts(one).silenced)}
    if silent:
        problems = [
            one
            for one in problems
            if one.rule not in silent.get(one.path, ()) or one.severity is Severity.ERROR
        ]
    return Findings(tuple(problems), fresh)


def _over_all(wider: Sequence[Rule], rules: Sequence[Rule], context: Context) -> Iterator[Problem]:
    looking = [rule for rule in wider if type(rule).check is not Rule.check]
    for loaded in context.answerable:
        for rule in looking:
            yield from islice(rule.check(loaded, context), MOST)
    for rule in rules:
        yield from rule.finish(context)
