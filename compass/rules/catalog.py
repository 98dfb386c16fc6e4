"""Rules about names that the software catalog must know."""

from __future__ import annotations

from collections.abc import Iterator

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.rules.base import Context, Example, Rule, nearest
from compass.rules.place import Place


class UnknownOwner(Rule):
    """An entry without a living owner rots."""

    id = "unknown-owner"
    sentence = "The owner is a group of the catalog."
    good = Example(front="owner: group:default/payments")
    bad = Example(front="owner: group:default/paymets")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look the owner up."""
        owner = context.facts(loaded).owner
        if owner and owner not in context.library.entities:
            name = owner.rpartition("/")[2]
            hint = _hint(owner, "group", context)
            severity = Severity.WARNING if context.blind_catalog else None
            yield self.problem(
                loaded, f"owner {name!r} is not a team of the catalog", Place(("owner",)), hint, severity
            )


class UnknownService(Rule):
    """A service nobody can look up has no owner, no dependencies and no dashboard."""

    id = "unknown-service"
    sentence = "Every service is a component of the catalog, or a category."
    severity = Severity.WARNING
    good = Example(front="services: [component:default/checkout, 'category:database']")
    bad = Example(front="services: [component:default/chekout]")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look every service up."""
        for number, service in enumerate(context.facts(loaded).services):
            if service in context.library.entities or service.startswith("category:"):
                continue
            name = service.rpartition("/")[2]
            place = Place(("services", number))
            yield self.problem(
                loaded,
                f"service {name!r} is not a component of the catalog",
                place,
                _hint(service, "component", context),
            )


def _hint(ref: str, kind: str, context: Context) -> str:
    if context.blind_catalog:
        return f"it may be in a catalog that could not be read ({context.blind_catalog})"
    known = context.refs.get(kind, ())
    if not known:
        return (
            f"no {kind} is known: describe it in catalog/*.yaml, or name a repository that does in `parents`"
        )
    names = {one.rpartition("/")[2]: one for one in known}
    near = nearest(ref.rpartition("/")[2], names)
    if near:
        return f"did you mean {names[near]!r}?"
    return f"add a {kind.capitalize()} to the catalog, or use one that is there, such as {known[0]!r}"
