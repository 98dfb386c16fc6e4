"""A pattern's match conditions, its competing hypotheses and its tests, in words."""

from __future__ import annotations

import re
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Hypothesis, Pattern
from compass.model.match import AlertSignal, ChangeSignal, LogSignal, Match, MetricSignal, Signal
from compass.publish.commonmark import code
from compass.publish.markup import Markup
from compass.publish.text import chip, count, definition, escape, items

_COMPARISONS: Final = {"gt": "&gt;", "gte": "≥", "lt": "&lt;", "lte": "≤", "eq": "=", "ne": "≠"}
_WORDS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[()]")


def recognition(match: Match) -> str:
    """How a machine, and a person, tells that the pattern is present."""
    rows = "".join(
        f'<li><span class="cm-signal">{escape(name)}</span> <span class="cm-kindof">{signal.type}</span> '
        f"<span>{_signal(signal)}{_weight(match, name)}</span></li>"
        for name, signal in match.signals.items()
    )
    facts = definition("Window", escape(match.window))
    facts += definition("Grouped by", ", ".join(_code(name) for name in match.group_by))
    facts += definition("In this order", " → ".join(_name(name) for name in match.order))
    facts += definition("Never when", ", ".join(_code(one) for one in match.exclude))
    partial = (
        '<p class="cm-note">A signal could not be kept when this pattern was shared, so the condition is partial.</p>'
        if match.partial
        else ""
    )
    return (
        f'<div class="cm-match">\n<p class="cm-condition"><span>Matches when</span> {_condition(match.condition)}</p>\n'
        f'<ul class="cm-signals">{rows}</ul>\n<dl class="cm-inline-facts">{facts}</dl>\n{partial}</div>'
    )


def tests(pattern: Pattern) -> str:
    """The recordings that keep the match honest."""
    if not pattern.tests:
        return ""
    yes = ", ".join(_code(name) for name in pattern.tests.must_match)
    no = ", ".join(_code(name) for name in pattern.tests.must_not_match)
    facts = definition("Must match", yes) + definition("Must not match", no)
    return f'<dl class="cm-inline-facts">{facts}</dl>' if facts else ""


def hypotheses(loaded: LoadedEntry, found: tuple[Hypothesis, ...], markup: Markup, page: str) -> str:
    """The competing explanations, each with what would refute it."""
    rows = []
    for one in found:
        refuted = one.refuted_by
        rows.append(
            f"<li><p><strong>{markup.inline(one.statement, loaded, page)}</strong></p>\n"
            f'<p><span class="cm-label">Predicts</span> {markup.inline(one.predicts, loaded, page)}</p>\n'
            f'<p><span class="cm-label">Refuted when</span> {markup.inline(refuted.when, loaded, page)} '
            f"{chip(refuted.datasource, 'source')}</p>\n{code(refuted.query)}</li>"
        )
    return f'<ol class="cm-hypotheses">{"".join(rows)}</ol>' if rows else ""


def false_positives(loaded: LoadedEntry, pattern: Pattern, markup: Markup, page: str) -> str:
    """What looks alike and is not."""
    return items([markup.inline(text, loaded, page) for text in pattern.false_positives])


def _signal(signal: Signal) -> str:
    match signal:
        case AlertSignal():
            return f"an alert fires with {_matchers(signal.matchers)}"
        case LogSignal():
            where = f" from {_matchers(signal.matchers)}" if signal.matchers else ""
            lines = count(signal.count.gte, "log line")
            return f"at least {lines}{where} like {_code(signal.template)}"
        case MetricSignal():
            held = f" for {escape(signal.hold)}" if signal.hold != "0s" else ""
            return f"{_code(signal.promql)} {_COMPARISONS[signal.op]} {signal.value:g}{held}"
        case ChangeSignal():
            where = f" with {_matchers(signal.matchers)}" if signal.matchers else ""
            return f"a change of type {_code(signal.change)}{where} within {escape(signal.within)} before"


def _weight(match: Match, name: str) -> str:
    weight = match.weights.get(name)
    return f' <span class="cm-weight" title="weight in a partial match">{weight:.0%}</span>' if weight else ""


def _condition(text: str) -> str:
    words = _WORDS.findall(text)
    drawn = (
        f"<b>{word}</b>" if word in {"and", "or", "not"} else word if word in "()" else _name(word)
        for word in words
    )
    return " ".join(drawn).replace("( ", "(").replace(" )", ")")


def _name(name: str) -> str:
    return f'<span class="cm-signal">{escape(name)}</span>'


def _matchers(found: tuple[str, ...]) -> str:
    return " and ".join(_code(one) for one in found)


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
