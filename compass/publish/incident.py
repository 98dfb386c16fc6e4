"""What runbooks and post-mortems hold beyond text: alerts, steps with their risk, times, causes, actions, roles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import ContributingCause, Postmortem, Risk, Runbook
from compass.publish.commonmark import code
from compass.publish.markup import Markup
from compass.publish.text import chip, clock, day, definition, escape, items

_RISKS: Final = {
    Risk.READ_ONLY: "only reads",
    Risk.REVERSIBLE: "changes, can be undone",
    Risk.DESTRUCTIVE: "cannot be undone",
}
_PHASES: Final = (
    ("start", "Began"),
    ("detected", "Detected"),
    ("acknowledged", "Acknowledged"),
    ("mitigated", "Mitigated"),
    ("resolved", "Resolved"),
)


def alerts(runbook: Runbook) -> str:
    """The alerts that lead here."""
    rows = []
    for alert in runbook.alerts:
        matchers = " ".join(f"<code>{escape(one)}</code>" for one in alert.matchers)
        rows.append(f'<strong class="cm-alert">{escape(alert.name)}</strong> {matchers}')
    return items(rows, "cm-alerts")


def steps(loaded: LoadedEntry, runbook: Runbook, markup: Markup, page: str) -> str:
    """What to do, in order, each step with its risk beside it."""
    rows = []
    for step in runbook.steps:
        command = code(step.command) if step.command else ""
        expected = _expected(step.expected, loaded, markup, page) if step.expected else ""
        rows.append(
            f'<li id="step-{step.id}" class="cm-step cm-step-{step.risk.value}">'
            f'<p class="cm-step-text">{markup.inline(step.text, loaded, page)} {chip(step.risk.value, "risk", _RISKS[step.risk])}</p>'
            f"{command}{expected}</li>"
        )
    return f'<ol class="cm-steps">{"".join(rows)}</ol>' if rows else ""


def _expected(text: str, loaded: LoadedEntry, markup: Markup, page: str) -> str:
    """A sentence stays one; several lines are a program's answer and keep their shape."""
    label = '<span class="cm-label">Expect</span>'
    if "\n" in text.strip():
        return f'<p class="cm-expected">{label}</p>{code(text.strip())}'
    return f'<p class="cm-expected">{label} {markup.inline(text, loaded, page)}</p>'


def timeline(postmortem: Postmortem) -> str:
    """When it began, was noticed and was over, with the time since it began."""
    times = postmortem.times
    if not times:
        return ""
    rows = []
    shown = None
    for name, word in _PHASES:
        when = getattr(times, name)
        if when:
            date = "" if when.date() == shown else f"{day(when)}, "
            shown = when.date()
            later = times.start and name != "start"
            since = f'<span class="cm-since">+{span(when - times.start)}</span>' if later else ""
            rows.append(
                f'<li><span class="cm-label">{word}</span> <span>{date}{clock(when)}</span> {since}</li>'
            )
    return f'<ol class="cm-timeline" aria-label="Times">{"".join(rows)}</ol>' if rows else ""


def causes(loaded: LoadedEntry, found: tuple[ContributingCause, ...], markup: Markup, page: str) -> str:
    """Several causes, each with the level of the system that it belongs to."""
    return items(
        [f"{markup.inline(one.text, loaded, page)} {chip(one.level.value, 'level')}" for one in found]
    )


def actions(loaded: LoadedEntry, postmortem: Postmortem, markup: Markup, page: str) -> str:
    """What follows, by whom, until when, and how one can tell that it is done."""
    rows = []
    for action in postmortem.actions:
        owner = markup.team(action.owner, page) if action.owner else '<span class="cm-missing">nobody</span>'
        facts = definition("Owner", owner)
        facts += definition("Due", day(action.due) if action.due else "")
        facts += definition("Strength", escape(action.strength or ""))
        facts += definition("Tracked in", escape(action.tracker or ""))
        facts += definition(
            "Done when", markup.inline(action.done_when, loaded, page) if action.done_when else ""
        )
        rows.append(
            f'<p>{markup.inline(action.text, loaded, page)}</p><dl class="cm-inline-facts">{facts}</dl>'
        )
    return items(rows, "cm-actions")


def people(postmortem: Postmortem) -> str:
    """Roles in the response, by principal id."""
    facts = _facts(
        (role.replace("_", " "), f"<code>{escape(who)}</code>") for role, who in postmortem.roles.items()
    )
    facts += definition(
        "also there", " ".join(f"<code>{escape(who)}</code>" for who in postmortem.participants)
    )
    return f'<dl class="cm-inline-facts">{facts}</dl>' if facts else ""


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(definition(term, value) for term, value in pairs)


def span(length: timedelta) -> str:
    """`26 min`, `2 h 05 min`."""
    minutes = int(length.total_seconds() // 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
