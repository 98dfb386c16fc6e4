"""Which rules there are: those registered in the entry-point group `compass.rules`, ours among them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from compass.errors import ConfigError
from compass.rules.base import Rule

GROUP = "compass.rules"
OURS = EntryPoint("compass", "compass.rules.builtin:RULES", GROUP)


@cache
def all_rules() -> tuple[Rule, ...]:
    """One object of each registered class; ConfigError when two share an id or one cannot be loaded."""
    points = [point for point in entry_points(group=GROUP) if point.value != OURS.value]
    found: dict[str, Rule] = {}
    # Ours are loaded by name as well, so that a source tree that was never installed checks the same.
    for point in (OURS, *sorted(points, key=lambda point: (point.name, point.value))):
        for kind in _loaded(point):
            if kind.id in found:
                raise ConfigError(
                    f"two rules are called {kind.id!r}", f"uninstall or rename the one from {point.value}"
                )
            found[kind.id] = kind()
    return tuple(found.values())


def _loaded(point: EntryPoint) -> tuple[type[Rule], ...]:
    try:
        kinds = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the rules {point.value} cannot be loaded: {error}", f"uninstall or mend {point.name}"
        ) from error
    return tuple(kinds)
