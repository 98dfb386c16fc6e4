"""Rules about alerts and runbooks: whoever is woken finds what to do, and what is written down can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from compass.library import LoadedEntry
from compass.library.alerts import Alert
from compass.model.base import Problem, Severity
from compass.model.entry import Status
from compass.rules.base import Context, Example, Rule, nearest
from compass.rules.place import Place

_URL: Final = "runbook_url"
_ID: Final = re.compile(r"\b(?:run|pat|pm)-[0-9a-hjkmnp-tv-z]{10}\b")
_DEAD: Final = frozenset({Status.WITHDRAWN, Status.DEPRECATED})
_RULES: Final = """\
groups:
  - name: pool
    rules:
      - alert: PoolFull
        expr: db_pool_in_use / db_pool_size > 0.95
        for: 5m
"""
_FILE: Final = Example(path="catalog/rules.yaml", raw=_RULES)


class AlertWithoutRunbook(Rule):
    """Somebody is woken by it, and then stands before nothing."""

    id = "alert-without-runbook"
    sentence = "Every alert in the catalog's rule files has a runbook, and a runbook URL leads to an entry that is there."
    severity = Severity.WARNING
    good = Example("runbook", "alerts: [{name: PoolFull}]", beside=(_FILE,))
    bad = Example("runbook", beside=(_FILE,))

    def finish(self, context: Context) -> Iterable[Problem]:
        """Look for a runbook that names the alert, here or above, or that its URL names."""
        if not context.library.alerts:
            return
        served = {
            name
            for loaded in context.library.entries
            if loaded.status not in _DEAD
            for name in context.facts(loaded).alerts
        }
        told: set[str] = set()
        for alert in context.library.alerts:
            named = _ID.findall(alert.annotations.get(_URL, ""))
            lost = [one for one in named if one not in context.ids and one not in context.broken]
            if lost:
                hint = "mend the URL, or bring the entry back"
                yield self._at(
                    alert, f"the runbook URL of {alert.name} names {lost[0]}, which is not here", hint
                )
            elif not named and alert.name not in served and alert.name not in told:
                told.add(alert.name)
                hint = f"`compass new runbook --title {alert.name!r}`, and name it under `alerts`; `compass import` drafts one"
                yield self._at(alert, f"the alert {alert.name} has no runbook", hint)

    def _at(self, alert: Alert, message: str, hint: str) -> Problem:
        return Problem(
            rule=self.id,
            severity=self.severity,
            message=message,
            path=alert.source,
            line=alert.line,
            column=1,
            hint=hint,
        )


class RunbookWithoutAlert(Rule):
    """An alert that was renamed takes nobody to its runbook any more."""

    id = "runbook-without-alert"
    sentence = "Where the catalog has rule files, the alerts that a runbook is for exist."
    severity = Severity.WARNING
    good = Example("runbook", "alerts: [{name: PoolFull}]", beside=(_FILE,))
    bad = Example("runbook", "alerts: [{name: PoolFul}]", beside=(_FILE,))

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look each name up among the alerts here and above."""
        known = context.alerts
        if not known or loaded.status in _DEAD:
            return
        for number, name in enumerate(context.facts(loaded).alerts):
            if name not in known:
                near = nearest(name, known)
                hint = (
                    f"did you mean {near!r}?"
                    if near
                    else "rename it, or add the rule file that has it to catalog/"
                )
                message = f"no rule file of the catalog has the alert {name!r}"
                yield self.problem(loaded, message, Place(("alerts", number, "name")), hint)
