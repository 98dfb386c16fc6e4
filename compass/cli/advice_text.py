"""The runbook to begin with, for people: why it is this one, where it stands, its first steps."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from compass.workflows.live.runbook import Advice

_STEPS: Final = 5


def advised(advice: Advice | None) -> Iterator[str]:
    """Lines of 80 columns, references aside, which stay whole so that they can be copied."""
    if advice is None:
        yield "Runbook: none that surely applies."
        yield ""
        return
    yield from _wrapped(f"Runbook: {advice.title}", "")
    yield from _wrapped(f"because {advice.why}", "   ")
    for citation in advice.citations:
        yield f"   cites {citation.ref}"
        yield from _wrapped(f'"{" ".join(citation.quote.split())[:160]}"', "     ")
    for step in advice.steps[:_STEPS]:
        yield from _wrapped(f"{step.id} [{step.risk}] {step.text}", "   ")
    rest = len(advice.steps) - _STEPS
    yield f"   All of it{f', with {rest} more steps' if rest > 0 else ''}: compass show {advice.id}"
    for identifier, title in advice.others[:_STEPS]:
        yield from _wrapped(f"also: {title} ({identifier})", "   ")
    yield ""


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, 80, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )
