"""Options of commands that may ask a language model, and what they lead to."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from compass.cli.context import Context
from compass.cli.render import note
from compass.investigate.session import Session
from compass.workflows.language import OffLimitsError, words

_F = TypeVar("_F", bound=Callable[..., Any])


def model_options(command: _F) -> _F:
    """`--no-llm` and what the model may cost; they arrive as `no_llm`, `budget_tokens`, `budget_usd`, `budget_seconds`."""
    for decorate in (
        click.option(
            "--budget-seconds", type=click.FloatRange(min=0), help="The most seconds to wait for the model."
        ),
        click.option(
            "--budget-usd",
            type=click.FloatRange(min=0),
            help="The most US dollars for the model; one without a known price is then not asked.",
        ),
        click.option("--budget-tokens", type=click.IntRange(min=0), help="The most tokens for the model."),
        click.option(
            "--no-llm", is_flag=True, help="Ask no language model, also where `llm.model` names one."
        ),
    ):
        command = decorate(command)
    return command


def consult(session: Session, context: Context, given: Mapping[str, Any], *, again: bool = False) -> None:
    """Take in the model that the settings name, unless `given`, the options above, say otherwise.

    `again`: it gave its ideas in an earlier run of this investigation, and is asked for none.

    What it may cost is said before it is asked; with --offline, one that is elsewhere is left out and named.
    """
    settings = context.settings
    try:
        asked = words(
            settings.llm, settings.cache, given=given, offline=context.offline, clock=time.perf_counter
        )
    except OffLimitsError as refusal:
        note(f"{refusal}; none is asked")
        return
    if asked is not None and again:
        session.take_up(asked)
    elif asked is not None:
        quiet = context.quiet or not sys.stderr.isatty()
        session.consult(asked, _silent if quiet else note)


def _silent(_message: str) -> None:
    """Progress that nobody watches."""
